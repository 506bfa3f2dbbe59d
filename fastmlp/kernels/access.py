"""Loads of vectors from arrays and stores to them; under ``NUMBA_BOUNDSCHECK=1`` each of them checks its index.

Without bounds checking, no function here checks an index.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from llvmlite import ir
from numba.core import config, types
from numba.extending import intrinsic

from .vectors import Vector, call_intrinsic, constant, count_mask, llvm_type, repeat, suffix

# Arrays made by `engine.memory.empty` extend this many elements past their end, so that kernels may read whole vectors there.
GUARD = 64


def check_place(context: Any, builder: Any, array: Any, first: Any, count: Any, beyond: int = 0) -> None:
    """Generate a bounds check, if Numba's bounds checking is on.

    It raises IndexError unless the elements [first, first + count) lie in the array or in the `beyond` elements past its end.
    """
    if not config.BOUNDSCHECK:  # type: ignore[attr-defined]
        return
    int64 = ir.IntType(64)
    end = builder.add(first, count if isinstance(count, ir.Value) else int64(count))
    limit = builder.add(array.nitems, int64(beyond))
    outside = builder.or_(builder.icmp_signed("<", first, int64(0)), builder.icmp_signed(">", end, limit))
    with builder.if_then(outside, likely=False):
        context.call_conv.return_user_exc(builder, IndexError, ("a vector lies outside its array",))


def opened(context: Any, builder: Any, kind: Any, view: Any) -> SimpleNamespace:
    """Return the fields of a named tuple in the compiler, by name: arrays as Numba's structures, numbers as LLVM values."""
    fields = {}
    for place, (name, part) in enumerate(zip(kind.fields, kind.types, strict=True)):
        value = builder.extract_value(view, place)
        if isinstance(part, types.NamedTuple):
            value = opened(context, builder, part, value)
        elif isinstance(part, types.Array):
            value = context.make_array(part)(context, builder, value)
        fields[name] = value
    return SimpleNamespace(**fields)


def address(builder: Any, data: Any, index: Any, vector: Vector) -> Any:
    """Return the LLVM pointer to the vector that begins at one element of an array's data."""
    return builder.bitcast(builder.gep(data, [index]), llvm_type(vector).as_pointer())


@intrinsic
def width(typingctx, a):
    """Return the number of lanes in a vector of a's dtype, a compile-time constant. a : array."""
    size = Vector(a.dtype).lanes

    def codegen(context, builder, sig, args):
        return context.get_constant(types.intp, size)

    return types.intp(a), codegen


def read(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Generate the code of `load` and `load_part`."""
    vector = sig.return_type
    array, index = context.make_array(sig.args[0])(context, builder, args[0]), args[1]
    check_place(context, builder, array, index, vector.lanes, GUARD)
    return builder.load(address(builder, array.data, index, vector), align=vector.dtype.bitwidth // 8)


@intrinsic
def load(typingctx, a, i):
    """Load the vector of elements i, i + 1, ... of a's memory. a : C-contiguous array; i : flat index."""
    return Vector(a.dtype)(a, types.intp), read


@intrinsic(prefer_literal=True)
def load_part(typingctx, a, i, halves):
    """Load as `load` does, but half as many elements if `halves`, a literal, is 1 instead of 2."""
    return Vector(a.dtype, halves.literal_value)(a, types.intp, halves), read


def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Generate the code of `store` and `keep`."""
    vector = sig.args[2]
    array, index = context.make_array(sig.args[0])(context, builder, args[0]), args[1]
    check_place(context, builder, array, index, vector.lanes)
    builder.store(args[2], address(builder, array.data, index, vector), align=vector.dtype.bitwidth // 8)
    return context.get_dummy_value()


@intrinsic
def store(typingctx, a, i, value):
    """Store a vector in elements i, i + 1, ... of a's memory. a : C-contiguous array, modified in place; i : flat index."""
    return types.void(a, types.intp, value), write


@intrinsic
def keep(typingctx, a, i, value):
    """Store as `store` does. If a is None, store nothing; the value is then not computed either."""
    if isinstance(a, types.NoneType):
        return types.void(a, types.intp, value), lambda context, builder, sig, args: context.get_dummy_value()
    return types.void(a, types.intp, value), write


@intrinsic
def load_first(typingctx, a, i, count):
    """Load only the first `count` lanes of a vector; the other lanes are zero and their memory is not touched."""
    vector = Vector(a.dtype)

    def codegen(context, builder, sig, args):
        array, (_, index, count) = context.make_array(a)(context, builder, args[0]), args
        check_place(context, builder, array, index, count)
        align = ir.IntType(32)(vector.dtype.bitwidth // 8)
        operands = [address(builder, array.data, index, vector), align, count_mask(builder, vector, count), constant(vector, 0.0)]
        return call_intrinsic(builder, f"llvm.masked.load.{suffix(vector)}.p0", llvm_type(vector), operands)

    return vector(a, types.intp, types.intp), codegen


@intrinsic
def store_first(typingctx, a, i, value, count):
    """Store only the first `count` lanes of a vector; the memory of the other lanes is not touched."""

    def codegen(context, builder, sig, args):
        vector = sig.args[2]
        array, (_, index, value, count) = context.make_array(a)(context, builder, args[0]), args
        check_place(context, builder, array, index, count)
        align = ir.IntType(32)(vector.dtype.bitwidth // 8)
        operands = [value, address(builder, array.data, index, vector), align, count_mask(builder, vector, count)]
        call_intrinsic(builder, f"llvm.masked.store.{suffix(vector)}.p0", ir.VoidType(), operands)
        return context.get_dummy_value()

    return types.void(a, types.intp, value, types.intp), codegen


@intrinsic
def broadcast(typingctx, a, i):
    """Load element i of a's memory into every lane of a vector. a : C-contiguous array; i : flat index."""
    vector = Vector(a.dtype)

    def codegen(context, builder, sig, args):
        array, index = context.make_array(a)(context, builder, args[0]), args[1]
        check_place(context, builder, array, index, 1)
        return repeat(builder, vector, builder.load(builder.gep(array.data, [index])))

    return vector(a, types.intp), codegen


def prefetch(builder: Any, address: Any, to_write: bool = False) -> None:
    """Prefetch the cache line at `address`, for reading or for writing. The address may lie anywhere."""
    pointer, int32 = ir.PointerType(ir.IntType(8)), ir.IntType(32)
    operands = [builder.bitcast(address, pointer), int32(int(to_write)), int32(3), int32(1)]
    call_intrinsic(builder, "llvm.prefetch.p0", ir.VoidType(), operands)


@intrinsic
def fetch(typingctx, a, i):
    """Prefetch the cache line of element i of a's memory, for reading. a : C-contiguous array; i may lie past its end."""

    def codegen(context, builder, sig, args):
        prefetch(builder, builder.gep(context.make_array(a)(context, builder, args[0]).data, [args[1]]))
        return context.get_dummy_value()

    return types.void(a, types.intp), codegen


@intrinsic
def peek(typingctx, flag):
    """Read element 0 of an array that another thread may change, from memory at every call. flag : (1,) uint8."""

    def codegen(context, builder, sig, args):
        data = context.make_array(flag)(context, builder, args[0]).data
        return builder.load_atomic(data, "monotonic", 1)

    return types.uint8(flag), codegen
