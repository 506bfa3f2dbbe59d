"""Gradient descent for the document's network, as fast as its size allows: `fused_epochs` and its three ways through an epoch.

Why three: at XOR's size the arithmetic is a few nanoseconds and everything else is overhead, so `one_vector` keeps an epoch to a single
chain of vector operations; narrow layers over more samples keep every lane busy in `vectors`; wider layers are matrix products, which
`products` leaves to BLAS. Where there is more to do, `tiled_epochs` is faster still; it has a file, and a compilation, of its own. Measured
on a Zen 5 core, float64, microseconds an epoch:

    N, I, H, O          one_vector   vectors   products    tiled
    4, 2, 3, 1                0.04      0.05       0.40        -
    4, 16, 16, 1              0.41      0.59       0.50      1.6
    4, 64, 64, 4               5.5       8.7        1.8      6.6
    64, 4, 8, 1                  -      0.82       1.16      2.0
    1024, 8, 8, 1                -      14.5       13.9       18
    1024, 16, 16, 1              -      50.7       24.5       32
    256, 64, 64, 10              -         -         89       68
    1797, 64, 64, 10             -         -        670      470
    4096, 16, 16, 1              -         -        165      130
    4096, 784, 256, 10           -         -      43400    36000

Arguments they share: w1 (I, H), w2 (H, O), modified in place; errors, where the epochs 0, record_every, ... leave `scale` times the sum of
squared residuals before their update; `rate`, times X^T delta, is the step; stop (1,) uint8: non-zero ends the run at the next epoch.

In the two vector paths the samples lie in lanes. X (blocks, I, V) and y (blocks, O, V) hold V samples a block, the last one filled up
with zeros; valid (blocks, V) is 1 for a sample and 0 for filling.
"""

from __future__ import annotations

import numpy as np

from ..kernels.activations import sigmoid_into
from ..kernels.jit import kernel
from ..kernels.vector_math import sigmoid
from ..kernels.vectors import broadcast, fma, load, peek, splat, store, sum_lanes, width

ONE_VECTOR_WEIGHTS = 256  # up to here summing each weight's gradient across lanes is cheaper than a call of BLAS
VECTORS_WEIGHTS = 72  # beyond, a matrix product reuses registers better


@kernel
def fused_epochs(w1, w2, errors, epochs, record_every, rate, scale, X, y, stop):
    """Full-batch gradient descent on half the mean squared error, times `scale` as recorded. X (N, I), y (N, O)."""
    N, I = X.shape
    H, O = w2.shape
    V = width(X)
    rate, scale = X.dtype.type(rate / N), X.dtype.type(scale * 0.5 / N)
    weights = H * (I + O)
    if weights > (ONE_VECTOR_WEIGHTS if N <= V else VECTORS_WEIGHTS):
        products(w1, w2, errors, epochs, record_every, rate, scale, X, y, stop)
        return
    blocks = (N + V - 1) // V
    X_lanes, y_lanes = np.zeros((blocks, I, V), X.dtype), np.zeros((blocks, O, V), X.dtype)
    valid = np.zeros((blocks, V), X.dtype)
    for n in range(N):
        valid[n // V, n % V] = 1
        for i in range(I):
            X_lanes[n // V, i, n % V] = X[n, i]
        for k in range(O):
            y_lanes[n // V, k, n % V] = y[n, k]
    if N <= V:
        one_vector(w1, w2, errors, epochs, record_every, rate, scale, X_lanes, y_lanes, valid, stop)
    else:
        vectors(w1, w2, errors, epochs, record_every, rate, scale, X_lanes, y_lanes, valid, stop)


@kernel
def one_vector(w1, w2, errors, epochs, record_every, rate, scale, X, y, valid, stop):
    """For one block: every sample in the same vector.

    Both weights of a hidden unit change as soon as its delta is known: no other unit's delta needs them.
    """
    I, H, O, V = w1.shape[0], w1.shape[1], w2.shape[1], width(X)
    hidden, residual = np.empty(H * V, X.dtype), np.empty(O * V, X.dtype)
    zero = X.dtype.type(0)
    until_record, records = 0, 0
    for _ in range(epochs):
        if peek(stop):
            break
        for j in range(H):
            z = splat(zero)
            for i in range(I):
                z = fma(load(X, i * V), broadcast(w1, i * H + j), z)
            store(hidden, j * V, sigmoid(z))
        squares = splat(zero)
        for k in range(O):
            r = 0.0 - load(y, k * V)
            for j in range(H):
                r = fma(load(hidden, j * V), broadcast(w2, j * O + k), r)
            r = r * load(valid, 0)
            squares = fma(r, r, squares)
            store(residual, k * V, r)
        for j in range(H):
            h = load(hidden, j * V)
            delta = splat(zero)
            for k in range(O):
                r = load(residual, k * V)
                delta = fma(r, broadcast(w2, j * O + k), delta)
                w2[j, k] -= rate * sum_lanes(h * r)
            delta = delta * (h * (1.0 - h))
            for i in range(I):
                w1[i, j] -= rate * sum_lanes(delta * load(X, i * V))
        if until_record == 0:
            errors[records] = scale * sum_lanes(squares)
            records += 1
            until_record = record_every
        until_record -= 1


@kernel
def vectors(w1, w2, errors, epochs, record_every, rate, scale, X, y, valid, stop):
    """For narrow layers: one pass over the samples, a vector of them at a time; each weight sums its gradient in lanes."""
    I, H, O, V = w1.shape[0], w1.shape[1], w2.shape[1], width(X)
    hidden, residual = np.empty(H * V, X.dtype), np.empty(O * V, X.dtype)
    step1, step2 = np.zeros(I * H * V, X.dtype), np.zeros(H * O * V, X.dtype)
    zero = X.dtype.type(0)
    for epoch in range(epochs):
        if peek(stop):
            break
        squares = splat(zero)
        for b in range(X.shape[0]):
            for j in range(H):
                z = splat(zero)
                for i in range(I):
                    z = fma(load(X, (b * I + i) * V), broadcast(w1, i * H + j), z)
                store(hidden, j * V, sigmoid(z))
            for k in range(O):
                r = 0.0 - load(y, (b * O + k) * V)
                for j in range(H):
                    r = fma(load(hidden, j * V), broadcast(w2, j * O + k), r)
                r = r * load(valid, b * V)
                squares = fma(r, r, squares)
                store(residual, k * V, r)
            for j in range(H):
                h = load(hidden, j * V)
                delta = splat(zero)
                for k in range(O):
                    r = load(residual, k * V)
                    delta = fma(r, broadcast(w2, j * O + k), delta)
                    at = (j * O + k) * V
                    store(step2, at, fma(h, r, load(step2, at)))
                delta = delta * (h * (1.0 - h))
                for i in range(I):
                    at = (j * I + i) * V
                    store(step1, at, fma(delta, load(X, (b * I + i) * V), load(step1, at)))
        for j in range(H):
            for k in range(O):
                at = (j * O + k) * V
                w2[j, k] -= rate * sum_lanes(load(step2, at))
                store(step2, at, splat(zero))
            for i in range(I):
                at = (j * I + i) * V
                w1[i, j] -= rate * sum_lanes(load(step1, at))
                store(step1, at, splat(zero))
        if epoch % record_every == 0:
            errors[epoch // record_every] = scale * sum_lanes(squares)


@kernel
def products(w1, w2, errors, epochs, record_every, rate, scale, X, y, stop):
    """For wide layers: five products by BLAS and nothing allocated between them. X (N, I), y (N, O)."""
    N, I = X.shape
    H, O = w2.shape
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
    """residual -= y, and the sum of its squares."""
    squares = 0.0
    for n in range(residual.shape[0]):
        for k in range(residual.shape[1]):
            residual[n, k] -= y[n, k]
            squares += residual[n, k] * residual[n, k]
    return squares


@kernel
def times_slope(delta, hidden):
    """delta *= hidden (1 - hidden). Both (N, H)."""
    one = hidden.dtype.type(1)
    for n in range(hidden.shape[0]):
        for j in range(hidden.shape[1]):
            delta[n, j] *= hidden[n, j] * (one - hidden[n, j])


@kernel
def descend(w, step, rate):
    """w -= rate * step. Same shape."""
    for i in range(w.shape[0]):
        for j in range(w.shape[1]):
            w[i, j] -= rate * step[i, j]
