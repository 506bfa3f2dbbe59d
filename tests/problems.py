"""Data that several tests share: seeded problems, and results that other libraries computed."""

import json
from pathlib import Path

import numpy as np
from numpy.testing import assert_array_equal

from fastmlp.kernels.tile import NV

# Values, slopes and trained weights of PyTorch and scikit-learn; the file names their versions.
RECORDED = json.loads(Path(__file__).with_name("trajectories.json").read_text(encoding="utf-8"))


def targets_of(loss, rng, N, O):
    """Draw random targets (N, O) that suit the loss."""
    if loss == "softmax_cross_entropy":
        return rng.dirichlet(np.ones(O), size=N)
    if loss == "binary_cross_entropy":
        return rng.uniform(size=(N, O)).round(1)
    return rng.poisson(2.0, size=(N, O)) if loss == "poisson" else rng.normal(size=(N, O))


def in_panels(rows, V, fill=np.nan):
    """Lay out a matrix (B, O) as `outer` reads it, flat: the columns of one column of tiles after those of another, then `fill`."""
    O = rows.shape[1]
    vectors = -(-O // V)
    filled = np.pad(rows, ((0, 0), (0, vectors * V - O)), constant_values=fill)
    columns = [v.size * V for v in np.array_split(np.arange(vectors), -(-vectors // NV))]
    return np.concatenate([panel.ravel() for panel in np.split(filled, np.cumsum(columns)[:-1], axis=1)])


def assert_same(results, expected):
    """Check that every array of one sequence has the same bits as the other's."""
    for value, wanted in zip(results, expected, strict=True):
        assert_array_equal(value, wanted)
