"""Show a live progress bar in a terminal or a notebook."""

from __future__ import annotations

import sys

from .callbacks import Callback
from .history import History
from .trainable import Trainable


class Bar:
    """A bar on standard error with a text of its own and the time left. It is shown at once, empty.

    Parameters
    ----------
    epochs : int
        Until the bar is full.
    """

    def __init__(self, epochs: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        whole = Column(no_wrap=True)  # where 80 columns are too few, it is the bar that shrinks
        self.progress = Progress(
            MofNCompleteColumn(table_column=whole.copy()),
            BarColumn(),
            TextColumn("{task.fields[text]}"),
            TimeRemainingColumn(table_column=whole.copy()),
            console=Console(stderr=True),
        )
        self.task = self.progress.add_task("", total=epochs, text="")
        self.progress.start()

    def show(self, epochs: int, text: str) -> None:
        """Show that so many epochs are done."""
        self.progress.update(self.task, completed=epochs, text=text)

    def stop(self) -> None:
        """Leave the bar as it is."""
        self.progress.stop()


class ProgressBar(Callback):
    """A progress bar on standard error with loss, accuracy, samples per second and remaining time.

    Parameters
    ----------
    epochs : int
        Number of epochs at which the bar is full.
    n_samples : int
        Number of training samples in an epoch.
    """

    every_epoch = False

    def __init__(self, epochs: int, n_samples: int) -> None:
        self.epochs, self.n_samples = epochs, n_samples
        self.bar: Bar | None = None

    def on_train_begin(self, model: Trainable, history: History) -> None:
        """Show an empty bar."""
        self.bar = Bar(self.epochs)

    def on_epoch_end(self, epoch: int, model: Trainable, history: History) -> None:
        """Show the values of the last epoch."""
        text = f"loss {history.losses[-1]:.4f}"
        scores = [values[-1] for values in (history.scores, history.validation_scores) if values]
        if scores:  # training / validation
            text += ("  accuracy " if history.scores else "  R2 ") + " / ".join(f"{score:.3f}" for score in scores)
        text += f"  {self.n_samples / max(history.seconds[-1], 1e-9):,.0f} samples/s"
        if self.bar is not None:
            self.bar.show(epoch + 1, text)

    def on_train_end(self, model: Trainable, history: History) -> None:
        """Stop updating the bar."""
        if self.bar is not None:
            self.bar.stop()


def is_shown(wanted: bool | None) -> bool:
    """Return whether to show a progress bar.

    If `wanted` is None, a bar is shown if standard error is a terminal or if this is a notebook. Without standard error there is no bar.
    """
    stream = sys.stderr
    if stream is None or getattr(stream, "closed", False) or wanted is False:
        return False
    return wanted or "ipykernel" in sys.modules or (hasattr(stream, "isatty") and stream.isatty())
