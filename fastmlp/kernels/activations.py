"""Activation functions over whole arrays, a vector at a time."""

from __future__ import annotations

from . import vecmath
from ._jit import kernel
from .simd import first_lane, load, load_first, splat, store, store_first, width


@kernel
def sigmoid_into(out, x):
    """out = 1 / (1 + exp(-x)). out, x : C-contiguous, same size and dtype; out may be x."""
    V = width(x)
    whole = x.size - x.size % V
    for n in range(0, whole, V):
        store(out, n, vecmath.sigmoid(load(x, n)))
    if whole < x.size:
        store_first(out, whole, vecmath.sigmoid(load_first(x, whole, x.size - whole)), x.size - whole)


@kernel
def sigmoid_slope_into(out, s):
    """out = s (1 - s), the sigmoid's derivative from its output. out, s : C-contiguous, same size and dtype; out may be s."""
    V = width(s)
    whole = s.size - s.size % V
    for n in range(0, whole, V):
        value = load(s, n)
        store(out, n, value * (1.0 - value))
    if whole < s.size:
        value = load_first(s, whole, s.size - whole)
        store_first(out, whole, value * (1.0 - value), s.size - whole)


@kernel
def sigmoid_of(x):
    """1 / (1 + exp(-x)) of one number, to the bit what `sigmoid_into` gives. x : float; an integer counts as float64."""
    return first_lane(vecmath.sigmoid(splat(x / 1)))


@kernel
def sigmoid_slope_of(s):
    """s (1 - s) of one number. s : float; an integer counts as float64."""
    return first_lane(splat(s / 1) * (1.0 - splat(s / 1)))
