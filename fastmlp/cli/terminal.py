"""The terminal: whether there is one, a console to print on, a spinner for what takes its time."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from rich.console import Console


def is_watched() -> bool:
    """Whether a progress bar is seen: both streams go to a terminal."""  # a stream that was closed is None
    return all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stderr))


def console(**options: Any) -> Console:
    """A console of Rich, with its options, on standard output. A closed pipe is an error like any other, for `failures` to handle."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError

    return Output(**options)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A spinner, in a terminal."""
    from rich.console import Console

    if not is_watched():
        yield
        return
    with Console(stderr=True).status(what):
        yield
