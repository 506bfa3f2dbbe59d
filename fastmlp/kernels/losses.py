"""Losses of a batch in lanes: the loss of each sample and the delta of the output layer, chosen by an integer code.

z, delta (O, B) : outputs and dloss/dz, as blocks. On entry delta holds the slope of the output activation, and losses of the activation's
value multiply it by their own derivative. The cross-entropies and the Poisson loss take logits, whose activation is the identity.
t (O, B) : targets, flat. Functions that take `first` and `last` process the lanes [first, last).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from . import vector_math
from .access import load, store, width
from .jit import kernel
from .vectors import splat, where_less
from .views import from_column

SQUARED_ERROR, SOFTMAX_CROSS_ENTROPY, BINARY_CROSS_ENTROPY, POISSON, ABSOLUTE_ERROR, HUBER, QUANTILE = range(7)
LOSSES = {
    "squared_error": SQUARED_ERROR,
    "softmax_cross_entropy": SOFTMAX_CROSS_ENTROPY,
    "binary_cross_entropy": BINARY_CROSS_ENTROPY,
    "poisson": POISSON,
    "absolute_error": ABSOLUTE_ERROR,
    "huber": HUBER,
    "quantile": QUANTILE,
}
TINY = 1e-30  # keeps t log t defined at t = 0


class Loss(NamedTuple):
    """Which loss, and its numbers."""

    code: int
    levels: np.ndarray  # (O,) float64: of each output's quantile; empty for other losses


class Scores(NamedTuple):
    """Weight, loss and hit of each sample of a batch, all of shape (B,)."""

    weight: np.ndarray  # 0 in lanes that hold no sample
    loss: np.ndarray
    hit: np.ndarray


@kernel
def losses_and_deltas(loss, delta, z, t, scores, O, first, last):
    """Compute delta and scores.loss, both multiplied by the weights of the samples."""
    V, B = width(z.data), z.columns
    zero = z.data.dtype.type(0)
    for n in range(first, last, V):
        total = splat(zero)
        w = load(scores.weight, n)
        if loss.code == SOFTMAX_CROSS_ENTROPY:
            total = softmax_cross_entropy(from_column(delta, n), from_column(z, n), t, w, O, n)
        else:
            for o in range(O):
                x, y = load(z.data, z.at + o * B + n), load(t, o * B + n)
                here = delta.at + o * B + n
                slope = load(delta.data, here)
                if loss.code == SQUARED_ERROR:
                    r = x - y
                    total = total + 0.5 * r * r
                    d = r
                elif loss.code == BINARY_CROSS_ENTROPY:
                    total = total + (vector_math.softplus(x) - x * y)
                    d = vector_math.sigmoid(x) - y
                elif loss.code == POISSON:
                    mean = vector_math.exp(x)
                    total = total + (mean - y * x + y * (vector_math.log(where_less(TINY, y, y, TINY)) - 1.0))
                    d = mean - y
                elif loss.code == ABSOLUTE_ERROR:
                    r = x - y
                    total = total + where_less(r, 0.0, 0.0 - r, r)
                    d = where_less(r, 0.0, -1.0, where_less(0.0, r, 1.0, 0.0 * r))
                elif loss.code == HUBER:
                    r = x - y
                    d = where_less(r, -1.0, -1.0, where_less(1.0, r, 1.0, r))
                    total = total + d * (r - 0.5 * d)
                else:
                    r, level = x - y, loss.levels[o]
                    below, above = z.data.dtype.type(-level), z.data.dtype.type(1.0 - level)
                    d = where_less(r, 0.0, below, where_less(0.0, r, above, 0.0 * r))
                    total = total + d * r
                store(delta.data, here, w * d * slope)
        store(scores.loss, n, w * total)


@kernel
def softmax_cross_entropy(delta, z, t, w, O, t_at):
    """Return -sum_o t log softmax(z) of the first V samples, and set their delta = w (softmax(z) sum_o t - t).

    Subtracting the maximum from z keeps the exponentials finite. t_at : where the targets of the first output begin in t.
    """
    B = z.row
    largest = load(z.data, z.at)
    for o in range(1, O):
        x = load(z.data, z.at + o * B)
        largest = where_less(largest, x, x, largest)
    zero = z.data.dtype.type(0)
    total, mass, matched = splat(zero), splat(zero), splat(zero)
    for o in range(O):
        x, y = load(z.data, z.at + o * B) - largest, load(t, t_at + o * B)
        e = vector_math.exp(x)
        total, mass, matched = total + e, mass + y, matched + x * y
        store(delta.data, delta.at + o * B, e)
    share = mass / total
    for o in range(O):
        here = delta.at + o * B
        store(delta.data, here, w * (load(delta.data, here) * share - load(t, t_at + o * B)))
    return mass * vector_math.log(total) - matched


@kernel
def mark_hits(code, z, t, scores, O, first, last):
    """Set scores.hit to a sample's weight if its outputs predict the class of its targets, else to 0.

    With SOFTMAX_CROSS_ENTROPY, the largest output must be that of the largest target. With other losses, every output must exceed 0
    exactly if its target exceeds 1/2.
    """
    V, B = width(z.data), z.columns
    one, zero = z.data.dtype.type(1), z.data.dtype.type(0)
    for n in range(first, last, V):
        apart = splat(zero)
        if code == SOFTMAX_CROSS_ENTROPY:
            z_best, t_best = load(z.data, z.at + n), load(t, n)
            z_index, t_index = splat(zero), splat(zero)
            for o in range(1, O):
                x, y = load(z.data, z.at + o * B + n), load(t, o * B + n)
                z_index, z_best = where_less(z_best, x, z.data.dtype.type(o), z_index), where_less(z_best, x, x, z_best)
                t_index, t_best = where_less(t_best, y, z.data.dtype.type(o), t_index), where_less(t_best, y, y, t_best)
            apart = (z_index - t_index) * (z_index - t_index)
        else:
            for o in range(O):
                predicted = where_less(0.0, load(z.data, z.at + o * B + n), one, splat(zero))
                wanted = where_less(0.5, load(t, o * B + n), one, splat(zero))
                apart = apart + (predicted - wanted) * (predicted - wanted)
        store(scores.hit, n, where_less(apart, 0.5, load(scores.weight, n), splat(zero)))
