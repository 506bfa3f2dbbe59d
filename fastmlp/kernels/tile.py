"""The register tile that computes every matrix product.

A product keeps MR rows times NV vectors of sums in registers while k runs:

    C[m, n] = begin + sum_k A[m, k] B[k, n]          m < MR, n < NV * V

The samples of a batch lie in lanes (each row of B and C holds one feature of every sample), so a batch of 64 fills whole vectors whatever
the width of the layer. Elements of A are repeated across a vector as they are read.

Twenty named sums and their unrolled updates are clearer when they are generated than when they are written out. This file therefore builds
LLVM IR, as do vectors.py, access.py, bits.py and transpose.py.
"""

from __future__ import annotations

from typing import NamedTuple

from llvmlite import ir
from numba.core import config, types
from numba.extending import intrinsic

from .access import GUARD, check_place, opened, prefetch
from .vectors import Vector, call_intrinsic, constant, count_mask, llvm_type, many_registers, repeat, suffix
from .views import Block

# AVX-512 and NEON have 32 registers, of which 29 are live at once: 20 sums, 5 repeated elements of A and 4 vectors of B. LLVM reads all of
# A's elements first, so a tile of 6 x 4 spills and runs at two thirds of the speed. AVX2 and SSE have 16 registers, of which 12 + 1 + 2 are
# live; with the 8 sums of a tile of 4 x 2, every sum would wait for its last term where a multiply-add takes four cycles.
NV = 4 if many_registers() else 2
MR = 5 if many_registers() else 6
LOW = 2 if many_registers() else 4  # rows of the first tile at the lower edge; tiles of 2 and of 1 follow

# How a tile begins and how it ends.
ASSIGN, START, CONTINUE, ADD, SCALE = 0, 1, 2, 3, 4  # C = sum; start[m] + sum; C + each term in turn; C + sum; C * sum
INT8, INT32, INT64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)


class Product(NamedTuple):
    """One matrix product and its destination. All arrays have the same dtype."""

    how: int  # ASSIGN, START, ...
    c: Block  # its step is 1, and its `columns` are set
    a: Block
    b: Block  # its step is 1; whole vectors may be read past its last column
    start: Block  # row m of C begins with start[m, 0] if `how` is START; otherwise it is not read
    panels: int  # the number of B's rows, if each column of tiles has a panel of B (see `column_of`); 0 if B's rows are whole


@intrinsic(prefer_literal=True)
def tile(typingctx, mr, nv, product, rows, ks):
    """Compute one tile of a `Product` in place, in its C. mr, nv : literal integers.

    rows, ks : spans. The tile has the rows m = rows.items[rows.first + 0, ..., mr - 1] of A and C, and sums over k in ks. If there are gaps
    in ks, ks.items[ks.last] is read as well.
    """
    height, width = mr.literal_value, nv.literal_value
    vector = Vector(product.types[1].types[0].dtype)

    def codegen(context, builder, sig, args):
        product, rows, ks = (opened(context, builder, kind, view) for kind, view in zip(sig.args[2:], args[2:], strict=True))
        a, b, c, start = product.a, product.b, product.c, product.start
        kind, lanes, align = llvm_type(vector), vector.lanes, vector.dtype.bitwidth // 8
        cells = [(m, n) for m in range(height) for n in range(width)]
        K = builder.sub(ks.last, ks.first)
        left = builder.sub(c.columns, INT64((width - 1) * lanes))  # lanes of the last vector that exist in C
        whole = builder.icmp_signed(">=", left, INT64(lanes))
        count = builder.select(whole, INT64(lanes), left)

        def blocks(*names):
            return [builder.append_basic_block(name) for name in names]

        def place(address, n):
            return builder.bitcast(builder.gep(address, [INT64(n * lanes)]), kind.as_pointer())

        def read(address, n, mask=None):
            if mask is None or n < width - 1:
                return builder.load(place(address, n), align=align)
            operands = [place(address, n), INT32(align), mask, constant(vector, 0.0)]
            return call_intrinsic(builder, f"llvm.masked.load.{suffix(vector)}.p0", kind, operands)

        def write(address, n, value, mask):
            if mask is None or n < width - 1:
                builder.store(value, place(address, n), align=align)
            else:
                operands = [value, place(address, n), INT32(align), mask]
                call_intrinsic(builder, f"llvm.masked.store.{suffix(vector)}.p0", ir.VoidType(), operands)

        def merge(incoming):
            """Merge the values of each cell from the blocks that lead here."""
            merged = {cell: builder.phi(kind) for cell in cells}
            for block, values in incoming:
                for cell in cells:
                    merged[cell].add_incoming(values[cell], block)
            return merged

        check_place(context, builder, rows.items, rows.first, height)
        ms = [builder.load(builder.gep(rows.items.data, [builder.add(rows.first, INT64(m))])) for m in range(height)]
        if config.BOUNDSCHECK:
            check_product(context, builder, product, ms, ks, (width * lanes, builder.add(count, INT64((width - 1) * lanes))))
        a_at, b_at, c_at = (builder.gep(block.data.data, [block.at]) for block in (a, b, c))
        a_rows = [builder.gep(a_at, [builder.mul(a.row, m)]) for m in ms]
        c_rows = [builder.gep(c_at, [builder.mul(c.row, m)]) for m in ms]
        for m, n in cells:  # rows of W that are updated lie in outer caches; the loop over k hides the latency
            prefetch(builder, builder.gep(c_rows[m], [INT64(n * lanes)]), to_write=True)

        zero, begin_start, load, begin = blocks("zero", "start", "load", "begin")
        choice = builder.switch(product.how, zero)
        choice.add_case(INT64(START), begin_start)
        choice.add_case(INT64(CONTINUE), load)
        builder.position_at_end(zero)
        zeros = dict.fromkeys(cells, constant(vector, 0.0))
        builder.branch(begin)
        builder.position_at_end(begin_start)
        places = [builder.add(start.at, builder.mul(start.row, m)) for m in ms]
        starts = [repeat(builder, vector, builder.load(builder.gep(start.data.data, [place]))) for place in places]
        builder.branch(begin)
        builder.position_at_end(load)
        loaded = {(m, n): read(c_rows[m], n) for m, n in cells}
        builder.branch(begin)
        builder.position_at_end(begin)
        begun = merge([(zero, zeros), (begin_start, {(m, n): starts[m] for m, n in cells}), (load, loaded)])

        def loop_over(loop, after, first, place):
            """Sum over k in a loop that contains only loads, multiply-adds and the advance from one k to the next.

            first : the offsets of the first k in A and B. place(numbers, next_step) : returns the offsets of this k, and those of the next.
            """
            before = builder.block
            builder.branch(loop)
            builder.position_at_end(loop)
            step, numbers = builder.phi(INT64), [builder.phi(INT64) for _ in first]
            sums = {cell: builder.phi(kind) for cell in cells}
            next_step = builder.add(step, INT64(1))
            a_k, b_k, following = place(numbers, next_step)
            b_row = builder.gep(b_at, [b_k])
            line = [read(b_row, n) for n in range(width)]
            elements = [repeat(builder, vector, builder.load(builder.gep(row, [a_k]))) for row in a_rows]
            name = f"llvm.fmuladd.{suffix(vector)}"
            added = {(m, n): call_intrinsic(builder, name, kind, [elements[m], line[n], sums[m, n]]) for m, n in cells}
            never_unroll(builder, builder.cbranch(builder.icmp_signed("<", next_step, K), loop, after))
            carried = [(step, INT64(0), next_step), *zip(numbers, first, following, strict=True)]
            for phi, begin_with, go_on_with in [*carried, *((sums[cell], begun[cell], added[cell]) for cell in cells)]:
                phi.add_incoming(begin_with, before)
                phi.add_incoming(go_on_with, loop)
            return loop, added

        several, neighbours, dense, scattered, listed, end = blocks("several", "neighbours", "dense", "scattered", "listed", "end")
        builder.cbranch(builder.icmp_signed(">", K, INT64(0)), several, end)
        builder.position_at_end(several)
        k_list = builder.gep(ks.items.data, [ks.first])
        k_first, k_last = builder.load(k_list), builder.load(builder.gep(k_list, [builder.sub(K, INT64(1))]))
        gapless = builder.icmp_signed("==", builder.sub(k_last, k_first), builder.sub(K, INT64(1)))

        def next_neighbour(numbers, _next_step):
            a_k, b_k = numbers
            return a_k, b_k, [opaque(builder, builder.add(a_k, a.step)), builder.add(b_k, b.row)]

        def next_of_list(numbers, next_step):  # one iteration ahead, or loads would wait for the list and a multiplication
            a_k, b_k = numbers
            k = builder.load(builder.gep(k_list, [next_step]))
            return a_k, b_k, [builder.mul(k, a.step), builder.mul(k, b.row)]

        first = [builder.mul(k_first, a.step), builder.mul(k_first, b.row)]
        builder.cbranch(gapless, neighbours, scattered)
        builder.position_at_end(neighbours)
        totals = [(begin, begun), loop_over(dense, end, first, next_neighbour)]
        builder.position_at_end(scattered)
        totals.append(loop_over(listed, end, first, next_of_list))

        builder.position_at_end(end)
        total = merge(totals)
        full, partial, after = blocks("full", "partial", "after")
        builder.cbranch(whole, full, partial)
        # SCALE applies to deltas, whose columns are whole vectors of samples, so that their last column of tiles is never partial.
        for block, mask, endings in ((full, None, (ASSIGN, ADD, SCALE)), (partial, count, (ASSIGN, ADD))):
            builder.position_at_end(block)
            mask = None if mask is None else count_mask(builder, vector, count)
            targets = blocks(*map(str, endings))
            ending = builder.switch(product.how, targets[0])
            for how, target in zip(endings, targets, strict=True):
                if how != ASSIGN:
                    ending.add_case(INT64(how), target)
                builder.position_at_end(target)
                for m, n in cells:
                    value = total[m, n]
                    if how != ASSIGN:
                        combine = builder.fadd if how == ADD else builder.fmul
                        value = combine(read(c_rows[m], n, mask), value)
                    write(c_rows[m], n, value, mask)
                builder.branch(after)
        builder.position_at_end(after)
        return context.get_dummy_value()

    return types.void(mr, nv, product, rows, ks), codegen


def check_product(context, builder, product, ms, ks, columns):
    """Check every index that a tile will touch. Since k ascends, the first and the last k are the bounds.

    columns : the number of columns of B that the tile reads, and the number of columns of C that it writes.
    """
    a, b, c, start = product.a, product.b, product.c, product.start
    read, written = columns

    def place(block, row, column):
        return builder.add(block.at, builder.add(builder.mul(row, block.row), builder.mul(column, block.step)))

    for m in ms:
        check_place(context, builder, c.data, place(c, m, INT64(0)), written)
        with builder.if_then(builder.icmp_signed("==", product.how, INT64(START))):
            check_place(context, builder, start.data, place(start, m, INT64(0)), 1)
    with builder.if_then(builder.icmp_signed("<", ks.first, ks.last)):
        K = builder.sub(ks.last, ks.first)
        check_place(context, builder, ks.items, ks.first, K)
        first, last = (builder.load(builder.gep(ks.items.data, [at])) for at in (ks.first, builder.sub(ks.last, INT64(1))))
        gaps = builder.icmp_signed(">=", builder.sub(last, first), K)
        check_place(context, builder, ks.items, ks.first, builder.add(K, builder.zext(gaps, INT64)))
        for k in (first, last):
            check_place(context, builder, b.data, place(b, k, INT64(0)), read, GUARD)
            for m in ms:
                check_place(context, builder, a.data, place(a, m, k), 1)


def opaque(builder, number):
    """Return the same number, hidden from LLVM's optimiser.

    LLVM would otherwise advance one pointer for every row of A instead of the offset that they have in common.
    """
    identity = ir.InlineAsm(ir.FunctionType(INT64, [INT64]), "", "=r,0")
    return builder.call(identity, [number])


def never_unroll(builder, branch):
    """Forbid LLVM to unroll the loop that `branch` closes: unrolled twice, a tile spills all its sums and runs at a third of the speed."""
    module = builder.module
    disable = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    loop = ir.values.MDValue(module, [disable], name=str(len(module.metadata)))
    loop.operands = (loop, disable)  # the first operand of a loop's metadata node is the node itself
    branch.set_metadata("llvm.loop", loop)
