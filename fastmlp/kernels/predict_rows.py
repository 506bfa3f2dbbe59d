"""Predict a few samples, with outputs instead of samples in lanes, so that even a single row fills its vectors.

A network is described by one array of integers, so that a call has few arguments to unpack: L, the width of the widest layer rounded up to
whole vectors, then sizes (L + 1), W_at, b_at and activation codes (L each), then 0, 1, 2, ... up to the width of the widest layer.
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

WIDEST = 8  # vectors of a row's outputs at a time: as many sums as keep both multiply-add units busy


def pack(sizes: np.ndarray, W_at: np.ndarray, b_at: np.ndarray, activation: np.ndarray, rows: int, V: int) -> np.ndarray:
    """Return the network as one array, for at most `rows` rows and vectors of V elements."""
    widest = int(sizes.max())
    every = np.arange(max(widest, rows) + 1)
    return np.concatenate([[len(W_at), -(-widest // V) * V], sizes, W_at, b_at, activation, every]).astype(np.int64)


@entry
def predict_few(code, w, X):
    """Return the outputs (N, O) of the last layer. X (N, I) : C-contiguous, of w's dtype.

    Raises ValueError if X is not finite. If an output is not finite, as happens if a parameter is not, the result is empty, (0, O), and the
    caller looks for the cause.
    """
    N, L, stride, V = X.shape[0], code[0], code[1], width(w)
    W_at, b_at, activation, every = 3 + L, 3 + 2 * L, 3 + 3 * L, code[3 + 4 * L :]
    x = Block(X.reshape(X.size), 0, X.shape[1], 1, X.shape[1])
    if not all_finite(x.data, 0, x.data.size):
        raise ValueError("X: expected finite numbers, got NaN or infinity")
    values = np.empty(2 * N * stride + V, w.dtype)  # `part` may read one vector past the last row
    found = np.empty(len(every) + 8, np.int64)
    tiled = N // MR * MR
    for l in range(L):
        I, O = code[2 + l], code[3 + l]
        W, z = Block(w, code[W_at + l], O, 1, O), Block(values, (l % 2) * N * stride, stride, 1, (O + V - 1) // V * V)
        for o in range(0, O, V):  # lanes past the last output load other parameters, and are never read
            start = load(w, code[b_at + l] + o) if code[b_at + l] >= 0 else splat(w.dtype.type(0))
            for n in range(z.at + o, z.at + N * stride, stride):
                store(values, n, start)
        if tiled > 0:
            tiles(Product(CONTINUE, z, x, W, z, 0), Span(every, 0, tiled), in_every_tile(Span(every, 0, I)), np.zeros(1, np.uint8))
        for n in range(tiled, N):
            one = Block(x.data, x.at + n * x.row, x.row, 1, I)  # zeros of hidden units are skipped too: after ReLU, about half of them
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
    """Return the index of the largest output of each row, (N,) int64, or of the first of equal ones.

    This saves a second call after `predict_few`; where that returns an empty array, so does this.
    """
    out = predict_few(code, w, X)
    classes = np.zeros(len(out), np.int64)
    for n in range(len(out)):
        for o in range(1, out.shape[1]):
            if out[n, o] > out[n, classes[n]]:
                classes[n] = o
    return classes


@kernel
def list_nonzero(found, x):
    """List the non-zero inputs of one row in `found`, in ascending order, and return their number. No other rows of W need to be read.

    found : at least (I + 8,), since `list_bits` writes eight elements at a time. Nothing is read past the end of the row, after which the
    caller's array may end.
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
    """Add sum_i x[0, i] W[i, o] to z[0, o]. The rows of W are read as they lie in memory, up to WIDEST vectors at a time.

    The outputs are divided into parts of nearly equal width, of 4 to 8 vectors, or 2. Past the last output, a part reads from the next row
    of W and writes nothing. first : the span of the single number 0.
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
    """Compute a part of `row` that is nv (a literal) vectors wide."""
    literally(nv)
    tile(1, nv, Product(CONTINUE, z, x, W, z, 0), first, inputs)
