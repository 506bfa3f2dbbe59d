"""What is printed of a training while it runs, where no bar shows it."""

from __future__ import annotations

from typing import Any

import click

from ..model.history import History

LINES = 40  # about as many at most


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
