"""Compile everything ahead of time into the cache on disk, by calling the public functions once in each dtype.

Numba holds Python's lock while it compiles, so threads would not help: the work is spread over processes, which share the cache.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import active_children, get_context

import numpy as np

from .. import two_layer
from ..datasets import load_xor
from ..engine.threads import cpu_count
from ..kernels.jit import told
from ..kernels.vectors import lanes
from ..model.layers import Dense, ReLU
from ..model.sequential import Sequential
from .compilation import FirstCall, first_call
from .peak import peak_gflops

PROCESSES = 4  # the number of long pieces of work


def train_and_predict(dtype: str) -> None:
    """Compile `Sequential`: one compiled version serves every form of inputs and targets."""
    X, y = np.eye(4, dtype=dtype), np.array([0, 1, 1, 0])
    model = Sequential([Dense(4, 3), ReLU(), Dense(3, 2)], "softmax_cross_entropy", dtype=dtype)
    model.fit(X, y, epochs=1, progress=False)
    model.evaluate(X, y)
    model.predict(X)
    model.predict_proba(X)


def document_functions(dtype: str) -> None:
    """Compile the functions of the document's network, and the training loop that uses them."""
    X, y = (array.astype(dtype) for array in load_xor())
    w1, w2 = (w.astype(dtype) for w in two_layer.initialize_weights(2, 3, 1))
    two_layer.sigmoid_(two_layer.sigmoid(two_layer.dense(X, w1)))
    act_hidden, y_hat = two_layer.forward_pass(X, w1, w2)
    two_layer.mse(y_hat, y)
    for gradient in (two_layer.backward, two_layer.backward_faster, two_layer.backward_pass):
        gradient(X, y, y_hat, act_hidden, w2)
    two_layer.train(X, y, epochs=1, gradient="backward")


def fused_training(dtype: str, samples: int, width: int) -> None:
    """Compile one of the ways of `fused` through an epoch: the one for these numbers of samples and of inputs and hidden units."""
    two_layer.train(np.zeros((samples, width), dtype), np.zeros((samples, 1), dtype), hidden_size=width, epochs=1, gradient="fused")


def peak(dtype: str) -> None:
    """Compile the measurement of the processor's peak."""
    peak_gflops(np.dtype(dtype).type, repeats=1)


def sizes_of_ways(dtype: str) -> dict[str, tuple[int, int]]:
    """Return the samples and width for which `fused` takes each of its ways, in descending order of compile time."""
    return {"tiles": (128, 32), "products": (2, 32), "vectors": (32, 2), "a vector": (lanes(dtype), 2), "XOR": (4, 2)}


# name -> call; the long ones come first, so that the processes end at about the same time
WORK: dict[str, Callable[[], None]] = {
    "Sequential float32": partial(train_and_predict, "float32"),
    "Sequential float64": partial(train_and_predict, "float64"),
    "document's functions float64": partial(document_functions, "float64"),
    "document's functions float32": partial(document_functions, "float32"),
    **{
        f"fused, {way} {dtype}": partial(fused_training, dtype, *sizes)
        for dtype in ("float64", "float32")
        for way, sizes in sizes_of_ways(dtype).items()
    },
    "peak float32": partial(peak, "float32"),
    "peak float64": partial(peak, "float64"),
}
QUICK = ("Sequential float32", "fused, XOR float64", "peak float32")


def compile_first(name: str) -> FirstCall:
    """Do the work of that name, and record whether anything was compiled for it."""
    return first_call(name, WORK[name])


def compile_all(names: Iterable[str]) -> Iterator[FirstCall]:
    """Do the work of those names in several processes; yield each result as soon as it is done."""
    others = set(active_children())
    with ProcessPoolExecutor(min(cpu_count(), PROCESSES), get_context("spawn"), _prepare_process) as pool:
        try:
            for done in as_completed([pool.submit(compile_first, name) for name in names]):
                yield done.result()
        except BaseException:  # includes Ctrl-C, whose signal need not have reached the other processes
            for process in set(active_children()) - others:
                process.terminate()
            raise


def _prepare_process() -> None:
    """Leave all messages to the parent process, and let Ctrl-C end this one at once."""
    told.set()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
