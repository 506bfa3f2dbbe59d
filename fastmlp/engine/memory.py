"""Allocate the memory that compiled calls work on: aligned arrays and scratch."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kernels.access import GUARD
from ..kernels.losses import Scores
from ..kernels.network import Network, Workspace
from ..kernels.parts import PARTS
from ..kernels.products import has_long_rows, scratch_size
from ..kernels.tile import MR
from ..kernels.vectors import lanes, vector_bytes
from ..kernels.zeros import list_step

CACHE_LINE = 64  # bytes
TOGETHER = 256  # samples: enough that W is read rarely, and so few that their activations stay in the second-level cache


def aligned(values: np.ndarray) -> np.ndarray:
    """Return a copy of `values` in memory from `empty`, since kernels also read whole vectors past the end of a matrix."""
    out = empty(values.size, values.dtype)
    out[:] = values
    return out


def empty(size: int, dtype: Any) -> np.ndarray:
    """Return an array of zeros that begins at a cache line and is followed by at least GUARD elements of its memory."""
    memory = np.zeros(size + GUARD + CACHE_LINE // np.dtype(dtype).itemsize, dtype)
    skip = -memory.ctypes.data % CACHE_LINE // memory.itemsize
    return memory[skip : skip + size]


def samples_at_once(batch_size: int) -> int:
    """Return how many samples of a batch go through the network together; large batches are divided into nearly equal parts."""
    return -(-batch_size // max(1, batch_size // TOGETHER))


def workspace(net: Network, samples: int, threads: int, dtype: Any, training: bool = True) -> Workspace:
    """Return scratch memory for `samples` samples at a time. Without `training`, arrays that prediction does not use are empty."""
    V = lanes(dtype)
    B = -(-samples // V) * V
    inputs, outputs = int(net.sizes[0]), int(net.sizes[-1])
    ends = np.cumsum(net.sizes)
    at = np.tile(ends - net.sizes, (threads, 1))
    at[1:, 0] = ends[-1] + inputs * np.arange(threads - 1)
    widths = -(-net.sizes[1:] // V) * V
    row_ends = np.cumsum(widths)
    widest, itemsize = int(net.sizes.max()), np.dtype(dtype).itemsize
    return Workspace(
        x=empty(int(ends[-1] + inputs * (threads - 1)) * B, dtype),
        delta=empty(training * int(ends[-1] + inputs * (threads - 1)) * B, dtype),
        rows=empty(training * int(row_ends[-1]) * B, dtype),
        at=at,
        rows_at=row_ends - widths,
        every=np.arange(max(int(net.sizes.max()), B) + vector_bytes()),
        active=np.zeros((threads, PARTS, inputs + 1), np.int64),
        found=np.zeros((threads, 4 * PARTS), np.int64),
        bits=np.zeros((threads, PARTS, -(-B // 64), inputs), np.uint64),
        used=np.zeros((training * PARTS, -(-inputs // MR) * list_step.py_func(B) + 1), np.int64),
        used_counts=np.zeros((training * PARTS, -(-inputs // MR)), np.int64),
        scratch=empty(threads * scratch_size(widest, B, itemsize) if has_long_rows(widest, itemsize) else 0, dtype),
        targets=empty(training * outputs * B, dtype),
        scores=Scores(*(empty(training * B, dtype) for _ in Scores._fields)),
        shared=np.zeros(2),
    )
