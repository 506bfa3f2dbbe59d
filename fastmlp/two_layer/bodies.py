"""Functions that are compiled in place of some functions of `network`: they compute the same without NumPy's temporary arrays.

The sigmoids are in `kernels.activations`. While a training run is profiled, `clock` is its clock (see `laps`); otherwise it is None.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from ..kernels.activations import sigmoid_into
from ..kernels.jit import in_compiled_code, kernel
from ..kernels.pages import new_matrix
from . import network
from .laps import ALLOCATION, DELTA, DIVISION, HIDDEN, OUTPUT, RESIDUAL, SIGMOID, SIGMOID_SLOPE, SLOPE1, SLOPE2, lap


def dense(inputs, weights, clock=None):
    """Multiply two matrices, which may differ in dtype: integers are converted to floats, float32 to float64.

    Numba's own matrix product accepts only two arrays of the same dtype.
    """
    a, b = in_common_dtype(inputs, weights), in_common_dtype(weights, inputs)
    if inputs.ndim == 1:  # needed if a user compiles the plain `backward`, which multiplies by vectors
        return a @ b
    if weights.ndim == 1:
        return a @ b
    out = new_matrix(a.shape[0], b.shape[1], a)
    lap(clock, ALLOCATION, a.shape[0] * b.shape[1])
    np.dot(a, b, out)
    return out


LOOP_TERMS = 3  # multiply-adds per term in the second loop of `backward`: three products, a sum, and the two operations of sigmoid_


def in_common_dtype(a: Any, b: Any) -> Any:
    """Convert `a` to the floating dtype that can hold both `a` and `b`."""
    return a.astype(np.result_type(a, b), copy=False)


@in_compiled_code(in_common_dtype)
def _in_common_dtype(a, b):
    floating = [array.dtype for array in (a, b) if isinstance(array.dtype, types.Float)]
    dtype = max(floating, key=lambda dtype: dtype.bitwidth, default=types.float64)
    if a.dtype == dtype:
        return lambda a, b: a
    return lambda a, b: a.astype(dtype)


def mse(y_hat, y):
    """Compute `network.mse` without an array of the squares: each square is added to the total as soon as it is computed."""
    residual = y_hat - y
    flat, total = residual.reshape(residual.size), 0.0
    for k in range(flat.size):
        total += flat[k] * flat[k]
    return residual, total / (2 * len(y))


def forward_pass(X, w1, w2, clock=None):
    """Compute `network.forward_pass` with the sigmoid in place: its values overwrite its arguments."""
    (N, I), (H, O) = X.shape, w2.shape
    act_hidden = network.dense(X, w1, clock)
    lap(clock, HIDDEN, N * I * H)
    sigmoid_into(act_hidden, act_hidden)
    lap(clock, SIGMOID, 0)
    y_hat = network.dense(act_hidden, w2, clock)
    lap(clock, OUTPUT, N * H * O)
    return act_hidden, y_hat


def backward_faster(X, y, y_hat, act_hidden, w2, clock=None):
    """Compute `network.backward_faster` in place: multiply by the sigmoid's derivative and divide by N without temporary arrays.

    One large array is needed instead of four. Without this, the compiled function was a tenth to a fifth slower than NumPy on 4096
    samples of MNIST. The same body serves `backward_pass`, since in compiled code one expression has no advantage over its parts.
    """
    (N, I), (H, O) = X.shape, w2.shape
    residual, error = network.mse(y_hat, y)
    lap(clock, RESIDUAL, 0)
    dL_dw2 = network.dense(act_hidden.T, residual, clock)
    lap(clock, SLOPE2, N * H * O)
    da_dh = network.dense(residual, w2.T, clock)
    lap(clock, DELTA, N * H * O)
    times_slope(da_dh, act_hidden)
    lap(clock, SIGMOID_SLOPE, 0)
    dL_dw1 = network.dense(X.T, da_dh, clock)
    lap(clock, SLOPE1, N * I * H)
    divide(dL_dw2, N)
    divide(dL_dw1, N)
    lap(clock, DIVISION, 0)
    return dL_dw2, dL_dw1, error


@kernel
def times_slope(delta, hidden):
    """Multiply delta in place by hidden (1 - hidden). Both have shape (N, H) and are C-contiguous."""
    delta, hidden, one = delta.reshape(delta.size), hidden.reshape(hidden.size), hidden.dtype.type(1)
    for n in range(delta.size):
        delta[n] *= hidden[n] * (one - hidden[n])


@kernel
def divide(a, number):
    """Divide the C-contiguous array a by the number in place."""
    a, number = a.reshape(a.size), a.dtype.type(number)
    for i in range(a.size):
        a[i] /= number


@kernel
def descend(w, step, rate):
    """Subtract rate * step from w in place. Both arrays have the same shape and are C-contiguous."""
    w, step = w.reshape(w.size), step.reshape(step.size)
    for i in range(w.size):
        w[i] -= rate * step[i]


def backward(X, y, y_hat, act_hidden, w2, clock=None):
    """Compute `network.backward` with explicit loops over the samples, which allocate no temporary arrays.

    If `network.backward` itself were compiled, each mean would need one call of BLAS and three new arrays. That takes 1.8 times as long
    for XOR and for the breast cancer data, and the same time for iris. (For the digits data it would be 1.2 - 1.5 times as fast, but
    there both are a hundred times slower than matrix products.)
    """
    (N, I), (H, O) = X.shape, w2.shape
    residual, error = network.mse(y_hat, y)
    lap(clock, RESIDUAL, 0)
    dL_dw2, dL_dw1 = np.zeros_like(w2), np.zeros((I, H), w2.dtype)
    lap(clock, ALLOCATION, H * (I + O))
    for j in range(H):
        for k in range(O):
            total = w2.dtype.type(0)
            for n in range(N):
                total += residual[n, k] * act_hidden[n, j]
            dL_dw2[j, k] = total / N
    lap(clock, SLOPE2, N * H * O)
    for i in range(I):
        for j in range(H):
            total = w2.dtype.type(0)
            for n in range(N):
                for k in range(O):
                    total += residual[n, k] * w2[j, k] * network.sigmoid_(act_hidden[n, j]) * X[n, i]
            dL_dw1[i, j] = total / N
    lap(clock, SLOPE1, LOOP_TERMS * N * I * H * O)
    return dL_dw2, dL_dw1, error
