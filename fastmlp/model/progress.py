"""A live progress bar in a terminal or a notebook; nothing elsewhere."""

from __future__ import annotations

import sys
from typing import Any

from .callbacks import Callback
from .history import History
from .trainable import Trainable


class ProgressBar(Callback):
    """A bar on standard error with loss, accuracy, samples per second and the time left.

    Parameters
    ----------
    epochs : int
        Until the bar is full.
    n_samples : int
        Samples that an epoch trains on.
    """

    every_epoch = False

    def __init__(self, epochs: int, n_samples: int) -> None:
        self.epochs, self.n_samples = epochs, n_samples
        self.bar: Any = None

    def on_train_begin(self, model: Trainable, history: History) -> None:
        """Show an empty bar."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        whole = Column(no_wrap=True)  # where 80 columns are too few, it is the bar that shrinks
        self.bar = Progress(
            MofNCompleteColumn(table_column=whole.copy()),
            BarColumn(),
            TextColumn("{task.fields[text]}"),
            TimeRemainingColumn(table_column=whole.copy()),
            console=Console(stderr=True),
        )
        self.task = self.bar.add_task("", total=self.epochs, text="")
        self.bar.start()

    def on_epoch_end(self, epoch: int, model: Trainable, history: History) -> None:
        """Show the last epoch."""
        text = f"loss {history.losses[-1]:.4f}"
        scores = [values[-1] for values in (history.scores, history.validation_scores) if values]
        if scores:  # in training / in validation
            text += ("  accuracy " if history.scores else "  R2 ") + " / ".join(f"{score:.3f}" for score in scores)
        text += f"  {self.n_samples / max(history.seconds[-1], 1e-9):,.0f} samples/s"
        self.bar.update(self.task, completed=epoch + 1, text=text)

    def on_train_end(self, model: Trainable, history: History) -> None:
        """Leave the bar as it is."""
        self.bar.stop()


def is_shown(wanted: bool | None) -> bool:
    """Whether there is to be a bar; None: if standard error is a terminal, or this is a notebook. None either without standard error."""
    stream = sys.stderr
    if stream is None or getattr(stream, "closed", False) or wanted is False:
        return False
    return wanted or "ipykernel" in sys.modules or (hasattr(stream, "isatty") and stream.isatty())
