"""Prediction for a few samples: outputs in lanes instead of samples, so that a single row fills its vectors too.

A network is one array of integers, so that a call has few arguments to unpack: L, then sizes (L + 1), W_at, b_at and activation codes
(L each), then 0, 1, 2, ... as far as the widest layer.
"""

from __future__ import annotations

import numpy as np

from ._jit import kernel
from .activations import activate
from .matmul import tiles
from .simd import width
from .tile import ADD


def pack(sizes: np.ndarray, W_at: np.ndarray, b_at: np.ndarray, activation: np.ndarray, rows: int) -> np.ndarray:
    """The network as one array, for up to that many rows."""
    every = np.arange(max(int(sizes.max()), rows) + 1)
    return np.concatenate([[len(W_at)], sizes, W_at, b_at, activation, every]).astype(np.int64)


@kernel
def predict_few(code, w, scratch, stride, X):
    """Outputs (N, O) of the last layer for X (N, I), and whether X was finite. X of w's dtype, C-contiguous.

    scratch : 4 N stride elements: two layers at a time, and their slopes, which nobody reads; stride : the widest layer, in whole vectors.
    """
    N, L, V = X.shape[0], code[0], width(w)
    W_at, b_at, activation, every = 2 + L, 2 + 2 * L, 2 + 3 * L, 2 + 4 * L
    source, source_at, source_row = X.reshape(X.size), 0, X.shape[1]
    check = w.dtype.type(0)
    for value in source:
        check += value * w.dtype.type(0)  # 0, or NaN if any value is NaN or infinite
    for l in range(L):
        I, O = code[1 + l], code[2 + l]
        z_at = (l % 2) * N * stride
        for n in range(N):
            for o in range(O):
                scratch[z_at + n * stride + o] = w[code[b_at + l] + o] if code[b_at + l] >= 0 else w.dtype.type(0)
        tiles(
            ADD, source, source_at, source_row, 1, w, code[W_at + l], O, scratch, z_at, stride, O,
            code[every:], 0, N, code[every:], 0, I, code, 0, w, 0,
        )  # fmt: skip
        for n in range(N):
            row = z_at + n * stride
            activate(code[activation + l], scratch, scratch[2 * N * stride :], row, row + (O + V - 1) // V * V)
        source, source_at, source_row = scratch, z_at, stride
    O = code[1 + L]
    out = np.empty((N, O), w.dtype)
    for n in range(N):
        for o in range(O):
            out[n, o] = source[source_at + n * stride + o]
    return out, check == 0
