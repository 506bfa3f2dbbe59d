"""Gradient descent by the engine's tiled matrix products, on one block of samples at a time, which stays in the second-level cache."""

from __future__ import annotations

import numpy as np

from ..kernels.access import GUARD, load, peek, store, width
from ..kernels.activations import LOGISTIC, activate
from ..kernels.gather import Batch, gather_rows
from ..kernels.jit import entry, kernel
from ..kernels.network import padded
from ..kernels.pages import new_matrix
from ..kernels.products import (
    affine,
    backproject,
    block_by_block,
    column_of,
    in_every_tile,
    is_narrow,
    outer,
    outer_narrow,
    scratch_size,
    tiles,
)
from ..kernels.rows import by_sample
from ..kernels.tile import ADD, ASSIGN, Product
from ..kernels.vectors import fma, splat, sum_lanes
from ..kernels.views import Block, Span
from .bodies import descend
from .laps import ALLOCATION, BOOKKEEPING, HIDDEN, HIDDEN_DELTA, LAYOUT, OUTPUT, RESIDUAL, SIGMOID, SLOPE1, SLOPE2, UPDATE, begin, lap

BLOCK = 128  # samples


@entry
def epochs_by_tiles(weights, record, X, y, epochs, rate, stop):
    """Train wide layers on many samples. The arguments are those of `fused_epochs`; if the run is stopped, w1 and w2 do not change.

    w1 is stored transposed, as (H, I), and the samples are stored twice, one per lane and one per row. In this way both large products,
    z = w1 x and the step of w1 = delta x', read their factors sequentially.
    """
    (w1, w2), (errors, record_every, clock) = weights, record
    begin(clock)
    (N, I), (H, O) = X.shape, w2.shape
    V, itemsize = width(X), X.itemsize
    rate, scale = X.dtype.type(rate / N), X.dtype.type(0.5 / N)
    one = X.dtype.type(1)
    lanes, most = padded(N, V), padded(min(BLOCK, N), V)
    every = np.arange(max(max(I, H), max(O, lanes)) + 1)
    all_inputs, all_hidden, all_outputs = Span(every, 0, I), Span(every, 0, H), Span(every, 0, O)
    samples, rows, targets, valid = room(I * lanes, X), room(padded(I, V) * lanes, X), flat(O * lanes, X), flat(lanes, X)
    lap(clock, ALLOCATION, samples.size + rows.size + targets.size + valid.size)
    valid[:N] = 1
    for at in range(0, N, BLOCK):
        count = min(BLOCK, N - at)
        B = padded(count, V)
        batch = Batch(every, at, count, B)
        gather_panels(Block(samples, at * I, 0, 1, B), X, batch, stop)
        copy_rows(Block(rows, at * padded(I, V), 0, 1, I), X, batch)
        gather_rows(Block(targets, at * O, B, 1, B), y, batch, (0, O), 0, one, stop)
    lap(clock, LAYOUT, 0)
    hidden, slope, residual = flat(H * most, X), flat(H * most, X), flat(O * most, X)
    r_rows = Block(flat(padded(O, V) * most, X), 0, 0, 1, O)
    turned, w, step1, step2 = flat(H * I, X), flat(H * O, X), flat(H * I, X), flat(H * O, X)
    lap(clock, ALLOCATION, hidden.size + slope.size + residual.size + turned.size + w.size + step1.size + step2.size)
    turned[: H * I], w[: H * O] = w1.T.copy().reshape(H * I), w2.reshape(H * O)
    W1, W2 = Block(turned, 0, I, 1, I), Block(w, 0, O, 1, O)
    scratch, no_bias = Block(flat(scratch_size(max(H, O), most, itemsize), X), 0, 1, 1, 0), Block(w, 0, 1, 1, 0)
    lap(clock, LAYOUT, 0)
    for epoch in range(epochs):
        squares = splat(X.dtype.type(0))
        for at in range(0, N, BLOCK):
            if peek(stop):
                return
            how, count = ASSIGN if at == 0 else ADD, min(BLOCK, N - at)
            B = padded(count, V)
            x, t = Block(samples, at * I, 0, 1, B), Block(targets, at * O, B, 1, B)
            a, da, r = Block(hidden, 0, B, 1, B), Block(slope, 0, B, 1, B), Block(residual, 0, B, 1, B)
            block = Span(every, 0, B)
            block_by_block(Product(ASSIGN, a, W1, x, a, I), all_hidden, all_inputs, stop)
            lap(clock, HIDDEN, count * I * H)
            activate(LOGISTIC, hidden, slope, 0, H * B)
            lap(clock, SIGMOID, 0)
            affine(r, W2, no_bias, a, all_hidden, all_outputs, scratch, stop)
            lap(clock, OUTPUT, count * H * O)
            squares = subtract(r, t, Block(valid, at, 0, 1, B), O, squares)
            lap(clock, RESIDUAL, 0)
            if is_narrow(H, O):
                outer_narrow(how, Block(step2, 0, O, 1, O), a, r, all_hidden, one)
            else:
                by_sample(r_rows, r, all_outputs, one)
                outer(how, Block(step2, 0, O, 1, O), a, r_rows, all_hidden, in_every_tile(block), stop)
            lap(clock, SLOPE2, count * H * O)
            backproject(da, W2, r, all_hidden, all_outputs, scratch, stop)
            lap(clock, HIDDEN_DELTA, count * H * O)
            x_rows, C = Block(rows, at * padded(I, V), 0, 1, I), Block(step1, 0, I, 1, I)
            tiles(Product(how, C, da, x_rows, C, B), all_hidden, in_every_tile(block), stop)
            lap(clock, SLOPE1, count * I * H)
        if peek(stop):
            return
        descend(turned, step1, rate)
        descend(w, step2, rate)
        lap(clock, UPDATE, 0)
        if epoch % record_every == 0:
            errors[epoch // record_every] = scale * sum_lanes(squares)
        lap(clock, BOOKKEEPING, 0)
    w1[:], w2[:] = turned[: H * I].reshape(H, I).T, w[: H * O].reshape(H, O)
    lap(clock, LAYOUT, 0)


@kernel
def gather_panels(x, X, batch, stop):
    """Gather the rows of X as `gather_rows` does, but store the lanes of each column of tiles as a panel of their own."""
    V, I = width(X), X.shape[1]
    vectors, n = batch.B // V, 0
    while n < vectors:
        _, nv = column_of(n, vectors)
        panel = Block(x.data, x.at + n * V * I, nv * V, 1, nv * V)
        part = Batch(batch.order, batch.at + n * V, min(nv * V, batch.size - n * V), nv * V)
        gather_rows(panel, X, part, (0, I), 0, X.dtype.type(1), stop)
        n += nv


@kernel
def copy_rows(rows, X, batch):
    """Copy the samples of a batch, one per row, with a panel for each column of tiles. Padding rows repeat the last sample."""
    V, I = width(X), X.shape[1]
    flat, vectors, n = X.reshape(X.size), padded(I, V) // V, 0
    while n < vectors:
        _, nv = column_of(n, vectors)
        for row in range(batch.B):
            source = batch.order[batch.at + min(row, batch.size - 1)] * I + n * V
            target = rows.at + n * V * batch.B + row * nv * V
            whole = min(nv, I // V - n)
            for v in range(0, whole * V, V):
                store(rows.data, target + v, load(flat, source + v))
            for place in range(whole * V, min(nv * V, I - n * V)):
                rows.data[target + place] = flat[source + place]
        n += nv


@kernel
def subtract(residual, target, valid, O, squares):
    """Subtract target from residual in place, and return the vector `squares` plus the squares of the result.

    residual, target and valid are blocks; lanes that hold no sample are set to zero.
    """
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
    """Allocate zeros of the dtype of `like`, aligned to a cache line.

    The array is GUARD elements longer than `size`, because kernels may read that far beyond its end.
    """
    memory = room(size, like)
    memory[:] = 0
    return memory


@kernel(allocates=True)
def room(size, like):
    """Allocate as `flat` does, but leave the values undefined."""
    memory = new_matrix(1, size + GUARD + 64, like)[0]
    skip = -memory.ctypes.data % 64 // memory.itemsize
    return memory[skip : skip + size + GUARD]
