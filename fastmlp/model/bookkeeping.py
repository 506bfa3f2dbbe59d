"""What `fit` itself does between epochs, as callbacks: validation, a schedule that follows the loss, a look at the losses."""

from __future__ import annotations

import functools
import inspect
import os
import warnings
from pathlib import Path

import numpy as np

from ..engine.losses import Loss
from ..engine.predicting import predict
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

# A loss is absurd when it is more than so many times the larger of two others: that of the first batch before any update, and that of a
# network whose outputs are all 0. A training that works stays below both.
ABSURD = 100.0


class TrainingWarning(UserWarning):
    """What a script that goes on after `fit` should not pass over: an interruption, or a loss that has grown absurd."""


def warn(message: str) -> None:
    """Warn of a training, at the line outside of fastmlp that asked for it."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_code.co_filename.startswith(PACKAGE):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, TrainingWarning, stacklevel=level)


class FollowLoss(Callback):
    """Tell the schedule the training loss."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def on_epoch_end(self, epoch: int, model: Trainable, history: History) -> None:
        """The epoch's."""
        self.schedule.observe(history.losses[-1])


class Validate(Callback):
    """Record loss and score on data that are not trained on. What overflows there is recorded as it is, and no error."""

    def __init__(self, run: Run, data: Data, epochs: Epochs) -> None:
        self.run, self.data, self.epochs = run, data, epochs

    def on_epoch_end(self, epoch: int, model: Trainable, history: History) -> None:
        """With the weights after the epoch."""
        outputs = predict(self.run.net, self.run.w, self.data.inputs, self.epochs.threads, self.run.clocks)
        loss, score = loss_and_score(self.run.loss, outputs, self.data.targets, self.data.weights)
        history.validation_losses.append(loss)
        history.validation_scores.append(score)


class WatchLoss(Callback):
    """Warn, once, if the loss has grown absurd."""

    every_epoch = False

    def __init__(self, loss: Loss, data: Data, epochs: Epochs) -> None:
        self.loss, self.data, self.epochs = loss, data, epochs
        self.seen, self.warned = 0, False

    def on_epoch_end(self, epoch: int, model: Trainable, history: History) -> None:
        """Look at the epochs since the last call."""
        new, first = range(self.seen, history.epochs), self.epochs.first_loss
        self.seen = history.epochs
        if self.warned or first is None:
            return
        for at in new:
            reached = history.losses[at]
            if reached > ABSURD * first and reached > ABSURD * self.loss_of_zeros:
                self.warned = True
                return warn(
                    f"the training loss is {reached:.3g} in epoch {at + 1}, and was {first:.3g} in the first batch: standardise the "
                    f"inputs, (X - mean) / standard deviation, or lower the learning rate ({self.epochs.plan.learning_rate:g})"
                )

    @functools.cached_property
    def loss_of_zeros(self) -> float:
        """The mean loss of a network whose outputs are all 0."""
        zeros = np.zeros((self.data.inputs.n_samples, int(self.epochs.run.net.sizes[-1])))
        weights = self.data.weights if self.data.weights.size else None
        return float(np.average(losses_of_samples(self.loss, zeros, self.data.targets), weights=weights))
