"""From one sample per lane to one sample per row, and sums over the lanes."""

from __future__ import annotations

from .jit import kernel
from .transpose import transpose
from .vectors import load, splat, sum_lanes, width


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
