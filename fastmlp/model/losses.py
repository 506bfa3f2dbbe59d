"""The losses as functions, and the links from a network's output to the scale of its targets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from ..engine.arrays import as_arrays, check_shapes
from ..two_layer import sigmoid

CLASSIFYING = ("softmax_cross_entropy", "binary_cross_entropy")


def softmax(z: ArrayLike) -> np.ndarray:
    """exp(z) / sum exp(z), by rows, without overflow.

    Parameters
    ----------
    z : array_like of shape (N, O) or (O,)
        Logits.

    Returns
    -------
    ndarray of z's shape
        Each row sums to 1.

    Raises
    ------
    ValueError, TypeError
        If z has other dimensions, is empty, or does not hold real numbers.

    Notes
    -----
    The second notebook normalises over the whole array (erratum 5).

    Examples
    --------
    >>> from fastmlp import softmax
    >>> softmax([2, 4, 6, 8]).round(3)
    array([0.002, 0.016, 0.117, 0.865])
    """
    (array,) = as_arrays(z=z)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(f"z: expected shape (N, O) or (O,), not empty, got {array.shape}")
    e = np.exp(array - array.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def cross_entropy(logits: ArrayLike, targets: ArrayLike) -> float:
    """Mean over the samples of -sum_o t log softmax(z), stable for logits of any size.

    Parameters
    ----------
    logits : array_like of shape (N, O)
    targets : array_like of shape (N, O)
        A distribution a row: one-hot, or probabilities.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        If the shapes differ, or an argument does not hold real numbers.

    Notes
    -----
    The second notebook exponentiates the raw logits (erratum 6).

    Examples
    --------
    >>> from fastmlp import cross_entropy
    >>> cross_entropy([[1000.0, 0.0]], [[0, 1]])
    1000.0
    """
    z, t = as_arrays(logits=logits, targets=targets)
    check_shapes({"logits": "NO", "targets": "NO"}, {"logits": z, "targets": t})
    shifted = z - z.max(axis=1, keepdims=True)
    return float(np.mean(t.sum(axis=1) * np.log(np.exp(shifted).sum(axis=1)) - (t * shifted).sum(axis=1)))


def binary_cross_entropy(logits: ArrayLike, targets: ArrayLike) -> float:
    """Mean over the samples of -sum_o (t log p + (1 - t) log(1 - p)), p = sigmoid(z), stable for logits of any size.

    Parameters
    ----------
    logits : array_like of shape (N, O)
    targets : array_like of shape (N, O)
        Between 0 and 1.

    Returns
    -------
    float

    Raises
    ------
    ValueError, TypeError
        If the shapes differ, or an argument does not hold real numbers.

    Examples
    --------
    >>> from fastmlp import binary_cross_entropy
    >>> binary_cross_entropy([[-1000.0]], [[1]])
    1000.0
    """
    z, t = as_arrays(logits=logits, targets=targets)
    check_shapes({"logits": "NO", "targets": "NO"}, {"logits": z, "targets": t})
    return float(np.mean((np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))).sum(axis=1)))


LINKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "softmax_cross_entropy": softmax,
    "binary_cross_entropy": sigmoid,
    "poisson": np.exp,
}
