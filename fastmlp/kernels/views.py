"""Named views of memory, which kernels take in place of an array and several numbers that locate data in it.

Views are built inside compiled code, which takes them apart again at no cost. (To pass a named tuple from Python costs a microsecond. The
type of an anonymous tuple includes the values of its constants, so code would be compiled again for each of them.)
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
    """The numbers items[first:last], in ascending order."""

    items: np.ndarray
    first: int
    last: int


@kernel(inline="always")
def lane_values(block, r):
    """Return row r of a block as an array.

    LLVM vectorises a loop over the array, but not one over computed indices, since these might be negative.
    """
    return block.data[block.at + r * block.row :][: block.columns]


@kernel(inline="always")
def transposed(block):
    """Return a block with rows and columns exchanged; its number of columns is unknown and set to 0."""
    return Block(block.data, block.at, block.step, block.row, 0)


@kernel(inline="always")
def from_row(block, r):
    """Return the part of a block that begins with row r."""
    return Block(block.data, block.at + r * block.row, block.row, block.step, block.columns)


@kernel(inline="always")
def from_column(block, k):
    """Return the part of a block that begins with column k."""
    return Block(block.data, block.at + k * block.step, block.row, block.step, block.columns - k)
