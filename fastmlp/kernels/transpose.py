"""The register tile behind every change of layout: it transposes V rows of V elements."""

from __future__ import annotations

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from .access import check_place, opened
from .tile import INT32, INT64
from .vectors import Vector, llvm_type, repeat


@intrinsic
def transpose(typingctx, out, x, rows, scale):
    """Transpose V rows of V elements: out[k, v] = scale * x[rows.items[rows.first + v], k].

    out, x : blocks whose steps are 1. x may hold float32, float64 or uint8; out and scale are of one floating dtype. rows : a span of any
    rows of x; past its end, its last row is repeated.
    """
    vector = Vector(out.types[0].dtype)

    def codegen(context, builder, sig, args):
        out, x, rows = (opened(context, builder, kind, view) for kind, view in zip(sig.args[:3], args[:3], strict=True))
        kind, lanes, bits = llvm_type(vector), vector.lanes, vector.dtype.bitwidth
        element = sig.args[1].types[0].dtype
        source, source_align = context.get_value_type(element), element.bitwidth // 8
        scales, last = repeat(builder, vector, args[3]), builder.sub(rows.last, INT64(1))

        def line(v):
            wanted = builder.add(rows.first, INT64(v))
            place = builder.select(builder.icmp_signed("<", wanted, last), wanted, last)
            check_place(context, builder, rows.items, place, 1)
            at = builder.add(x.at, builder.mul(builder.load(builder.gep(rows.items.data, [place])), x.row))
            check_place(context, builder, x.data, at, lanes)
            address = builder.bitcast(builder.gep(x.data.data, [at]), ir.VectorType(source, lanes).as_pointer())
            values = builder.load(address, align=source_align)
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
            at = builder.add(out.at, builder.mul(INT64(v), out.row))
            check_place(context, builder, out.data, at, lanes)
            builder.store(lines[v], builder.bitcast(builder.gep(out.data.data, [at]), kind.as_pointer()), align=bits // 8)
        return context.get_dummy_value()

    return types.void(out, x, rows, scale), codegen
