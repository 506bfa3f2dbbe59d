"""Gradient descent for wide layers: each epoch consists of five matrix products, which BLAS computes."""

from __future__ import annotations

import numpy as np

from ..kernels.access import peek
from ..kernels.activations import sigmoid_into
from ..kernels.jit import kernel
from .bodies import descend, times_slope
from .laps import ALLOCATION, BOOKKEEPING, DELTA, HIDDEN, OUTPUT, RESIDUAL, SIGMOID, SIGMOID_SLOPE, SLOPE1, SLOPE2, UPDATE, begin, lap


@kernel(allocates=True)
def epochs_by_products(weights, record, X, y, epochs, rate, stop):
    """Run each epoch as five BLAS products, with no allocation between them. The arguments are those of `fused_epochs`."""
    (w1, w2), (errors, record_every, clock) = weights, record
    begin(clock)
    (N, I), (H, O) = X.shape, w2.shape
    rate, scale = X.dtype.type(rate / N), X.dtype.type(0.5 / N)
    hidden, delta, residual = np.empty((N, H), X.dtype), np.empty((N, H), X.dtype), np.empty((N, O), X.dtype)
    step1, step2 = np.empty((I, H), X.dtype), np.empty((H, O), X.dtype)
    lap(clock, ALLOCATION, hidden.size + delta.size + residual.size + step1.size + step2.size)
    for epoch in range(epochs):
        if peek(stop):
            break
        np.dot(X, w1, hidden)
        lap(clock, HIDDEN, N * I * H)
        sigmoid_into(hidden, hidden)
        lap(clock, SIGMOID, 0)
        np.dot(hidden, w2, residual)
        lap(clock, OUTPUT, N * H * O)
        squares = subtract(residual, y)
        lap(clock, RESIDUAL, 0)
        np.dot(residual, w2.T, delta)
        lap(clock, DELTA, N * H * O)
        times_slope(delta, hidden)
        lap(clock, SIGMOID_SLOPE, 0)
        np.dot(hidden.T, residual, step2)
        lap(clock, SLOPE2, N * H * O)
        np.dot(X.T, delta, step1)
        lap(clock, SLOPE1, N * I * H)
        descend(w2, step2, rate)
        descend(w1, step1, rate)
        lap(clock, UPDATE, 0)
        if epoch % record_every == 0:
            errors[epoch // record_every] = scale * squares
        lap(clock, BOOKKEEPING, 0)


@kernel
def subtract(residual, y):
    """Subtract y from the residual in place and return the sum of its squares. Both have the same shape and are C-contiguous."""
    residual, y, squares = residual.reshape(residual.size), y.reshape(y.size), residual.dtype.type(0)
    for n in range(residual.size):
        residual[n] -= y[n]
        squares += residual[n] * residual[n]
    return squares
