"""The functions of `network` in the form that users import: checked, documented and compiled.

N is the number of samples, I of inputs, H of hidden units and O of outputs: X (N, I), w1 (I, H), w2 (H, O), y (N, O).

When Python calls one of these functions, it accepts array-likes (lists, integers, views) and checks them. When a user's own ``@njit``
function calls it, it is the bare kernel, without checks. The module `network` shows what each function computes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.arguments import check_size, largest_size
from ..kernels import activations
from ..kernels.jit import in_compiled_code
from . import bodies, network
from .compiled import document_function, elementwise_function


# Whole vectors instead of Numba's `np.exp` of each element: from the size of iris on 3 - 6 times as fast, and without overflow.
@elementwise_function(network.sigmoid, activations.sigmoid_into, activations.sigmoid_of)
def sigmoid(x: Any) -> Any:
    """Compute 1 / (1 + exp(-x)) for each element of x, without overflow.

    Parameters
    ----------
    x : array_like of any shape, or a number
        float32 and float64 keep their dtype; integers become float64.

    Returns
    -------
    ndarray of the shape of x, or a number
        The values, accurate to 3 units in the last place.

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


# If `network.sigmoid_` were compiled, float32 numbers would become float64, and float32 arrays would take 1.4 - 1.8 times as long.
@elementwise_function(network.sigmoid_, activations.sigmoid_slope_into, activations.sigmoid_slope_of)
def sigmoid_(s: Any) -> Any:
    """Compute the derivative of the sigmoid, s (1 - s), from the sigmoid's output s.

    Parameters
    ----------
    s : array_like of any shape, or a number
        Outputs of the sigmoid.

    Returns
    -------
    ndarray of the shape of s, or a number
        The derivatives.

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


@document_function(network.dense, bodies.dense, inputs="NI", weights="IO")
def dense(inputs: Any, weights: Any) -> Any:
    """Multiply inputs by weights: a fully connected layer without bias.

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


def initialize_weights(
    input_sz: int, hidden_sz: int, output_sz: int, seed: int | np.random.RandomState = 56
) -> tuple[network.Array, network.Array]:
    """Draw first w1 and then w2 from the uniform distribution on [0, 1), with NumPy's legacy generator.

    Parameters
    ----------
    input_sz, hidden_sz, output_sz : int
        I, H and O, each at least 1.
    seed : int or numpy.random.RandomState, default 56
        An integer starts a new generator; a RandomState continues from its present state. The training runs of the source document use
        the second pair of matrices drawn after the seed 56 (see the example).

    Returns
    -------
    w1 : ndarray of shape (I, H), float64
    w2 : ndarray of shape (H, O), float64

    Raises
    ------
    ValueError, TypeError
        If a size is not a positive integer, or NumPy does not accept the seed.

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
    I, O = check_size("input_sz", input_sz, 1, largest_size()), check_size("output_sz", output_sz, 1, largest_size())
    H = check_size("hidden_sz", hidden_sz, 1, largest_size(max(I, O)))
    if not isinstance(seed, np.random.RandomState):
        seed = np.random.RandomState(check_size("seed", seed, 0, 2**32 - 1))
    return network.initialize_weights(I, H, O, seed)


@in_compiled_code(initialize_weights)
def _initialize_weights(input_sz, hidden_sz, output_sz, seed=56):  # type: ignore[no-untyped-def]
    def implementation(input_sz, hidden_sz, output_sz, seed=56):  # type: ignore[no-untyped-def]
        np.random.seed(seed)  # noqa: NPY002 - in compiled code this is the generator of RandomState
        return np.random.random((input_sz, hidden_sz)), np.random.random((hidden_sz, output_sz))  # noqa: NPY002

    return implementation


@document_function(network.forward_pass, bodies.forward_pass, X="NI", w1="IH", w2="HO")
def forward_pass(X: Any, w1: Any, w2: Any) -> Any:
    """Compute the network's hidden activations and outputs: a sigmoid hidden layer followed by a linear output layer.

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


@document_function(network.mse, bodies.mse, y_hat="NO", y="NO")
def mse(y_hat: Any, y: Any) -> Any:
    """Compute the residual, and half the squared error, summed over the outputs and averaged over the N samples.

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
        ``1/N * sum_n 1/2 * |residual_n|^2``

    Raises
    ------
    ValueError, TypeError
        If the shapes differ, or an argument does not hold real numbers.

    Notes
    -----
    The source document divides by N * O (erratum 2). When O > 1, its gradients are not the derivatives of that error.

    Examples
    --------
    >>> from fastmlp import mse
    >>> mse([[1, 2]], [[0, 0]])
    (array([[1., 2.]]), 2.5)
    """


@document_function(network.backward, bodies.backward, X="NI", y="NO", y_hat="NO", act_hidden="NH", w2="HO")
def backward(X: Any, y: Any, y_hat: Any, act_hidden: Any, w2: Any) -> Any:
    """Compute the gradient by plain loops that take, for each weight, the mean over the samples.

    Parameters
    ----------
    X : array_like of shape (N, I)
    y : array_like of shape (N, O)
    y_hat, act_hidden : array_like of shape (N, O), (N, H)
        Outputs and hidden activations, as `forward_pass` returns them.
    w2 : array_like of shape (H, O)

    Returns
    -------
    dL_dw2 : ndarray of shape (H, O)
    dL_dw1 : ndarray of shape (I, H)
    error : float
        The error that `mse` computes.

    Raises
    ------
    ValueError, TypeError
        If the shapes do not fit, or an argument does not hold real numbers.

    Notes
    -----
    The loop in the source document multiplies by ``sigmoid(act_hidden)`` where the derivative ``sigmoid_(act_hidden)`` belongs
    (erratum 1), and uses only the first output (erratum 3).

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


@document_function(network.backward_faster, bodies.backward_faster, X="NI", y="NO", y_hat="NO", act_hidden="NH", w2="HO")
def backward_faster(X: Any, y: Any, y_hat: Any, act_hidden: Any, w2: Any) -> Any:
    """Compute the gradient by matrix products. Arguments, results and errors are those of `backward`.

    Examples
    --------
    >>> from fastmlp import backward_faster, forward_pass
    >>> act_hidden, y_hat = forward_pass([[0, 1]], [[1, 1], [0, 0]], [[1], [1]])
    >>> backward_faster([[0, 1]], [[0]], y_hat, act_hidden, [[1], [1]])[1]
    array([[0.  , 0.  ],
           [0.25, 0.25]])
    """


@document_function(network.backward_pass, bodies.backward_faster, X="NI", y="NO", y_hat="NO", act_hidden="NH", w2="HO")
def backward_pass(X: Any, y: Any, y_hat: Any, act_hidden: Any, w2: Any) -> Any:
    """Compute the gradient, written as one expression for each weight matrix. Arguments, results and errors are those of `backward`.

    Examples
    --------
    >>> from fastmlp import backward_pass, forward_pass
    >>> act_hidden, y_hat = forward_pass([[0, 1]], [[1, 1], [0, 0]], [[1], [1]])
    >>> backward_pass([[0, 1]], [[0]], y_hat, act_hidden, [[1], [1]])[1]
    array([[0.  , 0.  ],
           [0.25, 0.25]])
    """
