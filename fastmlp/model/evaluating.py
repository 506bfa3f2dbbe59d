"""Compute loss and score from the outputs of a network."""

from __future__ import annotations

import numpy as np

from ..engine.losses import Loss, Quantile
from .losses import CLASSIFYING, linked, losses_of_samples


def loss_and_score(loss: Loss, outputs: np.ndarray, targets: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Compute, in float64, the mean loss and the score: accuracy for the cross-entropies, D^2 for quantiles, R^2 for other losses.

    R^2 and D^2 are the shares by which the predictions reduce the loss of the best constants: R^2 that of the squared error, D^2 that of
    the quantiles.

    outputs (N, O) are those of the last layer, before any link. targets are (N, O), or class indices (N,). weights are (N,), or empty if
    all are equal.
    """
    z = outputs.astype(np.float64)
    y = targets if targets.ndim == 1 else targets.astype(np.float64)
    weight = weights.astype(np.float64) if weights.size else np.ones(len(z))
    mean_loss = float(np.average(losses_of_samples(loss, z, y), weights=weight))
    if loss in CLASSIFYING:
        return mean_loss, float(np.average(hits(loss, z, y), weights=weight))
    predicted = linked(loss, z)
    if isinstance(loss, Quantile):
        levels = np.resize(loss.levels, y.shape[1])
        constants = [np.quantile(of, q, method="inverted_cdf", weights=weight) for of, q in zip(y.T, levels, strict=True)]
        spread, missed = (weight @ losses_of_samples(loss, guess, y) for guess in (np.array(constants), predicted))
    else:
        spread = (weight[:, None] * (y - np.average(y, axis=0, weights=weight)) ** 2).sum()
        missed = (weight[:, None] * (y - predicted) ** 2).sum()
    return mean_loss, float(1 - missed / spread) if spread > 0 else float(missed == 0)


def hits(loss: str, z: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return a boolean array (N,) that tells which samples are classified correctly.

    For softmax cross-entropy the largest logit must be that of the target class; for binary cross-entropy every output must be correct.
    """
    if loss == "softmax_cross_entropy":
        right: np.ndarray = z.argmax(axis=1) == (y if y.ndim == 1 else y.argmax(axis=1))
    else:
        right = ((z > 0) == (y > 0.5)).all(axis=1)
    return right
