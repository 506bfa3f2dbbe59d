"""The functions of `network` as users import them: checked, documented and compiled.

N samples, I inputs, H hidden units, O outputs: X (N, I), w1 (I, H), w2 (H, O), y (N, O).

Called from Python every function takes array-likes (lists, integers, views) and checks them; called from a user's own ``@njit`` function
it is the bare kernel, without checks. What it computes is read in `network`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.arguments import check_size, largest_size
from ..kernels import activations
from ..kernels.jit import in_compiled_code
from . import bodies, network
from .compiled import document_function, elementwise_function


# Vectors, instead of Numba's `np.exp` element by element: 3 - 6 times as fast from iris's size on, and no overflow.
@elementwise_function(network.sigmoid, activations.sigmoid_into, activations.sigmoid_of)
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


# Compiled from `network`, numbers of float32 would become float64, and arrays of float32 take 1.4 - 1.8 times as long.
@elementwise_function(network.sigmoid_, activations.sigmoid_slope_into, activations.sigmoid_slope_of)
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


@document_function(network.dense, bodies.dense, inputs="NI", weights="IO")
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


def initialize_weights(
    input_sz: int, hidden_sz: int, output_sz: int, seed: int | np.random.RandomState = 56
) -> tuple[network.Array, network.Array]:
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
    I, O = check_size("input_sz", input_sz, 1, largest_size()), check_size("output_sz", output_sz, 1, largest_size())
    H = check_size("hidden_sz", hidden_sz, 1, largest_size(max(I, O)))
    if not isinstance(seed, np.random.RandomState):
        seed = np.random.RandomState(check_size("seed", seed, 0, 2**32 - 1))
    return network.initialize_weights(I, H, O, seed)


@in_compiled_code(initialize_weights)
def _initialize_weights(input_sz, hidden_sz, output_sz, seed=56):  # type: ignore[no-untyped-def]
    def implementation(input_sz, hidden_sz, output_sz, seed=56):  # type: ignore[no-untyped-def]
        np.random.seed(seed)  # noqa: NPY002 - in compiled code the same generator as RandomState
        return np.random.random((input_sz, hidden_sz)), np.random.random((hidden_sz, output_sz))  # noqa: NPY002

    return implementation


@document_function(network.forward_pass, bodies.forward_pass, X="NI", w1="IH", w2="HO")
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


@document_function(network.mse, bodies.mse, y_hat="NO", y="NO")
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
        ``1/N * sum_n 1/2 * |residual_n|^2``

    Raises
    ------
    ValueError, TypeError
        If the shapes differ, or an argument does not hold real numbers.

    Notes
    -----
    The document divides by N * O (erratum 2), which is not the error its gradients belong to when O > 1.

    Examples
    --------
    >>> from fastmlp import mse
    >>> mse([[1, 2]], [[0, 0]])
    (array([[1., 2.]]), 2.5)
    """


@document_function(network.backward, bodies.backward, X="NI", y="NO", y_hat="NO", act_hidden="NH", w2="HO")
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
    The document's loop multiplies by ``sigmoid(act_hidden)`` where the derivative ``sigmoid_(act_hidden)`` belongs (erratum 1), and
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


@document_function(network.backward_faster, bodies.backward_faster, X="NI", y="NO", y_hat="NO", act_hidden="NH", w2="HO")
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


@document_function(network.backward_pass, bodies.backward_faster, X="NI", y="NO", y_hat="NO", act_hidden="NH", w2="HO")
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
