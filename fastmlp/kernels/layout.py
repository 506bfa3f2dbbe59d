"""Between the user's layout, a sample a row, and the kernels', a sample a lane.

x (I, B) : the batch, at x_at of a flat array; B a multiple of V. The samples are order[at:at + count]; lanes past `count` repeat the
last one (finite values whose weight is zero).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ._jit import kernel
from .bits import PLACES, count_bits, list_bits, nonzero_bits
from .simd import fma, load, load_first, splat, sum_lanes, width
from .tile import MR, transpose


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


@kernel
def find_active(active, bits, x, x_at, I, B):
    """Write the inputs i that are not zero in every lane to `active`, ascending; return how many, and how many elements are not zero.

    bits[word, i] : which of the samples 64 word, 64 word + 1, ... are not zero.
    """
    nonzero = 0
    for word in range((B + 63) // 64):
        n = word * 64
        samples = ~np.uint64(0) >> np.uint64(max(0, 64 - (B - n)))  # the next elements are another input's
        for i in range(I):
            bits[word, i] = nonzero_bits(x, x_at + i * B + n) & samples
            nonzero += count_bits(bits[word, i])
    count = 0
    for i in range(I):
        found = bits[0, i]
        for word in range(1, (B + 63) // 64):
            found |= bits[word, i]
        active[count] = i
        count += found != 0
    return count, nonzero


@kernel
def find_used(used, counts, bits, rows, first, last, B):
    """For each tile t of MR inputs rows[first:last], list the samples for which one of them is not zero, ascending.

    bits : as `find_active` leaves them. t counts from the beginning of `rows`; first is a multiple of MR. There are counts[t] samples,
    from used[t * list_step(B)].
    """
    step = list_step(B)
    for m in range(first, last, MR):
        count = 0
        for word in range((B + 63) // 64):
            found = np.uint64(0)
            for r in range(m, min(m + MR, last)):
                found |= bits[word, rows[r]]
            for n in range(word * 64, min(word * 64 + 64, B), 8):
                byte = found & np.uint64(255)
                list_bits(used, m // MR * step + count, byte, n, PLACES)
                count += count_bits(byte)
                found >>= np.uint64(8)
        counts[m // MR] = count


@kernel(forceinline=True)
def list_step(B):
    """From one list of `find_used` to the next."""
    return (B + 7) // 8 * 8


@kernel
def by_sample(out, out_at, delta, delta_at, every, stride, B, first, last, scale):
    """out[n, o] = scale * delta[o, n] for first <= o < last, first a multiple of V. Row n begins at out_at + n * stride.

    Whole vectors are written: up to V - 1 columns past the last hold copies of it.
    """
    V = width(delta)
    for o in range(first, last, V):
        for n in range(0, B, V):
            transpose(out, out_at + n * stride + o, stride, delta, delta_at + n, B, every, o, last - 1, scale)


@kernel
def to_rows(out, first_row, z, z_at, count, O, B):
    """out[first_row + n, o] = z[o, n] for n < count. out (N, O)."""
    for n in range(count):
        for o in range(O):
            out[first_row + n, o] = z[z_at + o * B + n]


@kernel
def sum_rows(out, out_at, delta, delta_at, B, first, last, scale, add):
    """out[o] = scale * sum_n delta[o, n], on top of out[o] if `add`; for first <= o < last."""
    V = width(delta)
    for o in range(first, last):
        total = splat(delta.dtype.type(0))
        for n in range(0, B, V):
            total = total + load(delta, delta_at + o * B + n)
        value = scale * sum_lanes(total)
        out[out_at + o] = out[out_at + o] + value if add else value
