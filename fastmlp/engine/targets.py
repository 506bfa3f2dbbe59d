"""Check targets and sample weights, and convert them to the form that the kernels take."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arguments import check_finite
from .arrays import as_float_array, as_floats
from .losses import Loss, Quantile


def as_targets(name: str, y: Any, n_samples: int, n_outputs: int, loss: Loss, dtype: np.dtype) -> np.ndarray:
    """Return the targets for a loss: class indices (N,) int64, or values (N, O) of the model's dtype."""
    if isinstance(loss, Quantile) and loss.is_several:
        return np.repeat(as_targets(name, y, n_samples, 1, Quantile(), dtype), n_outputs, axis=1)
    array = as_float_array(name, y)
    if len(array.shape) == 0 or len(array) != n_samples:
        raise ValueError(f"{name}: expected {n_samples} samples as in X, got shape {array.shape}")
    given = check_finite(name, array, y).shape
    if loss == "softmax_cross_entropy" and (array.ndim == 1 or (array.ndim == 2 and array.shape[1] == 1 and n_outputs > 1)):
        return _as_classes(name, array.reshape(-1), n_outputs)
    if array.ndim == 1 and n_outputs == 1:
        array = array[:, np.newaxis]
    if array.shape != (n_samples, n_outputs):
        raise ValueError(f"{name}: expected shape ({n_samples}, {n_outputs}), got {array.shape}{_hint(array, n_outputs)}")
    low, high = array.min(), array.max()
    if loss in ("softmax_cross_entropy", "binary_cross_entropy") and not (low >= 0 and high <= 1):
        raise ValueError(f"{name}: expected probabilities in [0, 1] for {loss}, got {low} to {high}")
    if loss == "softmax_cross_entropy" and not np.allclose(array.sum(axis=1), 1, atol=1e-3):
        raise ValueError(f"{name}: expected rows that sum to 1 for {loss}, got sums from {array.sum(axis=1).min()}")
    if loss == "poisson" and low < 0:
        raise ValueError(f"{name}: expected counts of at least 0 for poisson, got {low}")
    return as_floats(name, array.reshape(given), dtype, y).reshape(n_samples, n_outputs)


def _as_classes(name: str, array: np.ndarray, n_classes: int) -> np.ndarray:
    with np.errstate(invalid="ignore"):  # numbers beyond int64 are converted to others, which the next check detects
        classes = array.astype(np.int64)
    if (classes != array).any():
        raise ValueError(f"{name}: expected whole class indices, got {array[classes != array][0]}")
    if classes.min() < 0 or classes.max() >= n_classes:
        hint = "; for one output use loss='binary_cross_entropy'" if n_classes == 1 else ""
        raise ValueError(f"{name}: expected class indices in [0, {n_classes}), got {classes.min()} to {classes.max()}{hint}")
    return classes


def _hint(array: np.ndarray, n_outputs: int) -> str:
    """Return a hint on which loss to use, if the values look like class indices where one value for each output was expected."""
    one_each = array.size == len(array) and n_outputs > 1
    if one_each and array.min() >= 0 and array.max() < n_outputs and (array == np.floor(array)).all():
        return "; for class indices use loss='softmax_cross_entropy'"
    return ""


def as_weights(sample_weight: Any, n_samples: int, dtype: np.dtype) -> np.ndarray:
    """Return the sample weights (N,), or an empty array if there are none."""
    if sample_weight is None:
        return np.zeros(0, dtype)
    weights = check_finite("sample_weight", as_float_array("sample_weight", sample_weight), sample_weight)
    if weights.shape != (n_samples,):
        raise ValueError(f"sample_weight: expected shape ({n_samples},), got {weights.shape}")
    if weights.min() < 0:
        raise ValueError(f"sample_weight: expected numbers of at least 0, got {weights.min()}")
    converted = as_floats("sample_weight", weights, dtype, sample_weight)
    with np.errstate(over="ignore"):
        total = converted.sum(dtype=np.float64)
    if not 0 < total <= np.finfo(dtype).max:
        raise ValueError(f"sample_weight: expected a positive sum, finite in {dtype}, got {total} (the largest weight is {weights.max()})")
    return converted
