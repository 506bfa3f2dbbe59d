"""Observe what Numba compiles, and make sure that nothing is compiled while a time is taken.

The first call of a compiled function in a process, or with new types of arguments, either compiles it, which takes seconds, or loads it
from the cache on disk, which takes milliseconds. If that call were timed, the time would include this work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from numba.core import event

COMPILES = "numba:compile"  # occurs once for each compiled function, callees included
LOCKS = "numba:compiler_lock"  # taken for compiling and for loading from the cache; calling a function in memory does not take it


class CompiledWhileTiming(RuntimeError):
    """A function was compiled, or loaded from the cache of compiled code, while its time was taken."""


class Compilations(event.Listener):
    """Record what Numba compiles and loads while this object listens.

    Attributes
    ----------
    compiled : list of str
        Names of the functions that were compiled.
    loaded : bool
        Whether anything was compiled or loaded from the cache.
    """

    def __init__(self) -> None:
        self.compiled: list[str] = []
        self.loaded = False

    def on_start(self, event: event.Event) -> None:
        """Record a compilation, or that the compiler's lock was taken."""
        if event.kind == COMPILES:
            self.compiled.append(getattr(event.data["dispatcher"], "__name__", "a loop"))
        else:
            self.loaded = True

    def on_end(self, event: event.Event) -> None:
        """Do nothing: only the beginning of an event counts."""


@contextmanager
def compilations() -> Iterator[Compilations]:
    """Listen to Numba's compiler inside a with block.

    Examples
    --------
    >>> import numba
    >>> twice = numba.njit(lambda x: 2 * x)
    >>> with compilations() as first:
    ...     result = twice(1.0)
    >>> with compilations() as second:
    ...     result = twice(1.0)
    >>> first.compiled, second.compiled, second.loaded
    (['<lambda>'], [], False)
    """
    seen = Compilations()
    with event.install_listener(COMPILES, seen), event.install_listener(LOCKS, seen):
        yield seen


@contextmanager
def timed_region(what: str) -> Iterator[Compilations]:
    """Guard a clock: what is timed inside must have been called before, with arguments of the same types and sizes.

    Parameters
    ----------
    what : str
        What is timed, for the message of the error.

    Raises
    ------
    CompiledWhileTiming
        At the end of the block, if anything was compiled or loaded from the cache in it, in whatever thread.

    Examples
    --------
    >>> import numba
    >>> with timed_region("a first call"):
    ...     result = numba.njit(lambda x: 2 * x)(1.0)
    Traceback (most recent call last):
    fastmlp.measure.compilation.CompiledWhileTiming: a first call: its time contains the compilation of <lambda>
    """
    with compilations() as seen:
        yield seen
    if seen.compiled:
        raise CompiledWhileTiming(f"{what}: its time contains the compilation of {', '.join(dict.fromkeys(seen.compiled))}")
    if seen.loaded:
        raise CompiledWhileTiming(f"{what}: its time contains the loading of compiled code from the cache")


@dataclass(frozen=True)
class FirstCall:
    """The first call of a compiled function in this process."""

    function: str
    seconds: float
    compiled: bool  # False if its machine code was in the cache or already in memory


def first_call(function: str, call: Callable[[], object]) -> FirstCall:
    """Call a function, time the call, and record whether anything was compiled for it.

    Examples
    --------
    >>> first_call("nothing", lambda: None).compiled
    False
    """
    with compilations() as seen:
        start = time.perf_counter()
        call()
        seconds = time.perf_counter() - start
    return FirstCall(function, seconds, compiled=bool(seen.compiled))
