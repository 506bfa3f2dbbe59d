"""Detect a terminal, create a console to print on, and show a spinner during long work."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from rich.console import Console


def is_watched() -> bool:
    """Return whether a progress bar is visible, that is, whether both output streams go to a terminal."""  # a closed stream is None
    return all(stream is not None and stream.isatty() for stream in (sys.stdout, sys.stderr))


def console(**options: Any) -> Console:
    """Create a Rich console on standard output. It raises BrokenPipeError for a closed pipe, which `failures` handles."""
    from rich.console import Console

    class Output(Console):
        def on_broken_pipe(self) -> NoReturn:
            raise BrokenPipeError

    return Output(**options)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """Show a spinner with a text while the block runs, if the output goes to a terminal."""
    from rich.console import Console

    if not is_watched():
        yield
        return
    with Console(stderr=True).status(what):
        yield
