"""Treat denormal numbers, such as 1e-40 in float32, which are too small for a full significand, as zero during training.

Once a gradient has become zero, Adam's mean of it halves about every seven steps and is denormal from the 830th step on. If this happens
to a few parameters in a hundred, the whole update takes twice as long. The mode is set in a control register of each thread.
"""

from __future__ import annotations

from llvmlite import ir
from numba.core import cgutils, types
from numba.core.registry import cpu_target
from numba.extending import intrinsic

from .vectors import call_intrinsic

INT32, INT64 = ir.IntType(32), ir.IntType(64)
X86_ZEROS, ARM_ZEROS = 0x8040, 1 << 24  # MXCSR: one bit for results (15), one for operands (6); FPCR: one for both


def _architecture():
    triple, _, _ = cpu_target.target_context.codegen().magic_tuple()
    return {"x86_64": "x86", "i686": "x86", "aarch64": "arm", "arm64": "arm"}.get(triple.partition("-")[0])


@intrinsic
def flush_denormals(typingctx):
    """Make this thread treat denormals as zero and return its previous mode; on an unknown CPU, do nothing and return 0."""

    def codegen(context, builder, sig, args):
        kind = _architecture()
        if kind == "x86":
            place = cgutils.alloca_once(builder, INT32)
            address = builder.bitcast(place, ir.PointerType(ir.IntType(8)))
            call_intrinsic(builder, "llvm.x86.sse.stmxcsr", ir.VoidType(), [address])
            before = builder.load(place)
            builder.store(builder.or_(before, INT32(X86_ZEROS)), place)
            call_intrinsic(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [address])
            return builder.zext(before, INT64)
        if kind == "arm":
            before = call_intrinsic(builder, "llvm.aarch64.get.fpcr", INT64, [])
            call_intrinsic(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), [builder.or_(before, INT64(ARM_ZEROS))])
            return before
        return INT64(0)

    return types.int64(), codegen


@intrinsic
def restore_mode(typingctx, mode):
    """Restore the mode that `flush_denormals` returned to this thread."""

    def codegen(context, builder, sig, args):
        kind = _architecture()
        if kind == "x86":
            place = cgutils.alloca_once(builder, INT32)
            builder.store(builder.trunc(args[0], INT32), place)
            address = builder.bitcast(place, ir.PointerType(ir.IntType(8)))
            call_intrinsic(builder, "llvm.x86.sse.ldmxcsr", ir.VoidType(), [address])
        elif kind == "arm":
            call_intrinsic(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), [args[0]])
        return context.get_dummy_value()

    return types.void(types.int64), codegen
