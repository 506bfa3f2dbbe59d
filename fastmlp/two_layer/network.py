"""A network with one hidden layer and no biases, and its gradient written in three ways, as in the notebooks that fastmlp comes from.

N is the number of samples, I of inputs, H of hidden units and O of outputs. The inputs are X (N, I) with the targets y (N, O); the weights
are w1 (I, H) and w2 (H, O).

This module is plain NumPy, meant to be read; it does not check its arguments. The module `functions` compiles the same functions.

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
    """Return 1 / (1 + exp(-x)) for each element of x."""
    return 1 / (1 + np.exp(-x))


def sigmoid_(s: Array) -> Array:
    """Return the derivative of the sigmoid, s (1 - s), computed from the sigmoid's output s."""
    return s * (1 - s)


def dense(inputs: Array, weights: Array) -> Array:
    """Multiply inputs (N, I) by weights (I, O). There is no bias."""
    return inputs @ weights


def initialize_weights(input_sz: int, hidden_sz: int, output_sz: int, generator: np.random.RandomState) -> tuple[Array, Array]:
    """Draw first w1 (I, H) and then w2 (H, O) from the uniform distribution on [0, 1)."""
    return generator.random_sample((input_sz, hidden_sz)), generator.random_sample((hidden_sz, output_sz))


def forward_pass(X: Array, w1: Array, w2: Array) -> tuple[Array, Array]:
    """Compute the hidden activations, sigmoid(X w1) of shape (N, H), and the outputs, act_hidden w2 of shape (N, O)."""
    act_hidden = sigmoid(dense(X, w1))
    return act_hidden, dense(act_hidden, w2)


def mse(y_hat: Array, y: Array) -> tuple[Array, float]:
    """Return the residual y_hat - y (N, O) and the error: half the squared residual, summed over outputs and averaged over samples."""
    residual = y_hat - y
    return residual, float(np.sum(residual * residual)) / (2 * len(y))


def backward(X: Array, y: Array, y_hat: Array, act_hidden: Array, w2: Array) -> Slopes:
    """Compute the gradient with a double loop over the weights in w1: the derivative for each is a mean over the samples."""
    residual, error = mse(y_hat, y)
    dL_dw2 = dense(act_hidden.T, residual) / len(X)
    dL_dw1 = np.zeros((X.shape[1], len(w2)), w2.dtype)
    for i in range(X.shape[1]):
        for j in range(len(w2)):
            dL_dw1[i, j] = np.mean(dense(residual, w2[j]) * sigmoid_(act_hidden[:, j]) * X[:, i])
    return dL_dw2, dL_dw1, error


def backward_faster(X: Array, y: Array, y_hat: Array, act_hidden: Array, w2: Array) -> Slopes:
    """Compute the gradient with matrix products in place of the loops."""
    residual, error = mse(y_hat, y)
    dL_dw2 = dense(act_hidden.T, residual) / len(X)
    da_dh = dense(residual, w2.T) * sigmoid_(act_hidden)
    dL_dw1 = dense(X.T, da_dh) / len(X)
    return dL_dw2, dL_dw1, error


def backward_pass(X: Array, y: Array, y_hat: Array, act_hidden: Array, w2: Array) -> Slopes:
    """Compute the same matrix products as `backward_faster`, written as one expression for each weight matrix."""
    residual, error = mse(y_hat, y)
    return dense(act_hidden.T, residual) / len(X), dense(X.T, dense(residual, w2.T) * sigmoid_(act_hidden)) / len(X), error


def train(
    X: Array, y: Array, w1: Array, w2: Array, epochs: int = 10_000, learning_rate: float = 0.12,
    gradient: Gradient = backward_pass, record_every: int = 200,
) -> tuple[Array, Array, NDArray[np.int64], Array]:  # fmt: skip
    """Train by gradient descent, starting from copies of w1 and w2; every update uses all samples.

    Return the trained w1 and w2, the recorded epochs, and the error at the start of each of these epochs.
    """
    w1, w2, errors = w1.copy(), w2.copy(), []
    for epoch in range(epochs):
        act_hidden, y_hat = forward_pass(X, w1, w2)
        dL_dw2, dL_dw1, error = gradient(X, y, y_hat, act_hidden, w2)
        w1 -= learning_rate * dL_dw1
        w2 -= learning_rate * dL_dw2
        if epoch % record_every == 0:
            errors.append(error)
    return w1, w2, np.arange(0, epochs, record_every), np.array(errors, w1.dtype)
