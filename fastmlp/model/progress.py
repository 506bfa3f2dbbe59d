"""A live progress bar in a terminal or a notebook; nothing elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .history import History


class Progress:
    """No bar: what `progress_bar` gives where nobody looks."""

    def advance(self, epochs: int, history: History) -> None:
        """Hear that `epochs` more are done."""


class RichProgress(Progress):
    """A bar with loss, accuracy, samples a second and the time left."""

    def __init__(self, bar: Any, task: Any, n_samples: int) -> None:
        self.bar, self.task, self.n_samples = bar, task, n_samples

    def advance(self, epochs: int, history: History) -> None:
        """Show the last epoch."""
        text = f"loss {history.losses[-1]:.4f}"
        scores = [values[-1] for values in (history.scores, history.validation_scores) if values]
        if scores:  # in training / in validation
            text += ("  accuracy " if history.scores else "  R2 ") + " / ".join(f"{score:.3f}" for score in scores)
        text += f"  {self.n_samples / max(history.seconds[-1], 1e-9):,.0f} samples/s"
        self.bar.update(self.task, advance=epochs, text=text)


@contextlib.contextmanager
def progress_bar(wanted: bool | None, epochs: int, n_samples: int) -> Iterator[Progress]:
    """The bar for a run of that many epochs; None: if standard error is a terminal, or this is a notebook."""
    if not (wanted if wanted is not None else sys.stderr.isatty() or "ipykernel" in sys.modules):
        yield Progress()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    whole = Column(no_wrap=True)  # where 80 columns are too few, it is the bar that shrinks
    columns = (
        MofNCompleteColumn(table_column=whole.copy()),
        BarColumn(),
        TextColumn("{task.fields[text]}"),
        TimeRemainingColumn(table_column=whole.copy()),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        yield RichProgress(bar, bar.add_task("", total=epochs, text=""), n_samples)
