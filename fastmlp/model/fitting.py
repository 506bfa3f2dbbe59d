"""The training loop: run epochs, record their values, and call the callbacks between them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import numpy as np

from ..engine.run import Run
from . import lbfgs
from .bookkeeping import FollowLoss, Validate, WatchLoss, warn
from .callbacks import Callback
from .data import Data
from .epochs import Epochs, Plan, epochs_at_once
from .history import History
from .losses import CLASSIFYING
from .progress import ProgressBar, is_shown
from .trainable import Trainable


def fit(
    model: Trainable, run: Run, data: Data, validation: Data | None, plan: Plan, callbacks: Sequence[Callback], progress: bool | None
) -> History:
    """Carry out the plan, after `Sequential.fit` has checked its arguments."""
    scores = ("scores",) if run.loss in CLASSIFYING else ()
    validated = ("validation_losses", "validation_scores") if validation else ()
    history = History(recorded=("losses", *scores, *validated, "learning_rates", "seconds"))
    with ExitStack() as ends:
        try:
            epochs = Epochs(run, data, plan)
            hooks = [WatchLoss(run.loss, data, epochs), *callbacks]
            hooks = [Validate(run, validation, epochs), *hooks] if validation else hooks
            hooks = [FollowLoss(plan.schedule), *hooks] if plan.schedule.follows_loss else hooks
            hooks = [*hooks, ProgressBar(plan.epochs, len(plan.samples))] if is_shown(progress) else hooks
            Loop(model, epochs, hooks, history).go(ends)
        except KeyboardInterrupt:
            history.stopped = "interrupted"
            _even(history)
        except BaseException:
            history.stopped = "error"
            raise
    if history.stopped == "interrupted":
        warn(f"training interrupted after epoch {history.epochs} of {plan.epochs}; the model remains usable")
    return history


def minimize(run: Run, data: Data, l2: float, limits: lbfgs.Limits, n_threads: int | None) -> History:
    """Carry out L-BFGS, after `Sequential.minimize` has checked its arguments."""
    history = History(recorded=("losses", "seconds"))
    alpha = l2 * (float(data.weights.sum(dtype=np.float64)) if data.weights.size else data.inputs.n_samples)
    began, good = time.perf_counter(), run.w.copy()

    def iteration_ends(loss: float) -> bool:
        nonlocal began
        if np.isfinite(loss):
            good[:] = run.w
        history.losses.append(loss)
        history.seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
        return False

    try:
        found = lbfgs.minimize(run, data, alpha, limits, n_threads, after=iteration_ends)
    except KeyboardInterrupt:
        history.stopped = "interrupted"
        warn(f"training interrupted after iteration {history.epochs} of {limits.iterations}; the model remains usable")
        return history
    if not (np.isfinite(found.loss) and np.isfinite(run.w).all()):
        run.w[:] = good
        raise FloatingPointError(
            f"training diverged after iteration {history.epochs}: the loss is not finite; the weights are the last with a finite loss. "
            "Standardise the inputs."
        )
    history.stopped = "converged" if found.result.success else ""
    return history


class Loop:
    """Runs the epochs of a training and calls the hooks around them."""

    def __init__(self, model: Trainable, epochs: Epochs, hooks: Sequence[Callback], history: History) -> None:
        self.model, self.epochs, self.hooks, self.history = model, epochs, hooks, history
        every = any(hook.every_epoch and hook.overrides("on_epoch_end") for hook in hooks)
        batches = any(hook.overrides("on_batch_end") for hook in hooks)
        self.one_by_one = every or batches or epochs.by_trial
        self.after_batch = self._after_batch if batches else None

    def go(self, ends: ExitStack) -> None:
        """Train until all epochs are done or a hook returns True.

        As soon as the `on_train_begin` of a callback has returned, its `on_train_end` is registered in `ends`.
        """
        for hook in self.hooks:
            if _is_true(hook.on_train_begin(self.model, self.history)):
                self.history.stopped = self.history.stopped or "callback"
            ends.callback(hook.on_train_end, self.model, self.history)
        epochs, count = self.epochs, 1
        epochs.warm_up()
        while epochs.done < epochs.plan.epochs and not self.history.stopped:
            before = epochs.seconds
            totals, rates = epochs.train(min(count, epochs.plan.epochs - epochs.done), self.after_batch)
            seconds = (epochs.seconds - before) / len(totals)
            self._record(totals, rates, seconds)
            self._call("on_epoch_end", epochs.done - 1)
            count = 1 if self.one_by_one else epochs_at_once(seconds)

    def _record(self, totals: np.ndarray, rates: np.ndarray, seconds: float) -> None:
        self.history.losses += (totals[:, 0] / totals[:, 1]).tolist()
        if "scores" in self.history.recorded:
            self.history.scores += (totals[:, 2] / totals[:, 1]).tolist()
        self.history.learning_rates += rates.tolist()
        self.history.seconds += [seconds] * len(totals)

    def _call(self, hook: str, *arguments: Any) -> bool:
        """Call a hook of every callback, and return whether at least one of them returned True."""
        said = [_is_true(getattr(each, hook)(*arguments, self.model, self.history)) for each in self.hooks]
        if any(said):
            self.history.stopped = self.history.stopped or "callback"
        return any(said)

    def _after_batch(self, batch: int, loss: float) -> bool:
        return self._call("on_batch_end", batch, loss)


def _is_true(value: Any) -> bool:
    return isinstance(value, bool | np.bool_) and bool(value)


def _even(history: History) -> None:
    """Remove the incomplete values of the epoch during which the training was interrupted."""
    lists = [getattr(history, name) for name in history.recorded]
    for values in lists:
        del values[min(map(len, lists)) :]
