"""Prediction for a few samples: outputs in lanes instead of samples, so that a single row fills its vectors too.

A network is one array of integers, so that a call has few arguments to unpack: L, the widest layer in whole vectors, then sizes (L + 1),
W_at, b_at and activation codes (L each), then 0, 1, 2, ... as far as the widest layer.
"""

from __future__ import annotations

import numpy as np
from numba import literally

from .activations import activate
from .gather import all_finite
from .jit import kernel
from .products import tiles
from .tile import CONTINUE, MR, tile
from .vectors import load, splat, store, width

WIDEST = 8  # vectors of a row's outputs at once, an even number: as many sums as keep both multipliers busy


def pack(sizes: np.ndarray, W_at: np.ndarray, b_at: np.ndarray, activation: np.ndarray, rows: int, V: int) -> np.ndarray:
    """The network as one array, for up to that many rows and vectors of V elements."""
    widest = int(sizes.max())
    every = np.arange(max(widest, rows) + 1)
    return np.concatenate([[len(W_at), -(-widest // V) * V], sizes, W_at, b_at, activation, every]).astype(np.int64)


@kernel
def predict_few(code, w, X):
    """Outputs (N, O) of the last layer for X (N, I), of w's dtype, C-contiguous. ValueError if X is not finite.

    Empty (0, O) if an output is not finite, as it is where parameters are not: whoever called finds out which.
    """
    N, L, stride, V = X.shape[0], code[0], code[1], width(w)
    W_at, b_at, activation, every = 3 + L, 3 + 2 * L, 3 + 3 * L, code[3 + 4 * L :]
    source, source_at, source_row = X.reshape(X.size), 0, X.shape[1]
    if not all_finite(source, 0, source.size):
        raise ValueError("X: expected finite numbers, got NaN or infinity")
    z, slopes = np.empty(2 * N * stride, w.dtype), np.empty(stride, w.dtype)
    tiled = N // MR * MR
    for l in range(L):
        I, O = code[2 + l], code[3 + l]
        z_at = (l % 2) * N * stride
        for o in range(0, O, V):  # lanes past the last output hold other parameters: as finite as these, and never read
            start = load(w, code[b_at + l] + o) if code[b_at + l] >= 0 else splat(w.dtype.type(0))
            for n in range(z_at + o, z_at + N * stride, stride):
                store(z, n, start)
        if tiled > 0:
            tiles(
                CONTINUE, source, source_at, source_row, 1, w, code[W_at + l], O, z, z_at, stride, O,
                every, 0, tiled, every, 0, I, every, 0, w, 0,
            )  # fmt: skip
        for n in range(tiled, N):
            row(source, source_at + n * source_row, w, code[W_at + l], z, z_at + n * stride, every, I, O)
        for n in range(z_at, z_at + N * stride, stride):
            activate(code[activation + l], z[n : n + stride], slopes, 0, (O + V - 1) // V * V)
        source, source_at, source_row = z, z_at, stride
    O = code[2 + L]
    out, finite = np.empty((N, O), w.dtype), True
    for n in range(N):
        for o in range(O):
            out[n, o] = source[source_at + n * stride + o]
            finite = finite and np.isfinite(out[n, o])
    return out if finite else np.empty((0, O), w.dtype)


@kernel
def classify_few(code, w, X):
    """The largest output of each row (N,) int64, the first of equals: as `predict_few`, without another call for it; (0,) likewise."""
    out = predict_few(code, w, X)
    classes = np.zeros(len(out), np.int64)
    for n in range(len(out)):
        for o in range(1, out.shape[1]):
            if out[n, o] > out[n, classes[n]]:
                classes[n] = o
    return classes


@kernel
def row(x, x_at, w, W_at, z, z_at, every, I, O):
    """z[o] += sum_i x[i] W[i, o]: each row of W is read whole, as it lies in memory, up to WIDEST vectors.

    In parts of 8, 6, 4 or 2 vectors; the last vector of one may lie past the last output, where it reads the next row and writes nothing.
    """
    V = width(w)
    vectors = (O + V - 1) // V
    done = 0
    while done < vectors:
        parts = (vectors - done + WIDEST - 1) // WIDEST
        nv = (vectors - done + parts - 1) // parts
        nv += nv % 2
        o = done * V
        count = min(V, max(0, O - o - (nv - 1) * V))
        if nv == 8:
            part(8, x, x_at, w, W_at + o, z, z_at + o, count, every, I, O)
        elif nv == 6:
            part(6, x, x_at, w, W_at + o, z, z_at + o, count, every, I, O)
        elif nv == 4:
            part(4, x, x_at, w, W_at + o, z, z_at + o, count, every, I, O)
        else:
            part(2, x, x_at, w, W_at + o, z, z_at + o, count, every, I, O)
        done += nv


@kernel(literals=True)
def part(nv, x, x_at, w, W_at, z, z_at, count, every, I, O):
    """A part of `row`, nv (a literal) vectors wide, `count` lanes of the last one."""
    literally(nv)
    tile(1, nv, CONTINUE, x, x_at, 0, 1, w, W_at, O, z, z_at, 0, count, every, 0, every, 0, I, w, 0)
