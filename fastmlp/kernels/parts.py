"""The inputs of the first layer in two parts, each a product of its own: two threads need not both gather and read all of them.

A thread of two gathers half of every sample, multiplies it with its half of W, and later updates those very rows: half the gathering, and
no row of W is ever another core's. The price is one addition of the two products, by one thread as well, so that all give the same bits.
Of more threads, several share a part as the units of other layers are shared.
"""

from __future__ import annotations

from .jit import kernel, plain
from .products import KC

PARTS = 2


@plain
def first_part(layer, inputs):
    """How many of a layer's inputs are in the first part. All, but in layer 0, unless one pass of a product takes them there."""
    half = (inputs + 1) // 2
    left = half % KC
    if layer > 0 or inputs <= KC:
        return inputs
    return half - left if left <= inputs // 32 else half  # a pass over a few inputs alone costs more than parts that differ by as many


@kernel
def parts_of(layer, inputs):
    """How many parts a layer's inputs have."""
    return 1 if first_part(layer, inputs) == inputs else PARTS


@kernel
def inputs_of(part, layer, inputs):
    """The inputs [first, last) of a part."""
    cut = first_part(layer, inputs)
    return (0, cut) if part == 0 else (cut, inputs)


@kernel
def share_of_part(n, unit, part, parts, team):
    """As `share`, of [0, n) in one of several parts, which follow one another: the first threads have the first part."""
    units = (n + unit - 1) // unit
    begin = min(max(parts * team.thread - part * team.threads, 0), team.threads)
    end = min(max(parts * (team.thread + 1) - part * team.threads, 0), team.threads)
    first, last = units * begin // team.threads * unit, units * end // team.threads * unit
    return min(first, n), min(last, n)


@kernel
def parts_needed(inputs, team):
    """The parts [first, last) of layer 0 in which a thread has a share."""
    parts = parts_of(0, inputs)
    return parts * team.thread // team.threads, (parts * (team.thread + 1) + team.threads - 1) // team.threads


@kernel
def needed(inputs, team):
    """The inputs [first, last) of those parts."""
    first, last = parts_needed(inputs, team)
    return inputs_of(first, 0, inputs)[0], inputs_of(last - 1, 0, inputs)[1]
