"""Loss and score of a network on data."""

from __future__ import annotations

import numpy as np

from ..engine.inputs import Inputs
from ..engine.predicting import predict
from ..kernels.network import Network
from .losses import LINKS


def evaluate(
    net: Network, w: np.ndarray, loss: str, inputs: Inputs, targets: np.ndarray, weights: np.ndarray, n_threads: int | None = None
) -> tuple[float, float]:
    """Mean loss and score: accuracy or R^2."""
    out = predict(net, w, inputs, n_threads).astype(np.float64)
    weight = weights.astype(np.float64) if weights.size else np.ones(len(out))
    rows = np.arange(len(out))
    if loss == "softmax_cross_entropy":
        shifted = out - out.max(axis=1, keepdims=True)
        log_total = np.log(np.exp(shifted).sum(axis=1))
        matched = shifted[rows, targets] if targets.ndim == 1 else (targets * shifted).sum(axis=1)
        classes = targets if targets.ndim == 1 else targets.argmax(axis=1)
        return float(np.average(log_total - matched, weights=weight)), float(np.average(out.argmax(axis=1) == classes, weights=weight))
    y = targets.astype(np.float64)
    if loss == "binary_cross_entropy":
        each = (np.maximum(out, 0) - out * y + np.log1p(np.exp(-np.abs(out)))).sum(axis=1)
        hits = ((out > 0) == (y > 0.5)).all(axis=1)
        return float(np.average(each, weights=weight)), float(np.average(hits, weights=weight))
    residual = out - y
    if loss == "squared_error":
        each = 0.5 * (residual**2).sum(axis=1)
    elif loss == "absolute_error":
        each = np.abs(residual).sum(axis=1)
    elif loss == "huber":
        bounded = np.clip(residual, -1, 1)
        each = (bounded * (residual - 0.5 * bounded)).sum(axis=1)
    else:
        each = (np.exp(out) - y * out + y * (np.log(np.where(y > 0, y, 1)) - 1)).sum(axis=1)
    predicted = LINKS[loss](out) if loss in LINKS else out
    mean = np.average(y, axis=0, weights=weight)
    spread = (weight[:, None] * (y - mean) ** 2).sum()
    missed = (weight[:, None] * (y - predicted) ** 2).sum()
    return float(np.average(each, weights=weight)), float(1 - missed / spread) if spread > 0 else float(missed == 0)
