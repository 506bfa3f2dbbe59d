"""Named views of memory: what kernels take instead of an array and the numbers that say where in it to look.

They are built inside compiled code, which takes them apart again at no cost. (Crossing from Python a named tuple costs a microsecond; an
anonymous tuple keeps the values of its constants in its type, and is compiled anew for each.)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .jit import kernel


class Block(NamedTuple):
    """A matrix inside a flat array: element [r, k] is data[at + r * row + k * step]."""

    data: np.ndarray
    at: int
    row: int
    step: int
    columns: int


class Span(NamedTuple):
    """The numbers items[first:last], ascending."""

    items: np.ndarray
    first: int
    last: int


@kernel(inline="always")
def lane_values(block, r):
    """Row r of a block as an array: LLVM makes vectors of a loop over it, but not of one over places, which might be negative."""
    return block.data[block.at + r * block.row :][: block.columns]


@kernel(inline="always")
def transposed(block):
    """A block with rows and columns exchanged; how many columns that makes is not known (0)."""
    return Block(block.data, block.at, block.step, block.row, 0)


@kernel(inline="always")
def from_row(block, r):
    """What is left of a block from its row r on."""
    return Block(block.data, block.at + r * block.row, block.row, block.step, block.columns)


@kernel(inline="always")
def from_column(block, k):
    """What is left of a block from its column k on."""
    return Block(block.data, block.at + k * block.step, block.row, block.step, block.columns - k)
