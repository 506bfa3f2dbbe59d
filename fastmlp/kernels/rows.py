"""Transpose from one sample per lane to one sample per row, and sum over the lanes."""

from __future__ import annotations

from .access import load, width
from .jit import kernel
from .products import column_of
from .tile import ADD
from .transpose import transpose
from .vectors import splat, sum_lanes
from .views import Block, Span


@kernel
def by_sample(out, delta, features, scale):
    """Set out[n, o] = scale * delta[o, n] for o in `features`, a span of 0, 1, 2, ... that begins with a multiple of V.

    out : in panels. A panel holds the columns of one column of tiles, with one row per sample; the panel whose first column is c begins at
    out.at + c * B. Without panels, each row of a wide layer would lie in a page of its own. Whole vectors are written, so up to V - 1
    columns past the last hold copies of it.
    """
    V, B = width(delta.data), delta.columns
    vectors = (out.columns + V - 1) // V
    for o in range(features.first, features.last, V):
        rows = Span(features.items, o, features.last)
        first, number = column_of(o // V, vectors)
        at, row = out.at + first * V * B + (o - first * V), number * V
        for n in range(0, B, V):
            transpose(Block(out.data, at + n * row, row, 1, V), Block(delta.data, delta.at + n, delta.row, 1, V), rows, scale)


@kernel
def to_rows(out, first_row, z, count, O):
    """Set out[first_row + n, o] = z[o, n] for n < count. out (N, O); z : a block."""
    for n in range(count):
        for o in range(O):
            out[first_row + n, o] = z.data[z.at + o * z.row + n]


@kernel
def sum_rows(how, out, delta, first, last, scale):
    """Assign to out[o, 0], or add to it, scale * sum_n delta[o, n] for first <= o < last. how : ASSIGN or ADD."""
    V = width(delta.data)
    for o in range(first, last):
        total = splat(delta.data.dtype.type(0))
        for n in range(0, delta.columns, V):
            total = total + load(delta.data, delta.at + o * delta.row + n)
        value, place = scale * sum_lanes(total), out.at + o * out.row
        out.data[place] = out.data[place] + value if how == ADD else value
