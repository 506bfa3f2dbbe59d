"""The Python side of training: a team of threads in a compiled epoch, and between epochs all that need not be compiled."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .data import Inputs
from .interface import check_real, check_size
from .kernels import backprop, few
from .kernels.backprop import Network, Workspace
from .kernels.layout import targets as as_kernel_targets
from .kernels.losses import LOSSES
from .kernels.simd import lanes, vector_bytes
from .losses import LINKS
from .optimizers import Optimizer
from .progress import Progress, progress_bar
from .schedules import Schedule, as_schedule

POLL_SECONDS = 0.05
CALL_SECONDS = 0.1  # of epochs in one compiled call, where nothing has to happen between them
# Multiply-adds of a batch from which a second thread pays for its barriers.
OPERATIONS_A_THREAD = 1_000_000
PREDICT_BATCH = 128
# Unless the caller fixed the number of threads, every so many epochs begin with a trial on this share of their batches.
TRIAL_EPOCHS, TRIAL_SHARE = 8, 24


@dataclass
class History:
    """What happened, a value an epoch.

    Attributes
    ----------
    losses : list of float
        Mean training loss, from the batches as they were trained on.
    scores : list of float
        Training accuracy likewise, for the cross-entropies; else empty.
    validation_losses, validation_scores : list of float
        As `Sequential.evaluate` gives them after the epoch; empty without validation data.
    learning_rates : list of float
        That of the epoch's last step.
    seconds : list of float
        Of training alone.
    stopped : str
        Why it ended before its time: "early stopping", "callback", "interrupted", or "".
    """

    losses: list[float] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    validation_losses: list[float] = field(default_factory=list)
    validation_scores: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    stopped: str = ""


@dataclass
class EarlyStopping:
    """End the training when it gets no better, and go back to the best weights.

    Parameters
    ----------
    monitor : {"validation_loss", "validation_score", "loss"}
    patience : int, default 10
        Epochs without improvement before the end.
    min_delta : float, default 1e-4
        What counts as improvement.
    restore_best : bool, default True
        Return to the weights of the best epoch. (Those of "loss" are taken after the epoch in which it was measured.)

    Raises
    ------
    ValueError, TypeError
        If an argument is out of its range.
    """

    monitor: str = "validation_loss"
    patience: int = 10
    min_delta: float = 1e-4
    restore_best: bool = True

    def __post_init__(self) -> None:
        if self.monitor not in ("validation_loss", "validation_score", "loss"):
            raise ValueError(f"monitor: expected 'validation_loss', 'validation_score' or 'loss', got {self.monitor!r}")
        check_size("patience", self.patience, 1)
        check_real("min_delta", self.min_delta)

    def value(self, history: History) -> float:
        """The last epoch's value; lower is better."""
        if self.monitor == "loss":
            return history.losses[-1]
        return history.validation_losses[-1] if self.monitor == "validation_loss" else -history.validation_scores[-1]


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


def aligned(values: np.ndarray) -> np.ndarray:
    """A copy as `empty` makes it: kernels read whole vectors, past the end of a matrix too."""
    out = empty(values.size, values.dtype)
    out[:] = values
    return out


def empty(size: int, dtype: Any) -> np.ndarray:
    """Zeros, whose memory begins at a cache line and goes on for a vector beyond."""
    memory = np.zeros(size + 128 // np.dtype(dtype).itemsize, dtype)
    skip = -memory.ctypes.data % 64 // memory.itemsize
    return memory[skip : skip + size]


def workspace(net: Network, batch_size: int, threads: int, dtype: Any) -> Workspace:
    """Scratch for batches of at most that size."""
    V = lanes(dtype)
    B = -(-batch_size // V) * V
    ends, row_ends = np.cumsum(net.sizes), np.cumsum(-(-net.sizes[1:] // V) * V)
    inputs, outputs = int(net.sizes[0]), int(net.sizes[-1])
    return Workspace(
        x=empty(int(ends[-1]) * B, dtype),
        delta=empty(int(ends[-1]) * B, dtype),
        rows=empty(int(row_ends[-1]) * B, dtype),
        at=ends - net.sizes,
        rows_at=row_ends - (-(-net.sizes[1:] // V) * V),
        every=np.arange(max(int(net.sizes.max()), B) + vector_bytes()),
        active=np.zeros((threads, inputs + 1), np.int64),
        targets=empty(outputs * B, dtype),
        loss=empty(B, dtype),
        hit=empty(B, dtype),
        weight=empty(B, dtype),
        shared=np.zeros(2),
    )


def operations(net: Network) -> int:
    """Multiply-adds of one sample's forward pass."""
    return int((net.sizes[:-1] * net.sizes[1:]).sum())


def cpu_count() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_threads(n_threads: int | None, work: int) -> int:
    """`n_threads`, checked; or as many as have OPERATIONS_A_THREAD each."""
    if n_threads is not None:
        return check_size("n_threads", n_threads, 1)
    return max(1, min(cpu_count(), work // OPERATIONS_A_THREAD))


def as_team(threads: int, work: Callable[[int], Any], stop: np.ndarray) -> list[Any]:
    """work(0), ..., work(threads - 1), each in a thread of its own, while this one listens for Ctrl-C; then `stop` is set and awaited.

    Another thread starts them: were this one interrupted between two starts, the first would wait for the second for ever.
    """

    def lead() -> list[Any]:
        with ThreadPoolExecutor(threads) as team:
            return list(team.map(work, range(threads)))

    with ThreadPoolExecutor(1) as leader:
        try:
            outcome = leader.submit(lead)
            while wait([outcome], POLL_SECONDS).not_done:
                pass
        except BaseException:
            stop[0] = 1
            raise
    return outcome.result()


class Run:
    """A network being trained: its parameters, and the optimiser's memory of them."""

    def __init__(self, net: Network, w: np.ndarray, loss: str, optimizer: Optimizer, seed: int) -> None:
        self.net, self.w, self.loss, self.optimizer, self.seed = net, w, loss, optimizer, seed
        self.gradient, self.m, self.v = (np.zeros_like(w) for _ in range(3))
        self.steps = 0
        self.finished = 0
        self._workspace: tuple[int, Workspace] | None = None

    def state(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """What `restore` takes to come back to this point."""
        return self.w.copy(), self.m.copy(), self.v.copy(), self.steps

    def restore(self, state: tuple[np.ndarray, np.ndarray, np.ndarray, int]) -> None:
        """Come back to an earlier state."""
        self.w[:], self.m[:], self.v[:], self.steps = state

    def epochs(
        self, inputs: Inputs, targets: np.ndarray, weights: np.ndarray, orders: np.ndarray, batch_size: int, rates: np.ndarray, threads: int
    ) -> np.ndarray:
        """Train len(orders) epochs in one compiled call; `finished` counts those that were not interrupted.

        Returns (E, 3): per epoch the sums of weight * loss, of weight, and of hits.
        """
        if self._workspace is None or self._workspace[0] != batch_size or len(self._workspace[1].active) < threads:
            self._workspace = batch_size, workspace(self.net, batch_size, max(threads, cpu_count()), self.w.dtype)
        work = self._workspace[1]
        counter, stop, totals = np.zeros(1, np.int64), np.zeros(1, np.uint8), np.zeros((len(orders), 3))
        settings = self.optimizer.settings()
        scale = self.w.dtype.type(inputs.scale)
        Y = as_kernel_targets(targets, self.w.dtype)

        def part(thread: int) -> int:
            finished: int = backprop.train_epochs(
                thread, threads, counter, stop, self.net, work, self.w, self.gradient, self.m, self.v, inputs.samples, Y, weights,
                scale, orders, batch_size, rates, settings, self.steps, self.seed, LOSSES[self.loss], totals,
            )  # fmt: skip
            return finished

        short = operations(self.net) * 3 * orders.size < 1e7
        self.finished = part(0) if threads == 1 and short else min(as_team(threads, part, stop))
        self.steps += len(rates)
        return totals


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
    threads = most = choose_threads(plan.n_threads, operations(run.net) * plan.batch_size)
    one_by_one = bool(callbacks) or plan.validation is not None or plan.early_stopping is not None or schedule.follows_loss
    # No epochs: compiles, or loads what is compiled, before the clock starts.
    run.epochs(inputs, targets, weights, np.zeros((0, N), np.int64), plan.batch_size, np.zeros(0), threads)
    best, best_state, waited = float("inf"), run.state(), 0
    done, at_once = 0, 1
    while done < plan.epochs:
        count = 1 if one_by_one or (most > 1 and plan.n_threads is None) else min(at_once, plan.epochs - done)
        orders = np.stack([plan.shuffle.permutation(N) if plan.shuffle else np.arange(N) for _ in range(count)])
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
        for epoch in range(count):
            history.losses.append(float(totals[epoch, 0] / totals[epoch, 1]))
            if run.loss in ("softmax_cross_entropy", "binary_cross_entropy"):
                history.scores.append(float(totals[epoch, 2] / N))
            history.learning_rates.append(float(rates[(epoch + 1) * steps_per_epoch - 1]))
            history.seconds.append(seconds)
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


def predict(net: Network, w: np.ndarray, inputs: Inputs, n_threads: int | None = None) -> np.ndarray:
    """Outputs (N, O) of the last layer, before any link."""
    N = inputs.n_samples
    threads = min(choose_threads(n_threads, operations(net) * N // 16), -(-N // PREDICT_BATCH))
    out = np.empty((N, int(net.sizes[-1])), w.dtype)
    X, order, stop, scale = inputs.samples, np.arange(N), np.zeros(1, np.uint8), w.dtype.type(inputs.scale)
    batch_size = min(PREDICT_BATCH, N)
    works = [workspace(net, batch_size, 1, w.dtype) for _ in range(threads)]

    def part(thread: int) -> None:
        backprop.predict_rows(thread, threads, stop, net, works[thread], w, X, scale, order, batch_size, len(net.sizes) - 1, out)

    if threads == 1 and operations(net) * N < 1e8:
        part(0)
    else:
        as_team(threads, part, stop)
    return out


class Few:
    """Prediction of a few rows at a time with as little around it as can be: scratch and description are kept from call to call."""

    def __init__(self, net: Network, w: np.ndarray, rows: int) -> None:
        V = lanes(w.dtype)
        self.w, self.n_inputs, self.rows = w, int(net.sizes[0]), rows
        self.stride = -(-int(net.sizes.max()) // V) * V
        self.code = few.pack(net.sizes, net.W_at, net.b_at, net.activation, rows)
        self.spare: list[np.ndarray] = []  # scratch that no thread is using

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Outputs of the last layer. X (N, I) of the model's dtype, C-contiguous, N at most `rows`."""
        try:
            scratch = self.spare.pop()
        except IndexError:
            scratch = empty(4 * self.rows * self.stride, self.w.dtype)
        out, finite = few.predict_few(self.code, self.w, scratch, self.stride, X)
        self.spare.append(scratch)
        if not finite:
            raise ValueError("X: expected finite numbers, got NaN or infinity")
        return out


def evaluate(
    net: Network, w: np.ndarray, loss: str, inputs: Inputs, targets: np.ndarray, weights: np.ndarray, n_threads: int | None = None
) -> tuple[float, float]:
    """Mean loss and score: accuracy or R^2."""
    out = predict(net, w, inputs, n_threads).astype(np.float64)
    weight = weights.astype(np.float64) if weights.size else np.ones(len(out))
    rows = np.arange(len(out))
    if loss == "softmax_cross_entropy":
        shifted = out - out.max(axis=1, keepdims=True)
        log_total = np.log(np.exp(shifted).sum(axis=1))
        matched = shifted[rows, targets] if targets.ndim == 1 else (targets * shifted).sum(axis=1)
        classes = targets if targets.ndim == 1 else targets.argmax(axis=1)
        return float(np.average(log_total - matched, weights=weight)), float(np.average(out.argmax(axis=1) == classes, weights=weight))
    y = targets.astype(np.float64)
    if loss == "binary_cross_entropy":
        each = (np.maximum(out, 0) - out * y + np.log1p(np.exp(-np.abs(out)))).sum(axis=1)
        hits = ((out > 0) == (y > 0.5)).all(axis=1) if out.shape[1] == 1 else out.argmax(axis=1) == y.argmax(axis=1)
        return float(np.average(each, weights=weight)), float(np.average(hits, weights=weight))
    residual = out - y
    if loss == "squared_error":
        each = 0.5 * (residual**2).sum(axis=1)
    elif loss == "absolute_error":
        each = np.abs(residual).sum(axis=1)
    elif loss == "huber":
        bounded = np.clip(residual, -1, 1)
        each = (bounded * (residual - 0.5 * bounded)).sum(axis=1)
    else:
        each = (np.exp(out) - y * out + y * (np.log(np.where(y > 0, y, 1)) - 1)).sum(axis=1)
    predicted = LINKS[loss](out) if loss in LINKS else out
    mean = np.average(y, axis=0, weights=weight)
    spread = (weight[:, None] * (y - mean) ** 2).sum()
    missed = (weight[:, None] * (y - predicted) ** 2).sum()
    return float(np.average(each, weights=weight)), float(1 - missed / spread) if spread > 0 else float(missed == 0)
