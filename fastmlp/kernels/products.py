"""The three matrix products of an MLP, over register tiles.

x, z, delta : (features, B), the samples of a batch in lanes; B a multiple of V. W (I, O), row-major. All lie in flat arrays, at `_at`.
Each function does a part of its result, so that threads can share one; every sum is taken in the same order whoever takes it. `every`
is 0, 1, 2, ..., at least as long as any size here.
"""

from __future__ import annotations

from numba import literally

from .jit import kernel
from .tile import ADD, ASSIGN, MR, NV, SCALE, START, tile
from .vectors import fma, load, splat, store, sum_lanes, width

# Values of k a pass. 128 rows of B's 4 vectors are 32 KiB: they stay in the first-level cache while the tiles walk down the rows.
KC = 128

# A layer of so few outputs takes its gradient in `outer_narrow`: most lanes of a tile would be empty.
NARROW = 4

# A tile reads MR neighbours of each row of W. Where rows are long, each lies in a page of its own, and they compete for one set of the
# cache: blocks of PACKED columns and PACKED_KC rows are copied side by side first. That leaves less of the cache for B.
PACKED_FROM = 512
SECOND_LEVEL = 1 << 20  # bytes of that cache
PACKED, PACKED_KC = 16 * MR, 64


@kernel
def affine(z, z_at, w, W_at, b_at, x, x_at, ks, count, every, first, last, panel, panel_at, O, B):
    """z[o] = b[o] + sum_k W[k, o] x[k]. k in ks[:count]: the inputs that are not zero in the whole batch. No b if b_at < 0.

    panel : scratch, PACKED_KC * PACKED elements from panel_at.
    """
    V = width(w)
    packed = O >= PACKED_FROM
    KB = PACKED_KC if packed else KC
    how, at = ASSIGN if b_at < 0 else START, 0
    while at < count or how != ADD:
        k_first, until = ks[at] // KB * KB if count > 0 else 0, at
        while until < count and ks[until] < k_first + KB:
            until += 1
        if packed:
            for o in range(first, last, PACKED):
                end = min(o + PACKED, last)
                for k in range(at, until):
                    source, target = W_at + ks[k] * O, panel_at + (ks[k] - k_first) * PACKED - o
                    for here in range(o, end, V):
                        store(panel, target + here, load(w, source + here))
                tiles(
                    how, panel, panel_at - k_first * PACKED - o, 1, PACKED, x, x_at, B, z, z_at, B, B,
                    every, o, end, ks, at, until - at, every, 0, w, max(b_at, 0),
                )  # fmt: skip
        else:
            tiles(how, w, W_at, 1, O, x, x_at, B, z, z_at, B, B, every, first, last, ks, at, until - at, every, 0, w, max(b_at, 0))
        how, at = ADD, until


@kernel
def backproject(delta, delta_at, w, W_at, delta_next, next_at, every, first, last, panel, panel_at, O, B):
    """delta[i] *= sum_o W[i, o] delta_next[o].

    panel : scratch, PACKED * B elements from panel_at. Where delta_next does not fit the second-level cache, it is taken PACKED_KC outputs
    at a time, and the sums wait in the panel.
    """
    if O < PACKED_FROM or O * B * w.itemsize < SECOND_LEVEL:
        tiles(SCALE, w, W_at, O, 1, delta_next, next_at, B, delta, delta_at, B, B, every, first, last, every, 0, O, every, 0, w, 0)
        return
    V = width(w)
    for i in range(first, last, PACKED):
        end = min(i + PACKED, last)
        for o in range(0, O, PACKED_KC):
            tiles(
                ASSIGN if o == 0 else ADD, w, W_at, O, 1, delta_next, next_at, B, panel, panel_at - i * B, B, B,
                every, i, end, every, o, min(PACKED_KC, O - o), every, 0, w, 0,
            )  # fmt: skip
        for n in range(0, (end - i) * B, V):
            place = delta_at + i * B + n
            store(delta, place, load(delta, place) * load(panel, panel_at + n))


@kernel
def outer(how, g, W_at, x, x_at, rows, first, last, by_sample, by_sample_at, samples, counts, step, O, stride, B):
    """g[i, o] (+)= sum_n x[i, n] by_sample[n, o], for i in rows[first:last]. how : ASSIGN or ADD.

    by_sample : its row n begins at by_sample_at + n * stride. samples, counts : as `find_used` lists them, with step = `list_step(B)`, and
    first a multiple of MR; or `every` twice, with step = 0.
    """
    tiles(
        how, x, x_at, B, 1, by_sample, by_sample_at, stride, g, W_at, O, O, rows, first, last, samples, 0, B, counts, step, g, 0
    )  # fmt: skip


@kernel
def outer_narrow(how, g, W_at, x, x_at, rows, first, last, delta, delta_at, scale, O, B):
    """As `outer`, times scale, from delta (O, B) itself: with up to NARROW outputs the samples stay in lanes, and each sum is folded."""
    V, zero = width(g), splat(g.dtype.type(0))
    for m in range(first, last, 4):  # four sums at a time; past the last row they are that row's again
        i0, i1, i2, i3 = rows[m], rows[min(m + 1, last - 1)], rows[min(m + 2, last - 1)], rows[min(m + 3, last - 1)]
        for o in range(O):
            s0, s1, s2, s3 = zero, zero, zero, zero
            for n in range(0, B, V):
                d = load(delta, delta_at + o * B + n)
                s0 = fma(load(x, x_at + i0 * B + n), d, s0)
                s1 = fma(load(x, x_at + i1 * B + n), d, s1)
                s2 = fma(load(x, x_at + i2 * B + n), d, s2)
                s3 = fma(load(x, x_at + i3 * B + n), d, s3)
            sums = (sum_lanes(s0), sum_lanes(s1), sum_lanes(s2), sum_lanes(s3))
            for k in range(min(4, last - m)):
                place = W_at + rows[m + k] * O + o
                g[place] = g[place] + scale * sums[k] if how == ADD else scale * sums[k]


@kernel
def tiles(how, a, a_at, a_row, a_k, b, b_at, b_k, c, c_at, c_row, N, ms, first, last, ks, k_at, K, counts, step, start, start_at):
    """Cover the rows ms[first:last] and the columns [0, N) of C with tiles; the arguments are `tile`'s.

    If step > 0, the tile of the rows from ms[m] on has its own list of k: counts[m // MR] of them, at m // MR * step.
    """
    V = width(c)
    vectors = (N + V - 1) // V
    n = 0
    while n < vectors:
        left = vectors - n
        parts = (left + NV - 1) // NV
        nv = (left + parts - 1) // parts  # as even as can be: one vector alone would leave each sum waiting for its last term
        count = V if left > nv else N - (vectors - 1) * V  # lanes of this column's last vector
        A, B, C, k = (a, a_at, a_row, a_k), (b, b_at + n * V, b_k), (c, c_at + n * V, c_row, count), (ks, k_at, K, counts, step)
        if nv == NV:
            column(NV, how, A, B, C, ms, first, last, k, start, start_at)
        elif nv == 3:
            column(3, how, A, B, C, ms, first, last, k, start, start_at)
        elif nv == 2:
            column(2, how, A, B, C, ms, first, last, k, start, start_at)
        else:
            column(1, how, A, B, C, ms, first, last, k, start, start_at)
        n += nv


@kernel(literals=True)
def column(nv, how, A, B, C, ms, first, last, k, start, start_at):
    """A column of tiles, nv (a literal) vectors wide."""
    literally(nv)
    a, a_at, a_row, a_k = A
    b, b_at, b_k = B
    c, c_at, c_row, count = C
    ks, k_at, K, counts, step = k
    m = first
    while m < last:
        if step > 0:
            k_at, K = m // MR * step, counts[m // MR]
        if m + MR <= last:
            tile(MR, nv, how, a, a_at, a_row, a_k, b, b_at, b_k, c, c_at, c_row, count, ms, m, ks, k_at, K, start, start_at)
            m += MR
        elif m + 2 <= last:
            tile(2, nv, how, a, a_at, a_row, a_k, b, b_at, b_k, c, c_at, c_row, count, ms, m, ks, k_at, K, start, start_at)
            m += 2
        else:
            tile(1, nv, how, a, a_at, a_row, a_k, b, b_at, b_k, c, c_at, c_row, count, ms, m, ks, k_at, K, start, start_at)
            m += 1
