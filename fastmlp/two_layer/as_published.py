"""The `backward` of the source document with its mistakes, kept to show that a gradient check finds them."""

import numpy as np

from .network import Array, Slopes, dense, sigmoid


def backward_as_published(X: Array, y: Array, y_hat: Array, act_hidden: Array, w2: Array) -> Slopes:
    """Compute what the source document prints as `backward`, mistakes included: its dL_dw1 is not the derivative of the error.

    The arguments are those of `network.backward`. Erratum 1: the loop multiplies by ``sigmoid(act_hidden)`` where the derivative
    ``sigmoid_(act_hidden)`` belongs. Erratum 2: the error is averaged over the outputs as well as over the samples. Erratum 3: the loop
    uses only the first output.

    Examples
    --------
    >>> from fastmlp.two_layer.network import forward_pass
    >>> X, w1, w2 = np.array([[0.0, 1.0]]), np.array([[1.0, 1.0], [0.0, 0.0]]), np.ones((2, 1))
    >>> act_hidden, y_hat = forward_pass(X, w1, w2)
    >>> backward_as_published(X, np.zeros((1, 1)), y_hat, act_hidden, w2)[1].round(2)  # correct: 0.25 instead of 0.62
    array([[0.  , 0.  ],
           [0.62, 0.62]])
    """
    residual = y_hat - y
    dL_dw2 = dense(act_hidden.T, residual) / len(X)
    dL_dw1 = np.zeros((X.shape[1], len(w2)), w2.dtype)
    for i in range(X.shape[1]):
        for j in range(len(w2)):
            dL_dw1[i, j] = np.mean(residual[:, 0] * w2[j, 0] * sigmoid(act_hidden[:, j]) * X[:, i])
    return dL_dw2, dL_dw1, float(np.mean(residual**2) / 2)
