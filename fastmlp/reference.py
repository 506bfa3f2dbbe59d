"""The mathematics of fastmlp in plain float64 NumPy: the oracle of the tests and the benchmarks.

Nothing in the package imports this file, and it imports nothing of the package. The public names are the same; the forms
differ on purpose (sums over samples of outer products, `einsum`), so that a mistake would have to be made twice, in two shapes.

N samples, I inputs, H hidden units, O outputs: X (N, I), w1 (I, H), w2 (H, O), y (N, O).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
Gradients = tuple[Array, Array, float]


class Run(NamedTuple):
    """What `train` returns: the last weights, and the error measured before the update of each recorded epoch."""

    w1: Array
    w2: Array
    epochs: NDArray[np.int64]
    errors: Array


def _float64(*arrays: ArrayLike) -> list[Array]:
    return [np.asarray(array, dtype=np.float64) for array in arrays]


def sigmoid(x: ArrayLike) -> Array:
    """1 / (1 + exp(-x)); as exp(x) / (1 + exp(x)) where x < 0, so that nothing overflows."""
    (x,) = _float64(x)
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, decay) / (1.0 + decay)


def sigmoid_(s: ArrayLike) -> Array:
    """s (1 - s): the derivative of the sigmoid, written in terms of its output s."""
    (s,) = _float64(s)
    return s * (1.0 - s)


def dense(inputs: ArrayLike, weights: ArrayLike) -> Array:
    """out[n, o] = sum_i inputs[n, i] weights[i, o]."""
    out: Array = np.einsum("ni,io->no", *_float64(inputs, weights))
    return out


def initialize_weights(input_sz: int, hidden_sz: int, output_sz: int, seed: int | np.random.RandomState = 56) -> tuple[Array, Array]:
    """w1 (I, H), then w2 (H, O), uniform on [0, 1) from NumPy's legacy generator."""
    generator = seed if isinstance(seed, np.random.RandomState) else np.random.RandomState(seed)
    return generator.uniform(size=(input_sz, hidden_sz)), generator.uniform(size=(hidden_sz, output_sz))


def forward_pass(X: ArrayLike, w1: ArrayLike, w2: ArrayLike) -> tuple[Array, Array]:
    """act_hidden = sigmoid(X w1), y_hat = act_hidden w2."""
    act_hidden = sigmoid(dense(X, w1))
    return act_hidden, dense(act_hidden, w2)


def mse(y_hat: ArrayLike, y: ArrayLike) -> tuple[Array, float]:
    """residual = y_hat - y, error = 1/N sum_n 1/2 |residual_n|^2: divided by N, not by N * O (erratum 2)."""
    y_hat, y = _float64(y_hat, y)
    if y_hat.shape != y.shape:
        raise ValueError(f"y: expected the shape of y_hat, {y_hat.shape}, got {y.shape}")
    residual = y_hat - y
    return residual, sum(0.5 * float(np.vdot(row, row)) for row in residual) / len(residual)


def backward(X: ArrayLike, y: ArrayLike, y_hat: ArrayLike, act_hidden: ArrayLike, w2: ArrayLike) -> Gradients:
    """One sample at a time: dL_dw2 = 1/N sum_n a_n r_n^T, dL_dw1 = 1/N sum_n x_n ((w2 r_n) * a_n (1 - a_n))^T."""
    X, act_hidden, w2 = _float64(X, act_hidden, w2)
    residual, error = mse(y_hat, y)
    dL_dw1, dL_dw2 = np.zeros((X.shape[1], w2.shape[0])), np.zeros_like(w2)
    for x, a, r in zip(X, act_hidden, residual, strict=True):
        dL_dw2 += np.outer(a, r)
        dL_dw1 += np.outer(x, (w2 @ r) * sigmoid_(a))
    return dL_dw2 / len(X), dL_dw1 / len(X), error


def backward_faster(X: ArrayLike, y: ArrayLike, y_hat: ArrayLike, act_hidden: ArrayLike, w2: ArrayLike) -> Gradients:
    """As `backward`, one sum over all samples per weight matrix, by way of da_dh = (residual w2^T) * sigmoid_(act_hidden)."""
    X, act_hidden, w2 = _float64(X, act_hidden, w2)
    residual, error = mse(y_hat, y)
    da_dh = np.einsum("no,ho->nh", residual, w2) * sigmoid_(act_hidden)
    return np.einsum("nh,no->ho", act_hidden, residual) / len(X), np.einsum("ni,nh->ih", X, da_dh) / len(X), error


def backward_pass(X: ArrayLike, y: ArrayLike, y_hat: ArrayLike, act_hidden: ArrayLike, w2: ArrayLike) -> Gradients:
    """As `backward`, each gradient one product over all its indices."""
    X, act_hidden, w2 = _float64(X, act_hidden, w2)
    residual, error = mse(y_hat, y)
    dL_dw1 = np.einsum("ni,no,ho,nh->ih", X, residual, w2, sigmoid_(act_hidden))
    return np.einsum("nh,no->ho", act_hidden, residual) / len(X), dL_dw1 / len(X), error


def backward_as_published(X: ArrayLike, y: ArrayLike, y_hat: ArrayLike, act_hidden: ArrayLike, w2: ArrayLike) -> Gradients:
    """Notebook 1's `backward` with its errata, which is no gradient; kept to show that the checks catch it.

    dL_dw1[i, j] = mean_n residual[n, 0] w2[j, 0] sigmoid(act_hidden[n, j]) X[n, i]: sigmoid where its derivative belongs
    (erratum 1), the first output only (erratum 3). The error is the mean over all N * O entries (erratum 2).
    """
    X, act_hidden, w2 = _float64(X, act_hidden, w2)
    residual = mse(y_hat, y)[0]
    dL_dw1 = np.empty((X.shape[1], w2.shape[0]))
    for i, j in np.ndindex(dL_dw1.shape):
        dL_dw1[i, j] = np.mean(residual[:, 0] * w2[j, 0] * sigmoid(act_hidden[:, j]) * X[:, i])
    return np.einsum("nh,no->ho", act_hidden, residual) / len(X), dL_dw1, float(np.mean(residual**2) / 2)


GRADIENTS: dict[str, Callable[..., Gradients]] = {
    "backward": backward,
    "backward_faster": backward_faster,
    "backward_pass": backward_pass,
    "fused": backward,
    "backward_as_published": backward_as_published,
}


def train(
    X: ArrayLike,
    y: ArrayLike,
    hidden_size: int = 3,
    epochs: int = 10_000,
    learning_rate: float = 0.12,
    gradient: str = "fused",
    seed: int | np.random.RandomState = 56,
    w1: Any = None,
    w2: Any = None,
    record_every: int = 200,
    reduction: str = "mean",
) -> Run:
    """Full-batch descent, w <- w - learning_rate dL_dw, both weight matrices from gradients taken at the same point (erratum 4).

    `reduction="sum"` multiplies error and gradients by N.
    """
    X, y = _float64(X, y)
    if w1 is None:
        w1, w2 = initialize_weights(X.shape[1], hidden_size, y.shape[1], seed)
    w1, w2 = (np.array(w, dtype=np.float64) for w in (w1, w2))
    scale = {"mean": 1, "sum": len(X)}[reduction]
    recorded, errors = [], []
    for epoch in range(epochs):
        act_hidden, y_hat = forward_pass(X, w1, w2)
        dL_dw2, dL_dw1, error = GRADIENTS[gradient](X, y, y_hat, act_hidden, w2)
        if epoch % record_every == 0:
            recorded.append(epoch)
            errors.append(scale * error)
        w1 -= learning_rate * scale * dL_dw1
        w2 -= learning_rate * scale * dL_dw2
    return Run(w1, w2, np.array(recorded, dtype=np.int64), np.array(errors))


def central_differences(f: Callable[[Array], float], w: ArrayLike, eps: float = 1e-5) -> Array:
    """df/dw[k] = (f(w + eps e_k) - f(w - eps e_k)) / (2 eps), one entry at a time; its error falls with eps^2."""
    (w,) = _float64(w)
    gradient = np.empty_like(w)
    for index in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[index] = eps
        gradient[index] = (f(w + step) - f(w - step)) / (2 * eps)
    return gradient
