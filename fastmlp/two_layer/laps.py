"""Measure how long each phase of an epoch takes, by the laps of a clock as in `kernels.clock`.

A training run that is profiled has a `Clock` in its `Record`. Other runs have None there, and for them a lap compiles to no instruction.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from ..kernels.clock import Clock, cycles, record
from ..kernels.jit import entry, kernel

PHASES = (
    "allocation", "layout", "X w1", "sigmoid", "sigmoid(X w1)", "act_hidden w2", "residual", "act_hidden w2 - y", "dL_dw2",
    "residual w2'", "sigmoid_", "da_dh", "dL_dw1", "both slopes", "slopes, update", "division by N", "update", "bookkeeping",
)  # fmt: skip
(
    ALLOCATION, LAYOUT, HIDDEN, SIGMOID, HIDDEN_LAYER, OUTPUT, RESIDUAL, OUTPUT_RESIDUAL, SLOPE2,
    DELTA, SIGMOID_SLOPE, HIDDEN_DELTA, SLOPE1, SLOPES, SLOPES_UPDATE, DIVISION, UPDATE, BOOKKEEPING,
) = range(len(PHASES))  # fmt: skip
# Phases in which `fused` does in one pass what the source document does in several steps: phase -> steps.
PARTS = {
    HIDDEN_LAYER: (HIDDEN, SIGMOID),
    OUTPUT_RESIDUAL: (OUTPUT, RESIDUAL),
    HIDDEN_DELTA: (DELTA, SIGMOID_SLOPE),
    SLOPES: (SLOPE2, DELTA, SIGMOID_SLOPE, SLOPE1, DIVISION),
    SLOPES_UPDATE: (SLOPE2, DELTA, SIGMOID_SLOPE, SLOPE1, DIVISION, UPDATE),
}


def clock() -> Clock:
    """Return a new clock whose counts are all zero."""
    cycles, laps, amounts = (np.zeros((len(PHASES), 1), np.int64) for _ in range(3))
    last, recorded, wall = (np.zeros(1, np.int64) for _ in range(3))
    return Clock(cycles, laps, amounts, last, np.zeros((0, 4), np.int64), recorded, wall)


@kernel
def record_begin(clock):  # type: ignore[no-untyped-def]
    """Start the first lap."""
    clock.last[0] = cycles()


@kernel
def record_lap(clock, phase, amount):  # type: ignore[no-untyped-def]
    """End the present lap, and record it under that phase and amount of work."""
    record(clock, phase, 0, amount)


def _if_profiled(function: Any, *arguments: Any) -> tuple[Any, Any]:
    """Give an intrinsic its signature and code: a call of the function if the first argument is a clock, otherwise no instruction.

    An empty function in the place of no instruction would not do, because Numba then counts the references of the surrounding arrays
    differently.
    """

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if isinstance(sig.args[0], types.BaseTuple):
            context.compile_internal(builder, function, sig, args)
        return context.get_dummy_value()

    return types.void(*arguments), codegen


@intrinsic
def begin(typingctx, clock):  # type: ignore[no-untyped-def]
    """Start the first lap if there is a clock."""
    return _if_profiled(lambda clock: record_begin(clock), clock)


@intrinsic
def lap(typingctx, clock, phase, amount):  # type: ignore[no-untyped-def]
    """End a lap if there is a clock: the work since the last lap belongs to `phase`.

    `amount` counts multiply-adds; for ALLOCATION it counts the elements of the new arrays.
    """
    return _if_profiled(lambda clock, phase, amount: record_lap(clock, phase, amount), clock, phase, amount)


@entry(allocates=False)
def nothing_but_laps(clock, turns):  # type: ignore[no-untyped-def]
    """Return the CPU cycles that `turns` empty laps take, to measure the cost of the laps themselves."""
    begin(clock)
    began = cycles()
    for _ in range(turns):
        lap(clock, BOOKKEEPING, 0)
    return cycles() - began
