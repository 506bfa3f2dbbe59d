"""Threads for compiled calls: how many, and a team of them that listens for Ctrl-C."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from .arguments import check_size

POLL_SECONDS = 0.05

# Of a batch's forward pass (`cost.forward_operations`): with so many for each thread, another one pays for its barriers.
OPERATIONS_A_THREAD = 2_000_000


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
