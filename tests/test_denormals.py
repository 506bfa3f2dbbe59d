"""Denormal numbers are treated as zero while a network is trained, and nowhere else."""

import numpy as np
import pytest

from fastmlp import Adam, Dense, Sequential

SMALL = np.float32(1e-40)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_mean_that_fades_ends_at_zero_and_the_caller_s_arithmetic_is_as_before(n_threads):
    """The second input is nonzero only in the first epoch; from there on, Adam's mean of its gradient halves every seven steps."""
    model = Sequential([Dense(2, 1)], loss="squared_error", dtype="float32")
    y = np.full((4, 1), 50, np.float32)
    X = np.ones((4, 2), np.float32)
    options = {"batch_size": 4, "optimizer": Adam(0.001), "n_threads": n_threads}
    model.fit(X, y, epochs=1, **options)
    X[:, 1] = 0
    smallest = []
    for _ in range(10):
        model.fit(X, y, epochs=100, **options)
        smallest.append(float(abs(model._run.m[1])))
    assert smallest[0] > 0
    assert smallest[-1] == 0
    assert not any(0 < m < np.finfo(np.float32).tiny for m in smallest)
    assert SMALL * np.float32(0.5) > 0
