"""Measure the limits of the machine: the peak of one core, the bandwidth of each level of memory, the cost of barriers and of calls.

The result is kept in a file in the user's cache folder until it is measured again. Figures that a vendor publishes are not used.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.memory import empty
from ..engine.threads import as_team, cpu_count
from ..files.atomic import write_atomically
from ..kernels.bandwidth import nothing, pass_barriers, read_through
from ..kernels.barrier import Team
from ..kernels.caches import cache_size
from ..kernels.jit import SOURCE_STAMP
from .compilation import timed_region
from .peak import peak_gflops

SCHEMA = "fastmlp.roof/1"
REPEATS = 7
SECONDS = 0.004  # duration of one timed run
BARRIERS, CALLS = 2000, 2000
LEVELS = ("L1", "L2", "L3", "memory")


@dataclass(frozen=True)
class Roof:
    """The measured limits of a machine, which are the roofs of a roofline model.

    Attributes
    ----------
    cpu : str
    cores : int
        Cores that this process may use.
    peak_gflops : dict
        Peak of one core by dtype, in 1e9 additions and multiplications per second.
    bandwidth : dict
        Bandwidth at which one core reads from "L1", "L2", "L3" and "memory", in 1e9 bytes per second.
    bandwidth_all : dict
        Bandwidth of all cores together, each of which reads arrays of its own.
    sizes : dict
        Bytes that were read repeatedly to measure each level.
    barrier_seconds : float
        Seconds that a barrier of two threads takes; 0 on a single core.
    call_seconds : float
        Seconds that a call of an empty compiled function from Python takes.
    """

    cpu: str
    cores: int
    peak_gflops: dict[str, float]
    bandwidth: dict[str, float]
    bandwidth_all: dict[str, float]
    sizes: dict[str, int]
    barrier_seconds: float
    call_seconds: float

    def to_dict(self) -> dict[str, Any]:
        """Return the limits as they are stored in the file."""
        return {"schema": SCHEMA} | asdict(self)

    def bandwidth_of(self, threads: int) -> dict[str, float]:
        """Return the bandwidth of `threads` threads, in 1e9 bytes per second: `threads` times one core's, at most that of all cores."""
        return {level: min(threads * one, max(one, self.bandwidth_all[level])) for level, one in self.bandwidth.items()}


def roof(anew: bool = False) -> Roof:
    """Return the limits of this machine: the stored ones, or new ones if nothing valid is stored.

    Parameters
    ----------
    anew : bool, default False
        Whether to measure again even if there are stored figures of this machine and this version.

    Examples
    --------
    >>> found = roof()
    >>> sorted(found.bandwidth) == ["L1", "L2", "L3", "memory"], found.peak_gflops["float32"] > 0
    (True, True)
    """
    place = kept_at()
    found = None if anew else read(place)
    if found is None:
        found = measured()
        with suppress(OSError):  # without a file, the next call measures again
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(place, json.dumps({"key": key(), "roof": found.to_dict()}, indent=1).encode())
    return found


def kept_at() -> Path:
    """Return the path of the file: beside the compiled code if NUMBA_CACHE_DIR is set, otherwise in the user's cache folder."""
    home = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "fastmlp" / "roof.json"


def key() -> list[str]:
    """Return what stored figures depend on: the machine, the instructions that it is restricted to, and the version of the code."""
    from .machine import describe

    found = describe()
    return [found["cpu"], found["cpu_name_llvm"], str(found["vector_bits"]), str(found["cores"]), SOURCE_STAMP]


def read(place: Path) -> Roof | None:
    """Read the figures of this machine from the file; None if the file has none or is damaged."""
    try:
        kept = json.loads(place.read_text(encoding="utf-8"))
        if kept["key"] != key() or kept["roof"].pop("schema") != SCHEMA:
            return None
        found = Roof(**kept["roof"])
        complete = all(set(part) == set(LEVELS) for part in (found.bandwidth, found.bandwidth_all))
        return found if complete and min(found.peak_gflops.values()) > 0 else None
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def measured() -> Roof:
    """Measure the limits, which takes about a second."""
    from .machine import cpu_model

    sizes = level_sizes()
    one, every = {}, {}
    for level, size in sizes.items():
        one[level], every[level] = (bandwidth(size, threads) for threads in (1, cpu_count()))
    peaks = {name: peak_gflops(np.dtype(name).type) for name in ("float32", "float64")}
    return Roof(cpu_model(), cpu_count(), peaks, one, every, sizes, barrier_seconds(), call_seconds())


def level_sizes() -> dict[str, int]:
    """Return how many bytes to read for each level: half a cache, or the mean of two, so that the level before it holds little of them."""
    first, second, third = (cache_size(level) for level in (1, 2, 3))
    return {"L1": first // 2, "L2": (first + second) // 2, "L3": second + min(third, 8 * second) // 4, "memory": max(4 * third, 64 << 20)}


def bandwidth(size: int, threads: int) -> float:
    """Measure the bandwidth of `threads` threads together, in 1e9 bytes per second; each reads `size` bytes of its own."""
    arrays = [empty(size // 4, np.float32) for _ in range(threads)]
    for array in arrays:
        array[:] = 1
    turns = 1
    together(arrays, turns)  # a first call, which compiles or loads code, would end the search for a long enough run
    while (seconds := together(arrays, turns)) < SECONDS / 2 and size * turns < 4 << 30:
        turns *= 2
    with timed_region("the bandwidth of memory"):
        seconds = min([seconds, *(together(arrays, turns) for _ in range(REPEATS))])
    return size * turns * threads / seconds / 1e9


def together(arrays: list[np.ndarray], turns: int) -> float:
    """Read each array `turns` times in a thread of its own; return the seconds of the slowest thread, each by its own clock."""

    def part(thread: int) -> float:
        return elapsed(lambda: read_through(arrays[thread], turns))

    return part(0) if len(arrays) == 1 else max(as_team(len(arrays), part, np.zeros(1, np.uint8)))


def elapsed(call: Callable[[], Any]) -> float:
    """Time one call in seconds."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def barrier_seconds() -> float:
    """Time one barrier of two threads that have nothing else to do, in seconds."""
    threads = min(2, cpu_count())
    if threads == 1:
        return 0.0

    def run() -> float:
        arrivals, passed, stop = np.zeros(1, np.int64), np.zeros((threads, 8), np.int64), np.zeros(1, np.uint8)
        return min(
            as_team(threads, lambda thread: elapsed(lambda: pass_barriers(Team(thread, threads, arrivals, passed, stop), BARRIERS)), stop)
        )

    run()
    return min(run() for _ in range(REPEATS)) / BARRIERS


def call_seconds() -> float:
    """Time the call of an empty compiled function from Python, in seconds."""
    nothing()

    def calls() -> None:
        for _ in range(CALLS):
            nothing()

    return min(elapsed(calls) for _ in range(REPEATS)) / CALLS
