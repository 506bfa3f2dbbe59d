"""Long compiled calls that Ctrl-C can end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

import numpy as np

POLL_SECONDS = 0.1


def run_interruptibly(function: Callable[..., Any], stop: np.ndarray, *args: Any) -> None:
    """Call a kernel that holds no lock and polls `stop`, its last argument, so that Ctrl-C is heard at once.

    The kernel runs in a thread of its own while this one waits. After an interrupt the thread ends at the kernel's next poll; what it
    still writes belongs to nobody else.
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
