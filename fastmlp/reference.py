"""The mathematics of fastmlp in plain float64 NumPy: the oracle of the tests and the benchmarks.

Nothing in the package imports this file, and it imports nothing from the package. Its public names are those of the package, but the
formulas are written in other forms on purpose (sums over samples of outer products, `einsum`), so that the same mistake would have to be
made twice, in two forms.

The first part is the document's network, with N samples, I inputs, H hidden units and O outputs: X (N, I), w1 (I, H), w2 (H, O) and
y (N, O). The second part, from `ACTIVATIONS` on, is for networks of any depth: activations, losses, the gradient by deltas, and the steps
of the optimisers.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Run(NamedTuple):
    """The result of `train`: the final weights, and the error before the update of each recorded epoch."""

    w1: Array
    w2: Array
    epochs: NDArray[np.int64]
    errors: Array


def _float64(*arrays: ArrayLike) -> list[Array]:
    return [np.asarray(array, dtype=np.float64) for array in arrays]


def sigmoid(x: ArrayLike) -> Array:
    """Return 1 / (1 + exp(-x)), computed as exp(x) / (1 + exp(x)) where x < 0, so that nothing overflows."""
    (x,) = _float64(x)
    decay = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, decay) / (1.0 + decay)


def sigmoid_(s: ArrayLike) -> Array:
    """Return s (1 - s), the derivative of the sigmoid in terms of its output s."""
    (s,) = _float64(s)
    return s * (1.0 - s)


def dense(inputs: ArrayLike, weights: ArrayLike) -> Array:
    """Return out[n, o] = sum_i inputs[n, i] weights[i, o]."""
    out: Array = np.einsum("ni,io->no", *_float64(inputs, weights))
    return out


def forward_pass(X: ArrayLike, w1: ArrayLike, w2: ArrayLike) -> tuple[Array, Array]:
    """Return act_hidden = sigmoid(X w1) and y_hat = act_hidden w2."""
    act_hidden = sigmoid(dense(X, w1))
    return act_hidden, dense(act_hidden, w2)


def mse(y_hat: ArrayLike, y: ArrayLike) -> tuple[Array, float]:
    """Return residual = y_hat - y and error = 1/N sum_n sum_o 1/2 residual_no^2, which is divided by N and not by N * O (erratum 2)."""
    y_hat, y = _float64(y_hat, y)
    if y_hat.shape != y.shape:
        raise ValueError(f"y: expected the shape of y_hat, {y_hat.shape}, got {y.shape}")
    residual = y_hat - y
    return residual, sum(0.5 * float(np.vdot(row, row)) for row in residual) / len(residual)


def backward(X: ArrayLike, y: ArrayLike, y_hat: ArrayLike, act_hidden: ArrayLike, w2: ArrayLike) -> tuple[Array, Array, float]:
    """Return dL_dw2, dL_dw1 and the error, summing over one sample at a time.

    dL_dw2 = 1/N sum_n a_n r_n^T and dL_dw1 = 1/N sum_n x_n ((w2 r_n) * a_n (1 - a_n))^T.
    """
    X, act_hidden, w2 = _float64(X, act_hidden, w2)
    residual, error = mse(y_hat, y)
    dL_dw1, dL_dw2 = np.zeros((X.shape[1], w2.shape[0])), np.zeros_like(w2)
    for x, a, r in zip(X, act_hidden, residual, strict=True):
        dL_dw2 += np.outer(a, r)
        dL_dw1 += np.outer(x, (w2 @ r) * sigmoid_(a))
    return dL_dw2 / len(X), dL_dw1 / len(X), error


def train(
    X: ArrayLike, y: ArrayLike, w1: ArrayLike, w2: ArrayLike, epochs: int = 10_000, learning_rate: float = 0.12, record_every: int = 200,
    reduction: str = "mean",
) -> Run:  # fmt: skip
    """Train by full-batch gradient descent, w <- w - learning_rate dL_dw.

    The gradients of both weight matrices are taken at the same point (erratum 4). `reduction="sum"` multiplies error and gradients by N.
    """
    X, y, w1, w2 = _float64(X, y, w1, w2)
    scale = {"mean": 1, "sum": len(X)}[reduction]
    recorded, errors = [], []
    for epoch in range(epochs):
        act_hidden, y_hat = forward_pass(X, w1, w2)
        dL_dw2, dL_dw1, error = backward(X, y, y_hat, act_hidden, w2)
        if epoch % record_every == 0:
            recorded.append(epoch)
            errors.append(scale * error)
        w1 = w1 - learning_rate * scale * dL_dw1
        w2 = w2 - learning_rate * scale * dL_dw2
    return Run(w1, w2, np.array(recorded, dtype=np.int64), np.array(errors))


def central_differences(f: Callable[[Array], float], w: ArrayLike, eps: float = 1e-5) -> Array:
    """Return df/dw[k] = (f(w + eps e_k) - f(w - eps e_k)) / (2 eps), one entry at a time. Its error falls with eps^2."""
    (w,) = _float64(w)
    gradient = np.empty_like(w)
    for index in np.ndindex(w.shape):
        step = np.zeros_like(w)
        step[index] = eps
        gradient[index] = (f(w + step) - f(w - step)) / (2 * eps)
    return gradient


def _gelu_gate(z: Array) -> Array:
    return sigmoid(2 * np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))


def _gelu_slope(z: Array) -> Array:
    gate = _gelu_gate(z)
    return gate + z * sigmoid_(gate) * 2 * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * z**2)


def _mish_slope(z: Array) -> Array:
    gate = np.tanh(np.logaddexp(0, z))
    return gate + z * sigmoid(z) / np.cosh(np.logaddexp(0, np.minimum(z, 300))) ** 2


SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772

# For each activation g, the functions g(z) and g'(z), for z of any shape. If the slope jumps at 0, its value there is that just below 0,
# except for elu and selu.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "identity": (lambda z: z, np.ones_like),
    "logistic": (sigmoid, lambda z: sigmoid(z) * sigmoid(-z)),
    "tanh": (np.tanh, lambda z: 4 * sigmoid(2 * z) * sigmoid(-2 * z)),
    "relu": (lambda z: np.maximum(z, 0), lambda z: np.heaviside(z, 0)),
    "leaky_relu": (lambda z: np.maximum(z, 0.01 * z), lambda z: 0.01 + 0.99 * np.heaviside(z, 0)),
    "elu": (lambda z: np.where(z < 0, np.expm1(np.minimum(z, 0)), z), lambda z: np.exp(np.minimum(z, 0))),
    "selu": (
        lambda z: SELU_SCALE * np.where(z < 0, SELU_ALPHA * np.expm1(np.minimum(z, 0)), z),
        lambda z: SELU_SCALE * np.where(z < 0, SELU_ALPHA * np.exp(np.minimum(z, 0)), 1 + 0 * z),
    ),
    "gelu": (lambda z: z * _gelu_gate(z), _gelu_slope),
    "silu": (lambda z: z * sigmoid(z), lambda z: sigmoid(z) + z * sigmoid(z) * sigmoid(-z)),
    "softplus": (lambda z: np.logaddexp(0, z), sigmoid),
    "mish": (lambda z: z * np.tanh(np.logaddexp(0, z)), _mish_slope),
}


def softmax(z: ArrayLike) -> Array:
    """Return exp(z) / sum exp(z) along the last axis, computed as exp(z - log sum exp(z))."""
    (z,) = _float64(z)
    out: Array = np.exp(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))
    return out


def _softmax_cross_entropy(z: Array, t: Array) -> Array:
    return np.einsum("no,no->n", t, np.logaddexp.reduce(z, axis=1, keepdims=True) - z)


def _binary_cross_entropy(z: Array, t: Array) -> Array:
    """Return -t log sigmoid(z) - (1 - t) log sigmoid(-z), summed over the outputs."""
    out: Array = np.sum(t * np.logaddexp(0, -z) + (1 - t) * np.logaddexp(0, z), axis=1)
    return out


def _poisson(z: Array, t: Array) -> Array:
    """Return half the deviance, exp(z) - t - t log(exp(z) / t), summed over the outputs."""
    out: Array = np.sum(np.exp(z) - t - t * z + t * np.log(np.where(t > 0, t, 1)), axis=1)
    return out


def quantile_loss(levels: ArrayLike) -> tuple[Callable[[Array, Array], Array], Callable[[Array, Array], Array]]:
    """As an element of `LOSSES`: sum_o q_o (t - z) where z is below its target t, (1 - q_o) (z - t) above. levels : q, of each output."""
    (q,) = _float64(levels)
    return (
        lambda z, t: np.sum(np.abs(z - t) * np.where(z < t, q, 1 - q), axis=1),
        lambda z, t: (z > t) * (1 - q) - (z < t) * q,
    )


# For each loss l, the functions l(z, t) of every sample (N,) and dl/dz (N, O). z : outputs of the last layer, t : targets, both (N, O).
LOSSES: dict[str, tuple[Callable[[Array, Array], Array], Callable[[Array, Array], Array]]] = {
    "squared_error": (lambda z, t: np.einsum("no,no->n", z - t, z - t) / 2, lambda z, t: z - t),
    "softmax_cross_entropy": (_softmax_cross_entropy, lambda z, t: softmax(z) * t.sum(axis=1, keepdims=True) - t),
    "binary_cross_entropy": (_binary_cross_entropy, lambda z, t: sigmoid(z) - t),
    "poisson": (_poisson, lambda z, t: np.exp(z) - t),
    "absolute_error": (lambda z, t: np.abs(z - t).sum(axis=1), lambda z, t: np.sign(z - t)),
    "huber": (
        lambda z, t: np.where(np.abs(z - t) < 1, (z - t) ** 2 / 2, np.abs(z - t) - 0.5).sum(axis=1),
        lambda z, t: np.clip(z - t, -1, 1),
    ),
    "quantile": quantile_loss(0.5),
}


def cross_entropy(logits: ArrayLike, targets: ArrayLike) -> float:
    """Return the mean over the samples of -sum_o t log softmax(z)."""
    return float(_softmax_cross_entropy(*_float64(logits, targets)).mean())


def binary_cross_entropy(logits: ArrayLike, targets: ArrayLike) -> float:
    """Return the mean over the samples of -sum_o (t log p + (1 - t) log(1 - p)), where p = sigmoid(z)."""
    return float(_binary_cross_entropy(*_float64(logits, targets)).mean())


class Layer(NamedTuple):
    """A dense layer with its activation, x -> g(x W + b)."""

    W: Array
    b: Array | None
    activation: str


def forward(X: ArrayLike, layers: Sequence[Layer]) -> list[tuple[Array, Array]]:
    """Return (Z_l, X_{l+1}) of every layer, where Z_l = X_l W_l + b_l and X_{l+1} = g_l(Z_l)."""
    (x,) = _float64(X)
    passed = []
    for layer in layers:
        z = dense(x, layer.W) + (0 if layer.b is None else layer.b)
        x = ACTIVATIONS[layer.activation][0](z)
        passed.append((z, x))
    return passed


def gradient(
    X: ArrayLike, y: ArrayLike, layers: Sequence[Layer], loss: str, sample_weight: ArrayLike | None = None
) -> tuple[float, list[tuple[Array, Array]]]:
    """Return the mean loss and (dJ/dW, dJ/db) of every layer, by the deltas of deep backpropagation.

    delta_L = dl/dX_{L+1} * g'(Z_L), delta_l = (delta_{l+1} W_{l+1}^T) * g'(Z_l), dJ/dW_l = X_l^T delta_l, dJ/db_l = 1^T delta_l.
    With sample weights s_n, the mean is sum_n s_n l_n / sum_n s_n.
    """
    X, y = _float64(X, y)
    share = np.ones(len(X)) if sample_weight is None else _float64(sample_weight)[0]
    share = share / share.sum()
    passed = forward(X, layers)
    inputs = [X, *(x for _, x in passed)]
    value, slope = LOSSES[loss]
    back = share[:, None] * slope(inputs[-1], y)
    gradients: list[tuple[Array, Array]] = []
    for layer, (z, _), x in reversed(list(zip(layers, passed, inputs[:-1], strict=True))):
        delta = back * ACTIVATIONS[layer.activation][1](z)
        gradients.insert(0, (np.einsum("ni,no->io", x, delta), np.einsum("no->o", delta)))
        back = np.einsum("no,io->ni", delta, layer.W)
    return float(share @ value(inputs[-1], y)), gradients


def optimizer_step(
    rule: str, w: Array, g: Array, m: Array, v: Array, t: int, rate: float,
    beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8, l2: float = 0.0, decay: float = 0.0,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Return the new w, m and v of step t = 1, 2, ..., from w and the gradient g at w; m = v = 0 before the first step.

    rule : "sgd"; "momentum", with the factor beta1; "nesterov" (Sutskever et al. 2013), for which w is the point to which the momentum
    leads, so that the momentum is first subtracted again; or "adam", Algorithm 1 of Kingma and Ba 2015, with the decay of AdamW.
    """
    g = g + l2 * w
    if rule == "sgd":
        return w - rate * g, m, v
    if rule == "adam":
        w = w - rate * decay * w
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
        unbiased_m, unbiased_v = m / (1 - beta1**t), v / (1 - beta2**t)
        return w - rate * unbiased_m / (np.sqrt(unbiased_v) + epsilon), m, v
    before = w - (beta1 * m if rule == "nesterov" else 0)
    m = beta1 * m - rate * g
    return before + m + (beta1 * m if rule == "nesterov" else 0), m, v
