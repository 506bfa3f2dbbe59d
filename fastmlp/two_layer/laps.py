"""Where the time of an epoch goes: laps of a clock, or nothing at all, as in `kernels.clock`.

A training that is profiled has a `Clock` in its `Record`. Others have None there: for them a lap compiles to nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from ..kernels.clock import Clock, cycles, record, record_begin
from ..kernels.jit import entry, in_compiled_code

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


def begin(clock: Clock | None) -> None:
    """Compiled: the first lap begins."""


def lap(clock: Clock | None, phase: int, amount: int) -> None:
    """Compiled: what was done since the last lap was that phase, with so many multiply-adds; of ALLOCATION, elements of new arrays."""


@in_compiled_code(begin, inline="always")
def _begin(clock: Any) -> Any:
    return (lambda clock: record_begin(clock)) if isinstance(clock, types.BaseTuple) else lambda clock: None


@in_compiled_code(lap, inline="always")
def _lap(clock: Any, phase: Any, amount: Any) -> Any:
    if isinstance(clock, types.BaseTuple):
        return lambda clock, phase, amount: record(clock, phase, 0, amount)
    return lambda clock, phase, amount: None


@entry(allocates=False)
def nothing_but_laps(clock, turns):  # type: ignore[no-untyped-def]
    """Cycles that so many laps take which have nothing between them."""
    begin(clock)
    began = cycles()
    for _ in range(turns):
        lap(clock, BOOKKEEPING, 0)
    return cycles() - began
