"""What is seen of a training while it runs: a bar in a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from .. import History

LINES = 40  # about as many at most


def is_watched() -> bool:
    """Whether somebody sees a bar: both streams go to a terminal."""
    return sys.stdout.isatty() and sys.stderr.isatty()


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """A spinner, in a terminal."""
    from rich.console import Console

    if not is_watched():
        yield
        return
    with Console(stderr=True).status(what):
        yield


class EpochLines:
    """A callback of `Sequential.fit`: a line for every epoch, or every tenth, hundredth, ... of many."""

    def __init__(self, epochs: int) -> None:
        self.epochs, self.every = epochs, 1
        while epochs > LINES * self.every:
            self.every *= 10

    def __call__(self, epoch: int, model: Any, history: History) -> None:
        """Print the epoch's line; a heading before the first."""
        number = epoch + 1
        if epoch == 0:
            click.echo("epoch      loss  accuracy  test loss  test accuracy   seconds")
        if number % self.every == 0 or number in (1, self.epochs):
            training = f"{history.losses[-1]:8.4f}  {history.scores[-1]:8.4f}"
            test = f"{history.validation_losses[-1]:9.4f}  {history.validation_scores[-1]:13.4f}"
            click.echo(f"{number:5d}  {training}  {test}  {sum(history.seconds):8.2f}")
