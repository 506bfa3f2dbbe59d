"""Between the user's layout, a sample a row, and the kernels', a sample a lane.

x (I, B) : the batch, at x_at of a flat array; B a multiple of V. The samples are order[at:at + count]; lanes past `count` repeat the
last one (finite values whose weight is zero).
"""

from __future__ import annotations

from numba import types

from ._jit import in_compiled_code, kernel
from .simd import all_zero, load, splat, sum_lanes, width
from .tile import transpose


def gather(x, x_at, X, order, at, count, I, B, first, last, scale):
    """x[i, n] = scale * X[order[at + n], i] for the inputs first <= i < last.

    X : (N, I) C-contiguous float32, float64 or uint8, or a tuple (data, indices, indptr) of a CSR matrix.
    """
    raise TypeError("gather: for compiled code only")


@in_compiled_code(gather)
def _gather(x, x_at, X, order, at, count, I, B, first, last, scale):
    return _gather_dense if isinstance(X, types.Array) else _gather_csr


def _gather_dense(x, x_at, X, order, at, count, I, B, first, last, scale):
    V = width(x)
    flat = X.reshape(X.size)
    end = at + count - 1
    for n in range(0, B, V):
        i = first
        while i + V <= last:
            transpose(x, x_at + i * B + n, B, flat, i, I, order, at + n, end, scale)
            i += V
        while i < last:
            for lane in range(V):
                x[x_at + i * B + n + lane] = scale * flat[order[min(at + n + lane, end)] * I + i]
            i += 1


def _gather_csr(x, x_at, X, order, at, count, I, B, first, last, scale):
    data, indices, indptr = X
    for place in range(x_at + first * B, x_at + last * B):
        x[place] = 0
    for n in range(B):
        row = order[min(at + n, at + count - 1)]
        for entry in range(indptr[row], indptr[row + 1]):
            i = indices[entry]
            if first <= i < last:
                x[x_at + i * B + n] += scale * data[entry]


def gather_targets(t, Y, order, at, count, O, B):
    """t[o, n] = Y[order[at + n], o]. Y : (N, O) of t's dtype, or (N,) integers: the class whose row is 1 and the others 0."""
    raise TypeError("gather_targets: for compiled code only")


@in_compiled_code(gather_targets)
def _gather_targets(t, Y, order, at, count, O, B):
    return _gather_classes if Y.ndim == 1 else _gather_values


def _gather_classes(t, Y, order, at, count, O, B):
    for place in range(O * B):
        t[place] = 0
    for n in range(B):
        t[Y[order[min(at + n, at + count - 1)]] * B + n] = 1


def _gather_values(t, Y, order, at, count, O, B):
    for n in range(B):
        row = order[min(at + n, at + count - 1)]
        for o in range(O):
            t[o * B + n] = Y[row, o]


@kernel
def find_active(active, x, x_at, I, B):
    """Write the inputs i that are not zero in every lane to `active`, ascending; return how many."""
    V = width(x)
    count = 0
    for i in range(I):
        active[count] = i
        for n in range(0, B, V):
            if not all_zero(load(x, x_at + i * B + n)):
                count += 1
                break
    return count


@kernel
def by_sample(out, out_at, delta, delta_at, every, O, O_padded, B, first, last, scale):
    """out[n, o] = scale * delta[o, n] for first <= o < last; out (B, O_padded). Columns past O hold copies, for whole vectors."""
    V = width(delta)
    for o in range(first, last, V):
        for n in range(0, B, V):
            transpose(out, out_at + n * O_padded + o, O_padded, delta, delta_at + n, B, every, o, O - 1, scale)


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
