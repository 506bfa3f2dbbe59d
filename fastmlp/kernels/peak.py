"""Measure the peak of one core: fused multiply-adds alone, in independent chains of vectors that stay in registers."""

from __future__ import annotations

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .jit import entry
from .vectors import Vector, call_intrinsic, constant, llvm_type, many_registers, repeat, suffix

CHAINS = 24 if many_registers() else 12  # a latency of 4 cycles and two per cycle need 8; more hide jitter, as long as registers suffice


@intrinsic
def chains(typingctx, factors, turns):
    """Compute CHAINS times `turns` fused multiply-adds x = factors[0] x + factors[1] of vectors; return a number that depends on all."""
    vector = Vector(factors.dtype)

    def codegen(context, builder, sig, args):
        kind, int64 = llvm_type(vector), ir.IntType(64)
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        a, b = (repeat(builder, vector, builder.load(builder.gep(data, [int64(place)]))) for place in (0, 1))
        before, loop, done = builder.block, builder.append_basic_block("turn"), builder.append_basic_block("done")
        builder.branch(loop)
        builder.position_at_end(loop)
        turn = builder.phi(int64)
        old = [builder.phi(kind) for _ in range(CHAINS)]
        new = [call_intrinsic(builder, f"llvm.fmuladd.{suffix(vector)}", kind, [x, a, b]) for x in old]
        following = builder.add(turn, int64(1))
        builder.cbranch(builder.icmp_signed("<", following, args[1]), loop, done)
        turn.add_incoming(int64(0), before)
        turn.add_incoming(following, loop)
        for place, (x, y) in enumerate(zip(old, new, strict=True)):
            x.add_incoming(constant(vector, float(place)), before)
            x.add_incoming(y, loop)
        builder.position_at_end(done)
        total = new[0]
        for x in new[1:]:
            total = builder.fadd(total, x)
        return builder.extract_element(total, ir.IntType(32)(0))

    return factors.dtype(factors, types.intp), codegen


@entry
def multiply_and_add(factors, turns):
    """Run the chains for `turns` iterations. factors (2,) : of the dtype to measure."""
    return chains(factors, turns)
