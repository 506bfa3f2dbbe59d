"""The document's gradient descent over the engine's tiles: block by block of samples, each of which stays in the second-level cache."""

from __future__ import annotations

import numpy as np

from ..kernels.access import GUARD, load, peek, store, width
from ..kernels.activations import LOGISTIC, activate
from ..kernels.gather import Batch, gather_rows
from ..kernels.jit import entry, kernel
from ..kernels.network import padded
from ..kernels.products import NARROW, affine, backproject, in_every_tile, outer, outer_narrow, scratch_size
from ..kernels.rows import by_sample
from ..kernels.tile import ADD, ASSIGN
from ..kernels.vectors import fma, splat, sum_lanes
from ..kernels.views import Block, Span

BLOCK = 128  # samples


@entry
def epochs_by_tiles(weights, record, X, y, epochs, rate, stop):
    """For layers of some width over many samples. Arguments as `fused_epochs` takes them; X and y are brought into lanes once."""
    (w1, w2), (errors, record_every) = weights, record
    (N, I), (H, O) = X.shape, w2.shape
    V = width(X)
    rate, scale = X.dtype.type(rate / N), X.dtype.type(0.5 / N)
    one = X.dtype.type(1)
    lanes = padded(N, V)
    every = np.arange(max(max(I, H), max(O, lanes)))
    all_inputs, all_hidden, all_outputs = Span(every, 0, I), Span(every, 0, H), Span(every, 0, O)
    inputs, targets, valid = flat(I * lanes, X), flat(O * lanes, X), flat(lanes, X)
    valid[:N] = 1
    for at in range(0, N, BLOCK):
        count = min(BLOCK, N - at)
        B = padded(count, V)
        batch = Batch(every, at, count, B)
        gather_rows(Block(inputs, at * I, B, 1, B), X, batch, 0, one, stop)
        gather_rows(Block(targets, at * O, B, 1, B), y, batch, 0, one, stop)
    most = min(BLOCK, lanes)
    hidden, slope, residual = flat(H * most, X), flat(H * most, X), flat(O * most, X)
    rows1, rows2 = flat(padded(H, V) * most, X), flat(padded(O, V) * most, X)
    w1_at, w2_at, size = 0, w1.size, w1.size + w2.size
    w, step, scratch = flat(size, X), flat(size, X), Block(flat(scratch_size(max(I, H), most, X.itemsize), X), 0, 1, 1, 0)
    w[:w2_at], w[w2_at:size] = w1.reshape(w1.size), w2.reshape(w2.size)
    W1, W2 = Block(w, w1_at, H, 1, H), Block(w, w2_at, O, 1, O)
    step1, step2 = Block(step, w1_at, H, 1, H), Block(step, w2_at, O, 1, O)
    no_bias = Block(w, 0, 1, 1, 0)
    for epoch in range(epochs):
        squares = splat(X.dtype.type(0))
        for at in range(0, N, BLOCK):
            if peek(stop):
                return
            how, B = ASSIGN if at == 0 else ADD, padded(min(BLOCK, N - at), V)
            x, t = Block(inputs, at * I, B, 1, B), Block(targets, at * O, B, 1, B)
            a, da, r = Block(hidden, 0, B, 1, B), Block(slope, 0, B, 1, B), Block(residual, 0, B, 1, B)
            samples = in_every_tile(Span(every, 0, B))
            affine(a, W1, no_bias, x, all_inputs, all_hidden, scratch, stop)
            activate(LOGISTIC, hidden, slope, 0, H * B)
            affine(r, W2, no_bias, a, all_hidden, all_outputs, scratch, stop)
            squares = subtract(r, t, Block(valid, at, 0, 1, B), O, squares)
            if O <= NARROW:
                outer_narrow(how, step2, a, r, all_hidden, one)
            else:
                r_rows = Block(rows2, 0, 0, 1, O)
                by_sample(r_rows, r, all_outputs, one)
                outer(how, step2, a, r_rows, all_hidden, samples, stop)
            backproject(da, W2, r, all_hidden, all_outputs, scratch, stop)
            da_rows = Block(rows1, 0, 0, 1, H)
            by_sample(da_rows, da, all_hidden, one)
            outer(how, step1, x, da_rows, all_inputs, samples, stop)
        if peek(stop):
            return
        for place in range(size):
            w[place] -= rate * step[place]
        w1.reshape(w1.size)[:], w2.reshape(w2.size)[:] = w[:w2_at], w[w2_at:size]
        if epoch % record_every == 0:
            errors[epoch // record_every] = scale * sum_lanes(squares)


@kernel
def subtract(residual, target, valid, O, squares):
    """residual -= target, zero in the lanes that hold no sample; returns the vector `squares` plus their squares. All are blocks."""
    for o in range(O):
        for n in range(0, residual.columns, width(residual.data)):
            place = residual.at + o * residual.row + n
            r = load(residual.data, place) - load(target.data, target.at + o * target.row + n)
            r = r * load(valid.data, valid.at + n)
            squares = fma(r, r, squares)
            store(residual.data, place, r)
    return squares


@kernel(allocates=True)
def flat(size, like):
    """Zeros of that array's dtype, from a cache line on, with the GUARD elements beyond that kernels may read."""
    memory = np.zeros(size + GUARD + 64, like.dtype)
    skip = -memory.ctypes.data % 64 // memory.itemsize
    return memory[skip : skip + size + GUARD]
