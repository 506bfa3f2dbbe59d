"""The training loop around compiled epochs: schedules, validation, early stopping, callbacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.cost import forward_operations
from ..engine.inputs import Inputs
from ..engine.run import Run
from ..engine.threads import choose_threads
from .callbacks import EarlyStopping
from .evaluating import evaluate
from .history import History
from .progress import Progress, progress_bar
from .schedules import Schedule, as_schedule

CALL_SECONDS = 0.1  # of epochs in one compiled call, where nothing has to happen between them

# Unless the caller fixed the number of threads, every so many epochs begin with a trial on this share of their batches.
TRIAL_EPOCHS, TRIAL_SHARE = 8, 24


@dataclass
class Plan:
    """How to train."""

    epochs: int
    batch_size: int
    schedule: Schedule | str | None = None
    validation: tuple[Inputs, np.ndarray] | None = None
    early_stopping: EarlyStopping | None = None
    shuffle: np.random.Generator | None = None
    n_threads: int | None = None
    progress: bool | None = None


def fit(
    run: Run, plan: Plan, inputs: Inputs, targets: np.ndarray, weights: np.ndarray, callbacks: Sequence[Callable[[int, History], Any]] = ()
) -> History:
    """Carry out the plan; what `Sequential.fit` does once its arguments are checked."""
    if plan.early_stopping is not None and not isinstance(plan.early_stopping, EarlyStopping):
        raise TypeError(f"early_stopping: expected EarlyStopping, got {plan.early_stopping!r}")
    if plan.early_stopping and plan.early_stopping.monitor != "loss" and plan.validation is None:
        raise ValueError(f"validation_data: early_stopping monitors {plan.early_stopping.monitor!r}, which needs it; got None")
    history, schedule = History(), as_schedule(plan.schedule)
    with progress_bar(plan.progress, plan.epochs, inputs.n_samples) as bar:
        try:
            _fit(run, plan, schedule, inputs, targets, weights, callbacks, history, bar)
        except KeyboardInterrupt:
            history.stopped = "interrupted"
    return history


def _fit(
    run: Run, plan: Plan, schedule: Schedule, inputs: Inputs, targets: np.ndarray, weights: np.ndarray,
    callbacks: Sequence[Callable[[int, History], Any]], history: History, bar: Progress,
) -> None:  # fmt: skip
    N = inputs.n_samples
    steps_per_epoch = -(-N // plan.batch_size)
    threads = most = choose_threads(plan.n_threads, forward_operations(run.net.sizes) * plan.batch_size)
    one_by_one = bool(callbacks) or plan.validation is not None or plan.early_stopping is not None or schedule.follows_loss
    # No epochs: compiles, or loads what is compiled, before the clock starts.
    run.epochs(inputs, targets, weights, np.zeros((0, N), np.int64), plan.batch_size, np.zeros(0), threads)
    best, best_state, waited = float("inf"), run.state(), 0
    done, at_once = 0, 1
    while done < plan.epochs:
        count = 1 if one_by_one or (most > 1 and plan.n_threads is None) else min(at_once, plan.epochs - done)
        orders = np.tile(np.arange(N), (count, 1))
        orders = plan.shuffle.permuted(orders, axis=1) if plan.shuffle else orders
        steps = np.arange(done * steps_per_epoch, (done + count) * steps_per_epoch)
        rates = run.optimizer.learning_rate * schedule.factors(steps, plan.epochs * steps_per_epoch, steps_per_epoch)
        before = run.state()
        began = time.perf_counter()
        if plan.n_threads is None and most > 1 and done % TRIAL_EPOCHS == 0:
            threads, totals = _trial(run, inputs, targets, weights, orders[:1], plan.batch_size, rates, most)
        else:
            totals = run.epochs(inputs, targets, weights, orders, plan.batch_size, rates, threads)
        seconds = (time.perf_counter() - began) / count
        _check_finite(run, before, totals, lambda k: run.epochs(
            inputs, targets, weights, orders[:k], plan.batch_size, rates[: k * steps_per_epoch], threads), done)  # noqa: B023  # fmt: skip
        history.losses += (totals[:, 0] / totals[:, 1]).tolist()
        if run.loss in ("softmax_cross_entropy", "binary_cross_entropy"):
            history.scores += (totals[:, 2] / N).tolist()
        history.learning_rates += rates[steps_per_epoch - 1 :: steps_per_epoch].tolist()
        history.seconds += [seconds] * count
        done += count
        at_once = max(1, min(256, int(CALL_SECONDS / max(seconds, 1e-6))))
        schedule.observe(history.losses[-1])
        if plan.validation is not None:
            loss, score = evaluate(run.net, run.w, run.loss, *plan.validation, np.zeros(0, run.w.dtype), threads)
            history.validation_losses.append(loss)
            history.validation_scores.append(score)
        bar.advance(count, history)
        if any([callback(done - 1, history) is True for callback in callbacks]):
            history.stopped = "callback"
            return
        if plan.early_stopping:
            value = plan.early_stopping.value(history)
            if value < best - plan.early_stopping.min_delta:
                best, best_state, waited = value, run.state(), 0
            else:
                waited += 1
            if waited >= plan.early_stopping.patience:
                history.stopped = "early stopping"
                break
    if plan.early_stopping and plan.early_stopping.restore_best and np.isfinite(best):
        run.restore(best_state)


def _trial(
    run: Run, inputs: Inputs, targets: np.ndarray, weights: np.ndarray, order: np.ndarray, batch_size: int, rates: np.ndarray, most: int
) -> tuple[int, np.ndarray]:
    """An epoch that begins with a few batches by `most` threads, then by one, and goes on with who was faster: others may be using the CPU.

    Returns the winner and the epoch's totals; the weights are the same whoever trains.
    """

    def part(first: int, last: int, threads: int) -> tuple[float, np.ndarray]:
        began = time.perf_counter()
        samples = order[:, first * batch_size : last * batch_size]
        totals = run.epochs(inputs, targets, weights, samples, batch_size, rates[first:last], threads)
        return time.perf_counter() - began, totals

    trial = len(rates) // TRIAL_SHARE
    if trial == 0:
        return most, part(0, len(rates), most)[1]
    seconds_all, totals_all = part(0, trial, most)
    seconds_one, totals_one = part(trial, 2 * trial, 1)
    winner = most if seconds_all < seconds_one else 1
    return winner, totals_all + totals_one + part(2 * trial, len(rates), winner)[1]


def _check_finite(run: Run, before: Any, totals: np.ndarray, repeat: Callable[[int], Any], done: int) -> None:
    """After a divergence go back to the last epoch whose loss was finite, by repeating those before it, and say so."""
    finite = np.isfinite(totals[:, 0])
    if finite.all() and np.isfinite(run.w).all():
        return
    good = int(np.argmin(finite)) if not finite.all() else len(finite) - 1
    while True:  # at most twice: the last step of an epoch whose loss was finite may have left weights that are not
        run.restore(before)
        if good > 0:
            repeat(good)
        if good == 0 or np.isfinite(run.w).all():
            break
        good -= 1
    raise FloatingPointError(
        f"training diverged in epoch {done + good + 1}: the loss is not finite; the weights are those before it. "
        f"Lower the learning rate ({run.optimizer.learning_rate:g}) or set clip_norm."
    )
