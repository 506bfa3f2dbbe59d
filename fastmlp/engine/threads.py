"""Choose the number of threads for a compiled call, and run a team of threads that Ctrl-C can end."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import Any

import numpy as np

from ..kernels.barrier import ABANDONED, STOPPED
from .arguments import check_size

POLL_SECONDS = 0.05

# Operations of a batch's forward pass (`cost.forward_operations`) for each thread; with fewer, barriers cost more than a thread saves.
OPERATIONS_A_THREAD = 2_000_000


def cpu_count() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def choose_threads(n_threads: int | None, work: int) -> int:
    """Return `n_threads`, checked, or if it is None, as many threads as have OPERATIONS_A_THREAD operations each."""
    if n_threads is not None:
        return check_size("n_threads", n_threads, 1)
    return max(1, min(cpu_count(), work // OPERATIONS_A_THREAD))


def as_team(threads: int, work: Callable[[int], Any], stop: np.ndarray) -> list[Any]:
    """Run work(0), ..., work(threads - 1), each in a thread of its own, and return their results.

    This thread waits meanwhile, so that Ctrl-C can interrupt it; it then sets `stop` and waits until the others have ended. If a thread
    cannot be started, or fails, the others are released from their barriers before the error is raised.
    """
    outcomes: list[Future[Any]] = [Future() for _ in range(threads)]

    def member(place: int) -> None:
        try:
            outcomes[place].set_result(work(place))
        except BaseException as error:
            stop[0] = ABANDONED
            outcomes[place].set_exception(error)

    team = [Thread(target=member, args=(place,), daemon=True) for place in range(threads)]
    try:
        for place, thread in enumerate(team):
            try:
                thread.start()
            except RuntimeError as error:
                raise RuntimeError(f"n_threads: expected {threads} threads, but the system started only {place}: {error}") from error
        while wait(outcomes, POLL_SECONDS).not_done:
            pass
    except BaseException:
        whole = all(thread.ident is not None for thread in team)
        stop[0] = STOPPED if whole else ABANDONED
        for thread in team:
            if thread.ident is not None:
                thread.join()
        raise
    return [outcome.result() for outcome in outcomes]
