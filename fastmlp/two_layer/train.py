"""Train the two-layer network by full-batch gradient descent, with any of its gradients or with a fused training step."""

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
SHORT_RUN = 2e7  # multiply-adds; a shorter run takes about 0.05 s or less and need not be interruptible


class TrainingRun(NamedTuple):
    """The trained weights and the recorded errors, as `train` returns them.

    Attributes
    ----------
    w1, w2 : ndarray of shape (I, H) and (H, O)
        The weights after the last epoch.
    epochs : ndarray of shape (R,), int64
        The epochs whose error was recorded: 0, record_every, 2 * record_every, ...
    errors : ndarray of shape (R,)
        The error in each of these epochs, before the weights are updated.
    """

    w1: np.ndarray
    w2: np.ndarray
    epochs: np.ndarray
    errors: np.ndarray


class Weights(NamedTuple):
    """The weights w1 (I, H) and w2 (H, O)."""

    w1: np.ndarray
    w2: np.ndarray


class Record(NamedTuple):
    """The array for the errors of the epochs 0, every, 2 * every, ..., and the clock if the training run is profiled."""

    errors: np.ndarray
    every: int
    clock: Clock | None


@entry
def document_epochs(gradient, weights, record, X, y, epochs, rate, stop):  # type: ignore[no-untyped-def]
    """Run the loop of `network.train` with `GRADIENTS[gradient]`; the other arguments are those of `fused_epochs`."""
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
        lap(clock, ALLOCATION, 0)  # this lap is the time in which temporary arrays were freed
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
    """Train the network by full-batch gradient descent; the whole loop over epochs is one compiled call.

    Parameters
    ----------
    X : array_like of shape (N, I)
        Inputs. The run uses the widest floating dtype among X, y, w1 and w2, or float64 if none of them is floating.
    y : array_like of shape (N, O)
        Targets.
    hidden_size : int, default 3
        Number of hidden units, H. It is ignored if w1 and w2 are given.
    epochs : int, default 10,000
        Number of updates of the weights. With 0 the initial weights are returned.
    learning_rate : float, default 0.12
        Factor of the gradient in every update. The gradients of both weight matrices are taken before either of them changes.
    gradient : {"fused", "backward", "backward_faster", "backward_pass"}
        Implementation of the gradient. All give the same result up to rounding. "fused" computes the forward pass, the gradient and the
        update together. (For wide layers it uses the engine's tiled matrix products if there are many samples, otherwise BLAS; inside
        compiled code always BLAS.)
    seed : int or numpy.random.RandomState, default 56
        Seed or generator for `initialize_weights`, which draws the initial weights unless w1 and w2 are given.
    w1, w2 : array_like of shape (I, H) and (H, O), optional
        Initial weights; give both or neither. They are copied.
    record_every : int, default 200
        Number of epochs from one recorded error to the next.
    reduction : {"mean", "sum"}
        Whether the error, half the squared residual, is averaged over the samples or summed, as in the second notebook of the source
        document.

    Returns
    -------
    TrainingRun
        A named tuple of w1, w2, epochs and errors.

    Raises
    ------
    ValueError, TypeError
        If shapes do not fit, data are empty, NaN or infinite, a number is out of range, or a name is unknown.
    FloatingPointError
        If the run diverged, that is, an error or a weight is no longer finite. The weights of the run are lost, because the whole run is
        one compiled call; the arrays passed as w1 and w2 do not change.

    Notes
    -----
    Ctrl-C ends a run within a tenth of a second with KeyboardInterrupt. When ``@njit`` code calls `train`, only the names `gradient` and
    `reduction` are checked, and whether the run has diverged.

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
    """Return the epochs to record, and the `Record` that will receive their errors."""
    try:
        recorded = np.arange(0, epochs, every)
        return recorded, Record(np.zeros(len(recorded), dtype), every, None)
    except (ValueError, MemoryError) as error:
        raise ValueError(
            f"epochs, record_every: expected a number of recorded errors that fits in memory, got epochs={epochs} and "
            f"record_every={every}, which make {-(-epochs // every)} errors"
        ) from error


def epochs_of(gradient: str, samples: int, size: int, dtype: np.dtype) -> Callable[..., None]:
    """Return the compiled loop over epochs for this gradient and problem size. Its arguments are those of `fused_epochs`."""
    if gradient == "fused":
        return WAYS[way_through(samples, size, lanes(dtype))]
    return partial(document_epochs, GRADIENTS.index(gradient))


def step_rate(learning_rate: float, summed: int, dtype: np.dtype) -> Any:
    """Return the factor of the mean gradient in an update, in the dtype of the run."""
    rate = learning_rate * summed
    if abs(rate) > LARGEST[dtype]:
        limit = LARGEST[dtype] / summed
        raise ValueError(f"learning_rate: expected at most {limit:g}, since {dtype} cannot represent a larger step, got {learning_rate:g}")
    return dtype.type(rate)


def _divergence(errors: np.ndarray, record_every: int) -> str:
    """Describe when a run diverged, judging by its recorded errors."""
    finite = np.isfinite(errors)
    if finite.all():
        return f"after epoch {(len(errors) - 1) * record_every}, the last recorded epoch: the weights are not finite"
    bad = int(np.argmin(finite))
    return f"by epoch {bad * record_every}: the error is not finite"


def training_arrays(
    X: ArrayLike, y: ArrayLike, hidden_size: int, seed: int | np.random.RandomState, w1: ArrayLike | None, w2: ArrayLike | None
) -> dict[str, np.ndarray]:
    """Check X, y, w1 and w2 and convert them to one dtype; draw the weights in the dtype of X and y if they are not given."""
    if (w1 is None) != (w2 is None):
        given, missing = ("w2", "w1") if w1 is None else ("w1", "w2")
        raise ValueError(f"{missing}: expected both initial weights or neither, got only {given}")
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
