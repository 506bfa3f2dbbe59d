"""The document's gradient descent over the engine's tiles: block by block of samples, each of which stays in the second-level cache."""

from __future__ import annotations

import numpy as np

from ..kernels.activations import LOGISTIC, activate
from ..kernels.gather import gather_rows
from ..kernels.jit import kernel
from ..kernels.network import padded, panel_size, row_stride
from ..kernels.products import NARROW, affine, backproject, outer, outer_narrow
from ..kernels.rows import by_sample
from ..kernels.tile import ADD, ASSIGN
from ..kernels.vectors import fma, load, peek, splat, store, sum_lanes, width

BLOCK = 128  # samples


@kernel
def epochs_by_tiles(weights, record, X, y, epochs, rate, stop):
    """For layers of some width over many samples. Arguments as `fused_epochs` takes them; X and y are brought into lanes once."""
    (w1, w2), (errors, record_every) = weights, record
    (N, I), (H, O) = X.shape, w2.shape
    V = width(X)
    rate, scale = X.dtype.type(rate / N), X.dtype.type(0.5 / N)
    one = X.dtype.type(1)
    rows = padded(N, V)
    every = np.arange(max(max(I, H), max(O, rows)))
    x, target, valid = flat(I * rows, X), flat(O * rows, X), flat(rows, X)
    valid[:N] = 1
    for at in range(0, N, BLOCK):
        count = min(BLOCK, N - at)
        gather_rows(x, at * I, X, every, at, count, I, padded(count, V), 0, one)
        gather_rows(target, at * O, y, every, at, count, O, padded(count, V), 0, one)
    B = min(BLOCK, rows)
    hidden, slope, residual = flat(H * B, X), flat(H * B, X), flat(O * B, X)
    stride1, stride2 = row_stride(H, V), row_stride(O, V)
    by_sample1, by_sample2 = flat(stride1 * B, X), flat(stride2 * B, X)
    w1_at, w2_at, size = 0, w1.size, w1.size + w2.size
    w, step, panel = flat(size, X), flat(size, X), flat(panel_size(B), X)
    w[:w2_at], w[w2_at:size] = w1.reshape(w1.size), w2.reshape(w2.size)
    for epoch in range(epochs):
        squares = splat(X.dtype.type(0))
        for at in range(0, N, BLOCK):
            if peek(stop):
                return
            how, B = ASSIGN if at == 0 else ADD, padded(min(BLOCK, N - at), V)
            affine(hidden, 0, w, w1_at, -1, x, at * I, every, I, every, 0, H, panel, 0, H, B)
            activate(LOGISTIC, hidden, slope, 0, H * B)
            affine(residual, 0, w, w2_at, -1, hidden, 0, every, H, every, 0, O, panel, 0, O, B)
            squares = subtract(residual, target, at * O, valid, at, O, B, squares)
            if O <= NARROW:
                outer_narrow(how, step, w2_at, hidden, 0, every, 0, H, residual, 0, one, O, B)
            else:
                by_sample(by_sample2, 0, residual, 0, every, stride2, B, 0, O, one)
                outer(how, step, w2_at, hidden, 0, every, 0, H, by_sample2, 0, every, every, 0, O, stride2, B)
            backproject(slope, 0, w, w2_at, residual, 0, every, 0, H, panel, 0, O, B)
            by_sample(by_sample1, 0, slope, 0, every, stride1, B, 0, H, one)
            outer(how, step, w1_at, x, at * I, every, 0, I, by_sample1, 0, every, every, 0, H, stride1, B)
        for place in range(size):
            w[place] -= rate * step[place]
        w1.reshape(w1.size)[:], w2.reshape(w2.size)[:] = w[:w2_at], w[w2_at:size]
        if epoch % record_every == 0:
            errors[epoch // record_every] = scale * sum_lanes(squares)


@kernel
def subtract(residual, target, target_at, valid, valid_at, O, B, squares):
    """residual -= target, zero in the lanes that hold no sample; returns the vector `squares` plus their squares."""
    for o in range(O):
        for n in range(0, B, width(residual)):
            r = (load(residual, o * B + n) - load(target, target_at + o * B + n)) * load(valid, valid_at + n)
            squares = fma(r, r, squares)
            store(residual, o * B + n, r)
    return squares


@kernel
def flat(size, like):
    """Zeros of that array's dtype, from a cache line on, with the 64 elements beyond that kernels may read."""
    memory = np.zeros(size + 64 + 64, like.dtype)
    skip = -memory.ctypes.data % 64 // memory.itemsize
    return memory[skip : skip + size + 64]
