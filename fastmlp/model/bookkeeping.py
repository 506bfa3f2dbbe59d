"""Callbacks that `fit` itself uses: they evaluate the validation data, inform the schedule of the loss, and watch the loss."""

from __future__ import annotations

import functools
import inspect
import os
import warnings
from pathlib import Path

import numpy as np

from ..engine.losses import Loss
from ..engine.predicting import Many
from ..engine.run import Run
from .callbacks import Callback
from .data import Data
from .epochs import Epochs
from .evaluating import loss_and_score
from .history import History
from .losses import losses_of_samples
from .schedules import Schedule
from .trainable import Trainable

PACKAGE = str(Path(__file__).parents[1]) + os.sep

# A loss is suspiciously large if it is more than this many times the larger of two others: the loss of the first batch before any update,
# and the loss of a network whose outputs are all 0. A training run that works stays below both.
ABSURD = 100.0


class TrainingWarning(UserWarning):
    """Warning that a training run was interrupted, or that its loss has become suspiciously large."""


def warn(message: str, category: type[Warning] = TrainingWarning) -> None:
    """Issue a warning that points to the line outside fastmlp which started the training.

    For the estimators this line is in scikit-learn, which wraps their methods. Filters with ``module="sklearn"``, written for its own
    estimators, therefore work for these too.
    """
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


class FollowLoss(Callback):
    """Pass the training loss to the schedule."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def on_epoch_end(self, epoch: int, model: Trainable, history: History) -> None:
        """Pass on the loss of the epoch."""
        self.schedule.observe(history.losses[-1])


class Validate(Callback):
    """Record loss and score on the validation data. Values that overflow are recorded as they are and raise no error."""

    def __init__(self, run: Run, data: Data, epochs: Epochs) -> None:
        self.run, self.data, self.epochs, self.many = run, data, epochs, Many(run.net)

    def on_epoch_end(self, epoch: int, model: Trainable, history: History) -> None:
        """Evaluate the validation data with the weights at the end of the epoch."""
        outputs = self.many.predict(self.run.w, self.data.inputs, self.epochs.threads, self.run.clocks)
        loss, score = loss_and_score(self.run.loss, outputs, self.data.targets, self.data.weights)
        history.validation_losses.append(loss)
        history.validation_scores.append(score)


class WatchLoss(Callback):
    """Warn once if the loss has become suspiciously large."""

    every_epoch = False

    def __init__(self, loss: Loss, data: Data, epochs: Epochs) -> None:
        self.loss, self.data, self.epochs = loss, data, epochs
        self.seen, self.warned = 0, False

    def on_epoch_end(self, epoch: int, model: Trainable, history: History) -> None:
        """Check the losses of the epochs since the last call."""
        new, first = range(self.seen, history.epochs), self.epochs.first_loss
        self.seen = history.epochs
        if self.warned or first is None:
            return
        for at in new:
            reached = history.losses[at]
            if reached > ABSURD * first and reached > ABSURD * self.loss_of_zeros:
                self.warned = True
                return warn(
                    f"the training loss is {reached:.3g} in epoch {at + 1}, but was {first:.3g} in the first batch: standardise the "
                    f"inputs, (X - mean) / standard deviation, or lower the learning rate ({self.epochs.plan.learning_rate:g})"
                )

    @functools.cached_property
    def loss_of_zeros(self) -> float:
        """Mean loss of a network whose outputs are all 0."""
        zeros = np.zeros((self.data.inputs.n_samples, int(self.epochs.run.net.sizes[-1])))
        weights = self.data.weights if self.data.weights.size else None
        return float(np.average(losses_of_samples(self.loss, zeros, self.data.targets), weights=weights))
