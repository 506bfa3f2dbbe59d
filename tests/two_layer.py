"""Helpers for the tests of the two-layer network: XOR, sizes around every vector width, and seeded problems of any size."""

import numpy as np
from hypothesis import strategies as st

from fastmlp import initialize_weights, reference

GRADIENTS = ["backward", "backward_faster", "backward_pass"]
DTYPES = [np.float32, np.float64]
X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = np.array([[0.0], [1.0], [1.0], [0.0]])
W1, W2 = initialize_weights(2, 3, 1)

narrow = st.integers(1, 9)
wide = st.one_of(narrow, st.sampled_from([15, 16, 17, 24, 31, 33, 48, 63, 65, 70]))  # around multiples of every vector width


def problem(N, I, H, O, dtype=np.float64):
    """Draw seeded X, y, w1, w2, with hidden sums of order one."""
    rng = np.random.default_rng([N, I, H, O])
    X, y = rng.normal(size=(N, I)), rng.normal(size=(N, O))
    w1, w2 = rng.normal(size=(I, H)) / np.sqrt(I), rng.normal(size=(H, O)) / np.sqrt(H)
    return tuple(array.astype(dtype) for array in (X, y, w1, w2))


def slopes(X, y, w1, w2):
    """Return (dL_dw2, dL_dw1) by central differences of the reference's error."""
    slope2 = reference.central_differences(lambda w: reference.mse(reference.forward_pass(X, w1, w)[1], y)[1], w2)
    slope1 = reference.central_differences(lambda w: reference.mse(reference.forward_pass(X, w, w2)[1], y)[1], w1)
    return slope2, slope1
