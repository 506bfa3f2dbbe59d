"""Run epochs as compiled calls: choose the order of the samples, the rates and the threads, and recover from a divergence."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..engine.cost import forward_operations
from ..engine.run import Run, Snapshot, no_totals
from ..engine.threads import choose_threads
from .data import Data
from .schedules import Schedule, checked_factors

# Unless the caller fixed the number of threads, one epoch in TRIAL_EPOCHS begins with a trial of both numbers of threads, each on
CALL_SECONDS = 0.1  # duration of the epochs that share one compiled call, if nothing has to happen between them
MOST_AT_ONCE = 256  # epochs per compiled call; the sample orders of all of them are in memory at once
# 1 / TRIAL_SHARE of its batches.
TRIAL_EPOCHS, TRIAL_SHARE = 8, 24


@dataclass(frozen=True)
class Plan:
    """The settings of a training run."""

    epochs: int
    batch_size: int
    learning_rate: float
    schedule: Schedule
    samples: np.ndarray  # indices of the training samples
    shuffle: np.random.Generator | None = None
    n_threads: int | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Number of mini-batches in an epoch; the last may be smaller than the others."""
        return -(-len(self.samples) // self.batch_size)

    def orders(self, count: int) -> np.ndarray:
        """Return the indices of the samples for `count` epochs (count, N), in a new order for each epoch if they are shuffled."""
        orders = np.tile(self.samples, (count, 1))
        if self.shuffle:
            for order in orders:  # `permuted` would give the same orders, but takes twice as long for a thousand samples
                self.shuffle.shuffle(order)
        return orders

    def rates(self, first: int, count: int) -> np.ndarray:
        """Return the learning rate of every step in `count` epochs, beginning with epoch number `first`, counted from 0."""
        steps = np.arange(first * self.steps_per_epoch, (first + count) * self.steps_per_epoch)
        return self.learning_rate * checked_factors(self.schedule, steps, self.epochs * self.steps_per_epoch, self.steps_per_epoch)


class DivergenceError(FloatingPointError):
    """The loss of an epoch, counted from 1, is not finite."""

    def __init__(self, epoch: int, learning_rate: float) -> None:
        super().__init__(epoch, learning_rate)
        self.epoch, self.learning_rate = epoch, learning_rate

    def says(self, weights: str = "those before that epoch") -> str:
        """Return what happened, which weights are there now, and what to do."""
        return (
            f"training diverged in epoch {self.epoch}: the loss is not finite; the weights are {weights}. "
            f"Lower the learning rate ({self.learning_rate:g}), set clip_norm, or standardise the inputs."
        )

    def __str__(self) -> str:
        return self.says()


class Epochs:
    """The epochs of one training run, executed one compiled call at a time.

    Attributes
    ----------
    done : int
        Number of epochs so far.
    seconds : float
        Time spent in the compiled calls of these epochs.
    first_loss : float or None
        Mean loss of the first batch, before any update.
    by_trial : bool
        Whether the number of threads is chosen by trial. Then some epochs begin with a trial, and each epoch needs a call of its own.
    """

    def __init__(self, run: Run, data: Data, plan: Plan) -> None:
        self.run, self.data, self.plan = run, data, plan
        self.threads = self.most = choose_threads(plan.n_threads, forward_operations(run.net.sizes) * plan.batch_size)
        self.by_trial = plan.n_threads is None and self.most > 1
        self.done, self.seconds = 0, 0.0
        self.first_loss: float | None = None

    def warm_up(self) -> None:
        """Call the training with no epochs, so that compiling or loading the code does not count as training time."""
        self.run.epochs(*self.data, np.zeros((0, len(self.plan.samples)), np.int64), self.plan.batch_size, np.zeros(0), self.threads)

    def train(self, count: int, after_batch: Callable[[int, float], bool] | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Train `count` epochs, or one epoch batch by batch until ``after_batch(batch, mean_loss)`` returns True.

        Return an array (count, SUMS) with the sums of each epoch, as described for `train_epochs`, and an array (count,) with the last
        learning rate of each epoch. Raise DivergenceError if the training diverged; the weights are then those before
        the epoch in which it diverged.
        """
        orders, rates = self.plan.orders(count), self.plan.rates(self.done, count)
        before = self.run.state()
        totals = no_totals(count)
        if after_batch is not None:
            self._batch_by_batch(orders, rates, totals, after_batch)
        elif count == 1:
            self._epoch(orders, rates, totals)
        else:
            self._part(orders, rates, totals)
        finite = np.isfinite(totals[:, 0])
        if not (finite.all() and np.isfinite(self.run.w).all()):
            good = self._go_back(before, orders, rates, finite)
            raise DivergenceError(self.done + good + 1, self.plan.learning_rate)
        self.done += count
        taken = self.run.steps - before.steps
        return totals, rates[np.minimum(np.arange(1, count + 1) * self.plan.steps_per_epoch, taken) - 1]

    def _part(self, orders: np.ndarray, rates: np.ndarray, totals: np.ndarray, first: int = 0, last: int | None = None) -> float:
        """Train the batches `first` to `last` - 1 of an epoch, or several whole epochs; return the time in seconds."""
        size = self.plan.batch_size
        samples = orders[:, first * size : None if last is None else last * size]
        began = time.perf_counter()
        self.run.epochs(*self.data, samples, size, rates[first:last], self.threads, totals)
        seconds = time.perf_counter() - began
        self.seconds += seconds
        return seconds

    def _epoch(self, orders: np.ndarray, rates: np.ndarray, totals: np.ndarray) -> None:
        """Train one epoch. The very first batch is trained separately to learn its loss; then comes a trial if one is due."""
        at = 0
        if self.first_loss is None:
            self._part(orders, rates, totals, 0, 1)
            self.first_loss, at = mean(totals[0]), 1
        if self.by_trial and self.done % TRIAL_EPOCHS == 0:
            at = self._trial(orders, rates, totals, at)
        if at < len(rates):
            self._part(orders, rates, totals, at)

    def _trial(self, orders: np.ndarray, rates: np.ndarray, totals: np.ndarray, at: int) -> int:
        """Time both numbers of threads on a few batches, choose the faster, and return the index of the next batch.

        More threads may be slower if other programs use the CPU.
        """
        batches = len(rates) // TRIAL_SHARE
        seconds = {}
        for threads in (self.most, 1):
            self.threads = threads
            if batches:
                seconds[threads] = self._part(orders, rates, totals, at, at + batches)
                at += batches
        self.threads = min(seconds, key=lambda threads: seconds[threads]) if batches else self.most
        return at

    def _batch_by_batch(self, orders: np.ndarray, rates: np.ndarray, totals: np.ndarray, after_batch: Callable[[int, float], bool]) -> None:
        for batch in range(len(rates)):
            before = totals[0].copy()
            self._part(orders, rates, totals, batch, batch + 1)
            loss = mean(totals[0] - before)
            self.first_loss = loss if self.first_loss is None else self.first_loss
            if after_batch(batch, loss):
                break

    def _go_back(self, before: Snapshot, orders: np.ndarray, rates: np.ndarray, finite: np.ndarray) -> int:
        """Restore the weights after the last good epoch by repeating the epochs up to it; return the number of good epochs."""
        good = len(finite) - 1 if finite.all() else int(np.argmin(finite))
        while True:  # at most twice: an epoch whose loss was finite may still end with weights that are not
            self.run.restore(before)
            if good == 0:
                return good
            self._part(orders[:good], rates[: good * self.plan.steps_per_epoch], no_totals(good))
            if np.isfinite(self.run.w).all():
                return good
            good -= 1


def mean(totals: np.ndarray) -> float:
    """Return the mean loss, from the sums of weight * loss and of weight; NaN if all weights are 0."""
    return float(totals[0] / totals[1]) if totals[1] > 0 else float("nan")


def losses_of(totals: np.ndarray, n_samples: int, shares: int = 1) -> np.ndarray:
    """Return the losses of epochs from their sums (E, SUMS): of the data, divided by `shares`, plus the penalty.

    shares : the outputs, where scikit-learn's loss is a mean over them though its gradient is that of their sum; else 1.
    """
    losses: np.ndarray = (totals[:, 3] / shares + totals[:, 4]) / n_samples
    return losses


def epochs_at_once(seconds: float) -> int:
    """Return how many epochs, of that many seconds each, share one compiled call."""
    return max(1, min(MOST_AT_ONCE, int(CALL_SECONDS / max(seconds, 1e-6))))
