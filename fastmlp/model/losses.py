"""Losses in NumPy, per sample and as means, and the link functions that map a network's outputs to the scale of its targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..engine.arrays import as_arrays, check_shapes
from ..engine.losses import Loss, Quantile
from ..kernels.activations import sigmoid_into

CLASSIFYING = ("softmax_cross_entropy", "binary_cross_entropy")


def squared_errors(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return 1/2 sum_o (z - t)^2 for each sample.

    This and the other functions in SAMPLE_LOSSES take outputs z and targets t, both (N, O), and return an array (N,).
    """
    return 0.5 * np.square(z - t).sum(axis=1)


def absolute_errors(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return sum_o |z - t| for each sample."""
    return np.abs(z - t).sum(axis=1)


def huber_losses(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return, for each sample, the sum over the outputs of r^2 / 2 where |r| <= 1, and of |r| - 1/2 elsewhere, with r = z - t."""
    r = z - t
    bounded = np.clip(r, -1, 1)
    return (bounded * (r - 0.5 * bounded)).sum(axis=1)


def quantile_losses(z: np.ndarray, t: np.ndarray, levels: Sequence[float] = (0.5,)) -> np.ndarray:
    """sum_o (1 - q) r for r > 0, else -q r, with r = z - t, of each sample. levels : q of each output, or of all."""
    r, q = z - t, np.asarray(levels)
    return np.maximum((1 - q) * r, -q * r).sum(axis=1)


def poisson_losses(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return sum_o (exp(z) - t z + t (log t - 1)) for each sample.

    z is the logarithm of the prediction. A term is 0 where exp(z) = t.
    """
    return (np.exp(z) - t * z + t * (np.log(np.where(t > 0, t, 1)) - 1)).sum(axis=1)


def cross_entropies(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return -sum_o t log softmax(z) for each sample.

    z (N, O) are logits. t is either (N, O), one distribution per sample, or integers (N,), the class of each sample.
    """
    shifted = z - z.max(axis=1, keepdims=True)
    log_total = np.log(np.exp(shifted).sum(axis=1))
    if t.ndim == 1:
        return log_total - shifted[np.arange(len(z)), t]
    return t.sum(axis=1) * log_total - (t * shifted).sum(axis=1)


def binary_cross_entropies(z: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Return -sum_o (t log p + (1 - t) log(1 - p)) for each sample, with p = sigmoid(z)."""
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
    """Compute exp(z) / sum exp(z) for each row, without overflow.

    Parameters
    ----------
    z : array_like of shape (N, O) or (O,)
        Logits.

    Returns
    -------
    ndarray of the shape of z
        Probabilities; each row sums to 1.

    Raises
    ------
    ValueError, TypeError
        If z is neither one- nor two-dimensional, is empty, or does not hold real numbers.

    Notes
    -----
    The second notebook of the source document normalises over the whole array instead of each row (erratum 5).

    Examples
    --------
    >>> from fastmlp import softmax
    >>> softmax([2, 4, 6, 8]).round(3)
    array([0.002, 0.016, 0.117, 0.865])
    """
    (array,) = as_arrays(z=z)
    if array.ndim not in (1, 2) or array.size == 0:
        raise ValueError(f"z: expected an array of shape (N, O) or (O,) that is not empty, got {array.shape}")
    e = np.exp(array - array.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def cross_entropy(logits: ArrayLike, targets: ArrayLike) -> float:
    """Compute the mean over the samples of -sum_o t log softmax(z), without overflow for logits of any size.

    Parameters
    ----------
    logits : array_like of shape (N, O)
        Outputs z of the network.
    targets : array_like of shape (N, O)
        One distribution t per row: a one-hot vector or probabilities.

    Returns
    -------
    float
        The mean loss.

    Raises
    ------
    ValueError, TypeError
        If the shapes differ, or an argument does not hold real numbers.

    Notes
    -----
    The second notebook of the source document exponentiates the raw logits, which overflows for large ones (erratum 6).

    Examples
    --------
    >>> from fastmlp import cross_entropy
    >>> cross_entropy([[1000.0, 0.0]], [[0, 1]])
    1000.0
    """
    return _mean_loss("softmax_cross_entropy", logits, targets)


def binary_cross_entropy(logits: ArrayLike, targets: ArrayLike) -> float:
    """Compute the mean over the samples of -sum_o (t log p + (1 - t) log(1 - p)) with p = sigmoid(z).

    The result does not overflow for logits of any size.

    Parameters
    ----------
    logits : array_like of shape (N, O)
        Outputs z of the network.
    targets : array_like of shape (N, O)
        Targets t, between 0 and 1.

    Returns
    -------
    float
        The mean loss.

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
    """Compute 1 / (1 + exp(-z)) without overflow for an array of float32 or float64 of any shape."""
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
