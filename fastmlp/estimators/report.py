"""What `verbose=True` shows of a training: a progress bar in a terminal or a notebook, elsewhere scikit-learn's lines."""

from __future__ import annotations

from ..model.progress import Bar, is_shown


class Report:
    """Shows the epochs of a training, or the iterations of L-BFGS.

    Parameters
    ----------
    verbose : bool
        Whether to show anything.
    epochs : int
        Until the bar is full. A single epoch, as of `partial_fit`, has a line and no bar.
    """

    def __init__(self, verbose: bool, epochs: int) -> None:
        self.verbose, self.epochs = verbose, epochs
        self.has_bar = verbose and epochs > 1 and is_shown(None)
        self.bar: Bar | None = None  # from the first epoch on

    def epoch(self, number: int, loss: float, score: float | None) -> None:
        """Show an epoch, counted from 1, with its loss and perhaps the score on the validation data."""
        if self.has_bar:
            self.bar = self.bar or Bar(self.epochs)
            self.bar.show(number, f"loss {loss:.4f}" + ("" if score is None else f"  validation score {score:.4f}"))
        elif self.verbose:
            print(f"Iteration {number}, loss = {loss:.8f}")
            if score is not None:
                print(f"Validation score: {score:f}")

    def say(self, text: str) -> None:
        """Show a line of text."""
        if self.verbose:
            print(text)

    def end(self) -> None:
        """Leave the bar as it is."""
        if self.bar is not None:
            self.bar.stop()
