"""The document's network in plain NumPy, the notebook's way: what the compiled functions of `two_layer` are measured against.

Same names, same story, same results; nothing is compiled and nothing is checked. `backward_as_published` alone keeps the notebook's
mistakes, to show that a gradient check finds them.

N samples, I inputs, H hidden units, O outputs: X (N, I), w1 (I, H), w2 (H, O), y (N, O).
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Gradient = Callable[[Array, Array, Array, Array, Array], tuple[Array, Array, float]]


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)).

    Examples
    --------
    >>> sigmoid(np.array([0.0, 2.0])).round(3)
    array([0.5  , 0.881])
    """
    return 1 / (1 + np.exp(-x))


def sigmoid_(s: Array) -> Array:
    """s (1 - s): the derivative of the sigmoid, in terms of its output.

    Examples
    --------
    >>> sigmoid_(sigmoid(np.zeros(1)))
    array([0.25])
    """
    return s * (1 - s)


def dense(inputs: Array, weights: Array) -> Array:
    """The matrix product of inputs (N, I) and weights (I, O); no bias.

    Examples
    --------
    >>> dense(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]))
    array([[11.]])
    """
    return inputs @ weights


def forward_pass(X: Array, w1: Array, w2: Array) -> tuple[Array, Array]:
    """act_hidden (N, H) = sigmoid(X w1) and y_hat (N, O) = act_hidden w2.

    Examples
    --------
    >>> forward_pass(np.zeros((1, 2)), np.ones((2, 2)), np.ones((2, 1)))[1]
    array([[1.]])
    """
    act_hidden = sigmoid(dense(X, w1))
    return act_hidden, dense(act_hidden, w2)


def mse(y_hat: Array, y: Array) -> tuple[Array, float]:
    """The residual y_hat - y (N, O), and half its square: summed over the outputs, averaged over the samples.

    Examples
    --------
    >>> mse(np.array([[1.0, 2.0]]), np.zeros((1, 2)))
    (array([[1., 2.]]), 2.5)
    """
    residual = y_hat - y
    return residual, float(np.sum(residual**2) / (2 * len(y)))


def backward(X: Array, y: Array, y_hat: Array, act_hidden: Array, w2: Array) -> tuple[Array, Array, float]:
    """The gradient by a double loop: each weight's slope is one mean over the samples.

    Parameters
    ----------
    X : ndarray of shape (N, I)
    y : ndarray of shape (N, O)
    y_hat, act_hidden : ndarray of shape (N, O), (N, H)
        What `forward_pass` returned.
    w2 : ndarray of shape (H, O)

    Returns
    -------
    dL_dw2 : ndarray of shape (H, O)
    dL_dw1 : ndarray of shape (I, H)
    error : float
        As `mse` gives it.

    Examples
    --------
    >>> X, w1, w2 = np.array([[0.0, 1.0]]), np.array([[1.0, 1.0], [0.0, 0.0]]), np.ones((2, 1))
    >>> act_hidden, y_hat = forward_pass(X, w1, w2)
    >>> backward(X, np.zeros((1, 1)), y_hat, act_hidden, w2)[1]
    array([[0.  , 0.  ],
           [0.25, 0.25]])
    """
    residual, error = mse(y_hat, y)
    dL_dw2 = dense(act_hidden.T, residual) / len(X)
    dL_dw1 = np.zeros((X.shape[1], len(w2)), w2.dtype)
    for i in range(X.shape[1]):
        for j in range(len(w2)):
            dL_dw1[i, j] = np.mean(dense(residual, w2[j]) * sigmoid_(act_hidden[:, j]) * X[:, i])
    return dL_dw2, dL_dw1, error


def backward_as_published(X: Array, y: Array, y_hat: Array, act_hidden: Array, w2: Array) -> tuple[Array, Array, float]:
    """The notebook's `backward` to the letter. Arguments as there; dL_dw1 is not the slope of the error.

    Erratum 1: ``sigmoid(act_hidden)`` stands where its derivative ``sigmoid_(act_hidden)`` belongs. Erratum 2: the error is a mean
    over the outputs too. Erratum 3: only the first output is looked at.

    Examples
    --------
    >>> X, w1, w2 = np.array([[0.0, 1.0]]), np.array([[1.0, 1.0], [0.0, 0.0]]), np.ones((2, 1))
    >>> act_hidden, y_hat = forward_pass(X, w1, w2)
    >>> backward_as_published(X, np.zeros((1, 1)), y_hat, act_hidden, w2)[1].round(2)
    array([[0.  , 0.  ],
           [0.62, 0.62]])
    """
    residual, _ = mse(y_hat, y)
    dL_dw2 = dense(act_hidden.T, residual) / len(X)
    dL_dw1 = np.zeros((X.shape[1], len(w2)), w2.dtype)
    for i in range(X.shape[1]):
        for j in range(len(w2)):
            dL_dw1[i, j] = np.mean(residual[:, 0] * w2[j, 0] * sigmoid(act_hidden[:, j]) * X[:, i])
    return dL_dw2, dL_dw1, float(np.mean(residual**2) / 2)


def backward_faster(X: Array, y: Array, y_hat: Array, act_hidden: Array, w2: Array) -> tuple[Array, Array, float]:
    """The gradient as matrix products. Arguments and results as in `backward`.

    Examples
    --------
    >>> X, w1, w2 = np.array([[0.0, 1.0]]), np.array([[1.0, 1.0], [0.0, 0.0]]), np.ones((2, 1))
    >>> act_hidden, y_hat = forward_pass(X, w1, w2)
    >>> backward_faster(X, np.zeros((1, 1)), y_hat, act_hidden, w2)[1]
    array([[0.  , 0.  ],
           [0.25, 0.25]])
    """
    residual, error = mse(y_hat, y)
    dL_dw2 = dense(act_hidden.T, residual) / len(X)
    da_dh = dense(residual, w2.T) * sigmoid_(act_hidden)
    dL_dw1 = dense(X.T, da_dh) / len(X)
    return dL_dw2, dL_dw1, error


def backward_pass(X: Array, y: Array, y_hat: Array, act_hidden: Array, w2: Array) -> tuple[Array, Array, float]:
    """The gradient as one expression. Arguments and results as in `backward`.

    Examples
    --------
    >>> X, w1, w2 = np.array([[0.0, 1.0]]), np.array([[1.0, 1.0], [0.0, 0.0]]), np.ones((2, 1))
    >>> act_hidden, y_hat = forward_pass(X, w1, w2)
    >>> backward_pass(X, np.zeros((1, 1)), y_hat, act_hidden, w2)[1]
    array([[0.  , 0.  ],
           [0.25, 0.25]])
    """
    residual, error = mse(y_hat, y)
    return dense(act_hidden.T, residual) / len(X), dense(X.T, dense(residual, w2.T) * sigmoid_(act_hidden)) / len(X), error


def train(
    X: Array,
    y: Array,
    w1: Array,
    w2: Array,
    epochs: int = 10_000,
    learning_rate: float = 0.12,
    gradient: Gradient = backward_pass,
    record_every: int = 200,
) -> tuple[Array, Array, NDArray[np.int64], Array]:
    """Full-batch gradient descent, one epoch of NumPy calls after another.

    Parameters
    ----------
    X, y : ndarray of shape (N, I), (N, O)
    w1, w2 : ndarray of shape (I, H), (H, O)
        Initial weights; they are copied.
    epochs : int, default 10,000
    learning_rate : float, default 0.12
    gradient : callable
        One of this module's.
    record_every : int, default 200
        Epochs between two recorded errors.

    Returns
    -------
    w1, w2 : ndarray of shape (I, H), (H, O)
        The weights after the last epoch.
    epochs : ndarray of shape (R,), int64
        0, record_every, 2 record_every, ...
    errors : ndarray of shape (R,)
        The error before the update of each of them.

    Examples
    --------
    >>> X, y = np.array([[0.0, 0.0], [0.0, 1.0]]), np.array([[0.0], [1.0]])
    >>> w1, w2, epochs, errors = train(X, y, np.ones((2, 3)), np.ones((3, 1)), epochs=400)
    >>> epochs, errors.round(3)
    (array([  0, 200]), array([0.918, 0.075]))
    """
    w1, w2 = w1.copy(), w2.copy()
    recorded = np.arange(0, epochs, record_every)
    errors = np.zeros(len(recorded), w1.dtype)
    for epoch in range(epochs):
        act_hidden, y_hat = forward_pass(X, w1, w2)
        dL_dw2, dL_dw1, error = gradient(X, y, y_hat, act_hidden, w2)
        w1 -= learning_rate * dL_dw1
        w2 -= learning_rate * dL_dw2
        if epoch % record_every == 0:
            errors[epoch // record_every] = error
    return w1, w2, recorded, errors
