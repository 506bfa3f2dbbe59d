"""The document's network: one hidden layer, no biases, and its gradient written three ways.

N samples, I inputs, H hidden units, O outputs: X (N, I), w1 (I, H), w2 (H, O), y (N, O).

Read it from top to bottom: it is the notebook, compiled. Called from Python every function takes array-likes (lists, integers, views)
and checks them; called from a user's own ``@njit`` function it is the bare kernel, without checks.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.np.numpy_support import as_dtype
from numpy.typing import ArrayLike, NDArray

from .interface import (
    as_arrays,
    check_choice,
    check_finite,
    check_real,
    check_shapes,
    check_size,
    document_function,
    elementwise_function,
    in_dtype_of,
    run_interruptibly,
)
from .kernels import activations
from .kernels._jit import in_compiled_code, kernel
from .kernels.fused import fused_epochs
from .kernels.simd import peek

GRADIENTS = ("backward", "backward_faster", "backward_pass", "fused")
REDUCTIONS = ("mean", "sum")
# A run of fewer operations than this ends before anybody could interrupt it: about 0.05 s.
SHORT_RUN = 2e7


@elementwise_function(activations.sigmoid_into, activations.sigmoid_of)
def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), without overflow for any x.

    Parameters
    ----------
    x : array_like of any shape, or a number
        float32 and float64 keep their dtype; integers become float64.

    Returns
    -------
    ndarray of x's shape, or a number
        Accurate to 3 units in the last place.

    Raises
    ------
    TypeError
        If x does not hold real numbers.

    Examples
    --------
    >>> from fastmlp import sigmoid
    >>> sigmoid([-10000, 0, 10000])
    array([0. , 0.5, 1. ])
    """


@elementwise_function(activations.sigmoid_slope_into, activations.sigmoid_slope_of)
def sigmoid_(s: Any) -> Any:
    """s (1 - s): the derivative of the sigmoid, in terms of its output.

    Parameters
    ----------
    s : array_like of any shape, or a number
        Values of the sigmoid.

    Returns
    -------
    ndarray of s's shape, or a number

    Raises
    ------
    TypeError
        If s does not hold real numbers.

    Examples
    --------
    >>> from fastmlp import sigmoid, sigmoid_
    >>> sigmoid_(sigmoid(0.0))
    np.float64(0.25)
    """


@document_function(inputs="NI", weights="IO")
def dense(inputs: Any, weights: Any) -> Any:
    """The matrix product of inputs and weights; no bias.

    Parameters
    ----------
    inputs : array_like of shape (N, I)
    weights : array_like of shape (I, O)

    Returns
    -------
    ndarray of shape (N, O)

    Raises
    ------
    ValueError, TypeError
        If the shapes do not fit, or an argument does not hold real numbers.

    Examples
    --------
    >>> from fastmlp import dense
    >>> dense([[1, 2]], [[3], [4]])
    array([[11.]])
    """
    return in_dtype_of(weights, inputs) @ weights


def initialize_weights(
    input_sz: int, hidden_sz: int, output_sz: int, seed: int | np.random.RandomState = 56
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw w1, then w2, uniform on [0, 1), from NumPy's legacy generator.

    Parameters
    ----------
    input_sz, hidden_sz, output_sz : int
        I, H and O, each at least 1.
    seed : int or numpy.random.RandomState, default 56
        A generator is drawn from as it stands. The document's training runs use the second draw after the seed 56 (see the example).

    Returns
    -------
    w1 : ndarray of shape (I, H), float64
    w2 : ndarray of shape (H, O), float64

    Raises
    ------
    ValueError, TypeError
        If a size is not a positive integer, or the seed is none that NumPy takes.

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import initialize_weights
    >>> document = np.random.RandomState(56)
    >>> first = initialize_weights(2, 3, 1, seed=document)
    >>> w1, w2 = initialize_weights(2, 3, 1, seed=document)
    >>> w1.round(3)
    array([[0.392, 0.326, 0.09 ],
           [0.834, 0.096, 0.648]])
    """
    I, H, O = (check_size(n, v, 1) for n, v in (("input_sz", input_sz), ("hidden_sz", hidden_sz), ("output_sz", output_sz)))
    if not isinstance(seed, np.random.RandomState):
        seed = check_size("seed", seed, 0)
        if seed >= 2**32:
            raise ValueError(f"seed: expected at most {2**32 - 1}, got {seed}")
        seed = np.random.RandomState(seed)
    return seed.random_sample((I, H)), seed.random_sample((H, O))


@document_function(X="NI", w1="IH", w2="HO")
def forward_pass(X: Any, w1: Any, w2: Any) -> Any:
    """The network's output: a sigmoid hidden layer, then a linear one.

    Parameters
    ----------
    X : array_like of shape (N, I)
    w1 : array_like of shape (I, H)
    w2 : array_like of shape (H, O)

    Returns
    -------
    act_hidden : ndarray of shape (N, H)
        sigmoid(X w1).
    y_hat : ndarray of shape (N, O)
        act_hidden w2.

    Raises
    ------
    ValueError, TypeError
        If the shapes do not fit, or an argument does not hold real numbers.

    Examples
    --------
    >>> from fastmlp import forward_pass
    >>> act_hidden, y_hat = forward_pass([[0, 0]], [[1, 2], [3, 4]], [[1], [1]])
    >>> y_hat
    array([[1.]])
    """
    act_hidden = sigmoid(dense(X, w1))
    return act_hidden, dense(act_hidden, w2)


@document_function(y_hat="NO", y="NO")
def mse(y_hat: Any, y: Any) -> Any:
    """The residual and half the mean squared error: a sum over the outputs, a mean over the N samples.

    Parameters
    ----------
    y_hat : array_like of shape (N, O)
        Outputs of the network.
    y : array_like of shape (N, O)
        Targets.

    Returns
    -------
    residual : ndarray of shape (N, O)
        y_hat - y.
    error : float
        1/N * sum_n 1/2 * |residual_n|^2.

    Raises
    ------
    ValueError, TypeError
        If the shapes differ, or an argument does not hold real numbers.

    Notes
    -----
    The notebook divides by N * O (erratum 2), which is not the error its gradients belong to when O > 1.

    Examples
    --------
    >>> from fastmlp import mse
    >>> mse([[1, 2]], [[0, 0]])
    (array([[1., 2.]]), 2.5)
    """
    residual = y_hat - y
    return residual, np.sum(residual * residual) / (2 * len(y))


@document_function(X="NI", y="NO", y_hat="NO", act_hidden="NH", w2="HO")
def backward(X: Any, y: Any, y_hat: Any, act_hidden: Any, w2: Any) -> Any:
    """The gradient by naive loops: for each weight, one mean over the samples.

    Parameters
    ----------
    X : array_like of shape (N, I)
    y : array_like of shape (N, O)
    y_hat, act_hidden : array_like of shape (N, O), (N, H)
        What `forward_pass` returned.
    w2 : array_like of shape (H, O)

    Returns
    -------
    dL_dw2 : ndarray of shape (H, O)
    dL_dw1 : ndarray of shape (I, H)
    error : float
        As `mse` gives it.

    Raises
    ------
    ValueError, TypeError
        If the shapes do not fit, or an argument does not hold real numbers.

    Notes
    -----
    The notebook's loop multiplies by ``sigmoid(act_hidden)`` where the derivative ``sigmoid_(act_hidden)`` belongs (erratum 1), and
    looks at the first output only (erratum 3).

    Examples
    --------
    >>> from fastmlp import backward, forward_pass
    >>> X, y, w1, w2 = [[0, 1]], [[1]], [[1, 1], [0, 0]], [[1], [1]]
    >>> act_hidden, y_hat = forward_pass(X, w1, w2)
    >>> backward(X, [[0]], y_hat, act_hidden, w2)
    (array([[0.5],
           [0.5]]), array([[0.  , 0.  ],
           [0.25, 0.25]]), 0.5)
    """
    (N, I), (H, O) = X.shape, w2.shape
    residual, error = mse(y_hat, y)
    dL_dw2, dL_dw1 = np.zeros_like(w2), np.zeros((I, H), w2.dtype)
    for j in range(H):
        for k in range(O):
            total = w2.dtype.type(0)
            for n in range(N):
                total += residual[n, k] * act_hidden[n, j]
            dL_dw2[j, k] = total / N
    for i in range(I):
        for j in range(H):
            total = w2.dtype.type(0)
            for n in range(N):
                for k in range(O):
                    total += residual[n, k] * w2[j, k] * sigmoid_(act_hidden[n, j]) * X[n, i]
            dL_dw1[i, j] = total / N
    return dL_dw2, dL_dw1, error


@document_function(X="NI", y="NO", y_hat="NO", act_hidden="NH", w2="HO")
def backward_faster(X: Any, y: Any, y_hat: Any, act_hidden: Any, w2: Any) -> Any:
    """The gradient as matrix products. Arguments, results and errors as in `backward`.

    Examples
    --------
    >>> from fastmlp import backward_faster, forward_pass
    >>> act_hidden, y_hat = forward_pass([[0, 1]], [[1, 1], [0, 0]], [[1], [1]])
    >>> backward_faster([[0, 1]], [[0]], y_hat, act_hidden, [[1], [1]])[1]
    array([[0.  , 0.  ],
           [0.25, 0.25]])
    """
    residual, error = mse(y_hat, y)
    scale = w2.dtype.type(1 / len(X))
    dL_dw2 = scale * dense(act_hidden.T, residual)
    da_dh = dense(residual, w2.T) * sigmoid_(act_hidden)
    dL_dw1 = scale * dense(X.T, da_dh)
    return dL_dw2, dL_dw1, error


@document_function(X="NI", y="NO", y_hat="NO", act_hidden="NH", w2="HO")
def backward_pass(X: Any, y: Any, y_hat: Any, act_hidden: Any, w2: Any) -> Any:
    """The gradient as one expression. Arguments, results and errors as in `backward`.

    Examples
    --------
    >>> from fastmlp import backward_pass, forward_pass
    >>> act_hidden, y_hat = forward_pass([[0, 1]], [[1, 1], [0, 0]], [[1], [1]])
    >>> backward_pass([[0, 1]], [[0]], y_hat, act_hidden, [[1], [1]])[1]
    array([[0.  , 0.  ],
           [0.25, 0.25]])
    """
    residual, error = mse(y_hat, y)
    scale = w2.dtype.type(1 / len(X))
    return scale * dense(act_hidden.T, residual), scale * dense(X.T, dense(residual, w2.T) * sigmoid_(act_hidden)), error


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


@kernel
def document_epochs(  # type: ignore[no-untyped-def]
    gradient, w1, w2, errors, epochs, record_every, rate, scale, X, y, stop
):
    """The notebook's training loop with one of its gradients, by its place in GRADIENTS; the other arguments are `fused_epochs`'s."""
    for epoch in range(epochs):
        if peek(stop):
            break
        act_hidden, y_hat = forward_pass(X, w1, w2)
        if gradient == 0:
            dL_dw2, dL_dw1, error = backward(X, y, y_hat, act_hidden, w2)
        elif gradient == 1:
            dL_dw2, dL_dw1, error = backward_faster(X, y, y_hat, act_hidden, w2)
        else:
            dL_dw2, dL_dw1, error = backward_pass(X, y, y_hat, act_hidden, w2)
        w1 -= rate * dL_dw1
        w2 -= rate * dL_dw2
        if epoch % record_every == 0:
            errors[epoch // record_every] = scale * error


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
        Which implementation; all give the same run to rounding. "fused" is forward pass, gradient and update in one, and the fastest.
    seed : int or numpy.random.RandomState, default 56
        For `initialize_weights`, unless w1 and w2 are given.
    w1, w2 : array_like of shape (I, H) and (H, O), optional
        Initial weights, both or neither. They are copied.
    record_every : int, default 200
        Epochs between two recorded errors.
    reduction : {"mean", "sum"}
        The error is half the squared residual, its mean over the samples or (as in the second notebook) its sum.

    Returns
    -------
    TrainingRun
        w1, w2, epochs, errors.

    Raises
    ------
    ValueError, TypeError
        If shapes do not fit, data are empty, NaN or infinite, a size is negative, or a name is unknown.

    Warns
    -----
    RuntimeWarning
        If the run diverged: an error or a weight is no longer finite.

    Notes
    -----
    Ctrl-C ends a run within a tenth of a second with KeyboardInterrupt. Inside ``@njit`` code nothing is checked but the two names.

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
    hidden_size = check_size("hidden_size", hidden_size, 1)
    epochs = check_size("epochs", epochs, 0)
    record_every = check_size("record_every", record_every, 1)
    learning_rate = check_real("learning_rate", learning_rate)
    arrays = _training_arrays(X, y, hidden_size, seed, w1, w2)
    X, y, w1, w2 = arrays["X"], arrays["y"], arrays["w1"].copy(), arrays["w2"].copy()

    N, I = X.shape
    H, O = w2.shape
    epochs_recorded = np.arange(0, epochs, record_every)
    errors = np.zeros(len(epochs_recorded), X.dtype)
    stop = np.zeros(1, np.uint8)
    summed = 1 if reduction == "mean" else N
    loop: tuple[Any, ...] = (w1, w2, errors, epochs, record_every, X.dtype.type(learning_rate * summed), X.dtype.type(summed), X, y)
    run = fused_epochs if gradient == "fused" else document_epochs
    arguments = loop if gradient == "fused" else (GRADIENTS.index(gradient), *loop)
    if epochs * N * H * (I + O) < SHORT_RUN:
        run(*arguments, stop)
    else:
        run_interruptibly(run, stop, *arguments)
    if not (np.isfinite(errors).all() and np.isfinite(w1).all() and np.isfinite(w2).all()):
        warnings.warn(f"training diverged at learning_rate={learning_rate}: errors or weights are not finite", RuntimeWarning, stacklevel=2)
    return TrainingRun(w1, w2, epochs_recorded, errors)


def _training_arrays(
    X: ArrayLike, y: ArrayLike, hidden_size: int, seed: int | np.random.RandomState, w1: ArrayLike | None, w2: ArrayLike | None
) -> dict[str, np.ndarray]:
    """X, y, w1 and w2 in one dtype, checked; the weights drawn if they are not given, in the dtype of X and y."""
    if (w1 is None) != (w2 is None):
        given, missing = ("w2", "w1") if w1 is None else ("w1", "w2")
        raise ValueError(f"{missing}: expected both initial weights or neither, got {given} alone")
    values = {"X": X, "y": y} if w1 is None else {"X": X, "y": y, "w1": w1, "w2": w2}
    arrays = dict(zip(values, as_arrays(**values), strict=True))
    sizes = check_shapes({"X": "NI", "y": "NO", "w1": "IH", "w2": "HO"}, arrays)
    if w1 is None:
        drawn = initialize_weights(sizes["I"], hidden_size, sizes["O"], seed)
        arrays |= {name: w.astype(arrays["X"].dtype) for name, w in zip(("w1", "w2"), drawn, strict=True)}
    for name, array in arrays.items():
        check_finite(name, array)
    return arrays


@in_compiled_code(initialize_weights)
def _initialize_weights_compiled(input_sz, hidden_sz, output_sz, seed=56):  # type: ignore[no-untyped-def]
    def implementation(input_sz, hidden_sz, output_sz, seed=56):  # type: ignore[no-untyped-def]
        np.random.seed(seed)  # noqa: NPY002 - in compiled code the same generator as RandomState
        return np.random.random((input_sz, hidden_sz)), np.random.random((hidden_sz, output_sz))  # noqa: NPY002

    return implementation


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
        end1, end2 = start1.astype(dtype), start2.astype(dtype)
        recorded = np.arange(0, epochs, record_every)
        errors = np.zeros(len(recorded), dtype)
        summed = 1 if reduction == "mean" else len(X)
        rate, scale, stop = dtype(learning_rate * summed), dtype(summed), np.zeros(1, np.uint8)
        inputs, targets = X.astype(dtype), y.astype(dtype)
        if gradient == "fused":
            fused_epochs(end1, end2, errors, epochs, record_every, rate, scale, inputs, targets, stop)
        else:
            document_epochs(code, end1, end2, errors, epochs, record_every, rate, scale, inputs, targets, stop)
        return TrainingRun(end1, end2, recorded, errors)

    return implementation
