"""Samples that stand for several, or for none: a weight is the same as so many repetitions, where all samples form a single batch.

The loss and the gradient of a batch are weighted means, in which a sample of weight 3 counts as three samples of weight 1. Only what is
drawn for each sample, the side of a split on which it falls and the units that dropout drops, tells the two apart. So it is drawn once for
each distinct sample.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..engine.inputs import Inputs
from ..model.data import Data

REPEATED = 2  # times that each sample occurs on average, from which on repetitions are taken to be meant as weights


class Distinct(NamedTuple):
    """Samples without repetitions and without those of weight 0."""

    data: Data
    kinds: np.ndarray  # (N,) for each of the original samples, which of these it is; -1 for none

    def originals(self, rows: np.ndarray) -> np.ndarray:
        """The original samples that these stand for, in ascending order."""
        return np.flatnonzero(np.isin(self.kinds, rows))


def distinct(data: Data, sample_weight: np.ndarray) -> Distinct | None:
    """Merge equal samples, whose weights are added, and leave out those of weight 0. Returns None if nothing is to be done.

    Samples are merged if their weights add up to whole numbers, of `REPEATED` or more on average. They are then in an order that depends on
    themselves alone. Otherwise a few equal rows, as many data sets have, would change a split that scikit-learn makes in the same way.

    sample_weight : (N,), the user's weights; those of the data may have factors of the classes in them.
    """
    weights = data.weights if data.weights.size else np.ones(len(sample_weight), data.inputs.dtype)
    used = np.flatnonzero(weights != 0)
    keys = sample_keys(data)
    order = {key: kind for kind, key in enumerate(sorted({keys[row] for row in used}))}
    kinds = np.full(len(weights), -1)
    kinds[used] = [order[keys[row]] for row in used]
    counts = np.bincount(kinds[used], sample_weight[used])
    if used.size == 0 or (counts % 1).any() or counts.sum() < REPEATED * len(counts):
        if used.size in (0, len(weights)):
            return None
        kinds[used] = np.arange(len(used))
    _, first = np.unique(kinds[used], return_index=True)
    totals = np.bincount(kinds[used], weights[used])
    return Distinct(data.take(used[first])._replace(weights=totals.astype(data.inputs.dtype)), kinds)


def sample_keys(data: Data) -> list[bytes]:
    """The bits of each sample's inputs that are not 0, of their columns and of the targets; equal samples have equal keys.

    Sparse and dense inputs have the same keys.
    """
    values, columns, starts = nonzeros(data.inputs)
    targets = data.targets + data.targets.dtype.type(0)  # -0.0 becomes 0.0
    return [
        b"".join((columns[first:last].tobytes(), values[first:last].tobytes(), target.tobytes()))
        for first, last, target in zip(starts, starts[1:], targets, strict=False)
    ]


def nonzeros(inputs: Inputs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The elements of inputs that are not 0, their columns, and where each row begins and the last one ends."""
    _, _, data, indices, indptr = inputs.samples
    if indptr.size == 0:
        dense = inputs.dense(inputs.dtype)
        rows, indices = np.nonzero(dense)
        data = dense[rows, indices]
    else:
        rows = np.repeat(np.arange(inputs.n_samples), np.diff(indptr))
        kept = data != 0
        rows, data, indices = rows[kept], data[kept], indices[kept]
    return data, indices, np.searchsorted(rows, np.arange(inputs.n_samples + 1))
