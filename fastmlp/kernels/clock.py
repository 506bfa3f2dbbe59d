"""Where the time of a step goes: laps of each thread's own clock, or nothing at all.

A thread that is profiled has a `Clock` in its team. Others have None there: for them a lap compiles to nothing.
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
    """One thread's. All arrays int64; a phase belongs to a layer, 0 being the input."""

    cycles: np.ndarray  # (phases, layers + 1): what each took
    laps: np.ndarray  # (phases, layers + 1): how often it ended
    amounts: np.ndarray  # (phases, layers + 1): multiply-adds of products, without those that were skipped
    last: np.ndarray  # (1,): when the last lap ended
    events: np.ndarray  # (capacity, 4): phase, layer, begin and end of the first laps
    recorded: np.ndarray  # (1,): how many of those there are
    wall: np.ndarray  # (1,): nanoseconds of the compiled calls by Python's clock, which Python fills in


def clock(layers: int, capacity: int = 0) -> Clock:
    """One at zero, for a network of so many layers, which remembers the first `capacity` laps one by one."""
    cycles, laps, amounts = (np.zeros((len(PHASES), layers + 1), np.int64) for _ in range(3))
    last, recorded, wall = (np.zeros(1, np.int64) for _ in range(3))
    return Clock(cycles, laps, amounts, last, np.zeros((capacity, 4), np.int64), recorded, wall)


def timed(clock: Clock | None, call: Callable[[], Returned]) -> Returned:
    """What a compiled call returns; if its thread is profiled, its first lap begins and its last one ends here, in Python."""
    if clock is None:
        return call()
    began, clock.last[0] = now()
    returned = call()
    ended, last = now()
    clock.wall[0] += ended - began
    clock.cycles[CALL, 0] += last - clock.last[0]
    return returned


def now() -> tuple[int, int]:
    """Python's clock, in nanoseconds, and the counter at one moment: the closest of three readings, as threads may wait in between."""
    readings = []
    for _ in range(3):
        nanoseconds, counter = perf_counter_ns(), read_cycles()
        readings.append((perf_counter_ns() - nanoseconds, nanoseconds, counter))
    return min(readings)[1:]


@intrinsic
def cycles(typingctx):
    """The CPU's cycle counter; where it has none that programs may read, nanoseconds of the system's monotonic clock."""

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
    """The counter, for Python."""
    return cycles()


def _has_clock(team: Any) -> bool:
    return not isinstance(team.types[team.fields.index("clock")], types.NoneType)


def begin(team: Any) -> None:
    """Compiled: the call has begun; unpacking its arguments was the first lap."""


def lap(team: Any, phase: int, layer: int, amount: int) -> None:
    """Compiled: what this thread did since its last lap was that phase of that layer, with so many multiply-adds."""


def lap_of_tiles(team: Any, layer: int, rows: Any, samples: Any, columns: int) -> None:
    """Compiled: as `lap`, of an update whose tiles had those rows, samples (terms) and columns."""


def lap_of_rows(team: Any, net: Any, layer: int, inputs: Any, samples: int) -> None:
    """Compiled: as `lap`, of the prediction of so many samples up to x[layer], from those inputs of the first layer."""


@kernel
def record(clock, phase, layer, amount):
    """The lap that ends now."""
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
    """The same, of an update."""
    amount = (rows.last - rows.first) * (samples.last - samples.first) * columns
    if samples.step > 0:
        amount = 0
        for m in range(rows.first, rows.last, MR):
            amount += min(MR, rows.last - m) * samples.counts[m // MR] * columns
    record(clock, UPDATE, layer, amount)


@kernel
def record_rows(clock, net, layer, inputs, samples):
    """The same, of a prediction."""
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
