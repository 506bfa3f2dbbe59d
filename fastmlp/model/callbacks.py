"""What happens while a model is trained besides the training: hooks, and early stopping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..engine.arguments import check_choice, check_range, check_size
from .history import History
from .trainable import Trainable

MONITORED = ("validation_losses", "validation_scores", "losses", "scores")


class Callback:
    """Hooks that `Sequential.fit` calls. Subclasses override those they need; returning True from one ends the training.

    Every hook is given the model and the `History` so far. A plain function ``callback(epoch, model, history)`` is taken for an
    `on_epoch_end`. Hooks may read the model, predict with it, and change its weights; training it or adding layers is refused meanwhile.

    Attributes
    ----------
    every_epoch : bool
        Whether `on_epoch_end` is called after every epoch. Where a subclass sets it to False, several short epochs may run as one
        compiled call, and `on_epoch_end` is called once for them, with the index of the last.

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
        """Before the first epoch. `history.recorded` tells which lists there will be."""

    def on_batch_end(self, batch: int, loss: float, model: Trainable, history: History) -> Any:
        """After a batch, counted from 0 in its epoch, with its mean loss before the update.

        Where no callback overrides this, an epoch is one compiled call; else it is one call per batch, with the same weights. After True
        the epoch ends there, and is recorded with the batches it had.
        """

    def on_epoch_end(self, epoch: int, model: Trainable, history: History) -> Any:
        """After an epoch, counted from 0, when its values are in the history."""

    def on_train_end(self, model: Trainable, history: History) -> None:
        """After the last epoch, however the training ended, also by Ctrl-C or an error: see `history.stopped`."""

    def overrides(self, hook: str) -> bool:
        """Whether the hook of that name does anything."""
        return getattr(type(self), hook) is not getattr(Callback, hook)


class _Function(Callback):
    """A plain function in place of a callback."""

    def __init__(self, function: Callable[[int, Trainable, History], Any]) -> None:
        self.function = function

    def on_epoch_end(self, epoch: int, model: Trainable, history: History) -> Any:
        return self.function(epoch, model, history)


def as_callbacks(callbacks: Any) -> list[Callback]:
    """A list of callbacks, plain functions among them turned into such."""
    if not isinstance(callbacks, Sequence) or not all(map(_is_usable, callbacks)):
        raise TypeError(f"callbacks: expected a sequence of Callback objects or functions, got {callbacks!r}")
    return [each if isinstance(each, Callback) else _Function(each) for each in callbacks]


def _is_usable(callback: Any) -> bool:
    return isinstance(callback, Callback) or (callable(callback) and not isinstance(callback, type))


@dataclass
class EarlyStopping(Callback):
    """End the training when it gets no better, and go back to the best weights.

    Parameters
    ----------
    monitor : {"validation_losses", "validation_scores", "losses", "scores"}
        The list of `History` that is watched; losses are to fall, scores to rise.
    patience : int, default 10
        Epochs without improvement before the end.
    min_delta : float, default 1e-4
        By how much a value must be better than the best to count as improvement; at least 0.
    restore_best : bool, default True
        When the training ends, by whatever but an error, return to the weights of the best epoch, and to the optimizer's memory of then.
        (The weights that "losses" and "scores" stand for are those after the epoch in which they were measured.)

    Attributes
    ----------
    best_epoch : int or None
        The best epoch of the last training, counted from 0.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range; from `fit` if the history will not have what is monitored.

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
        """Forget the last training."""
        if self.monitor not in history.recorded:
            recorded = [name for name in MONITORED if name in history.recorded]
            needed = "validation data" if self.monitor in ("validation_losses", "validation_scores") else "a cross-entropy loss"
            raise ValueError(f"monitor: {self.monitor!r} needs {needed}, got a training that records {', '.join(recorded)}")
        self.best_epoch, self._best, self._snapshot = None, float("inf"), None

    def on_epoch_end(self, epoch: int, model: Trainable, history: History) -> bool:
        """Keep the weights if they are the best so far; True after `patience` epochs without such."""
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
        """Go back to the best weights."""
        if self._snapshot is not None and history.stopped != "error":
            model.restore(self._snapshot)
        self._snapshot = None
