"""Vectors as wide as the CPU's registers, as values in compiled code.

Inside a kernel, ``load(a, i)`` is a vector register filled with elements of ``a``. The operators ``+ - * /`` between two vectors, or a
vector and a number, work lane by lane in the vector's dtype (a Python number never widens float32). The width is that of the CPU for
which Numba compiles, and so follows ``NUMBA_CPU_NAME``: 64 bytes with AVX-512, 32 with AVX2, otherwise 16 (SSE2, NEON).

No function here checks an index.
"""

from __future__ import annotations

import functools
import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.imputils import lower_builtin
from numba.core.registry import cpu_target
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, models, register_model

# Type checkers see Numba's decorators as untyped. Everything below runs only at compile time.


@functools.cache
def vector_bytes() -> int:
    """Return the width in bytes of the widest vector register of the CPU for which Numba compiles."""
    _, _, features = cpu_target.target_context.codegen().magic_tuple()
    enabled = set(features.split(","))
    return 64 if "+avx512f" in enabled else 32 if "+avx2" in enabled else 16


def many_registers() -> bool:
    """Return whether the CPU has 32 vector registers (AVX-512, 64-bit ARM) rather than 16."""
    triple, _, _ = cpu_target.target_context.codegen().magic_tuple()
    return vector_bytes() == 64 or triple.startswith(("aarch64", "arm64"))


def lanes(dtype: Any) -> int:
    """Return the number of elements of a dtype in one vector, such as 8 float64 or 16 float32 with AVX-512."""
    return vector_bytes() // np.dtype(dtype).itemsize


class Vector(types.Type):
    """The type of a vector of float32 or float64 values that fills a register, or half of one."""

    def __init__(self, dtype: types.Float, halves: int = 2) -> None:
        self.dtype = dtype
        self.lanes = vector_bytes() * 8 // dtype.bitwidth * halves // 2
        super().__init__(name=f"vector({self.lanes} x {dtype})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm: Any, fe_type: Vector) -> None:
        super().__init__(dmm, fe_type, llvm_type(fe_type))


def llvm_type(vector: Vector) -> ir.VectorType:
    """Return the LLVM type of a vector."""
    return ir.VectorType(ir.DoubleType() if vector.dtype.bitwidth == 64 else ir.FloatType(), vector.lanes)


def constant(vector: Vector, value: float) -> ir.Constant:
    """Return the compile-time constant with `value` in every lane."""
    return ir.Constant(llvm_type(vector), [value] * vector.lanes)


def repeat(builder: Any, vector: Vector, scalar: Any) -> Any:
    """Return the vector with an LLVM scalar in every lane."""
    kind = llvm_type(vector)
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(ir.IntType(32), vector.lanes), [0] * vector.lanes))


def _as_vector(context: Any, builder: Any, vector: Vector, value: Any, kind: types.Type) -> Any:
    """Return a vector as it is, and a number cast to the vector's dtype and repeated in every lane."""
    if isinstance(kind, Vector):
        return value
    return repeat(builder, vector, context.cast(builder, value, kind, vector.dtype))


def call_intrinsic(builder: Any, name: str, result: Any, args: list[Any]) -> Any:
    """Call an LLVM intrinsic, whose name includes the vector type, such as llvm.fmuladd.v8f64."""
    kind = ir.FunctionType(result, [a.type for a in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


def suffix(vector: Vector) -> str:
    """Return the vector type as LLVM spells it in the name of an intrinsic."""
    return f"v{vector.lanes}f{vector.dtype.bitwidth}"


def _common(*kinds: types.Type) -> Vector | None:
    """Return the vector type of the operands if they have exactly one and all others are numbers, else None."""
    vectors = {k for k in kinds if isinstance(k, Vector)}
    others = (isinstance(k, types.Number) for k in kinds if not isinstance(k, Vector))
    return vectors.pop() if len(vectors) == 1 and all(others) else None


def _define_operator(symbol: Any, instruction: str) -> None:
    @infer_global(symbol)
    class _Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            vector = _common(*args) if len(args) == 2 else None
            return vector and signature(vector, *args)

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        a, b = (_as_vector(context, builder, sig.return_type, v, k) for v, k in zip(args, sig.args, strict=True))
        return getattr(builder, instruction)(a, b)

    for kinds in ((Vector, Vector), (Vector, types.Number), (types.Number, Vector)):
        lower_builtin(symbol, *kinds)(lower)


for _symbol, _instruction in {operator.add: "fadd", operator.sub: "fsub", operator.mul: "fmul", operator.truediv: "fdiv"}.items():
    _define_operator(_symbol, _instruction)


def count_mask(builder: Any, vector: Vector, count: Any) -> Any:
    """Return a mask whose lane k is true for k < count."""
    kind = ir.VectorType(ir.IntType(64), vector.lanes)
    number = builder.insert_element(ir.Constant(kind, ir.Undefined), count, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.lanes), [0] * vector.lanes)
    number = builder.shuffle_vector(number, ir.Constant(kind, ir.Undefined), zeros)
    return builder.icmp_signed("<", ir.Constant(kind, list(range(vector.lanes))), number)


@intrinsic
def splat(typingctx, x):
    """Return the vector with x in every lane. x : float32 or float64."""
    vector = Vector(x)

    def codegen(context, builder, sig, args):
        return repeat(builder, vector, args[0])

    return vector(x), codegen


@intrinsic
def fma(typingctx, a, b, c):
    """Return a b + c, rounded once where the CPU has the instruction. a, b, c : vectors; any but one may be a number instead."""
    vector = _common(a, b, c)
    if vector is None:
        return None

    def codegen(context, builder, sig, args):
        operands = [_as_vector(context, builder, vector, v, k) for v, k in zip(args, sig.args, strict=True)]
        return call_intrinsic(builder, f"llvm.fmuladd.{suffix(vector)}", llvm_type(vector), operands)

    return vector(a, b, c), codegen


@intrinsic
def sqrt(typingctx, v):
    """Return the square root, lane by lane. v : vector."""

    def codegen(context, builder, sig, args):
        return call_intrinsic(builder, f"llvm.sqrt.{suffix(v)}", llvm_type(v), list(args))

    return v(v), codegen


@intrinsic
def where_less(typingctx, a, b, x, y):
    """Return x in the lanes where a < b, and y in the others, including those where a or b is NaN. Vectors, or numbers in their place."""
    vector = _common(a, b, x, y)
    if vector is None:
        return None

    def codegen(context, builder, sig, args):
        a, b, x, y = (_as_vector(context, builder, vector, v, k) for v, k in zip(args, sig.args, strict=True))
        return builder.select(builder.fcmp_ordered("<", a, b), x, y)

    return vector(a, b, x, y), codegen


@intrinsic
def sum_lanes(typingctx, v):
    """Return the sum of a vector's lanes. Halves are added to halves, so the order of the sum depends only on the width."""

    def codegen(context, builder, sig, args):
        (value,), lanes = args, v.lanes
        while lanes > 1:
            lanes //= 2
            halves = (ir.Constant(ir.VectorType(ir.IntType(32), lanes), list(range(k, k + lanes))) for k in (0, lanes))
            undefined = ir.Constant(value.type, ir.Undefined)
            low, high = (builder.shuffle_vector(value, undefined, half) for half in halves)
            value = builder.fadd(low, high)
        return builder.extract_element(value, ir.Constant(ir.IntType(32), 0))

    return v.dtype(v), codegen


@intrinsic
def first_lane(typingctx, v):
    """Return lane 0 of a vector as a number."""

    def codegen(context, builder, sig, args):
        return builder.extract_element(args[0], ir.Constant(ir.IntType(32), 0))

    return v.dtype(v), codegen


@intrinsic(prefer_literal=True)
def first_half(typingctx, v, halves):
    """Return the lower half of a vector as a vector of half the width if `halves`, a literal, is 1; the vector as it is if it is 2."""
    result = Vector(v.dtype, halves.literal_value)

    def codegen(context, builder, sig, args):
        if result == v:
            return args[0]
        half = ir.Constant(ir.VectorType(ir.IntType(32), result.lanes), list(range(result.lanes)))
        return builder.shuffle_vector(args[0], ir.Constant(args[0].type, ir.Undefined), half)

    return result(v, halves), codegen


@intrinsic
def half_power_of_two(typingctx, v):
    """Return 2^(n - 1), lane by lane, for the integer n in the low mantissa bits of v, as in n + 1.5 * 2^(mantissa bits)."""
    mantissa, bias = (52, 1023) if v.dtype.bitwidth == 64 else (23, 127)

    def codegen(context, builder, sig, args):
        kind = ir.VectorType(ir.IntType(v.dtype.bitwidth), v.lanes)
        exponent = builder.add(builder.bitcast(args[0], kind), ir.Constant(kind, [bias - 1] * v.lanes))
        return builder.bitcast(builder.shl(exponent, ir.Constant(kind, [mantissa] * v.lanes)), llvm_type(v))

    return v(v), codegen


@intrinsic
def exponent(typingctx, v):
    """Return k, where v = 2^k m and 1 <= m < 2, lane by lane, as a float. v : vector of positive normal numbers."""
    mantissa_bits, bias = (52, 1023) if v.dtype.bitwidth == 64 else (23, 127)

    def codegen(context, builder, sig, args):
        kind = ir.VectorType(ir.IntType(v.dtype.bitwidth), v.lanes)
        bits = builder.lshr(builder.bitcast(args[0], kind), ir.Constant(kind, [mantissa_bits] * v.lanes))
        # The exponents fit in 32 bits, which every CPU converts to floating point in one instruction.
        narrow = ir.VectorType(ir.IntType(32), v.lanes)
        bits = bits if v.dtype.bitwidth == 32 else builder.trunc(bits, narrow)
        return builder.sitofp(builder.sub(bits, ir.Constant(narrow, [bias] * v.lanes)), llvm_type(v))

    return v(v), codegen


@intrinsic
def mantissa(typingctx, v):
    """Return m, where v = 2^k m and 1 <= m < 2, lane by lane. v : vector of positive normal numbers."""
    bits, one = (52, 1023 << 52) if v.dtype.bitwidth == 64 else (23, 127 << 23)

    def codegen(context, builder, sig, args):
        kind = ir.VectorType(ir.IntType(v.dtype.bitwidth), v.lanes)
        fraction = builder.and_(builder.bitcast(args[0], kind), ir.Constant(kind, [(1 << bits) - 1] * v.lanes))
        return builder.bitcast(builder.or_(fraction, ir.Constant(kind, [one] * v.lanes)), llvm_type(v))

    return v(v), codegen


@intrinsic
def is_float64(typingctx, v):
    """Return whether a vector, array or number is float64, as a compile-time constant, so that the branch not taken is removed."""
    wide = getattr(v, "dtype", v) == types.float64

    def codegen(context, builder, sig, args):
        return context.get_constant(types.boolean, wide)

    return types.boolean(v), codegen
