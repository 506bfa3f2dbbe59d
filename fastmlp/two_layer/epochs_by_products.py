"""Gradient descent for layers of some width: an epoch is a handful of matrix products, which BLAS computes."""

from __future__ import annotations

import numpy as np

from ..kernels.access import peek
from ..kernels.activations import sigmoid_into
from ..kernels.jit import kernel
from .bodies import descend, times_slope


@kernel(allocates=True)
def epochs_by_products(weights, record, X, y, epochs, rate, stop):
    """Five products by BLAS and nothing allocated between them. Arguments as `fused_epochs` takes them."""
    (w1, w2), (errors, record_every) = weights, record
    (N, I), (H, O) = X.shape, w2.shape
    rate, scale = X.dtype.type(rate / N), X.dtype.type(0.5 / N)
    hidden, delta, residual = np.empty((N, H), X.dtype), np.empty((N, H), X.dtype), np.empty((N, O), X.dtype)
    step1, step2 = np.empty((I, H), X.dtype), np.empty((H, O), X.dtype)
    for epoch in range(epochs):
        if peek(stop):
            break
        np.dot(X, w1, hidden)
        sigmoid_into(hidden, hidden)
        np.dot(hidden, w2, residual)
        squares = subtract(residual, y)
        np.dot(residual, w2.T, delta)
        times_slope(delta, hidden)
        np.dot(hidden.T, residual, step2)
        np.dot(X.T, delta, step1)
        descend(w2, step2, rate)
        descend(w1, step1, rate)
        if epoch % record_every == 0:
            errors[epoch // record_every] = scale * squares


@kernel
def subtract(residual, y):
    """residual -= y, and the sum of its squares. Same shape, C-contiguous."""
    residual, y, squares = residual.reshape(residual.size), y.reshape(y.size), residual.dtype.type(0)
    for n in range(residual.size):
        residual[n] -= y[n]
        squares += residual[n] * residual[n]
    return squares
