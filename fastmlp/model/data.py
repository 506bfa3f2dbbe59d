"""Check samples, targets and sample weights for a model."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..engine.arguments import check_range
from ..engine.inputs import Inputs, as_inputs
from ..engine.losses import Loss
from ..engine.targets import as_targets, as_weights


class Data(NamedTuple):
    """Samples with targets and weights, for training or evaluation."""

    inputs: Inputs
    targets: np.ndarray  # (N,) int64 class indices, or (N, O) of the inputs' dtype
    weights: np.ndarray  # (N,) of the inputs' dtype, or empty if all weights are equal

    def take(self, rows: np.ndarray) -> Data:
        """Return a copy of the samples with these indices."""
        return Data(self.inputs.take(rows), self.targets[rows], self.weights[rows] if self.weights.size else self.weights)


def as_data(
    X: Any, y: Any, sample_weight: Any, sizes: tuple[int, int], loss: Loss, dtype: np.dtype | None, prefix: str = ""
) -> Data:  # fmt: skip
    """Check and convert X, y and sample_weight for a model with `sizes` = (inputs, outputs). Errors prepend `prefix` to the names."""
    inputs = as_inputs(f"{prefix}X", X, sizes[0], dtype)
    targets = as_targets(f"{prefix}y", y, inputs.n_samples, sizes[1], loss, inputs.dtype)
    return Data(inputs, targets, as_weights(sample_weight, inputs.n_samples, inputs.dtype))


def smoothed(data: Data, share: float, n_outputs: int, loss: Loss) -> Data:
    """Return the data with `share` of each target spread evenly over the classes: the outputs for softmax, else 0 and 1 of each output."""
    if share == 0:
        return data
    hard, dtype = data.targets, data.inputs.dtype
    rows = np.eye(n_outputs, dtype=dtype)[hard] if hard.ndim == 1 else hard
    even = share / (n_outputs if loss == "softmax_cross_entropy" else 2)
    return data._replace(targets=rows * dtype.type(1 - share) + dtype.type(even))


def split(n_samples: int, share: Any, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Hold out a random share of the samples for validation; return the indices of both parts, training first, in ascending order."""
    held_out = round(n_samples * check_range("validation_split", share, 0, 1))
    if not 0 < held_out < n_samples:
        raise ValueError(f"validation_split: expected a share that leaves samples in both parts, got {share} of {n_samples} samples")
    order = rng.permutation(n_samples)
    return np.sort(order[held_out:]), np.sort(order[:held_out])
