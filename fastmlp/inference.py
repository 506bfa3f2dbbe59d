"""What a trained network says: outputs, losses and scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from .data import Inputs, check_rows
from .kernels import backprop, few
from .kernels.backprop import Network
from .kernels.simd import lanes
from .losses import LINKS
from .resources import as_team, choose_threads, operations, workspace

PREDICT_BATCH = 64


def predict(net: Network, w: np.ndarray, inputs: Inputs, n_threads: int | None = None) -> np.ndarray:
    """Outputs (N, O) of the last layer, before any link. ValueError if the inputs are not finite."""
    N = inputs.n_samples
    threads = min(choose_threads(n_threads, operations(net) * N // 16), -(-N // PREDICT_BATCH))
    out = np.empty((N, int(net.sizes[-1])), w.dtype)
    X, order, stop, scale = inputs.samples, np.arange(N), np.zeros(1, np.uint8), w.dtype.type(inputs.scale)
    batch_size = min(PREDICT_BATCH, N)
    works = [workspace(net, batch_size, 1, w.dtype) for _ in range(threads)]

    def part(thread: int) -> bool:
        layer = len(net.sizes) - 1
        finite: bool = backprop.predict_rows(thread, threads, stop, net, works[thread], w, X, scale, order, batch_size, layer, out)
        return finite

    finite = [part(0)] if threads == 1 and operations(net) * N < 2e9 else as_team(threads, part, stop)
    if not all(finite):
        check_rows("X", X.values)
    return out


class Few:
    """Prediction of a few rows at a time with as little around it as can be: the description is kept from call to call."""

    def __init__(self, net: Network, w: np.ndarray, rows: int) -> None:
        self.w, self.n_inputs = w, int(net.sizes[0])
        self.code = few.pack(net.sizes, net.W_at, net.b_at, net.activation, rows, lanes(w.dtype))

    def predict(self, X: Any) -> np.ndarray:
        """Outputs of the last layer. X (N, I) of the model's dtype, C-contiguous, N at most `rows`."""
        out: np.ndarray = few.predict_few(self.code, self.w, X)
        return out

    def classify(self, X: Any) -> np.ndarray:
        """The index of each row's largest output, int64."""
        classes: np.ndarray = few.classify_few(self.code, self.w, X)
        return classes


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
