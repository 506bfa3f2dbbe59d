"""Gradient descent for narrow layers, with one sample in each lane of a vector.

X (blocks, I, V) and y (blocks, O, V) hold V samples per block, and the last block is padded with zeros; valid (blocks, V) is 1 for a
sample and 0 for padding. The other arguments are those of `fused_epochs`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import literally

from ..kernels.access import broadcast, load, load_part, peek, store, width
from ..kernels.jit import kernel
from ..kernels.vector_math import sigmoid
from ..kernels.vectors import first_half, fma, splat, sum_lanes
from .laps import BOOKKEEPING, HIDDEN_LAYER, OUTPUT_RESIDUAL, SLOPES, SLOPES_UPDATE, UPDATE, begin, lap


class Lanes(NamedTuple):
    """The samples arranged in lanes, and their number N."""

    X: np.ndarray
    y: np.ndarray
    valid: np.ndarray
    N: int


@kernel(allocates=True)
def in_lanes(X, y, V):
    """Arrange X (N, I) and y (N, O) as `Lanes`, with V samples per block."""
    (N, I), O = X.shape, y.shape[1]
    blocks = (N + V - 1) // V
    X_lanes, y_lanes, valid = np.zeros((blocks, I, V), X.dtype), np.zeros((blocks, O, V), X.dtype), np.zeros((blocks, V), X.dtype)
    for n in range(N):
        valid[n // V, n % V] = 1
        for i in range(I):
            X_lanes[n // V, i, n % V] = X[n, i]
        for k in range(O):
            y_lanes[n // V, k, n % V] = y[n, k]
    return Lanes(X_lanes, y_lanes, valid, N)


@kernel(literals=True, allocates=True)
def epochs_in_one_vector(halves, weights, record, lanes, epochs, rate, stop):
    """Train on a single block: all samples fit into one vector (halves = 2) or into the first half of one (halves = 1, a literal).

    In half a vector a sum over lanes needs one stage less, and a CPU that executes wide vectors in two parts has half as much to do: on
    Zen 4 with AVX-512 an epoch of XOR takes 0.8 times as long. The weights of a hidden unit in w1 and w2 are updated as soon as its delta
    is known, because no other unit's delta depends on them.
    """
    (w1, w2), (errors, record_every, clock), (X, y, valid, N) = weights, record, lanes
    begin(clock)
    (I, H), O, V = w1.shape, w2.shape[1], width(X) // 2 * literally(halves)
    rate, scale = X.dtype.type(rate / N), X.dtype.type(0.5 / N)
    hidden, residual = np.empty(H * V, X.dtype), np.empty(O * V, X.dtype)
    zero = X.dtype.type(0)
    until_record, records = 0, 0
    for _ in range(epochs):
        if peek(stop):
            break
        for j in range(H):
            z = first_half(splat(zero), halves)
            for i in range(I):
                z = fma(load_part(X, i * V, halves), first_half(broadcast(w1, i * H + j), halves), z)
            store(hidden, j * V, sigmoid(z))
        lap(clock, HIDDEN_LAYER, N * I * H)
        squares = first_half(splat(zero), halves)
        for k in range(O):
            r = 0.0 - load_part(y, k * V, halves)
            for j in range(H):
                r = fma(load_part(hidden, j * V, halves), first_half(broadcast(w2, j * O + k), halves), r)
            r = r * load_part(valid, 0, halves)
            squares = fma(r, r, squares)
            store(residual, k * V, r)
        lap(clock, OUTPUT_RESIDUAL, N * H * O)
        for j in range(H):
            h = load_part(hidden, j * V, halves)
            delta = first_half(splat(zero), halves)
            for k in range(O):
                r = load_part(residual, k * V, halves)
                delta = fma(r, first_half(broadcast(w2, j * O + k), halves), delta)
                w2[j, k] -= rate * sum_lanes(h * r)
            delta = delta * (h * (1.0 - h))
            for i in range(I):
                w1[i, j] -= rate * sum_lanes(delta * load_part(X, i * V, halves))
        lap(clock, SLOPES_UPDATE, N * H * (I + 2 * O))
        if until_record == 0:
            errors[records] = scale * sum_lanes(squares)
            records += 1
            until_record = record_every
        until_record -= 1
        lap(clock, BOOKKEEPING, 0)


@kernel(allocates=True)
def epochs_in_vectors(weights, record, lanes, epochs, rate, stop):
    """Train on any number of blocks: each epoch passes over the samples one vector at a time and sums every weight's gradient by lane."""
    (w1, w2), (errors, record_every, clock), (X, y, valid, N) = weights, record, lanes
    begin(clock)
    (I, H), O, V = w1.shape, w2.shape[1], width(X)
    rate, scale = X.dtype.type(rate / N), X.dtype.type(0.5 / N)
    hidden, residual = np.empty(H * V, X.dtype), np.empty(O * V, X.dtype)
    step1, step2 = np.zeros(I * H * V, X.dtype), np.zeros(H * O * V, X.dtype)
    zero = X.dtype.type(0)
    for epoch in range(epochs):
        if peek(stop):
            break
        squares = splat(zero)
        for b in range(X.shape[0]):
            count = min(V, N - b * V)
            for j in range(H):
                z = splat(zero)
                for i in range(I):
                    z = fma(load(X, (b * I + i) * V), broadcast(w1, i * H + j), z)
                store(hidden, j * V, sigmoid(z))
            lap(clock, HIDDEN_LAYER, count * I * H)
            for k in range(O):
                r = 0.0 - load(y, (b * O + k) * V)
                for j in range(H):
                    r = fma(load(hidden, j * V), broadcast(w2, j * O + k), r)
                r = r * load(valid, b * V)
                squares = fma(r, r, squares)
                store(residual, k * V, r)
            lap(clock, OUTPUT_RESIDUAL, count * H * O)
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
            lap(clock, SLOPES, count * H * (I + 2 * O))
        for j in range(H):
            for k in range(O):
                at = (j * O + k) * V
                w2[j, k] -= rate * sum_lanes(load(step2, at))
                store(step2, at, splat(zero))
            for i in range(I):
                at = (j * I + i) * V
                w1[i, j] -= rate * sum_lanes(load(step1, at))
                store(step1, at, splat(zero))
        lap(clock, UPDATE, 0)
        if epoch % record_every == 0:
            errors[epoch // record_every] = scale * sum_lanes(squares)
        lap(clock, BOOKKEEPING, 0)
