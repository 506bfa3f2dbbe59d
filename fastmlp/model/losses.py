"""The losses in NumPy: of each sample, as the mean over samples, and the links from a network's output to the scale of its targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..engine.arrays import as_arrays, check_shapes
from ..engine.losses import Loss, Quantile
from ..kernels.activations import sigmoid_into

CLASSIFYING = ("softmax_cross_entropy", "binary_cross_entropy")


def squared_errors(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """1/2 sum_o (z - t)^2 of each sample. z, t (N, O); the result (N,), here as in all of SAMPLE_LOSSES."""
    return 0.5 * np.square(z - t).sum(axis=1)


def absolute_errors(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """sum_o |z - t| of each sample."""
    return np.abs(z - t).sum(axis=1)


def huber_losses(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """sum_o r^2 / 2 for |r| <= 1, else |r| - 1/2, with r = z - t, of each sample."""
    r = z - t
    bounded = np.clip(r, -1, 1)
    return (bounded * (r - 0.5 * bounded)).sum(axis=1)


def quantile_losses(z: np.ndarray, t: np.ndarray, levels: Sequence[float] = (0.5,)) -> np.ndarray:
    """sum_o (1 - q) r for r > 0, else -q r, with r = z - t, of each sample. levels : q of each output, or of all."""
    r, q = z - t, np.asarray(levels)
    return np.maximum((1 - q) * r, -q * r).sum(axis=1)


def poisson_losses(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """sum_o exp(z) - t z + t (log t - 1) of each sample, 0 where exp(z) = t; z is the logarithm of the prediction."""
    return (np.exp(z) - t * z + t * (np.log(np.where(t > 0, t, 1)) - 1)).sum(axis=1)


def cross_entropies(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """-sum_o t log softmax(z) of each sample. z (N, O) : logits. t (N, O) : a distribution per sample; or (N,) int : the class of each."""
    shifted = z - z.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(shifted).sum(axis=1))
    if t.ndim == 1:
        return log_total - shifted[np.arange(len(z)), t]
    return t.sum(axis=1) * log_total - (t * shifted).sum(axis=1)


def binary_cross_entropies(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """-sum_o t log p + (1 - t) log(1 - p) of each sample, with p = sigmoid(z)."""
    return (np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))).sum(axis=1)


SAMPLE_LOSSES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "squared_error": squared_errors,
    "softmax_cross_entropy": cross_entropies,
    "binary_cross_entropy": binary_cross_entropies,
    "poisson": poisson_losses,
    "absolute_error": absolute_errors,
    "huber": huber_losses,
    "quantile": quantile_losses,
}


def losses_of_samples(loss: Loss, z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """The loss of each sample (N,), from outputs z (N, O) and targets t, as in SAMPLE_LOSSES."""
    return quantile_losses(z, t, loss.levels) if isinstance(loss, Quantile) else SAMPLE_LOSSES[loss](z, t)


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
    return _mean_loss("softmax_cross_entropy", logits, targets)


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
    return _mean_loss("binary_cross_entropy", logits, targets)


def _mean_loss(loss: str, logits: ArrayLike, targets: ArrayLike) -> float:
    z, t = as_arrays(logits=logits, targets=targets)
    check_shapes({"logits": "NO", "targets": "NO"}, {"logits": z, "targets": t})
    return float(np.mean(SAMPLE_LOSSES[loss](z, t)))


def sigmoid(z: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-z)), without overflow. z : float32 or float64, of any shape."""
    z = np.ascontiguousarray(z)
    out = np.empty_like(z)
    sigmoid_into(out.reshape(-1), z.reshape(-1))
    return out


LINKS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "softmax_cross_entropy": softmax,
    "binary_cross_entropy": sigmoid,
    "poisson": np.exp,
}


def linked(loss: Loss, z: np.ndarray) -> np.ndarray:
    """Outputs z (N, O) on the scale of the targets; quantiles of several levels in ascending order, so that they do not cross."""
    if isinstance(loss, Quantile):
        return np.sort(z, axis=1) if loss.is_several else z
    return LINKS[loss](z) if loss in LINKS else z
