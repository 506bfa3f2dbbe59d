"""Callbacks, which `fit` calls during training, and early stopping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..engine.arguments import check_choice, check_range, check_size
from .history import History
from .trainable import Trainable

MONITORED = ("validation_losses", "validation_scores", "losses", "scores")


class Callback:
    """Base class of callbacks: hooks that `Sequential.fit` calls during training.

    A subclass overrides the hooks that it needs. A hook that returns True ends the training. Every hook receives the model and the
    `History` so far. A plain function ``callback(epoch, model, history)`` may be used in place of a callback that overrides only
    `on_epoch_end`. Hooks may read the model, predict with it, and change its weights, but they cannot train it or add layers.

    Attributes
    ----------
    every_epoch : bool
        Whether `on_epoch_end` is called after every epoch. If a subclass sets it to False, several short epochs may run in one compiled
        call, after which `on_epoch_end` is called once, with the index of the last of these epochs.

    Examples
    --------
    >>> from fastmlp import Callback, Dense, Sequential
    >>> class UntilGoodEnough(Callback):
    ...     def on_epoch_end(self, epoch, model, history):
    ...         return history.losses[-1] < 0.01
    >>> model = Sequential([Dense(1, 1)])
    >>> history = model.fit([[0.0], [1.0]], [1.0, 3.0], epochs=1000, callbacks=[UntilGoodEnough()])
    >>> history.stopped, history.losses[-1] < 0.01 <= history.losses[-2]
    ('callback', True)
    """

    every_epoch = True

    def on_train_begin(self, model: Trainable, history: History) -> Any:
        """Called before the first epoch. `history.recorded` names the lists that will be recorded."""

    def on_batch_end(self, batch: int, loss: float, model: Trainable, history: History) -> Any:
        """Called after each mini-batch.

        `batch` is counted from 0 in each epoch, and `loss` is the mean loss of the batch before the update. If no callback overrides this
        hook, an epoch is one compiled call; otherwise each batch is a call of its own, which leads to the same weights. If the hook
        returns True, the epoch ends after this batch and is recorded with the batches so far.
        """

    def on_epoch_end(self, epoch: int, model: Trainable, history: History) -> Any:
        """Called after an epoch, counted from 0, once its values are in the history."""

    def on_train_end(self, model: Trainable, history: History) -> None:
        """Called when the training ends for any reason, including Ctrl-C and errors; see `history.stopped`."""

    def overrides(self, hook: str) -> bool:
        """Return whether the subclass overrides the hook of that name."""
        return getattr(type(self), hook) is not getattr(Callback, hook)


class _Function(Callback):
    """A plain function, wrapped as a callback."""

    def __init__(self, function: Callable[[int, Trainable, History], Any]) -> None:
        self.function = function

    def on_epoch_end(self, epoch: int, model: Trainable, history: History) -> Any:
        return self.function(epoch, model, history)


def as_callbacks(callbacks: Any) -> list[Callback]:
    """Return the callbacks as a list in which plain functions are wrapped as callbacks."""
    if not isinstance(callbacks, Sequence) or not all(map(_is_usable, callbacks)):
        raise TypeError(f"callbacks: expected a sequence of Callback objects or functions, got {callbacks!r}")
    return [each if isinstance(each, Callback) else _Function(each) for each in callbacks]


def _is_usable(callback: Any) -> bool:
    return isinstance(callback, Callback) or (callable(callback) and not isinstance(callback, type))


@dataclass
class EarlyStopping(Callback):
    """Stop the training when it no longer improves, and restore the best weights.

    Parameters
    ----------
    monitor : {"validation_losses", "validation_scores", "losses", "scores"}
        The list of `History` to watch. Losses improve by falling, scores by rising.
    patience : int, default 10
        Number of epochs without improvement after which the training stops.
    min_delta : float, default 1e-4
        A value counts as an improvement if it is better than the best so far by more than this; at least 0.
    restore_best : bool, default True
        Whether to restore the weights of the best epoch, and the optimizer's state at its end, when the training ends for any reason but
        an error. (For "losses" and "scores", these are the weights at the end of the epoch in which the value was measured.)

    Attributes
    ----------
    best_epoch : int or None
        The best epoch of the last training, counted from 0.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range. `fit` raises ValueError if the monitored list will not be recorded.

    Examples
    --------
    >>> from fastmlp import Dense, EarlyStopping, Sequential
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0]
    >>> stopping = EarlyStopping("losses", patience=3)
    >>> history = Sequential([Dense(1, 1)]).fit(X, y, epochs=10_000, callbacks=[stopping])
    >>> history.stopped, history.epochs - stopping.best_epoch
    ('early stopping', 4)
    """

    monitor: str = "validation_losses"
    patience: int = 10
    min_delta: float = 1e-4
    restore_best: bool = True
    best_epoch: int | None = field(default=None, init=False, repr=False, compare=False)
    _best: float = field(default=float("inf"), init=False, repr=False, compare=False)
    _snapshot: Any = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_choice("monitor", self.monitor, MONITORED)
        self.patience = check_size("patience", self.patience, 1)
        self.min_delta = check_range("min_delta", self.min_delta, 0)

    def on_train_begin(self, model: Trainable, history: History) -> None:
        """Forget the previous training."""
        if self.monitor not in history.recorded:
            recorded = [name for name in MONITORED if name in history.recorded]
            needed = "validation data" if self.monitor in ("validation_losses", "validation_scores") else "a cross-entropy loss"
            raise ValueError(f"monitor: {self.monitor!r} needs {needed}, got a training that records {', '.join(recorded)}")
        self.best_epoch, self._best, self._snapshot = None, float("inf"), None

    def on_epoch_end(self, epoch: int, model: Trainable, history: History) -> bool:
        """Keep the weights if they are the best so far. Return True after `patience` epochs without improvement."""
        value = getattr(history, self.monitor)[-1]
        value = -value if self.monitor.endswith("scores") else value
        if value < self._best - self.min_delta:
            self.best_epoch, self._best = epoch, value
            self._snapshot = model.snapshot() if self.restore_best else None
        if epoch - (-1 if self.best_epoch is None else self.best_epoch) < self.patience:
            return False
        history.stopped = "early stopping"
        return True

    def on_train_end(self, model: Trainable, history: History) -> None:
        """Restore the best weights."""
        if self._snapshot is not None and history.stopped != "error":
            model.restore(self._snapshot)
        self._snapshot = None
