"""The register tile under every change of layout: V rows of V elements become V columns."""

from __future__ import annotations

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .tile import INT32, INT64
from .vectors import Vector, llvm_type, repeat


@intrinsic
def transpose(typingctx, out, out_at, out_row, x, x_at, x_row, rows, first, last, scale):
    """Turn V rows of V elements, from anywhere, into V columns: out[out_at + k out_row + v] = scale * x[x_at + rows[first + v] x_row + k].

    Rows past rows[last] repeat that one. x may hold float32, float64 or uint8; out and scale are of one floating dtype.
    """
    vector = Vector(out.dtype)
    size = types.intp
    sig = types.void(out, size, size, x, size, size, rows, size, size, scale)

    def codegen(context, builder, sig, args):
        out, out_at, out_row, x, x_at, x_row, rows, first, last, scale = args
        kind, lanes, bits = llvm_type(vector), vector.lanes, vector.dtype.bitwidth
        source = context.get_value_type(sig.args[3].dtype)
        source_align = sig.args[3].dtype.bitwidth // 8
        out, x, rows = (context.make_array(sig.args[place])(context, builder, array).data for place, array in ((0, out), (3, x), (6, rows)))
        scales = repeat(builder, vector, scale)

        def line(v):
            wanted = builder.add(first, INT64(v))
            place = builder.select(builder.icmp_signed("<", wanted, last), wanted, last)
            row = builder.load(builder.gep(rows, [place]))
            address = builder.gep(x, [builder.add(x_at, builder.mul(row, x_row))])
            values = builder.load(builder.bitcast(address, ir.VectorType(source, lanes).as_pointer()), align=source_align)
            if isinstance(source, ir.IntType):
                values = builder.uitofp(values, kind)
            elif source_align * 8 > bits:
                values = builder.fptrunc(values, kind)
            elif source_align * 8 < bits:
                values = builder.fpext(values, kind)
            return builder.fmul(values, scales)

        lines = [line(v) for v in range(lanes)]
        half = 1
        while half < lanes:  # exchange the off-diagonal blocks of `half` x `half`
            low = [lane if not lane & half else lanes + lane - half for lane in range(lanes)]
            high = [lane + half if not lane & half else lanes + lane for lane in range(lanes)]
            low, high = (ir.Constant(ir.VectorType(INT32, lanes), chosen) for chosen in (low, high))
            for v in range(lanes):
                if not v & half:
                    upper, lower = lines[v], lines[v + half]
                    lines[v], lines[v + half] = builder.shuffle_vector(upper, lower, low), builder.shuffle_vector(upper, lower, high)
            half *= 2
        for v in range(lanes):
            address = builder.gep(out, [builder.add(out_at, builder.mul(INT64(v), out_row))])
            builder.store(lines[v], builder.bitcast(address, kind.as_pointer()), align=bits // 8)
        return context.get_dummy_value()

    return sig, codegen
