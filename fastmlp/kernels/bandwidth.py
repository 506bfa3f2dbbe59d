"""Kernels that measure other limits: how fast one core reads memory, what a barrier costs, and what an empty call costs."""

from __future__ import annotations

from .access import load, width
from .barrier import barrier
from .jit import entry
from .vectors import splat, sum_lanes


@entry(allocates=False)
def read_through(a, turns):
    """Read every whole group of eight vectors of a `turns` times. Return the sum, so that no load can be optimised away. a : flat."""
    V, zero = width(a), splat(a.dtype.type(0))
    s0, s1, s2, s3, s4, s5, s6, s7 = zero, zero, zero, zero, zero, zero, zero, zero
    for _ in range(turns):
        for i in range(0, a.size - 8 * V + 1, 8 * V):
            s0, s1, s2, s3 = s0 + load(a, i), s1 + load(a, i + V), s2 + load(a, i + 2 * V), s3 + load(a, i + 3 * V)
            s4, s5, s6, s7 = s4 + load(a, i + 4 * V), s5 + load(a, i + 5 * V), s6 + load(a, i + 6 * V), s7 + load(a, i + 7 * V)
    return sum_lanes(((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)))


@entry(allocates=False)
def pass_barriers(team, times):
    """Pass a barrier `times` times in a row."""
    for _ in range(times):
        barrier(team)


@entry(allocates=False)
def nothing():
    """Do nothing: the time of this call is what any call from Python costs."""
    return 0
