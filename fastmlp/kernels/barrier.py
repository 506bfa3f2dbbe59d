"""Several threads in one kernel: a barrier that costs a fraction of a microsecond, and shares of work.

The threads are Python's, each in the same compiled call without the interpreter's lock: no threading layer of Numba's is involved, so
there is nothing to oversubscribe, to abort on concurrent use or to break after a fork.
"""

from __future__ import annotations

import sys

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .jit import kernel

SPINS = 2000  # looks at the counter before the processor is offered to others: about a microsecond
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


@kernel
def barrier(counter, threads, passed):
    """Wait until all `threads` have come here for the (passed + 1)th time; returns passed + 1."""
    passed += 1
    if threads > 1:
        arrive(counter)
        spins = 0
        while arrived(counter) < passed * threads:
            spins += 1
            if spins > SPINS:
                give_way()
    return passed


@kernel(forceinline=True)
def share(n, unit, thread, threads):
    """The part [first, last) of [0, n) that is this thread's, cut at multiples of `unit`."""
    units = (n + unit - 1) // unit
    first = units * thread // threads * unit
    last = units * (thread + 1) // threads * unit
    return min(first, n), min(last, n)
