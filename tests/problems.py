"""Data that several tests share: seeded problems, and what other libraries computed."""

import json
from pathlib import Path

import numpy as np
from numpy.testing import assert_array_equal

# Values, slopes and trained weights of PyTorch and scikit-learn; the file says of which versions.
RECORDED = json.loads(Path(__file__).with_name("trajectories.json").read_text(encoding="utf-8"))


def targets_of(loss, rng, N, O):
    """Random targets (N, O) that suit the loss."""
    if loss == "softmax_cross_entropy":
        return rng.dirichlet(np.ones(O), size=N)
    if loss == "binary_cross_entropy":
        return rng.uniform(size=(N, O)).round(1)
    return rng.poisson(2.0, size=(N, O)) if loss == "poisson" else rng.normal(size=(N, O))


def assert_same(results, expected):
    """Every array of one sequence has the bits of the other's."""
    for value, wanted in zip(results, expected, strict=True):
        assert_array_equal(value, wanted)
