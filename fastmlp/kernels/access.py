"""Vectors read from arrays and written to them; under ``NUMBA_BOUNDSCHECK=1`` every one of them checks its place.

Without bounds checking no function here looks at an index.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from llvmlite import ir
from numba.core import config, types
from numba.extending import intrinsic

from .vectors import Vector, call_intrinsic, constant, count_mask, llvm_type, repeat, suffix

# Arrays made by `engine.memory.empty` go on for so many elements, so that kernels may read whole vectors past their last one.
GUARD = 64


def check_place(context: Any, builder: Any, array: Any, first: Any, count: Any, beyond: int = 0) -> None:
    """If Numba checks bounds: raise IndexError unless the elements [first, first + count) lie in an array, or `beyond` elements past it."""
    if not config.BOUNDSCHECK:  # type: ignore[attr-defined]
        return
    int64 = ir.IntType(64)
    end = builder.add(first, count if isinstance(count, ir.Value) else int64(count))
    limit = builder.add(array.nitems, int64(beyond))
    outside = builder.or_(builder.icmp_signed("<", first, int64(0)), builder.icmp_signed(">", end, limit))
    with builder.if_then(outside, likely=False):
        context.call_conv.return_user_exc(builder, IndexError, ("a vector lies outside its array",))


def opened(context: Any, builder: Any, kind: Any, view: Any) -> SimpleNamespace:
    """A named tuple in the compiler, its fields by name: arrays as Numba's structures, numbers as LLVM's values."""
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
    """LLVM's pointer to the vector that begins at an element of an array's data."""
    return builder.bitcast(builder.gep(data, [index]), llvm_type(vector).as_pointer())


@intrinsic
def width(typingctx, a):
    """Lanes of a vector of a's dtype, known at compile time. a : array."""
    size = Vector(a.dtype).lanes

    def codegen(context, builder, sig, args):
        return context.get_constant(types.intp, size)

    return types.intp(a), codegen


def read(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """The code of `load` and `load_part`."""
    vector = sig.return_type
    array, index = context.make_array(sig.args[0])(context, builder, args[0]), args[1]
    check_place(context, builder, array, index, vector.lanes, GUARD)
    return builder.load(address(builder, array.data, index, vector), align=vector.dtype.bitwidth // 8)


@intrinsic
def load(typingctx, a, i):
    """The vector of elements i, i + 1, ... of a's memory. a : C-contiguous array; i : flat index."""
    return Vector(a.dtype)(a, types.intp), read


@intrinsic(prefer_literal=True)
def load_part(typingctx, a, i, halves):
    """As load; of half as many elements if halves, a literal, is 1 and not 2."""
    return Vector(a.dtype, halves.literal_value)(a, types.intp, halves), read


def write(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """The code of `store` and `keep`."""
    vector = sig.args[2]
    array, index = context.make_array(sig.args[0])(context, builder, args[0]), args[1]
    check_place(context, builder, array, index, vector.lanes)
    builder.store(args[2], address(builder, array.data, index, vector), align=vector.dtype.bitwidth // 8)
    return context.get_dummy_value()


@intrinsic
def store(typingctx, a, i, value):
    """Write a vector to elements i, i + 1, ... of a's memory. a : C-contiguous array, modified in place; i : flat index."""
    return types.void(a, types.intp, value), write


@intrinsic
def keep(typingctx, a, i, value):
    """As store; if a is None, nothing, and what would have been stored is not computed."""
    if isinstance(a, types.NoneType):
        return types.void(a, types.intp, value), lambda context, builder, sig, args: context.get_dummy_value()
    return types.void(a, types.intp, value), write


@intrinsic
def load_first(typingctx, a, i, count):
    """As load, but only the first `count` lanes; the others are zero and their memory is not touched."""
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
    """As store, but only the first `count` lanes; the memory of the others is not touched."""

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
    """The vector with element i of a's memory in every lane. a : C-contiguous array; i : flat index."""
    vector = Vector(a.dtype)

    def codegen(context, builder, sig, args):
        array, index = context.make_array(a)(context, builder, args[0]), args[1]
        check_place(context, builder, array, index, 1)
        return repeat(builder, vector, builder.load(builder.gep(array.data, [index])))

    return vector(a, types.intp), codegen


def prefetch(builder: Any, address: Any, to_write: bool = False) -> None:
    """Ask for the cache line at `address`, which may lie anywhere, for reading or writing soon."""
    pointer, int32 = ir.PointerType(ir.IntType(8)), ir.IntType(32)
    operands = [builder.bitcast(address, pointer), int32(int(to_write)), int32(3), int32(1)]
    call_intrinsic(builder, "llvm.prefetch.p0", ir.VoidType(), operands)


@intrinsic
def fetch(typingctx, a, i):
    """Ask for the cache line of element i of a's memory, to be read soon. a : C-contiguous array; no index is too large."""

    def codegen(context, builder, sig, args):
        prefetch(builder, builder.gep(context.make_array(a)(context, builder, args[0]).data, [args[1]]))
        return context.get_dummy_value()

    return types.void(a, types.intp), codegen


@intrinsic
def peek(typingctx, flag):
    """Element 0 of an array that another thread may change, read anew each time. flag : (1,) uint8."""

    def codegen(context, builder, sig, args):
        data = context.make_array(flag)(context, builder, args[0]).data
        return builder.load_atomic(data, "monotonic", 1)

    return types.uint8(flag), codegen
