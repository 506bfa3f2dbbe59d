"""Positions of non-zero values: those among 64 values as the bits of a word, and the set bits of a byte as a list."""

from __future__ import annotations

import functools

import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .access import GUARD, address, check_place
from .vectors import Vector, call_intrinsic, constant


@intrinsic
def nonzero_bits(typingctx, a, i):
    """Return 64 bits, of which bit k is set if element i + k of a's memory is not zero (NaN is not zero). a : C-contiguous array."""
    vector = Vector(a.dtype)

    def codegen(context, builder, sig, args):
        array, index = context.make_array(a)(context, builder, args[0]), args[1]
        check_place(context, builder, array, index, 64, GUARD)
        word, parts = ir.IntType(64), []
        for first in range(0, 64, vector.lanes):
            pointer = address(builder, array.data, builder.add(index, index.type(first)), vector)
            values = builder.load(pointer, align=vector.dtype.bitwidth // 8)
            part = builder.bitcast(builder.fcmp_unordered("!=", values, constant(vector, 0.0)), ir.IntType(vector.lanes))
            parts.append(builder.shl(builder.zext(part, word), word(first)))
        return functools.reduce(builder.or_, parts)

    return types.uint64(a, types.intp), codegen


@intrinsic
def count_bits(typingctx, bits):
    """Return the number of bits that are set. bits : uint64."""

    def codegen(context, builder, sig, args):
        return call_intrinsic(builder, "llvm.ctpop.i64", ir.IntType(64), list(args))

    return types.int64(types.uint64), codegen


# For each byte, the positions of its set bits in ascending order, filled up with zeros.
PLACES = np.array([[k for k in range(8) if byte >> k & 1] + [0] * (8 - byte.bit_count()) for byte in range(256)], np.uint8)


@intrinsic
def list_bits(typingctx, out, at, byte, first, places):
    """Write first + k for every set bit k of a byte, in ascending order, to out[at], out[at + 1], ...; all of out[at:at + 8] may change.

    out : (n,) int64; places : the table PLACES, which the calling kernel takes from its globals.
    """

    def codegen(context, builder, sig, args):
        out, at, byte, first, places = args
        out, places = (context.make_array(sig.args[place])(context, builder, array) for place, array in ((0, out), (4, places)))
        check_place(context, builder, out, at, 8)
        small, wide = (ir.VectorType(ir.IntType(bits), 8) for bits in (8, 64))
        row = builder.gep(places.data, [builder.shl(byte, byte.type(3))])
        listed = builder.zext(builder.load(builder.bitcast(row, small.as_pointer()), align=1), wide)
        undefined = ir.Constant(wide, ir.Undefined)
        start = builder.insert_element(undefined, first, ir.IntType(32)(0))
        start = builder.shuffle_vector(start, undefined, ir.Constant(ir.VectorType(ir.IntType(32), 8), [0] * 8))
        builder.store(builder.add(listed, start), builder.bitcast(builder.gep(out.data, [at]), wide.as_pointer()), align=8)
        return context.get_dummy_value()

    return types.void(out, types.intp, types.uint64, types.intp, places), codegen
