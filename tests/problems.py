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


def two_layer_problem(N, I, H, O, dtype):
    """X, y, w1, w2 of the document's network; hidden sums of order one."""
    rng = np.random.default_rng([N, I, H, O])
    X, y = rng.normal(size=(N, I)), rng.normal(size=(N, O))
    w1, w2 = rng.normal(size=(I, H)) / np.sqrt(I), rng.normal(size=(H, O)) / np.sqrt(H)
    return tuple(array.astype(dtype) for array in (X, y, w1, w2))


def assert_same(results, expected):
    """Every array of one sequence has the bits of the other's."""
    for value, wanted in zip(results, expected, strict=True):
        assert_array_equal(value, wanted)
