"""The machine's limits, measured: what a core multiplies and adds, how fast it reads each level of memory, what barriers and calls cost.

The limits of a machine are kept in a file of the user's cache folder until they are asked for anew. What a vendor publishes is not used.
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
SECONDS = 0.004  # of one timed run
BARRIERS, CALLS = 2000, 2000
LEVELS = ("L1", "L2", "L3", "memory")


@dataclass(frozen=True)
class Roof:
    """What a machine can do at most.

    Attributes
    ----------
    cpu : str
    cores : int
        That this process may use.
    peak_gflops : dict
        Of one core, by dtype: 1e9 additions and multiplications a second.
    bandwidth : dict
        1e9 bytes a second that one core reads from "L1", "L2", "L3" and "memory".
    bandwidth_all : dict
        The same of all cores together, each reading arrays of its own.
    sizes : dict
        Bytes that were read, again and again, to measure each level.
    barrier_seconds : float
        Of a barrier of two threads; 0 on a single core.
    call_seconds : float
        Of an empty compiled call from Python.
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
        """As it is kept."""
        return {"schema": SCHEMA} | asdict(self)

    def bandwidth_of(self, threads: int) -> dict[str, float]:
        """1e9 bytes a second that so many threads read: each as one core does, until all cores' is reached."""
        return {level: min(threads * one, max(one, self.bandwidth_all[level])) for level, one in self.bandwidth.items()}


def roof(anew: bool = False) -> Roof:
    """The limits of this machine: those that were measured last, or measured now.

    Parameters
    ----------
    anew : bool, default False
        Whether to measure even if there are figures of this machine and this version.

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
        with suppress(OSError):  # then it is measured again the next time
            place.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(place, json.dumps({"key": key(), "roof": found.to_dict()}, indent=1).encode())
    return found


def kept_at() -> Path:
    """The file: with the compiled code, if NUMBA_CACHE_DIR says where that is, else in the user's cache folder."""
    home = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "fastmlp" / "roof.json"


def key() -> list[str]:
    """Of which machine, held to which instructions, and by which code figures are."""
    from .machine import describe

    found = describe()
    return [found["cpu"], found["cpu_name_llvm"], str(found["vector_bits"]), str(found["cores"]), SOURCE_STAMP]


def read(place: Path) -> Roof | None:
    """Figures of this machine, if the file holds such."""
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
    """Measure, in about a second."""
    from .machine import cpu_model

    sizes = level_sizes()
    one, every = {}, {}
    for level, size in sizes.items():
        one[level], every[level] = (bandwidth(size, threads) for threads in (1, cpu_count()))
    peaks = {name: peak_gflops(np.dtype(name).type) for name in ("float32", "float64")}
    return Roof(cpu_model(), cpu_count(), peaks, one, every, sizes, barrier_seconds(), call_seconds())


def level_sizes() -> dict[str, int]:
    """How many bytes to read for each level: half of a cache, or the mean of two, so that the level before holds little of them."""
    first, second, third = (cache_size(level) for level in (1, 2, 3))
    return {"L1": first // 2, "L2": (first + second) // 2, "L3": second + min(third, 8 * second) // 4, "memory": max(4 * third, 64 << 20)}


def bandwidth(size: int, threads: int) -> float:
    """1e9 bytes a second that so many threads read together, each from `size` bytes of its own."""
    arrays = [empty(size // 4, np.float32) for _ in range(threads)]
    for array in arrays:
        array[:] = 1
    turns = 1
    together(arrays, turns)  # what is compiled, or loaded, would end the search for a long run
    while (seconds := together(arrays, turns)) < SECONDS / 2 and size * turns < 4 << 30:
        turns *= 2
    with timed_region("the bandwidth of memory"):
        seconds = min([seconds, *(together(arrays, turns) for _ in range(REPEATS))])
    return size * turns * threads / seconds / 1e9


def together(arrays: list[np.ndarray], turns: int) -> float:
    """Seconds in which each thread reads its array so many times: the longest of them, each by its own clock."""

    def part(thread: int) -> float:
        return elapsed(lambda: read_through(arrays[thread], turns))

    return part(0) if len(arrays) == 1 else max(as_team(len(arrays), part, np.zeros(1, np.uint8)))


def elapsed(call: Callable[[], Any]) -> float:
    """Seconds of a call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def barrier_seconds() -> float:
    """Of one barrier of two threads that have nothing else to do."""
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
    """Of an empty compiled call from Python."""
    nothing()

    def calls() -> None:
        for _ in range(CALLS):
            nothing()

    return min(elapsed(calls) for _ in range(REPEATS)) / CALLS
