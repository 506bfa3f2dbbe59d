"""What compiled calls are given: aligned memory, scratch, and threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from .interface import check_size
from .kernels.backprop import Network, Workspace, panel_size
from .kernels.layout import list_step
from .kernels.matmul import PACKED_FROM
from .kernels.simd import lanes, vector_bytes
from .kernels.tile import MR

POLL_SECONDS = 0.05
# Multiply-adds of a batch from which a second thread pays for its barriers.
OPERATIONS_A_THREAD = 1_000_000


def aligned(values: np.ndarray) -> np.ndarray:
    """A copy as `empty` makes it: kernels read whole vectors, or 64 elements, past the end of a matrix too."""
    out = empty(values.size, values.dtype)
    out[:] = values
    return out


def empty(size: int, dtype: Any) -> np.ndarray:
    """Zeros, whose memory begins at a cache line and goes on for 64 elements beyond."""
    memory = np.zeros(size + 64 + 64 // np.dtype(dtype).itemsize, dtype)
    skip = -memory.ctypes.data % 64 // memory.itemsize
    return memory[skip : skip + size]


def workspace(net: Network, batch_size: int, threads: int, dtype: Any) -> Workspace:
    """Scratch for batches of at most that size."""
    V = lanes(dtype)
    B = -(-batch_size // V) * V
    inputs, outputs = int(net.sizes[0]), int(net.sizes[-1])
    ends = np.cumsum(net.sizes)
    at = np.tile(ends - net.sizes, (threads, 1))
    at[1:, 0] = ends[-1] + inputs * np.arange(threads - 1)
    widths = (-(-net.sizes[1:] // V) | 1) * V  # as `row_stride`
    row_ends = np.cumsum(widths)
    return Workspace(
        x=empty(int(ends[-1] + inputs * (threads - 1)) * B, dtype),
        delta=empty(int(ends[-1] + inputs * (threads - 1)) * B, dtype),
        rows=empty(int(row_ends[-1]) * B, dtype),
        at=at,
        rows_at=row_ends - widths,
        every=np.arange(max(int(net.sizes.max()), B) + vector_bytes()),
        active=np.zeros((threads, inputs + 1), np.int64),
        found=np.zeros((threads, 8), np.int64),
        bits=np.zeros((threads, -(-B // 64), inputs), np.uint64),
        used=np.zeros(-(-inputs // MR) * list_step.py_func(B), np.int64),
        used_counts=np.zeros(-(-inputs // MR), np.int64),
        panels=empty(threads * panel_size.py_func(B) if net.sizes.max() >= PACKED_FROM else 0, dtype),
        targets=empty(outputs * B, dtype),
        loss=empty(B, dtype),
        hit=empty(B, dtype),
        weight=empty(B, dtype),
        shared=np.zeros(2),
    )


def operations(net: Network) -> int:
    """Multiply-adds of one sample's forward pass."""
    return int((net.sizes[:-1] * net.sizes[1:]).sum())


def cpu_count() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_threads(n_threads: int | None, work: int) -> int:
    """`n_threads`, checked; or as many as have OPERATIONS_A_THREAD each."""
    if n_threads is not None:
        return check_size("n_threads", n_threads, 1)
    return max(1, min(cpu_count(), work // OPERATIONS_A_THREAD))


def as_team(threads: int, work: Callable[[int], Any], stop: np.ndarray) -> list[Any]:
    """work(0), ..., work(threads - 1), each in a thread of its own, while this one listens for Ctrl-C; then `stop` is set and awaited.

    Another thread starts them: were this one interrupted between two starts, the first would wait for the second for ever.
    """

    def lead() -> list[Any]:
        if threads == 1:
            return [work(0)]
        with ThreadPoolExecutor(threads) as team:
            return list(team.map(work, range(threads)))

    with ThreadPoolExecutor(1) as leader:
        try:
            outcome = leader.submit(lead)
            while wait([outcome], POLL_SECONDS).not_done:
                pass
        except BaseException:
            stop[0] = 1
            raise
    return outcome.result()
