"""The three matrix products of an MLP, computed by register tiles.

x, z, delta (features, B) : the samples of a batch in lanes; B is a multiple of V. W (I, O). All are blocks. Each function computes a part
of its result, so that threads can share a product. Every sum is taken in the same order, whichever thread takes it; terms that are exactly
zero may be left out.

stop (1,) uint8 : once it is not zero, a product ends before its next column of tiles and leaves its result unfinished.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import literally

from .access import load, peek, store, width
from .caches import cache_size
from .jit import kernel, plain
from .tile import ADD, ASSIGN, LOW, MR, NV, SCALE, START, Product, tile
from .transpose import transpose
from .vectors import fma, splat, sum_lanes, vector_bytes
from .views import Block, Span, from_column, transposed

# Values of k per pass. That many rows of B, as wide as one column of tiles, fit the first-level cache and stay there while the tiles
# proceed down the rows of C.
KC = min(256, 1 << (cache_size(1) // (NV * vector_bytes())).bit_length() - 1)

# The gradient of a layer with at most NARROW outputs or inputs is computed by `outer_narrow`. With tiles, most of their lanes would be
# empty, or laying out the deltas would take most of the time.
NARROW = 4

# If rows of W are long, a tile's part of W and of a batch is spread over many pages, which compete for one set of the cache. For rows of
# LONG_ROW bytes or more, blocks of W and the batch are first copied into the order in which tiles read them.
LONG_ROW, PACKED_KC = 2048, 256
PACKED_ROW = PACKED_KC + 16  # elements per packed column: in float32 an odd number of cache lines, so that columns use different sets
BLOCK_BYTES = cache_size(2) * 2 // 5  # bytes of W that are packed at a time


class Terms(NamedTuple):
    """The values of k over which the tiles of a product sum.

    If `step` is 0, every tile sums over items[first:last]. Otherwise each tile has its own list: for the tile whose first row is
    rows.items[m], with m a multiple of MR, it has counts[m // MR] values and begins at items[m // MR * step].
    """

    items: np.ndarray
    counts: np.ndarray
    step: int
    first: int
    last: int


@kernel(inline="always")
def in_every_tile(span):
    """Return the values of a span as `Terms`, the same for every tile."""
    return Terms(span.items, span.items, 0, span.first, span.last)


@kernel
def column_of(n, vectors):
    """Return the first vector and the width, in vectors, of the column of tiles that contains vector n out of `vectors`.

    A column has at most NV vectors, and all columns are nearly equally wide: in a column of one vector, each sum would wait for its last
    term.
    """
    parts = (vectors + NV - 1) // NV
    less = vectors // parts
    wider = vectors % parts * (less + 1)  # vectors in the columns that are one vector wider
    if n < wider:
        return n // (less + 1) * (less + 1), less + 1
    return wider + (n - wider) // less * less, less


@plain
def has_long_rows(columns, itemsize):
    """Return whether the rows of W are so long that products need scratch memory to be fast."""
    return columns * itemsize >= LONG_ROW


@plain
def block_rows(row, itemsize):
    """Return the number of rows of `row` elements in a block of W."""
    return max(1, BLOCK_BYTES // (row * itemsize * MR)) * MR


@plain
def packed_size(itemsize):
    """Return the number of scratch elements that a packed block of W takes, given that whole vectors are written."""
    return (block_rows(PACKED_ROW, itemsize) + 16) * PACKED_ROW


@plain
def scratch_size(widest, B, itemsize):
    """Return the scratch elements that `affine` and `backproject` need for batches of B and at most `widest` rows and columns of W."""
    return packed_size(itemsize) + widest * B


@kernel
def affine(z, W, b, x, inputs, outputs, scratch, stop):
    """Compute z[o] = b[o] + sum_k W[k, o] x[k] for k in `inputs` and o in `outputs`, a span of 0, 1, 2, ...

    b is left out if it has no columns. scratch : a block of at least `scratch_size(I, B, itemsize)` elements.
    """
    itemsize, wide = W.data.itemsize, has_long_rows(W.columns, W.data.itemsize)
    KB, together = PACKED_KC if wide else KC, block_rows(PACKED_ROW, itemsize)
    how, at = ASSIGN if b.columns == 0 else START, inputs.first
    panels, depth = Block(scratch.data, scratch.at + packed_size(itemsize), 0, 1, x.columns), inputs.last - inputs.first
    if wide:
        into_panels(panels, x, inputs)
    while (at < inputs.last or how != ADD) and not peek(stop):
        k_first, until = inputs.items[at] // KB * KB if at < inputs.last else 0, at
        while until < inputs.last and inputs.items[until] < k_first + KB:
            until += 1
        if wide:
            k, terms = at - inputs.first, in_every_tile(Span(outputs.items, at - inputs.first, until - inputs.first))
            for o in range(outputs.first, outputs.last, together):
                end = min(o + together, outputs.last)
                pack(scratch, W, Span(inputs.items, at, until), o, end)
                packed = Block(scratch.data, scratch.at - o * PACKED_ROW - k, PACKED_ROW, 1, 0)
                tiles(Product(how, z, packed, panels, b, depth), Span(outputs.items, o, end), terms, stop)
        else:
            tiles(Product(how, z, transposed(W), x, b, 0), outputs, in_every_tile(Span(inputs.items, at, until)), stop)
        how, at = ADD, until


@kernel
def backproject(delta, W, delta_next, inputs, outputs, scratch, stop):
    """Multiply delta[i] by sum_o W[i, o] delta_next[o] for i in `inputs` and o in `outputs`, a span of 0, 1, 2, ...

    scratch : a block of at least `scratch_size(O, B, itemsize)` elements.
    """
    itemsize = W.data.itemsize
    if not has_long_rows(W.columns, itemsize):
        tiles(Product(SCALE, delta, W, delta_next, delta, 0), inputs, in_every_tile(outputs), stop)
        return
    panels = Block(scratch.data, scratch.at + packed_size(itemsize), 0, 1, delta.columns)
    into_panels(panels, delta_next, outputs)
    block_by_block(Product(SCALE, delta, W, panels, delta, outputs.last), inputs, outputs, stop)


@kernel
def block_by_block(product, rows, ks, stop):
    """Cover C with tiles, taking as many rows of A at a time as fit the second-level cache. rows, ks : spans."""
    together = block_rows(ks.last - ks.first, product.a.data.itemsize)
    for m in range(rows.first, rows.last, together):
        tiles(product, Span(rows.items, m, min(m + together, rows.last)), in_every_tile(ks), stop)


@kernel
def into_panels(panels, x, rows):
    """Copy the rows of x that `rows` (a span) lists into panels, one for each column of tiles."""
    V, depth = width(x.data), rows.last - rows.first
    vectors = x.columns // V
    n = 0
    while n < vectors:
        _, nv = column_of(n, vectors)
        at = panels.at + n * V * depth
        for k in range(rows.first, rows.last):
            source = x.at + rows.items[k] * x.row + n * V
            for v in range(0, nv * V, V):
                store(panels.data, at + v, load(x.data, source + v))
            at += nv * V
        n += nv


@kernel
def pack(scratch, W, ks, o, end):
    """Transpose the columns o, o + 1, ..., end - 1 of the rows `ks` (a span) of W into rows of PACKED_ROW elements."""
    V, one = width(W.data), W.data.dtype.type(1)
    for k in range(ks.first, ks.last, V):
        rows, target = Span(ks.items, k, ks.last), scratch.at + k - ks.first
        for here in range(o, end, V):
            turned = Block(scratch.data, target + (here - o) * PACKED_ROW, PACKED_ROW, 1, V)
            transpose(turned, Block(W.data, W.at + here, W.row, 1, V), rows, one)


@kernel(inline="always")
def is_narrow(rows, columns):
    """Return whether `outer_narrow` computes a gradient of that shape."""
    return min(rows, columns) <= NARROW


@kernel
def outer(how, g, x, by_sample, rows, samples, stop):
    """Assign to g[i, o], or add to it, sum_n x[i, n] by_sample[n, o] for i in `rows`. how : ASSIGN or ADD; samples : terms.

    by_sample : in panels, with the columns divided as by `column_of`; see `rows.by_sample`.
    """
    tiles(Product(how, g, x, by_sample, g, x.columns), rows, samples, stop)


@kernel
def outer_narrow(how, g, x, delta, rows, scale):
    """Compute `scale` times the result of `outer` from delta (O, B) itself: samples stay in lanes, and sums are reduced over them last."""
    V, zero = width(g.data), splat(g.data.dtype.type(0))
    last = rows.last - 1
    for m in range(rows.first, rows.last, 4):  # eight sums at a time; past the last row or column, that one is repeated
        i0, i1, i2, i3 = rows.items[m], rows.items[min(m + 1, last)], rows.items[min(m + 2, last)], rows.items[min(m + 3, last)]
        for o in range(0, g.columns, 2):
            d0, d1 = delta.at + o * delta.row, delta.at + min(o + 1, g.columns - 1) * delta.row
            a0, a1, a2, a3, b0, b1, b2, b3 = zero, zero, zero, zero, zero, zero, zero, zero
            for n in range(0, x.columns, V):
                a, b = load(delta.data, d0 + n), load(delta.data, d1 + n)
                x0, x1 = load(x.data, x.at + i0 * x.row + n), load(x.data, x.at + i1 * x.row + n)
                a0, a1, b0, b1 = fma(x0, a, a0), fma(x1, a, a1), fma(x0, b, b0), fma(x1, b, b1)
                x2, x3 = load(x.data, x.at + i2 * x.row + n), load(x.data, x.at + i3 * x.row + n)
                a2, a3, b2, b3 = fma(x2, a, a2), fma(x3, a, a3), fma(x2, b, b2), fma(x3, b, b3)
            sums = (sum_lanes(a0), sum_lanes(a1), sum_lanes(a2), sum_lanes(a3), sum_lanes(b0), sum_lanes(b1), sum_lanes(b2), sum_lanes(b3))
            for column in range(min(2, g.columns - o)):
                for k in range(min(4, rows.last - m)):
                    place = g.at + rows.items[m + k] * g.row + o + column
                    total = scale * sums[4 * column + k]
                    g.data[place] = g.data[place] + total if how == ADD else total


@kernel
def tiles(product, rows, terms, stop):
    """Cover the rows `rows` (a span) and all columns of a product's C with tiles."""
    V = width(product.c.data)
    vectors = (product.c.columns + V - 1) // V
    n = 0
    while n < vectors and not peek(stop):
        _, nv = column_of(n, vectors)
        b, panels = from_column(product.b, n * V), product.panels
        if panels > 0:
            b = Block(b.data, product.b.at + n * V * panels, nv * V, 1, nv * V)
        part = Product(product.how, from_column(product.c, n * V), product.a, b, product.start, panels)
        if nv == NV:
            column(NV, part, rows, terms)
        elif NV > 3 and nv == 3:  # decided at compile time, so that no such tile, which would spill, is compiled for 16 registers
            column(3, part, rows, terms)
        elif nv == 2:
            column(2, part, rows, terms)
        else:
            column(1, part, rows, terms)
        n += nv


@kernel(literals=True)
def column(nv, product, rows, terms):
    """Compute one column of tiles of a product, nv (a literal) vectors wide."""
    literally(nv)
    m, first, last = rows.first, terms.first, terms.last
    while m < rows.last:
        if terms.step > 0:
            first = m // MR * terms.step
            last = first + terms.counts[m // MR]
        here, ks = Span(rows.items, m, rows.last), Span(terms.items, first, last)
        left = rows.last - m
        if left >= MR and not (left == 8 and MR == 6 and terms.step == 0):  # 8 is 4 + 4, not 6 + 2: two rows would wait for their sums
            tile(MR, nv, product, here, ks)
            m += MR
        elif left >= LOW:
            tile(LOW, nv, product, here, ks)
            m += LOW
        elif left >= 2:
            tile(2, nv, product, here, ks)
            m += 2
        else:
            tile(1, nv, product, here, ks)
            m += 1
