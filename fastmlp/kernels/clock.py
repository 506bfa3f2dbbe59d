"""Clocks that measure where the time of a step goes, in laps, one clock for each thread.

The team of a thread that is profiled holds a `Clock`. Otherwise it holds None, and a lap compiles to no code at all. `begin`, `lap` and
the other functions that end a lap act only in compiled code.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any, NamedTuple, TypeVar

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from .jit import entry, in_compiled_code, kernel
from .tile import MR
from .vectors import call_intrinsic

Returned = TypeVar("Returned")

PHASES = (
    "call", "gather", "targets", "zeros", "product", "sum of halves", "activation", "dropout", "loss", "layout", "delta", "update",
    "biases", "clipping", "optimizer", "barrier", "bookkeeping", "validation",
)  # fmt: skip
(
    CALL, GATHER, TARGETS, ZEROS, PRODUCT, SUM_OF_HALVES, ACTIVATION, DROPOUT, LOSS, LAYOUT, DELTA, UPDATE,
    BIASES, CLIPPING, OPTIMIZER, BARRIER, BOOKKEEPING, VALIDATION,
) = range(len(PHASES))  # fmt: skip


class Clock(NamedTuple):
    """The clock of one thread. All arrays are int64. Every phase belongs to a layer; layer 0 is the input."""

    cycles: np.ndarray  # (phases, layers + 1): cycles spent in each phase
    laps: np.ndarray  # (phases, layers + 1): how many times each phase ended
    amounts: np.ndarray  # (phases, layers + 1): multiply-adds of products, without those that were skipped
    last: np.ndarray  # (1,): the counter when the last lap ended
    events: np.ndarray  # (capacity, 4): phase, layer, begin and end of each of the first laps
    recorded: np.ndarray  # (1,): the number of laps in `events`
    wall: np.ndarray  # (1,): nanoseconds of the compiled calls by Python's clock, which Python fills in


def clock(layers: int, capacity: int = 0) -> Clock:
    """Return a clock at zero, for a network of `layers` layers, that records the first `capacity` laps one by one."""
    cycles, laps, amounts = (np.zeros((len(PHASES), layers + 1), np.int64) for _ in range(3))
    last, recorded, wall = (np.zeros(1, np.int64) for _ in range(3))
    return Clock(cycles, laps, amounts, last, np.zeros((capacity, 4), np.int64), recorded, wall)


def timed(clock: Clock | None, call: Callable[[], Returned]) -> Returned:
    """Make a compiled call and return its result. If the thread is profiled, its first lap begins and its last one ends here, in Python."""
    if clock is None:
        return call()
    began, clock.last[0] = now()
    returned = call()
    ended, last = now()
    clock.wall[0] += ended - began
    clock.cycles[CALL, 0] += last - clock.last[0]
    return returned


def now() -> tuple[int, int]:
    """Return Python's clock, in nanoseconds, and the cycle counter at the same moment.

    This is the closest of three pairs of readings, since the thread may be suspended between the two.
    """
    readings = []
    for _ in range(3):
        nanoseconds, counter = perf_counter_ns(), read_cycles()
        readings.append((perf_counter_ns() - nanoseconds, nanoseconds, counter))
    return min(readings)[1:]


@intrinsic
def cycles(typingctx):
    """Read the CPU's cycle counter or, where programs cannot read one, the system's monotonic clock in nanoseconds."""

    def codegen(context, builder, sig, args):
        triple, _, _ = cpu_target.target_context.codegen().magic_tuple()
        int64 = ir.IntType(64)
        if triple.startswith(("x86_64", "i686")):
            return call_intrinsic(builder, "llvm.readcyclecounter", int64, [])
        time = cgutils.alloca_once(builder, ir.ArrayType(int64, 2))
        monotonic = ir.IntType(32)(6 if sys.platform == "darwin" else 1)
        call_intrinsic(builder, "clock_gettime", ir.IntType(32), [monotonic, time])
        seconds, nanoseconds = (builder.load(builder.gep(time, [int64(0), int64(place)])) for place in range(2))
        return builder.add(builder.mul(seconds, int64(1_000_000_000)), nanoseconds)

    return types.int64(), codegen


@entry(allocates=False)
def read_cycles():
    """Return the counter to Python."""
    return cycles()


def _has_clock(team: Any) -> bool:
    return not isinstance(team.types[team.fields.index("clock")], types.NoneType)


def begin(team: Any) -> None:
    """End the first lap, in which a compiled call unpacked its arguments."""


def lap(team: Any, phase: int, layer: int, amount: int) -> None:
    """End a lap: the time since the last one belongs to this phase of this layer, with `amount` multiply-adds."""


def lap_of_tiles(team: Any, layer: int, rows: Any, samples: Any, columns: int) -> None:
    """End the lap of an update whose tiles have these rows, samples (terms) and columns."""


def lap_of_rows(team: Any, net: Any, layer: int, inputs: Any, samples: int) -> None:
    """End the lap of predicting x[layer] for `samples` samples from these inputs of the first layer."""


@kernel
def record(clock, phase, layer, amount):
    """Record the lap that ends now."""
    now = cycles()
    clock.cycles[phase, layer] += now - clock.last[0]
    clock.laps[phase, layer] += 1
    clock.amounts[phase, layer] += amount
    place = clock.recorded[0]
    if place < len(clock.events):
        event = clock.events[place]
        event[0], event[1], event[2], event[3] = phase, layer, clock.last[0], now
        clock.recorded[0] = place + 1
    clock.last[0] = now


@kernel
def record_tiles(clock, layer, rows, samples, columns):
    """Record the lap of an update, as `lap_of_tiles` describes it."""
    amount = (rows.last - rows.first) * (samples.last - samples.first) * columns
    if samples.step > 0:
        amount = 0
        for m in range(rows.first, rows.last, MR):
            amount += min(MR, rows.last - m) * samples.counts[m // MR] * columns
    record(clock, UPDATE, layer, amount)


@kernel
def record_rows(clock, net, layer, inputs, samples):
    """Record the lap of a prediction, as `lap_of_rows` describes it."""
    used = inputs.last - inputs.first
    amount = 0
    for l in range(layer):
        amount += used * net.sizes[l + 1] * samples
        used = net.sizes[l + 1]
    record(clock, VALIDATION, 0, amount)


@in_compiled_code(begin, inline="always")
def _begin(team):
    return (lambda team: record(team.clock, CALL, 0, 0)) if _has_clock(team) else lambda team: None


@in_compiled_code(lap, inline="always")
def _lap(team, phase, layer, amount):
    if _has_clock(team):
        return lambda team, phase, layer, amount: record(team.clock, phase, layer, amount)
    return lambda team, phase, layer, amount: None


@in_compiled_code(lap_of_tiles, inline="always")
def _lap_of_tiles(team, layer, rows, samples, columns):
    if _has_clock(team):
        return lambda team, layer, rows, samples, columns: record_tiles(team.clock, layer, rows, samples, columns)
    return lambda team, layer, rows, samples, columns: None


@in_compiled_code(lap_of_rows, inline="always")
def _lap_of_rows(team, net, layer, inputs, samples):
    if _has_clock(team):
        return lambda team, net, layer, inputs, samples: record_rows(team.clock, net, layer, inputs, samples)
    return lambda team, net, layer, inputs, samples: None
