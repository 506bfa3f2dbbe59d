"""Several threads in one kernel: a barrier that costs a fraction of a microsecond, and shares of work.

The threads are Python's, each in the same compiled call without the interpreter's lock: no threading layer of Numba's is involved, so
there is nothing to oversubscribe, to abort on concurrent use or to break after a fork.
"""

from __future__ import annotations

import sys
from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .access import peek
from .clock import BARRIER, Clock, lap
from .jit import kernel

SPINS = 2000  # looks at the counter before the processor is offered to others: about a microsecond
STOPPED, ABANDONED = 1, 2  # of Team.stop: somebody asked for an end; a member is missing and will never come to a barrier
YIELD = "SwitchToThread" if sys.platform == "win32" else "sched_yield"


@intrinsic
def arrive(typingctx, counter):
    """Add one to counter[0], visibly to all threads. counter : (1,) int64."""

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        builder.atomic_rmw("add", data, ir.IntType(64)(1), "acq_rel")
        return context.get_dummy_value()

    return types.void(counter), codegen


@intrinsic
def arrived(typingctx, counter):
    """counter[0], read anew; what other threads wrote before they arrived is visible from here on."""

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.load_atomic(data, "acquire", 8)

    return types.int64(counter), codegen


@intrinsic
def give_way(typingctx):
    """Let another thread have the processor."""

    def codegen(context, builder, sig, args):
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.IntType(32), []), YIELD)
        builder.call(function, [])
        return context.get_dummy_value()

    return types.void(), codegen


class Team(NamedTuple):
    """One thread's place in a team. All members are given the same arrays."""

    thread: int
    threads: int
    arrivals: np.ndarray  # (1,) int64: how often a thread has come to a barrier
    passed: np.ndarray  # (threads, 8) int64: how many barriers each has passed, in a cache line of its own
    stop: np.ndarray  # (1,) uint8: non-zero ends the work at its next batch; ABANDONED opens all barriers
    clock: Clock | None = None  # of this thread, if it is profiled


@kernel
def barrier(team):
    """Wait until every thread of the team has come here as often as this one, or the team is abandoned."""
    team.passed[team.thread, 0] += 1
    if team.threads > 1:
        awaited = team.passed[team.thread, 0] * team.threads
        arrive(team.arrivals)
        spins = 0
        while arrived(team.arrivals) < awaited and peek(team.stop) != ABANDONED:
            spins += 1
            if spins > SPINS:
                give_way()
    lap(team, BARRIER, 0, 0)


@kernel(inline="always")
def share(n, unit, team):
    """The part [first, last) of [0, n) that is this thread's, cut at multiples of `unit`."""
    units = (n + unit - 1) // unit
    first = units * team.thread // team.threads * unit
    last = units * (team.thread + 1) // team.threads * unit
    return min(first, n), min(last, n)
