"""The three matrix products of an MLP, over register tiles.

x, z, delta (features, B) : the samples of a batch in lanes; B a multiple of V. W (I, O). All are blocks. Each function does a part of its
result, so that threads can share one; every sum is taken in the same order whoever takes it. Sums of exact zeros may be left out.

stop (1,) uint8 : once it is not zero, a product ends at its next column of tiles, its result unfinished.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import literally

from .access import load, peek, store, width
from .jit import kernel
from .tile import ADD, ASSIGN, LOW, MR, NV, SCALE, START, Product, tile
from .vectors import fma, splat, sum_lanes
from .views import Block, Span, from_column, transposed

# Values of k per pass. 128 rows of B's 4 vectors are 32 KiB: they stay in the first-level cache while the tiles walk down the rows.
KC = 128

# A layer of so few outputs takes its gradient in `outer_narrow`: most lanes of a tile would be empty.
NARROW = 4

# A tile reads MR neighbours of each row of W. Where rows are long, each lies in a page of its own, and they compete for one set of the
# cache: blocks of PACKED columns and PACKED_KC rows are copied side by side first. That leaves less of the cache for B.
PACKED_FROM = 512
SECOND_LEVEL = 1 << 20  # bytes of that cache
PACKED, PACKED_KC = 16 * MR, 64


class Terms(NamedTuple):
    """The values of k over which the tiles of a product sum.

    If step is 0, every tile sums over items[first:last]. Else each has a list of its own: the tile whose first row is rows.items[m], m a
    multiple of MR, has counts[m // MR] values, from items[m // MR * step] on.
    """

    items: np.ndarray
    counts: np.ndarray
    step: int
    first: int
    last: int


@kernel(inline="always")
def in_every_tile(span):
    """The same values of k for every tile."""
    return Terms(span.items, span.items, 0, span.first, span.last)


@kernel(inline="always")
def panel_size(B):
    """Elements of the scratch that `affine` and `backproject` need for batches of B."""
    return PACKED * max(PACKED_KC, B)


@kernel
def affine(z, W, b, x, inputs, outputs, scratch, stop):
    """z[o] = b[o] + sum_k W[k, o] x[k], for k in `inputs` and o in `outputs`; no b if it has no columns.

    scratch : a block of at least `panel_size(B)` elements.
    """
    V, packed = width(W.data), W.columns >= PACKED_FROM
    KB = PACKED_KC if packed else KC
    how, at = ASSIGN if b.columns == 0 else START, inputs.first
    while at < inputs.last or how != ADD:
        k_first, until = inputs.items[at] // KB * KB if at < inputs.last else 0, at
        while until < inputs.last and inputs.items[until] < k_first + KB:
            until += 1
        terms = in_every_tile(Span(inputs.items, at, until))
        if packed:
            for o in range(outputs.first, outputs.last, PACKED):
                end = min(o + PACKED, outputs.last)
                for k in range(at, until):
                    source = W.at + inputs.items[k] * W.row
                    target = scratch.at + (inputs.items[k] - k_first) * PACKED - o
                    for here in range(o, end, V):
                        store(scratch.data, target + here, load(W.data, source + here))
                panel = Block(scratch.data, scratch.at - k_first * PACKED - o, 1, PACKED, KB)
                tiles(Product(how, z, panel, x, b), Span(outputs.items, o, end), terms, stop)
        else:
            tiles(Product(how, z, transposed(W), x, b), outputs, terms, stop)
        how, at = ADD, until


@kernel
def backproject(delta, W, delta_next, inputs, outputs, scratch, stop):
    """delta[i] *= sum_o W[i, o] delta_next[o], for i in `inputs` and o in `outputs`.

    scratch : as for `affine`. Where delta_next does not fit the second-level cache, it is taken PACKED_KC outputs at a time, and the sums
    wait in the scratch.
    """
    V, B = width(W.data), delta.columns
    if W.columns < PACKED_FROM or W.columns * B * W.data.itemsize < SECOND_LEVEL:
        tiles(Product(SCALE, delta, W, delta_next, delta), inputs, in_every_tile(outputs), stop)
        return
    for i in range(inputs.first, inputs.last, PACKED):
        end = min(i + PACKED, inputs.last)
        sums = Block(scratch.data, scratch.at - i * B, B, 1, B)
        for o in range(outputs.first, outputs.last, PACKED_KC):
            how, terms = ASSIGN if o == outputs.first else ADD, Span(outputs.items, o, min(o + PACKED_KC, outputs.last))
            tiles(Product(how, sums, W, delta_next, sums), Span(inputs.items, i, end), in_every_tile(terms), stop)
        if peek(stop):
            return
        for n in range(0, (end - i) * B, V):
            place = delta.at + i * B + n
            store(delta.data, place, load(delta.data, place) * load(scratch.data, scratch.at + n))


@kernel
def outer(how, g, x, by_sample, rows, samples, stop):
    """g[i, o] (+)= sum_n x[i, n] by_sample[n, o], for i in `rows`. how : ASSIGN or ADD; samples : terms."""
    tiles(Product(how, g, x, by_sample, g), rows, samples, stop)


@kernel
def outer_narrow(how, g, x, delta, rows, scale):
    """As `outer`, times scale, from delta (O, B) itself: with up to NARROW outputs the samples stay in lanes, and each sum is folded."""
    V, zero = width(g.data), splat(g.data.dtype.type(0))
    last = rows.last - 1
    for m in range(rows.first, rows.last, 4):  # four sums at a time; past the last row they are that row's again
        i0, i1, i2, i3 = rows.items[m], rows.items[min(m + 1, last)], rows.items[min(m + 2, last)], rows.items[min(m + 3, last)]
        for o in range(g.columns):
            s0, s1, s2, s3 = zero, zero, zero, zero
            for n in range(0, x.columns, V):
                d = load(delta.data, delta.at + o * delta.row + n)
                s0 = fma(load(x.data, x.at + i0 * x.row + n), d, s0)
                s1 = fma(load(x.data, x.at + i1 * x.row + n), d, s1)
                s2 = fma(load(x.data, x.at + i2 * x.row + n), d, s2)
                s3 = fma(load(x.data, x.at + i3 * x.row + n), d, s3)
            sums = (sum_lanes(s0), sum_lanes(s1), sum_lanes(s2), sum_lanes(s3))
            for k in range(min(4, rows.last - m)):
                place = g.at + rows.items[m + k] * g.row + o
                g.data[place] = g.data[place] + scale * sums[k] if how == ADD else scale * sums[k]


@kernel
def tiles(product, rows, terms, stop):
    """Cover `rows` (a span) and all columns of a product's C with tiles."""
    V = width(product.c.data)
    vectors = (product.c.columns + V - 1) // V
    n = 0
    while n < vectors and not peek(stop):
        left = vectors - n
        parts = (left + NV - 1) // NV
        nv = (left + parts - 1) // parts  # as even as can be: one vector alone would leave each sum waiting for its last term
        c, b = from_column(product.c, n * V), from_column(product.b, n * V)
        part = Product(product.how, c, product.a, b, product.start)
        if nv == NV:
            column(NV, part, rows, terms)
        elif nv == 3:
            column(3, part, rows, terms)
        elif nv == 2:
            column(2, part, rows, terms)
        else:
            column(1, part, rows, terms)
        n += nv


@kernel(literals=True)
def column(nv, product, rows, terms):
    """A column of tiles, nv (a literal) vectors wide."""
    literally(nv)
    m, first, last = rows.first, terms.first, terms.last
    while m < rows.last:
        if terms.step > 0:
            first = m // MR * terms.step
            last = first + terms.counts[m // MR]
        here, ks = Span(rows.items, m, rows.last), Span(terms.items, first, last)
        left = rows.last - m
        if left >= MR and not (left == 8 and MR == 6 and terms.step == 0):  # 8 = 4 + 4: two rows alone would wait for their sums
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
