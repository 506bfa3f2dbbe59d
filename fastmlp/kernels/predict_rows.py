"""Prediction for a few samples: outputs in lanes instead of samples, so that a single row fills its vectors too.

A network is one array of integers, so that a call has few arguments to unpack: L, the widest layer in whole vectors, then sizes (L + 1),
W_at, b_at and activation codes (L each), then 0, 1, 2, ... as far as the widest layer.
"""

from __future__ import annotations

import numpy as np
from numba import literally

from .access import load, store, width
from .activations import activate
from .bits import PLACES, count_bits, list_bits, nonzero_bits
from .gather import all_finite
from .jit import entry, kernel
from .products import in_every_tile, tiles
from .tile import CONTINUE, MR, Product, tile
from .vectors import splat
from .views import Block, Span, from_column

WIDEST = 8  # vectors of a row's outputs at once: as many sums as keep both multipliers busy


def pack(sizes: np.ndarray, W_at: np.ndarray, b_at: np.ndarray, activation: np.ndarray, rows: int, V: int) -> np.ndarray:
    """The network as one array, for up to that many rows and vectors of V elements."""
    widest = int(sizes.max())
    every = np.arange(max(widest, rows) + 1)
    return np.concatenate([[len(W_at), -(-widest // V) * V], sizes, W_at, b_at, activation, every]).astype(np.int64)


@entry
def predict_few(code, w, X):
    """Outputs (N, O) of the last layer for X (N, I), of w's dtype, C-contiguous. ValueError if X is not finite.

    Empty (0, O) if an output is not finite, as it is where parameters are not: whoever called finds out which.
    """
    N, L, stride, V = X.shape[0], code[0], code[1], width(w)
    W_at, b_at, activation, every = 3 + L, 3 + 2 * L, 3 + 3 * L, code[3 + 4 * L :]
    x = Block(X.reshape(X.size), 0, X.shape[1], 1, X.shape[1])
    if not all_finite(x.data, 0, x.data.size):
        raise ValueError("X: expected finite numbers, got NaN or infinity")
    values = np.empty(2 * N * stride + V, w.dtype)  # a part of the last row reads a vector more
    found = np.empty(len(every) + 8, np.int64)
    tiled = N // MR * MR
    for l in range(L):
        I, O = code[2 + l], code[3 + l]
        W, z = Block(w, code[W_at + l], O, 1, O), Block(values, (l % 2) * N * stride, stride, 1, (O + V - 1) // V * V)
        for o in range(0, O, V):  # lanes past the last output hold other parameters: as finite as these, and never read
            start = load(w, code[b_at + l] + o) if code[b_at + l] >= 0 else splat(w.dtype.type(0))
            for n in range(z.at + o, z.at + N * stride, stride):
                store(values, n, start)
        if tiled > 0:
            tiles(Product(CONTINUE, z, x, W, z, 0), Span(every, 0, tiled), in_every_tile(Span(every, 0, I)), np.zeros(1, np.uint8))
        for n in range(tiled, N):
            one = Block(x.data, x.at + n * x.row, x.row, 1, I)  # hidden units at zero are skipped too: half of them, after ReLU
            inputs = Span(found, 0, list_nonzero(found, one))
            row(Block(values, z.at + n * stride, stride, 1, z.columns), one, W, Span(every, 0, 1), inputs)
        for n in range(z.at, z.at + N * stride, stride):
            activate(code[activation + l], values, None, n, n + (O + V - 1) // V * V)
        x = z
    O = code[2 + L]
    out, finite = np.empty((N, O), w.dtype), True
    for n in range(N):
        for o in range(O):
            out[n, o] = x.data[x.at + n * x.row + o]
            finite = finite and np.isfinite(out[n, o])
    return out if finite else np.empty((0, O), w.dtype)


@entry
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
def list_nonzero(found, x):
    """Write the inputs of one row that are not zero to `found`, ascending, and return how many: no other rows of W need be read.

    found : (I + 8,) at least, as `list_bits` writes eight at a time. Nothing is read past the row, which may be a caller's last.
    """
    count, whole = 0, x.columns // 64 * 64
    for word in range(0, whole, 64):
        bits = nonzero_bits(x.data, x.at + word)
        for i in range(word, word + 64, 8):
            byte = bits & np.uint64(255)
            list_bits(found, count, byte, i, PLACES)
            count += count_bits(byte)
            bits >>= np.uint64(8)
    for i in range(whole, x.columns):
        found[count] = i
        count += x.data[x.at + i] != 0
    return count


@kernel
def row(z, x, W, first, inputs):
    """z[0, o] += sum_i x[0, i] W[i, o]: each row of W is read whole, as it lies in memory, up to WIDEST vectors.

    In parts as even as can be, of 8 to 4 vectors, or 2; what lies past the last output is read from the next row, and nothing is written.
    first : the span of 0 alone.
    """
    V = width(W.data)
    vectors = (W.columns + V - 1) // V
    done = 0
    while done < vectors:
        parts = (vectors - done + WIDEST - 1) // WIDEST
        nv = (vectors - done + parts - 1) // parts
        here, product = done * V, from_column(z, done * V)
        if nv == 8:
            part(8, product, x, from_column(W, here), first, inputs)
        elif nv == 7:
            part(7, product, x, from_column(W, here), first, inputs)
        elif nv == 6:
            part(6, product, x, from_column(W, here), first, inputs)
        elif nv == 5:
            part(5, product, x, from_column(W, here), first, inputs)
        elif nv > 2:
            part(4, product, x, from_column(W, here), first, inputs)
        else:
            part(2, product, x, from_column(W, here), first, inputs)
        done += nv


@kernel(literals=True)
def part(nv, z, x, W, first, inputs):
    """A part of `row`, nv (a literal) vectors wide."""
    literally(nv)
    tile(1, nv, Product(CONTINUE, z, x, W, z, 0), first, inputs)
