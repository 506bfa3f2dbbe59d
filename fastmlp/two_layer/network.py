"""The document's network: one hidden layer, no biases, and its gradient written three ways.

N samples, I inputs, H hidden units, O outputs: X (N, I), w1 (I, H), w2 (H, O), y (N, O).

Python runs these functions as they stand, in NumPy: that is the document's way, which checks nothing. `functions` compiles the same ones.

Examples
--------
>>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1.0]]), np.array([[0], [1], [1], [0.0]])
>>> generator = np.random.RandomState(56)
>>> first_draw, (w1, w2) = initialize_weights(2, 3, 1, generator), initialize_weights(2, 3, 1, generator)
>>> w1, w2, epochs, errors = train(X, y, w1, w2)
>>> forward_pass(X, w1, w2)[1].round(1) + 0.0
array([[0.],
       [1.],
       [1.],
       [0.]])
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Slopes = tuple[Array, Array, float]  # dL_dw2, dL_dw1, error
Gradient = Callable[[Array, Array, Array, Array, Array], Slopes]


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def sigmoid_(s: Array) -> Array:
    """s (1 - s): the derivative of the sigmoid, in terms of its output."""
    return s * (1 - s)


def dense(inputs: Array, weights: Array) -> Array:
    """The matrix product of inputs (N, I) and weights (I, O); no bias."""
    return inputs @ weights


def initialize_weights(input_sz: int, hidden_sz: int, output_sz: int, generator: np.random.RandomState) -> tuple[Array, Array]:
    """w1 (I, H), then w2 (H, O), uniform on [0, 1)."""
    return generator.random_sample((input_sz, hidden_sz)), generator.random_sample((hidden_sz, output_sz))


def forward_pass(X: Array, w1: Array, w2: Array) -> tuple[Array, Array]:
    """act_hidden (N, H) = sigmoid(X w1) and y_hat (N, O) = act_hidden w2."""
    act_hidden = sigmoid(dense(X, w1))
    return act_hidden, dense(act_hidden, w2)


def mse(y_hat: Array, y: Array) -> tuple[Array, float]:
    """The residual y_hat - y (N, O), and half its square: summed over the outputs, averaged over the samples."""
    residual = y_hat - y
    return residual, float(np.sum(residual * residual)) / (2 * len(y))


def backward(X: Array, y: Array, y_hat: Array, act_hidden: Array, w2: Array) -> Slopes:
    """The gradient by a double loop: one mean over the samples for each weight in w1."""
    residual, error = mse(y_hat, y)
    dL_dw2 = dense(act_hidden.T, residual) / len(X)
    dL_dw1 = np.zeros((X.shape[1], len(w2)), w2.dtype)
    for i in range(X.shape[1]):
        for j in range(len(w2)):
            dL_dw1[i, j] = np.mean(dense(residual, w2[j]) * sigmoid_(act_hidden[:, j]) * X[:, i])
    return dL_dw2, dL_dw1, error


def backward_faster(X: Array, y: Array, y_hat: Array, act_hidden: Array, w2: Array) -> Slopes:
    """The gradient as matrix products."""
    residual, error = mse(y_hat, y)
    dL_dw2 = dense(act_hidden.T, residual) / len(X)
    da_dh = dense(residual, w2.T) * sigmoid_(act_hidden)
    dL_dw1 = dense(X.T, da_dh) / len(X)
    return dL_dw2, dL_dw1, error


def backward_pass(X: Array, y: Array, y_hat: Array, act_hidden: Array, w2: Array) -> Slopes:
    """The gradient as one expression."""
    residual, error = mse(y_hat, y)
    return dense(act_hidden.T, residual) / len(X), dense(X.T, dense(residual, w2.T) * sigmoid_(act_hidden)) / len(X), error


def train(
    X: Array, y: Array, w1: Array, w2: Array, epochs: int = 10_000, learning_rate: float = 0.12,
    gradient: Gradient = backward_pass, record_every: int = 200,
) -> tuple[Array, Array, NDArray[np.int64], Array]:  # fmt: skip
    """Train on all samples at once from copies of w1 and w2; return their last values, the recorded epochs, and the error before each."""
    w1, w2, errors = w1.copy(), w2.copy(), []
    for epoch in range(epochs):
        act_hidden, y_hat = forward_pass(X, w1, w2)
        dL_dw2, dL_dw1, error = gradient(X, y, y_hat, act_hidden, w2)
        w1 -= learning_rate * dL_dw1
        w2 -= learning_rate * dL_dw2
        if epoch % record_every == 0:
            errors.append(error)
    return w1, w2, np.arange(0, epochs, record_every), np.array(errors, w1.dtype)
