"""Run each peer in a process of its own, which is limited to its number of threads and cores from the start.

The functions below `Worker` run in such a process. They return small and plain values; an exception of a peer becomes a `PeerError`.
"""

from __future__ import annotations

import importlib
import importlib.util
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from ...kernels.jit import told
from ..compilation import timed_region
from ..peak import peak_gflops
from .peers import PEERS, Peer
from .predictors import PREDICTORS, Predictor
from .results import Round
from .tasks import Task, initial_layers

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
SAMPLE_SECONDS = 0.05  # duration of the calls that are timed together


class PeerError(Exception):
    """A peer failed; the message is that of its exception."""


@contextmanager
def environment(threads: int) -> Iterator[None]:
    """Set the environment variables that libraries read when they are loaded, for the processes that start inside the with block."""
    settings = dict.fromkeys(THREAD_VARIABLES, str(threads)) | {"JAX_PLATFORMS": "cpu", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    if threads == 1:
        settings["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false".strip()
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class Worker:
    """A process for one peer, used as a context manager."""

    def __init__(self, threads: int) -> None:
        self.before_end: Callable[[], None] | None = None  # called in the process before it ends
        self.pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        with environment(threads):
            self.pid = self.call(settle, threads)  # starts the process

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call function(*arguments) in the process."""
        try:
            failed, value = self.pool.submit(guarded, function, *arguments).result()
        except BrokenProcessPool as error:
            raise PeerError("its process ended") from error
        if failed:
            raise PeerError(value)
        return value

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is not None:  # after Ctrl-C, do not wait until a long fit ends
            for child in multiprocessing.active_children():
                if child.pid == self.pid:
                    child.terminate()
        elif self.before_end:
            self.call(self.before_end)
        self.pool.shutdown(wait=True, cancel_futures=True)


def guarded(function: Callable[..., Any], *arguments: Any) -> tuple[bool, Any]:
    """Return (False, result) or (True, message), since another library's exception may not survive pickling."""
    try:
        return False, function(*arguments)
    except Exception as error:  # any exception of a peer is a result
        lines = str(error).strip().splitlines() or [""]
        return True, f"{type(error).__name__}: {lines[0][:200]}"


def settle(threads: int) -> int:
    """Use only the last `threads` cores, the same for every peer, because thread pools that follow no setting, such as JAX's, count them.

    The parent process handles Ctrl-C and writes all messages. Returns the number of this process.
    """
    told.set()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    return os.getpid()


present: dict[str, Any] = {}  # in a worker, the peer for which it works


def prepare_training(name: str, task: Task, threads: int) -> None:
    """Load the data, and compile everything that the training needs."""
    peer = PEERS[name](task, threads)
    peer.warm_up()
    check_threads(threads)
    peak_gflops(np.dtype(task.dtype).type)
    present["peer"] = peer


def check_threads(threads: int) -> None:
    """Raise an error if there are more BLAS or OpenMP threads than `threads`; threadpoolctl, if installed, counts them."""
    if importlib.util.find_spec("threadpoolctl") is None:
        return
    pools = importlib.import_module("threadpoolctl").threadpool_info()
    most = max((pool["num_threads"] for pool in pools), default=0)
    if most > threads:
        raise RuntimeError(f"{most} threads, expected at most {threads}")


def train(seed: int) -> Round:
    """Train a new model and test it."""
    peer: Peer = present["peer"]
    kind = np.dtype(peer.task.dtype).type
    before = peak_gflops(kind)
    with timed_region(f"training by {type(peer).__name__}"):
        seconds = peer.fit(seed, peer.task.epochs)
    peak = max(before, peak_gflops(kind))
    accuracy = float(np.mean(peer.predict(peer.data.X_test) == peer.data.y_test))
    return Round(seconds / peer.task.epochs, accuracy, peak)


def prepare_prediction(name: str, sizes: list[int], rows: int, threads: int) -> None:
    """Make the predictor, let it predict once, and compare the result with NumPy's."""
    layers = initial_layers(sizes, seed=0)
    X = np.random.default_rng(0).standard_normal((rows, sizes[0]), np.float32)
    predict: Predictor = PREDICTORS[name][1](layers, threads)
    same = np.mean(predict(X) == PREDICTORS["NumPy"][1](layers, threads)(X))
    if same < 1 - 1e-3:  # rounding may decide where two classes are equally probable
        raise RuntimeError(f"only {same:.1%} of the predictions agree with NumPy's")
    check_threads(threads)
    present["predict"] = predict, X


def predict(samples: int) -> Round:
    """Return the median time of a prediction."""
    function, X = present["predict"]
    before = peak_gflops(np.float32)
    with timed_region("prediction"):
        seconds = seconds_of_a_call(function, X, samples=samples)
    return Round(seconds, None, max(before, peak_gflops(np.float32)))


def seconds_of_a_call(function: Callable[..., Any], *arguments: Any, samples: int) -> float:
    """Return the median over the samples, each of which takes the mean of the calls that fit into SAMPLE_SECONDS."""
    start = perf_counter()
    function(*arguments)
    count = max(1, round(SAMPLE_SECONDS / (perf_counter() - start)))
    seconds = []
    for _ in range(samples):
        start = perf_counter()
        for _ in range(count):
            function(*arguments)
        seconds.append((perf_counter() - start) / count)
    return median(seconds)
