"""When to stop: scikit-learn's count of epochs without an improvement."""

from __future__ import annotations

import numpy as np


class Patience:
    """Counts the epochs since the last that was better by `tol` or more.

    Attributes
    ----------
    tol, epochs : float
        What counts as better, and how many epochs without it are allowed.
    best : float
        The lowest loss so far, or the highest score if `rising`.
    count : int
    """

    tol, epochs = 0.0, np.inf

    def __init__(self, rising: bool) -> None:
        self.rising = rising
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
