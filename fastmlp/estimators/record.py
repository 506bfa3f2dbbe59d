"""What an estimator tells of its training, epoch by epoch: losses, and scores on validation data."""

from __future__ import annotations

from numbers import Real
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring

from ..engine.arguments import shown
from ..model.data import Data
from ..model.evaluating import loss_and_score
from .given import Validation
from .report import Report
from .tasks import Tasks


class Record:
    """The attributes of an estimator that tell how its training goes, epoch by epoch."""

    def __init__(self, estimator: Any, validation: Validation | None, by_score: bool, tasks: Tasks, report: Report) -> None:
        self.tasks, self.report = tasks, report
        self.estimator, self.validation, self.by_score = estimator, validation, by_score
        self.best: np.ndarray | None = None
        if validation is not None and estimator.validation_scores_ is None:
            estimator.validation_scores_, estimator.validation_loss_curve_ = [], []
            estimator.best_validation_score_ = -np.inf
        self.scorer: Any = None
        weighs_classes = getattr(estimator, "class_weight", None) is not None  # then accuracy would count the heavy classes alone
        self.by_loss = estimator.scoring == "loss" or (estimator.scoring is None and weighs_classes)
        if validation is not None and estimator.scoring not in (None, "loss"):
            self.scorer = check_scoring(estimator, estimator.scoring)
            self.X, self.y, weights = validation.given.taken()
            self.weighted = {} if weights is None else {"sample_weight": weights}

    def note(self, loss: float) -> float:
        """Record the loss of an epoch and how it does on the validation data. Returns by what it is judged, the score or the loss."""
        estimator = self.estimator
        estimator.n_iter_ += 1
        estimator.loss_ = loss
        estimator.loss_curve_.append(loss)
        if estimator.best_loss_ is not None:
            estimator.best_loss_ = min(estimator.best_loss_, loss)
        score = None if self.validation is None else self._validate(self.validation.data)
        self.report.epoch(estimator.n_iter_, loss, score)
        self.tasks.end_epoch()
        return score if score is not None and self.by_score else loss

    def _validate(self, data: Data) -> float:
        estimator, network = self.estimator, self.estimator._network
        outputs = network.outputs_of(data.inputs, estimator.n_threads)
        loss = loss_and_score(network.loss, outputs, data.targets, data.weights)[0] / estimator._shares
        if self.scorer is not None:
            score = self.scorer(estimator, self.X, self.y, **self.weighted)
            if not isinstance(score, Real):
                raise ValueError(f"scoring: expected a scorer that returns a number, got {shown(score)}")
            score = float(score)
        else:
            score = -loss if self.by_loss else estimator._validation_score(outputs, data)
        estimator.validation_loss_curve_.append(loss)
        estimator.validation_scores_.append(score)
        estimator.best_validation_score_ = max(estimator.best_validation_score_, score)
        return score

    def begin(self) -> None:
        """Tell the callbacks that an epoch begins."""
        self.tasks.begin_epoch()

    @property
    def stop(self) -> bool:
        """Whether a callback asked for the end."""
        return self.tasks.stop

    def keep(self) -> None:
        """Remember the parameters, if the best are to be the result."""
        if self.by_score:
            self.best = self.estimator._network.parameters.copy()

    def say(self, what: str) -> None:
        """Why the training stops, or goes on with another rate."""
        what_of = "Validation score" if self.by_score else "Training loss"
        patience = f"tol={self.estimator.tol:f} for {self.estimator.n_iter_no_change} consecutive epochs."
        self.report.say(f"{what_of} did not improve more than {patience} {what}")

    def diverged(self) -> None:
        """Record an epoch whose loss and score are not finite, as scikit-learn does with early stopping; `loss_` stays finite."""
        estimator, nan = self.estimator, float("nan")
        estimator.n_iter_ += 1
        for curve in (estimator.loss_curve_, estimator.validation_loss_curve_, estimator.validation_scores_):
            curve.append(nan)

    def end(self) -> None:
        """Return to the best parameters, if they were remembered."""
        if self.best is not None:
            self.estimator._network.parameters[:] = self.best
