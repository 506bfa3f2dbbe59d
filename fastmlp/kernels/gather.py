"""Gather batches from the user's layout, one sample per row, into the kernels' layout, one sample per lane.

x (I, B) : the batch as a block; B is a multiple of V. Lanes past the last sample of the batch repeat it: their values are finite, and
their weight is zero.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .access import fetch, load, load_first, peek, width
from .jit import entry, kernel
from .transpose import transpose
from .vectors import fma, splat, sum_lanes
from .views import Block, Span


class Samples(NamedTuple):
    """Inputs in one of three forms. The arrays of the other forms are empty, so that the compiler sees a single type."""

    pixels: np.ndarray  # (N, I) uint8
    values: np.ndarray  # (N, I) of the model's dtype
    data: np.ndarray  # CSR: the non-zero values, of the model's dtype
    indices: np.ndarray  # CSR: their columns, int64
    indptr: np.ndarray  # CSR: where each row begins and where the last one ends, int64


class Targets(NamedTuple):
    """Targets in one of two forms. The array of the other form is empty."""

    classes: np.ndarray  # (N,) int64
    values: np.ndarray  # (N, O) of the model's dtype


def samples(X: Any, dtype: Any) -> Samples:
    """Return X as `Samples`. X (N, I) : C-contiguous, of uint8 or `dtype`; or the tuple (data, indices, indptr) of a CSR matrix."""
    none, no_index = np.zeros((0, 0), dtype), np.zeros(0, np.int64)
    pixels = np.zeros((0, 0), np.uint8)
    if isinstance(X, tuple):
        return Samples(pixels, none, *X)
    if X.dtype == np.uint8:
        return Samples(X, none, none.reshape(0), no_index, no_index)
    return Samples(pixels, X, none.reshape(0), no_index, no_index)


def targets(Y: np.ndarray, dtype: Any) -> Targets:
    """Return Y as `Targets`. Y : class indices (N,) int64, or values (N, O) of `dtype`."""
    return Targets(Y, np.zeros((0, 0), dtype)) if Y.ndim == 1 else Targets(np.zeros(0, np.int64), Y)


class Batch(NamedTuple):
    """The samples order[at:at + size], in B lanes."""

    order: np.ndarray  # int64
    at: int
    size: int
    B: int


@entry
def all_finite(x, first, last):
    """Return whether every element of x[first:last] is finite. x : flat."""
    V, zero = width(x), x.dtype.type(0)
    check = splat(zero)  # stays 0 until a value is not finite, then becomes NaN
    whole = first + (last - first) // V * V
    for i in range(first, whole, V):
        check = fma(zero, load(x, i), check)
    if whole < last:
        check = fma(zero, load_first(x, whole, last - whole), check)
    return sum_lanes(check) == 0


@kernel
def gather(x, X, batch, inputs, start, scale, stop):
    """Set x[i, n] = scale * X[order[at + n], i] for i in [inputs[0], inputs[1]). X : Samples.

    Gathering begins with lane `start`, a multiple of V, wraps around after the last lane, and ends early once stop[0] is not zero.

    Threads that begin at different samples find each other's in the shared cache, instead of all reading the same from memory at once.
    """
    if X.pixels.size > 0:
        gather_rows(x, X.pixels, batch, inputs, start, scale, stop)
    elif X.values.size > 0:
        gather_rows(x, X.values, batch, inputs, start, scale, stop)
    else:
        gather_sparse(x, X, batch, inputs, scale, stop)


@kernel
def gather_rows(x, X, batch, inputs, start, scale, stop):
    """Gather as `gather` does, from X (N, I). If the inputs do not fill whole vectors, the last vector overlaps the one before it.

    While V samples are transposed, the next V are prefetched, since shuffled samples are scattered over memory.
    """
    V, I, B, (first, last) = width(x.data), X.shape[1], batch.B, inputs
    flat = X.reshape(X.size)
    end = batch.at + batch.size
    for turned in range(start, start + B, V):
        if peek(stop):
            return
        n = turned if turned < B else turned - B
        if first + V <= last:
            for wanted in range(first, last, V):
                i = min(wanted, last - V)
                for lane in range(V, 2 * V):
                    fetch(flat, batch.order[min(batch.at + n + lane, end - 1)] * I + i)
                rows, columns = Span(batch.order, batch.at + n, end), Block(flat, i, I, 1, I - i)
                transpose(Block(x.data, x.at + i * B + n, B, 1, V), columns, rows, scale)
        else:
            for i in range(first, last):
                for lane in range(V):
                    x.data[x.at + i * B + n + lane] = scale * flat[batch.order[min(batch.at + n + lane, end - 1)] * I + i]


@kernel
def gather_sparse(x, X, batch, inputs, scale, stop):
    """Gather as `gather` does, from a CSR matrix and always beginning with lane 0."""
    B, (first, last) = batch.B, inputs
    x.data[x.at + first * B : x.at + last * B] = 0
    for n in range(B):
        if peek(stop):
            return
        row = batch.order[batch.at + min(n, batch.size - 1)]
        for place in range(X.indptr[row], X.indptr[row + 1]):
            if first <= X.indices[place] < last:
                x.data[x.at + X.indices[place] * B + n] += scale * X.data[place]


@kernel
def gather_targets(t, Y, batch, O):
    """Set t[o, n] = Y[order[at + n], o], where class indices become one-hot rows. t : flat; Y : Targets."""
    B = batch.B
    if Y.values.size > 0:
        for n in range(B):
            row = batch.order[batch.at + min(n, batch.size - 1)]
            for o in range(O):
                t[o * B + n] = Y.values[row, o]
    else:
        t[: O * B] = 0
        for n in range(B):
            t[Y.classes[batch.order[batch.at + min(n, batch.size - 1)]] * B + n] = 1
