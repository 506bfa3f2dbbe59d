"""Where the time of an epoch goes: laps of a clock, or nothing at all, as in `kernels.clock`.

A training that is profiled has a `Clock` in its `Record`. Others have None there: for them a lap compiles to nothing.
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
# Where `fused` does at once what the document does in parts: whole -> parts.
PARTS = {
    HIDDEN_LAYER: (HIDDEN, SIGMOID),
    OUTPUT_RESIDUAL: (OUTPUT, RESIDUAL),
    HIDDEN_DELTA: (DELTA, SIGMOID_SLOPE),
    SLOPES: (SLOPE2, DELTA, SIGMOID_SLOPE, SLOPE1, DIVISION),
    SLOPES_UPDATE: (SLOPE2, DELTA, SIGMOID_SLOPE, SLOPE1, DIVISION, UPDATE),
}


def clock() -> Clock:
    """One at zero."""
    cycles, laps, amounts = (np.zeros((len(PHASES), 1), np.int64) for _ in range(3))
    last, recorded, wall = (np.zeros(1, np.int64) for _ in range(3))
    return Clock(cycles, laps, amounts, last, np.zeros((0, 4), np.int64), recorded, wall)


@kernel
def record_begin(clock):  # type: ignore[no-untyped-def]
    """From here on."""
    clock.last[0] = cycles()


@kernel
def record_lap(clock, phase, amount):  # type: ignore[no-untyped-def]
    """The lap that ends now."""
    record(clock, phase, 0, amount)


def _if_profiled(function: Any, *arguments: Any) -> tuple[Any, Any]:
    """What an intrinsic is: a call of the function if the first argument is a clock, else no instruction at all.

    A function that does nothing would not do: Numba counts the references of the arrays around a call in another way.
    """

    def codegen(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        if isinstance(sig.args[0], types.BaseTuple):
            context.compile_internal(builder, function, sig, args)
        return context.get_dummy_value()

    return types.void(*arguments), codegen


@intrinsic
def begin(typingctx, clock):  # type: ignore[no-untyped-def]
    """The first lap begins."""
    return _if_profiled(lambda clock: record_begin(clock), clock)


@intrinsic
def lap(typingctx, clock, phase, amount):  # type: ignore[no-untyped-def]
    """What was done since the last lap was that phase, with so many multiply-adds; of ALLOCATION, elements of new arrays."""
    return _if_profiled(lambda clock, phase, amount: record_lap(clock, phase, amount), clock, phase, amount)


@entry(allocates=False)
def nothing_but_laps(clock, turns):  # type: ignore[no-untyped-def]
    """Cycles that so many laps take which have nothing between them."""
    begin(clock)
    began = cycles()
    for _ in range(turns):
        lap(clock, BOOKKEEPING, 0)
    return cycles() - began
