"""The samples and learning rates of scikit-learn's epochs, as the engine asks a plan for them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..model.epochs import Plan


@dataclass
class Rate:
    """The learning rate of an epoch: scikit-learn's schedules, which look at the samples seen or at the loss, never at single steps.

    Attributes
    ----------
    now : float
        Of the next epoch.
    seen : int
        Samples trained on so far, each as often as it was.
    """

    initial: float
    power_t: float | None  # the exponent of inverse scaling; None where the rate does not follow the samples seen
    seen: int = 0
    now: float = 0.0

    def __post_init__(self) -> None:
        self.now = self.initial

    def of_epochs(self, count: int, samples: int) -> np.ndarray:
        """The rates of the next epochs (count,) of so many samples each."""
        if self.power_t is None:
            return np.full(count, self.now)
        seen = self.seen + samples * np.arange(1, count)
        return np.concatenate([[self.now], self.initial / (seen + 1) ** self.power_t])

    def epochs_end(self, count: int, samples: int) -> None:
        """Take note of epochs that were trained."""
        self.seen += count * samples
        if self.power_t is not None:
            self.now = self.initial / (self.seen + 1) ** self.power_t


@dataclass(frozen=True, kw_only=True)
class Batches(Plan):
    """A plan whose orders come from a `RandomState`, as `sklearn.utils.shuffle` makes them, and whose rates come from a `Rate`."""

    rate: Rate
    random_state: np.random.RandomState | None  # None: the samples in the order that they have
    order: np.ndarray  # (N,), of the last epoch, within `samples`; changed by `orders`
    by_step: bool  # whether the schedule, and not `rate`, says how the rate changes

    def orders(self, count: int) -> np.ndarray:
        """The samples of `count` epochs (count, N). Each epoch shuffles the order of the one before, as in scikit-learn."""
        orders = np.tile(self.samples, (count, 1))
        if self.random_state is not None:
            for epoch in range(count):
                places = np.arange(len(self.order))
                self.random_state.shuffle(places)
                self.order[:] = self.order[places]
                orders[epoch] = self.samples[self.order]
        return orders

    def rates(self, first: int, count: int) -> np.ndarray:
        """The learning rate of every step of `count` epochs, the `first` of them counted from 0."""
        if self.by_step:
            return super().rates(first, count)
        return np.repeat(self.rate.of_epochs(count, len(self.samples)), self.steps_per_epoch)
