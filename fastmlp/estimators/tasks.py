"""scikit-learn's callback protocol (`sklearn.callback`, from version 1.9 on): a fit and each of its epochs as tasks.

With older versions of scikit-learn the estimators have no `set_callbacks`, and nothing here does anything.
"""

from __future__ import annotations

import copy
from types import TracebackType
from typing import Any

from .given import Given

try:
    from sklearn.callback import CallbackSupportMixin
except ImportError:

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nothing, before scikit-learn 1.9."""


class Tasks:
    """The tasks of one fit, told to the callbacks of the estimator: the fit itself, while this is entered, and its epochs or iterations.

    Attributes
    ----------
    given : Given
        What is trained on, for callbacks that ask for X and y.
    are_watched : bool
        Whether there are callbacks at all.
    stop : bool
        Whether a callback asked for the end of the training.
    """

    def __init__(self, estimator: Any, given: Given, epochs: int) -> None:
        self.estimator, self.given = estimator, given
        self.are_watched = bool(getattr(estimator, "_skl_callbacks", None))
        self.stop = False
        self.fit: Any = estimator._init_callback_context(max_subtasks=epochs) if self.are_watched else None
        self.epoch: Any = None

    def __enter__(self) -> Tasks:
        if self.are_watched:
            self.fit.call_on_fit_task_begin(estimator=self.estimator, **self._data())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.are_watched and error is None:
            self.end_epoch()  # one that was begun may have been interrupted
            self.fit.call_on_fit_task_end(estimator=self.estimator, **self._data(), reconstruction_attributes=self._fitted)

    def begin_epoch(self) -> None:
        """An epoch is about to begin, unless it has begun already."""
        if self.are_watched and self.epoch is None:
            self.epoch = self.fit.subcontext(task_name="epoch")
            self.epoch.call_on_fit_task_begin(estimator=self.estimator, **self._data(), reconstruction_attributes=self._fitted)

    def end_epoch(self) -> None:
        """The epoch is over, if one had begun."""
        if self.epoch is not None:
            epoch, self.epoch = self.epoch, None
            said = epoch.call_on_fit_task_end(estimator=self.estimator, **self._data(), reconstruction_attributes=self._fitted)
            self.stop = self.stop or bool(said)

    def _data(self) -> dict[str, Any]:
        """The training data, each part of which is only made if a callback asks for it."""
        weights = {} if self.given.weights is None else {"metadata": lambda: {"sample_weight": self.given.taken()[2]}}
        return {"X": lambda: self.given.taken()[0], "y": lambda: self.given.taken()[1], **weights}

    def _fitted(self) -> dict[str, Any]:
        """What makes a shallow copy of the estimator one that is fitted, and stays as it is while the training goes on."""
        network = copy.deepcopy(self.estimator._network)
        return {
            "_network": network,
            "coefs_": [layer.W for layer in network.dense_layers],
            "intercepts_": [layer.b for layer in network.dense_layers],
        }
