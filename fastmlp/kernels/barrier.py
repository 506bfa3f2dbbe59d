"""Several threads in one kernel: a barrier that costs a fraction of a microsecond, and the division of work among threads.

The threads are Python threads, all in the same compiled call, which releases the interpreter's lock. They use none of Numba's threading
layers, which can oversubscribe the cores, abort when used concurrently, or break after a fork.
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

SPINS = 2000  # polls of the counter before the thread yields the processor: about a microsecond
STOPPED, ABANDONED = 1, 2  # values of Team.stop: the work is to end; a member is missing and will never reach a barrier
YIELD = "SwitchToThread" if sys.platform == "win32" else "sched_yield"


@intrinsic
def arrive(typingctx, counter):
    """Add one to counter[0] atomically. counter : (1,) int64."""

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        builder.atomic_rmw("add", data, ir.IntType(64)(1), "acq_rel")
        return context.get_dummy_value()

    return types.void(counter), codegen


@intrinsic
def arrived(typingctx, counter):
    """Read counter[0] from memory; from here on, this thread sees what other threads wrote before they arrived."""

    def codegen(context, builder, sig, args):
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return builder.load_atomic(data, "acquire", 8)

    return types.int64(counter), codegen


@intrinsic
def give_way(typingctx):
    """Yield the processor to another thread."""

    def codegen(context, builder, sig, args):
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(ir.IntType(32), []), YIELD)
        builder.call(function, [])
        return context.get_dummy_value()

    return types.void(), codegen


class Team(NamedTuple):
    """One thread's view of its team. The arrays are the same for all members."""

    thread: int
    threads: int
    arrivals: np.ndarray  # (1,) int64: how many times any thread has arrived at a barrier
    passed: np.ndarray  # (threads, 8) int64: how many barriers each thread has entered, one cache line per thread
    stop: np.ndarray  # (1,) uint8: non-zero ends the work at the next batch; ABANDONED also opens all barriers
    clock: Clock | None = None  # of this thread, if it is profiled


@kernel
def barrier(team):
    """Wait until every thread of the team has arrived as many times as this one, or the team is abandoned."""
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
    """Return this thread's part [first, last) of [0, n), cut at multiples of `unit`."""
    units = (n + unit - 1) // unit
    first = units * team.thread // team.threads * unit
    last = units * (team.thread + 1) // team.threads * unit
    return min(first, n), min(last, n)
