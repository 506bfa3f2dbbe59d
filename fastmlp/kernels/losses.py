"""Losses of a batch in lanes: the loss of each sample, and the delta of the output layer. Chosen by an integer code.

z, t, delta (O, B) : outputs, targets, and dloss/dz; on entry delta holds the slope of the output activation, which the losses of its
value multiply; the cross-entropies and Poisson take logits, whose activation is the identity. loss (B,) per sample. Lanes [first, last).
"""

from __future__ import annotations

from . import vector_math as vecmath
from .jit import kernel
from .vectors import load, splat, store, where_less, width

SQUARED_ERROR, SOFTMAX_CROSS_ENTROPY, BINARY_CROSS_ENTROPY, POISSON, ABSOLUTE_ERROR, HUBER = range(6)
LOSSES = {
    "squared_error": SQUARED_ERROR,
    "softmax_cross_entropy": SOFTMAX_CROSS_ENTROPY,
    "binary_cross_entropy": BINARY_CROSS_ENTROPY,
    "poisson": POISSON,
    "absolute_error": ABSOLUTE_ERROR,
    "huber": HUBER,
}
TINY = 1e-30  # keeps t log t defined at t = 0


@kernel
def losses_and_deltas(code, loss, delta, z, at, t, weight, O, B, first, last):
    """Fill loss and delta, both times weight (B,). z and delta start at `at` of their flat arrays."""
    V = width(z)
    zero = z.dtype.type(0)
    for n in range(first, last, V):
        total = splat(zero)
        w = load(weight, n)
        if code == SOFTMAX_CROSS_ENTROPY:
            total = softmax_cross_entropy(delta, z, at + n, t, n, w, O, B)
        else:
            for o in range(O):
                here = at + o * B + n
                x, y = load(z, here), load(t, o * B + n)
                slope = load(delta, here)
                if code == SQUARED_ERROR:
                    r = x - y
                    total = total + 0.5 * r * r
                    d = r
                elif code == BINARY_CROSS_ENTROPY:
                    total = total + (vecmath.softplus(x) - x * y)
                    d = vecmath.sigmoid(x) - y
                elif code == POISSON:
                    mean = vecmath.exp(x)
                    total = total + (mean - y * x + y * (vecmath.log(where_less(TINY, y, y, TINY)) - 1.0))
                    d = mean - y
                elif code == ABSOLUTE_ERROR:
                    r = x - y
                    total = total + where_less(r, 0.0, 0.0 - r, r)
                    d = where_less(r, 0.0, -1.0, where_less(0.0, r, 1.0, 0.0 * r))
                else:
                    r = x - y
                    d = where_less(r, -1.0, -1.0, where_less(1.0, r, 1.0, r))
                    total = total + d * (r - 0.5 * d)
                store(delta, here, w * d * slope)
        store(loss, n, w * total)


@kernel
def softmax_cross_entropy(delta, z, z_at, t, t_at, w, O, B):
    """V samples' -sum_o t log softmax(z), stable by subtracting the maximum; delta = w (softmax(z) sum_o t - t). Returns the losses."""
    largest = load(z, z_at)
    for o in range(1, O):
        x = load(z, z_at + o * B)
        largest = where_less(largest, x, x, largest)
    zero = z.dtype.type(0)
    total, mass, matched = splat(zero), splat(zero), splat(zero)
    for o in range(O):
        x, y = load(z, z_at + o * B) - largest, load(t, t_at + o * B)
        e = vecmath.exp(x)
        total, mass, matched = total + e, mass + y, matched + x * y
        store(delta, z_at + o * B, e)
    share = mass / total
    for o in range(O):
        here = z_at + o * B
        store(delta, here, w * (load(delta, here) * share - load(t, t_at + o * B)))
    return mass * vecmath.log(total) - matched


@kernel
def mark_hits(code, hit, z, at, t, O, B, first, last):
    """hit[n] = 1 where the outputs name the targets' class, else 0.

    SOFTMAX_CROSS_ENTROPY: the largest output is the largest target. Else: every output is on its target's side, of 0 and of 1/2.
    """
    V = width(z)
    one, zero = z.dtype.type(1), z.dtype.type(0)
    for n in range(first, last, V):
        apart = splat(zero)
        if code == SOFTMAX_CROSS_ENTROPY:
            z_best, t_best = load(z, at + n), load(t, n)
            z_index, t_index = splat(zero), splat(zero)
            for o in range(1, O):
                x, y = load(z, at + o * B + n), load(t, o * B + n)
                z_index, z_best = where_less(z_best, x, z.dtype.type(o), z_index), where_less(z_best, x, x, z_best)
                t_index, t_best = where_less(t_best, y, z.dtype.type(o), t_index), where_less(t_best, y, y, t_best)
            apart = (z_index - t_index) * (z_index - t_index)
        else:
            for o in range(O):
                predicted = where_less(0.0, load(z, at + o * B + n), one, splat(zero))
                wanted = where_less(0.5, load(t, o * B + n), one, splat(zero))
                apart = apart + (predicted - wanted) * (predicted - wanted)
        store(hit, n, where_less(apart, 0.5, one, splat(zero)))
