"""Divide the inputs of the first layer into two parts, each with a product of its own, so that two threads need not both read all inputs.

Each of two threads gathers half of every sample, multiplies it by its half of W, and later updates the same rows of W. Each thread
therefore gathers half as much, and no row of W moves between cores. The price is an addition of the two products. A single thread computes
and adds two products as well, so that the bits do not depend on the number of threads. If there are more than two threads, several share
a part by units, as they share other layers.
"""

from __future__ import annotations

from .jit import kernel, plain
from .products import KC

PARTS = 2


@plain
def first_part(layer, inputs):
    """Return the number of a layer's inputs in the first part.

    Only layer 0 is divided, and only if its inputs exceed one pass of a product; otherwise the first part has all inputs.
    """
    half = (inputs + 1) // 2
    left = half % KC
    if layer > 0 or inputs <= KC:
        return inputs
    return half - left if left <= inputs // 32 else half  # a pass over a few inputs costs more than parts of unequal size


@kernel
def parts_of(layer, inputs):
    """Return the number of parts into which a layer's inputs are divided."""
    return 1 if first_part(layer, inputs) == inputs else PARTS


@kernel
def inputs_of(part, layer, inputs):
    """Return the inputs [first, last) of a part."""
    cut = first_part(layer, inputs)
    return (0, cut) if part == 0 else (cut, inputs)


@kernel
def share_of_part(n, unit, part, parts, team):
    """Return this thread's share of [0, n) in one of several parts, as `share` does. The first threads work on the first part."""
    units = (n + unit - 1) // unit
    begin = min(max(parts * team.thread - part * team.threads, 0), team.threads)
    end = min(max(parts * (team.thread + 1) - part * team.threads, 0), team.threads)
    first, last = units * begin // team.threads * unit, units * end // team.threads * unit
    return min(first, n), min(last, n)


@kernel
def parts_needed(inputs, team):
    """Return the parts [first, last) of layer 0 in which this thread has a share."""
    parts = parts_of(0, inputs)
    return parts * team.thread // team.threads, (parts * (team.thread + 1) + team.threads - 1) // team.threads


@kernel
def needed(inputs, team):
    """Return the inputs [first, last) of the parts in which this thread has a share."""
    first, last = parts_needed(inputs, team)
    return inputs_of(first, 0, inputs)[0], inputs_of(last - 1, 0, inputs)[1]
