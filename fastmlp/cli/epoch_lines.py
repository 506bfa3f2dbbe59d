"""Print the course of a training run line by line, where no progress bar is shown."""

from __future__ import annotations

from typing import Any

import click

from ..model.callbacks import Callback
from ..model.history import History

LINES = 40  # approximate limit on the number of lines


class EpochLines(Callback):
    """Print a heading and one line per epoch. If there are many epochs, print only every tenth, hundredth, ... of them."""

    def __init__(self, epochs: int) -> None:
        self.epochs, self.every = epochs, 1
        while epochs > LINES * self.every:
            self.every *= 10

    def on_train_begin(self, model: Any, history: History) -> None:
        """Print the heading."""
        click.echo("epoch      loss  accuracy  test loss  test accuracy   seconds")

    def on_epoch_end(self, epoch: int, model: Any, history: History) -> None:
        """Print the line of the epoch."""
        number = epoch + 1
        if number % self.every == 0 or number in (1, self.epochs):
            training = f"{history.losses[-1]:8.4f}  {history.scores[-1]:8.4f}"
            test = f"{history.validation_losses[-1]:9.4f}  {history.validation_scores[-1]:13.4f}"
            click.echo(f"{number:5d}  {training}  {test}  {sum(history.seconds):8.2f}")
