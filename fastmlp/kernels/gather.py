"""Between the user's layout, one sample per row, and the kernels', one sample per lane.

x (I, B) : the batch, at x_at of a flat array; B a multiple of V. The samples are order[at:at + count]; lanes past `count` repeat the
last one (finite values whose weight is zero).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .jit import kernel
from .transpose import transpose
from .vectors import fma, load, load_first, splat, sum_lanes, width


class Samples(NamedTuple):
    """Inputs in one of three forms, the others empty: one type for the compiler, whatever the form."""

    pixels: np.ndarray  # (N, I) uint8
    values: np.ndarray  # (N, I) of the model's dtype
    data: np.ndarray  # CSR: the non-zero values, of the model's dtype
    indices: np.ndarray  # CSR: their columns, int64
    indptr: np.ndarray  # CSR: where each row begins, and the end, int64


class Targets(NamedTuple):
    """Targets in one of two forms, the other empty."""

    classes: np.ndarray  # (N,) int64
    values: np.ndarray  # (N, O) of the model's dtype


def samples(X: Any, dtype: Any) -> Samples:
    """X (N, I), C-contiguous uint8 or of that dtype, or the tuple (data, indices, indptr) of a CSR matrix."""
    none, no_index = np.zeros((0, 0), dtype), np.zeros(0, np.int64)
    pixels = np.zeros((0, 0), np.uint8)
    if isinstance(X, tuple):
        return Samples(pixels, none, *X)
    if X.dtype == np.uint8:
        return Samples(X, none, none.reshape(0), no_index, no_index)
    return Samples(pixels, X, none.reshape(0), no_index, no_index)


def targets(Y: np.ndarray, dtype: Any) -> Targets:
    """Y (N,), int64 class indices, or (N, O) of that dtype."""
    return Targets(Y, np.zeros((0, 0), dtype)) if Y.ndim == 1 else Targets(np.zeros(0, np.int64), Y)


@kernel
def all_finite(x, first, last):
    """Whether no element of x[first:last] is NaN or infinite. x : flat."""
    V, zero = width(x), x.dtype.type(0)
    check = splat(zero)  # stays 0, or becomes NaN
    whole = first + (last - first) // V * V
    for i in range(first, whole, V):
        check = fma(zero, load(x, i), check)
    if whole < last:
        check = fma(zero, load_first(x, whole, last - whole), check)
    return sum_lanes(check) == 0


@kernel
def gather(x, x_at, X, order, at, count, I, B, start, scale):
    """x[i, n] = scale * X[order[at + n], i]. X : Samples. Begins with lane `start`, a multiple of V, and comes round to those before it.

    Threads that begin at different samples fetch each other's from the shared cache, instead of all from memory at once.
    """
    if X.pixels.size > 0:
        gather_rows(x, x_at, X.pixels, order, at, count, I, B, start, scale)
    elif X.values.size > 0:
        gather_rows(x, x_at, X.values, order, at, count, I, B, start, scale)
    else:
        gather_sparse(x, x_at, X.data, X.indices, X.indptr, order, at, count, I, B, scale)


@kernel
def gather_rows(x, x_at, X, order, at, count, I, B, start, scale):
    """As `gather`, X (N, I)."""
    V = width(x)
    flat = X.reshape(X.size)
    end = at + count - 1
    for turned in range(start, start + B, V):
        n = turned if turned < B else turned - B
        i = 0
        while i + V <= I:
            transpose(x, x_at + i * B + n, B, flat, i, I, order, at + n, end, scale)
            i += V
        while i < I:
            for lane in range(V):
                x[x_at + i * B + n + lane] = scale * flat[order[min(at + n + lane, end)] * I + i]
            i += 1


@kernel
def gather_sparse(x, x_at, data, indices, indptr, order, at, count, I, B, scale):
    """As `gather`, from a CSR matrix."""
    for place in range(x_at, x_at + I * B):
        x[place] = 0
    for n in range(B):
        row = order[min(at + n, at + count - 1)]
        for entry in range(indptr[row], indptr[row + 1]):
            x[x_at + indices[entry] * B + n] += scale * data[entry]


@kernel
def gather_targets(t, Y, order, at, count, O, B):
    """t[o, n] = Y[order[at + n], o], a class being a row with 1 in its place and 0 elsewhere. Y : Targets."""
    if Y.values.size > 0:
        for n in range(B):
            row = order[min(at + n, at + count - 1)]
            for o in range(O):
                t[o * B + n] = Y.values[row, o]
    else:
        for place in range(O * B):
            t[place] = 0
        for n in range(B):
            t[Y.classes[order[min(at + n, at + count - 1)]] * B + n] = 1
