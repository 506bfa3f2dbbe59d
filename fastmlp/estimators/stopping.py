"""When to stop: scikit-learn's count of epochs without an improvement."""

from __future__ import annotations

import numpy as np


class Patience:
    """Counts epochs in a row without an improvement of more than `tol`.

    Attributes
    ----------
    best : float
        The lowest loss so far, or the highest score if `rising`.
    count : int
    """

    def __init__(self, tol: float, epochs: float, rising: bool) -> None:
        self.tol, self.epochs, self.rising = tol, epochs, rising
        self.best, self.count = -np.inf if rising else np.inf, 0

    def note(self, value: float) -> bool:
        """Take note of an epoch's loss or score. Returns whether it is the best so far."""
        improved = value >= self.best + self.tol if self.rising else value <= self.best - self.tol
        self.count = 0 if improved else self.count + 1
        is_best = value > self.best if self.rising else value < self.best
        self.best = value if is_best else self.best
        return is_best

    @property
    def is_over(self) -> bool:
        """Whether more epochs have passed than were allowed."""
        return self.count > self.epochs

    @property
    def epochs_left(self) -> float:
        """The fewest epochs after which it may be over: so many can be trained without looking."""
        return max(1, self.epochs + 1 - self.count)
