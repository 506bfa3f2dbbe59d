"""Run long compiled calls so that Ctrl-C can end them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

import numpy as np

POLL_SECONDS = 0.1


def run_interruptibly(function: Callable[..., Any], stop: np.ndarray, *args: Any) -> None:
    """Call a kernel so that Ctrl-C takes effect at once. The kernel must release Python's lock and poll `stop`, its last argument.

    The kernel runs in a thread of its own while this thread waits. After an interrupt, the kernel's thread ends at the next poll. It may
    write to its arrays until then, so nothing else may use them.
    """
    outcome: Future[None] = Future()

    def work() -> None:
        try:
            outcome.set_result(function(*args, stop))
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        while not outcome.done():
            wait([outcome], POLL_SECONDS)
    except BaseException:
        stop[0] = 1
        raise
    outcome.result()
