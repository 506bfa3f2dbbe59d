"""Two register tiles: `tile` under every matrix product, `transpose` under every change of layout.

A product keeps MR rows times NV vectors of sums in registers while k runs:

    C[m, n] = begin + sum_k A[m, k] B[k, n]          m < MR, n < NV * V

The samples of a batch lie in lanes (B and C hold one feature of every sample a row), so a batch of 64 fills whole vectors whatever the
width of the layer. A's elements are repeated across a vector as they are read.

With simd.py and bits.py the only files that speak LLVM: twenty named sums and their unrolled updates are clearer generated than written.
"""

from __future__ import annotations

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .vectors import Vector, call_intrinsic, constant, count_mask, llvm_type, many_registers, repeat, suffix

# 20 sums, 5 repeated elements of A and 4 vectors of B are live at once: 29 of AVX-512's or NEON's 32 registers. LLVM reads all of A's
# elements first, so 6 x 4 spills and runs at two thirds of this. AVX2 and SSE have 16 registers: 8 + 4 + 2.
NV = 4 if many_registers() else 2
MR = 5 if many_registers() else 4

# What a tile begins with, and how it ends.
ASSIGN, START, CONTINUE, ADD, SCALE = 0, 1, 2, 3, 4  # C = sum; start[m] + sum; C + terms, one by one; C + sum; C * sum
AHEAD = 12  # rows of B
INT8, INT32, INT64 = ir.IntType(8), ir.IntType(32), ir.IntType(64)


@intrinsic(prefer_literal=True)
def tile(typingctx, mr, nv, mode, a, a_at, a_row, a_k, b, b_at, b_k, c, c_at, c_row, count, m_list, m_at, k_list, k_at, K, start, start_at):
    """One tile, in place in c. mr, nv : literal integers; the others may vary.

    a, b, c, start : arrays of one dtype. m_list[m_at:m_at + MR] and k_list[k_at:k_at + K] : the values of m and k, ascending;
    A[m, k] is a[a_at + m a_row + k a_k], B[k, n] is b[b_at + k b_k + n], C[m, n] is c[c_at + m c_row + n], and row m starts from
    start[start_at + m]. count : lanes of the last vector that exist in c (V for a whole one); b has them all.
    """
    rows, columns = mr.literal_value, nv.literal_value
    vector = Vector(c.dtype)
    size = types.intp
    sig = types.void(mr, nv, size, a, *[size] * 3, b, *[size] * 2, c, *[size] * 3, m_list, size, k_list, size, size, start, size)

    def codegen(context, builder, sig, args):
        _, _, mode, a, a_at, a_row, a_k, b, b_at, b_k, c, c_at, c_row, count, m_list, m_at, k_list, k_at, K, start, start_at = args
        kind, lanes, align = llvm_type(vector), vector.lanes, vector.dtype.bitwidth // 8
        cells = [(m, n) for m in range(rows) for n in range(columns)]

        def pointer(place, array, at):
            data = context.make_array(sig.args[place])(context, builder, array).data
            return builder.gep(data, [at])

        def as_vector(address, n):
            return builder.bitcast(builder.gep(address, [INT64(n * lanes)]), kind.as_pointer())

        def read(address, n):
            if n < columns - 1:
                return builder.load(as_vector(address, n), align=align)
            operands = [as_vector(address, n), INT32(align), mask, constant(vector, 0.0)]
            return call_intrinsic(builder, f"llvm.masked.load.{suffix(vector)}.p0", kind, operands)

        def write(address, n, value):
            if n < columns - 1:
                builder.store(value, as_vector(address, n), align=align)
            else:
                operands = [value, as_vector(address, n), INT32(align), mask]
                call_intrinsic(builder, f"llvm.masked.store.{suffix(vector)}.p0", ir.VoidType(), operands)

        def merge(incoming):
            """One value a cell, whichever block came before."""
            merged = {cell: builder.phi(kind) for cell in cells}
            for block, values in incoming:
                for cell in cells:
                    merged[cell].add_incoming(values[cell], block)
            return merged

        blocks = ("zero", "start", "load", "begin", "k", "end", "add", "scale", "assign", "after")
        zero, begin_start, load, begin, loop, end, add, scale, assign, after = (builder.append_basic_block(name) for name in blocks)
        a, b, c = pointer(3, a, a_at), pointer(7, b, b_at), pointer(10, c, c_at)
        m_list, k_list, start = pointer(14, m_list, m_at), pointer(16, k_list, k_at), pointer(19, start, start_at)
        ms = [builder.load(builder.gep(m_list, [INT64(m)])) for m in range(rows)]
        a_rows = [builder.gep(a, [builder.mul(a_row, m)]) for m in ms]
        c_rows = [builder.gep(c, [builder.mul(c_row, m)]) for m in ms]
        mask = count_mask(builder, vector, count)
        for m, n in cells:  # rows of W that are updated come from far: they are fetched while k runs, and met at the end
            prefetch(builder, builder.gep(c_rows[m], [INT64(n * lanes)]), to_write=True)
        choice = builder.switch(mode, zero)
        choice.add_case(INT64(START), begin_start)
        choice.add_case(INT64(CONTINUE), load)

        builder.position_at_end(zero)
        zeros = dict.fromkeys(cells, constant(vector, 0.0))
        builder.branch(begin)
        builder.position_at_end(begin_start)
        starts = [repeat(builder, vector, builder.load(builder.gep(start, [m]))) for m in ms]
        builder.branch(begin)
        builder.position_at_end(load)
        loaded = {(m, n): read(c_rows[m], n) for m, n in cells}
        builder.branch(begin)

        builder.position_at_end(begin)
        begun = merge([(zero, zeros), (begin_start, {(m, n): starts[m] for m, n in cells}), (load, loaded)])
        builder.cbranch(builder.icmp_signed(">", K, INT64(0)), loop, end)

        builder.position_at_end(loop)
        step = builder.phi(INT64)
        sums = {cell: builder.phi(kind) for cell in cells}
        k = builder.load(builder.gep(k_list, [step]))
        a_offset, b_row = builder.mul(k, a_k), builder.gep(b, [builder.mul(k, b_k)])
        if rows == 1:  # B streams by, a row of it used once
            ahead = builder.gep(b_row, [builder.mul(b_k, INT64(AHEAD))])
            for n in range(columns):
                prefetch(builder, builder.gep(ahead, [INT64(n * lanes)]))
        else:  # where a_k is the width of a layer, each k lies on a line of its own: fetch the next columns' while this one is used
            prefetch(builder, builder.gep(a_rows[0], [builder.add(a_offset, INT64(64 // align))]))
        line = [builder.load(as_vector(b_row, n), align=align) for n in range(columns)]
        elements = [repeat(builder, vector, builder.load(builder.gep(row, [a_offset]))) for row in a_rows]
        name = f"llvm.fmuladd.{suffix(vector)}"
        added = {(m, n): call_intrinsic(builder, name, kind, [elements[m], line[n], sums[m, n]]) for m, n in cells}
        following = builder.add(step, INT64(1))
        never_unroll(builder, builder.cbranch(builder.icmp_signed("<", following, K), loop, end))
        for phi, first, then in [(step, INT64(0), following), *((sums[cell], begun[cell], added[cell]) for cell in cells)]:
            phi.add_incoming(first, begin)
            phi.add_incoming(then, loop)

        builder.position_at_end(end)
        totals = merge([(begin, begun), (loop, added)])
        ending = builder.switch(mode, assign)
        ending.add_case(INT64(ADD), add)
        ending.add_case(INT64(SCALE), scale)
        builder.position_at_end(add)
        for m, n in cells:
            write(c_rows[m], n, builder.fadd(read(c_rows[m], n), totals[m, n]))
        builder.branch(after)
        builder.position_at_end(scale)
        for m, n in cells:
            write(c_rows[m], n, builder.fmul(read(c_rows[m], n), totals[m, n]))
        builder.branch(after)
        builder.position_at_end(assign)
        for m, n in cells:
            write(c_rows[m], n, totals[m, n])
        builder.branch(after)
        builder.position_at_end(after)
        return context.get_dummy_value()

    return sig, codegen


def prefetch(builder, address, to_write=False):
    """Ask for the cache line at `address`, which may lie anywhere, for reading or writing soon."""
    pointer = ir.PointerType(INT8)
    kind = ir.FunctionType(ir.VoidType(), [pointer, INT32, INT32, INT32])
    function = builder.module.globals.get("llvm.prefetch.p0") or ir.Function(builder.module, kind, "llvm.prefetch.p0")
    builder.call(function, [builder.bitcast(address, pointer), INT32(int(to_write)), INT32(3), INT32(1)])


def never_unroll(builder, branch):
    """Tell LLVM to leave the loop that `branch` closes as it is: unrolled twice, a tile spills all its sums and runs at a third."""
    module = builder.module
    disable = module.add_metadata([ir.MetaDataString(module, "llvm.loop.unroll.disable")])
    loop = ir.values.MDValue(module, [disable], name=str(len(module.metadata)))
    loop.operands = (loop, disable)  # a loop's node names itself first
    branch.set_metadata("llvm.loop", loop)
