"""Training the document's network: full-batch gradient descent with any of its gradients, or with all of it fused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.np.numpy_support import as_dtype
from numpy.typing import ArrayLike

from ..engine.arguments import all_finite, check_choice, check_finite, check_real, check_size, largest_size
from ..engine.arrays import as_arrays, check_shapes
from ..engine.interruptible import run_interruptibly
from ..kernels.access import peek
from ..kernels.clock import Clock
from ..kernels.jit import entry, in_compiled_code
from ..kernels.vectors import lanes
from .bodies import descend
from .functions import initialize_weights
from .fused import WAYS, fused_epochs, way_through
from .laps import ALLOCATION, BOOKKEEPING, UPDATE, begin, lap
from .network import backward, backward_faster, backward_pass, forward_pass

GRADIENTS = ("backward", "backward_faster", "backward_pass", "fused")
REDUCTIONS = ("mean", "sum")
LARGEST = {np.dtype(dtype): float(np.finfo(dtype).max) for dtype in (np.float32, np.float64)}
SHORT_RUN = 2e7  # a run of fewer multiply-adds, about 0.05 s, ends before anybody could interrupt it


class TrainingRun(NamedTuple):
    """What `train` returns.

    Attributes
    ----------
    w1, w2 : ndarray of shape (I, H) and (H, O)
        The weights after the last epoch.
    epochs : ndarray of shape (R,), int64
        The epochs whose error was recorded: 0, record_every, 2 record_every, ...
    errors : ndarray of shape (R,)
        The error before the update of each of them.
    """

    w1: np.ndarray
    w2: np.ndarray
    epochs: np.ndarray
    errors: np.ndarray


class Weights(NamedTuple):
    """w1 (I, H) and w2 (H, O)."""

    w1: np.ndarray
    w2: np.ndarray


class Record(NamedTuple):
    """Where the errors of the epochs 0, every, 2 every, ... go, and the clock of a training that is profiled."""

    errors: np.ndarray
    every: int
    clock: Clock | None


@entry
def document_epochs(gradient, weights, record, X, y, epochs, rate, stop):  # type: ignore[no-untyped-def]
    """The loop of `network.train` with the gradient at that place in GRADIENTS; the other arguments are `fused_epochs`'s."""
    (w1, w2), (errors, every, clock) = weights, record
    begin(clock)
    for epoch in range(epochs):
        if peek(stop):
            break
        act_hidden, y_hat = forward_pass(X, w1, w2, clock)
        if gradient == 0:
            dL_dw2, dL_dw1, error = backward(X, y, y_hat, act_hidden, w2, clock)
        elif gradient == 1:
            dL_dw2, dL_dw1, error = backward_faster(X, y, y_hat, act_hidden, w2, clock)
        else:
            dL_dw2, dL_dw1, error = backward_pass(X, y, y_hat, act_hidden, w2, clock)
        lap(clock, ALLOCATION, 0)  # until here temporaries were freed
        descend(w1, dL_dw1, rate)
        descend(w2, dL_dw2, rate)
        lap(clock, UPDATE, 0)
        if epoch % every == 0:
            errors[epoch // every] = error
        lap(clock, BOOKKEEPING, 0)


def train(
    X: ArrayLike,
    y: ArrayLike,
    hidden_size: int = 3,
    epochs: int = 10_000,
    learning_rate: float = 0.12,
    gradient: str = "fused",
    seed: int | np.random.RandomState = 56,
    w1: ArrayLike | None = None,
    w2: ArrayLike | None = None,
    record_every: int = 200,
    reduction: str = "mean",
) -> TrainingRun:
    """Train the network by full-batch gradient descent, the whole loop in one compiled call.

    Parameters
    ----------
    X : array_like of shape (N, I)
        Inputs. The dtype of the run is the widest floating dtype among X, y, w1 and w2; float64 if there is none.
    y : array_like of shape (N, O)
        Targets.
    hidden_size : int, default 3
        H; w1 and w2 take precedence.
    epochs : int, default 10,000
        Updates of the weights; 0 returns the initial ones.
    learning_rate : float, default 0.12
        Both weight matrices move by this times their gradient, taken at the same point.
    gradient : {"fused", "backward", "backward_faster", "backward_pass"}
        Which implementation; all give the same run to rounding. "fused" is forward pass, gradient and update in one.
        (Inside compiled code wide layers are left to BLAS; from Python, many samples of them to the engine's tiles.)
    seed : int or numpy.random.RandomState, default 56
        For `initialize_weights`, unless w1 and w2 are given.
    w1, w2 : array_like of shape (I, H) and (H, O), optional
        Initial weights, both or neither. They are copied.
    record_every : int, default 200
        Epochs between two recorded errors.
    reduction : {"mean", "sum"}
        The error is half the squared residual, its mean over the samples or (as in the document's second notebook) its sum.

    Returns
    -------
    TrainingRun
        w1, w2, epochs, errors.

    Raises
    ------
    ValueError, TypeError
        If shapes do not fit, data are empty, NaN or infinite, a number is out of its range, or a name is unknown.
    FloatingPointError
        If the run diverged: an error or a weight is no longer finite. The weights of the run are lost, since all of it is one compiled
        call; w1 and w2, if given, are as they were.

    Notes
    -----
    Ctrl-C ends a run within a tenth of a second with KeyboardInterrupt. Inside ``@njit`` code nothing is checked but the two names, and
    that the run has not diverged.

    Examples
    --------
    >>> from fastmlp import forward_pass, train
    >>> from fastmlp.datasets import load_xor
    >>> X, y = load_xor()
    >>> run = train(X, y, hidden_size=4, epochs=20_000, seed=1)
    >>> forward_pass(X, run.w1, run.w2)[1].round(1) + 0.0
    array([[0.],
           [1.],
           [1.],
           [0.]])
    """
    check_choice("gradient", gradient, GRADIENTS)
    check_choice("reduction", reduction, REDUCTIONS)
    epochs = check_size("epochs", epochs, 0)
    record_every = check_size("record_every", record_every, 1)
    learning_rate = check_real("learning_rate", learning_rate)
    arrays = training_arrays(X, y, hidden_size, seed, w1, w2)
    X, y, weights = arrays["X"], arrays["y"], Weights(arrays["w1"].copy(), arrays["w2"].copy())

    recorded, record = _record(epochs, record_every, X.dtype)
    samples, size = len(X), weights.w1.size + weights.w2.size
    summed = 1 if reduction == "mean" else samples
    rate, stop = step_rate(learning_rate, summed, X.dtype), np.zeros(1, np.uint8)
    run = epochs_of(gradient, samples, size, X.dtype)
    if epochs * samples * size < SHORT_RUN:
        run(weights, record, X, y, epochs, rate, stop)
    else:
        run_interruptibly(run, stop, weights, record, X, y, epochs, rate)
    errors = record.errors
    if reduction == "sum":
        with np.errstate(over="ignore"):
            errors *= X.dtype.type(summed)
    if not (all_finite(errors) and all_finite(weights.w1) and all_finite(weights.w2)):
        raise FloatingPointError(
            f"training diverged {_divergence(errors, record_every)}. Lower the learning rate (learning_rate={learning_rate:g})."
        )
    return TrainingRun(*weights, recorded, errors)


def _record(epochs: int, every: int, dtype: np.dtype) -> tuple[np.ndarray, Record]:
    """The epochs to record, and where their errors go."""
    try:
        recorded = np.arange(0, epochs, every)
        return recorded, Record(np.zeros(len(recorded), dtype), every, None)
    except (ValueError, MemoryError) as error:
        raise ValueError(
            f"epochs, record_every: expected as many recorded errors as memory holds, got epochs={epochs}, record_every={every}: "
            f"{-(-epochs // every)} errors"
        ) from error


def epochs_of(gradient: str, samples: int, size: int, dtype: np.dtype) -> Callable[..., None]:
    """The compiled loop over epochs with that gradient, for so many samples and weights. Its arguments are `fused_epochs`'s."""
    if gradient == "fused":
        return WAYS[way_through(samples, size, lanes(dtype))]
    return partial(document_epochs, GRADIENTS.index(gradient))


def step_rate(learning_rate: float, summed: int, dtype: np.dtype) -> Any:
    """What to multiply the mean's gradient with, in the dtype of the run."""
    rate = learning_rate * summed
    if abs(rate) > LARGEST[dtype]:
        limit = LARGEST[dtype] / summed
        raise ValueError(f"learning_rate: expected at most {limit:g}, since {dtype} holds no larger step, got {learning_rate:g}")
    return dtype.type(rate)


def _divergence(errors: np.ndarray, record_every: int) -> str:
    """When a run diverged, as far as its errors tell."""
    finite = np.isfinite(errors)
    if finite.all():
        return f"after epoch {(len(errors) - 1) * record_every}, the last recorded: the weights are not finite"
    bad = int(np.argmin(finite))
    return f"by epoch {bad * record_every}: the error is not finite"


def training_arrays(
    X: ArrayLike, y: ArrayLike, hidden_size: int, seed: int | np.random.RandomState, w1: ArrayLike | None, w2: ArrayLike | None
) -> dict[str, np.ndarray]:
    """X, y, w1 and w2 in one dtype, checked; the weights drawn if they are not given, in the dtype of X and y."""
    if (w1 is None) != (w2 is None):
        given, missing = ("w2", "w1") if w1 is None else ("w1", "w2")
        raise ValueError(f"{missing}: expected both initial weights or neither, got {given} alone")
    values = {"X": X, "y": y} if w1 is None else {"X": X, "y": y, "w1": w1, "w2": w2}
    arrays = dict(zip(values, as_arrays(**values), strict=True))
    sizes = check_shapes({"X": "NI", "y": "NO", "w1": "IH", "w2": "HO"}, arrays)
    hidden_size = check_size("hidden_size", hidden_size, 1, largest_size(max(sizes["I"], sizes["O"])))
    if w1 is None:
        drawn = initialize_weights(sizes["I"], hidden_size, sizes["O"], seed)
        arrays |= {name: w.astype(arrays["X"].dtype) for name, w in zip(("w1", "w2"), drawn, strict=True)}
    for name, array in arrays.items():
        check_finite(name, array)
    return arrays


@in_compiled_code(train)
def _train_compiled(  # type: ignore[no-untyped-def]
    X, y, hidden_size=3, epochs=10_000, learning_rate=0.12, gradient="fused", seed=56, w1=None, w2=None, record_every=200,
    reduction="mean",
):  # fmt: skip
    dtype = as_dtype(X.dtype).type if isinstance(X.dtype, types.Float) else np.float64

    def implementation(  # type: ignore[no-untyped-def]
        X, y, hidden_size=3, epochs=10_000, learning_rate=0.12, gradient="fused", seed=56, w1=None, w2=None, record_every=200,
        reduction="mean",
    ):  # fmt: skip
        code = -1
        for place, name in enumerate(GRADIENTS):
            if gradient == name:
                code = place
        if code < 0 or (reduction != "mean" and reduction != "sum"):
            raise ValueError("train: unknown gradient or reduction")
        if w1 is None:
            start1, start2 = initialize_weights(X.shape[1], hidden_size, y.shape[1], seed)
        else:
            start1, start2 = w1, w2
        weights = Weights(start1.astype(dtype), start2.astype(dtype))
        recorded = np.arange(0, epochs, record_every)
        record = Record(np.zeros(len(recorded), dtype), record_every, None)
        summed = 1 if reduction == "mean" else len(X)
        inputs, targets, rate, stop = X.astype(dtype), y.astype(dtype), dtype(learning_rate * summed), np.zeros(1, np.uint8)
        if gradient == "fused":
            fused_epochs(weights, record, inputs, targets, epochs, rate, stop)
        else:
            document_epochs(code, weights, record, inputs, targets, epochs, rate, stop)
        errors = record.errors * dtype(summed)
        if not (np.isfinite(errors).all() and np.isfinite(weights.w1).all() and np.isfinite(weights.w2).all()):
            raise FloatingPointError("training diverged: lower the learning rate")
        return TrainingRun(weights.w1, weights.w2, recorded, errors)

    return implementation
