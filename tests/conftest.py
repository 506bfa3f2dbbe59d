"""Every run compiles from nothing, repeats the same random examples and draws without a screen.

This file is imported before any test, hence before Numba reads its settings from the environment. Subprocesses (the command-line
tests, the workers of pytest-xdist) inherit the environment and with it the compile cache.
"""

import _thread
import atexit
import json
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

if "FASTMLP_TEST_CACHE" not in os.environ:  # set it to a directory to keep compiled kernels from run to run
    cache = tempfile.TemporaryDirectory(prefix="fastmlp-test-cache-", ignore_cleanup_errors=True)
    atexit.register(cache.cleanup)
    os.environ["FASTMLP_TEST_CACHE"] = cache.name
os.environ["NUMBA_CACHE_DIR"] = os.environ["FASTMLP_TEST_CACHE"]
os.environ["MPLBACKEND"] = "Agg"

# The first example of a test compiles, so examples have no deadline.
settings.register_profile("fastmlp", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("fastmlp")


def pytest_configure(config):
    """Warnings of Numba's compiler are errors; named here because pyproject.toml would import Numba before the lines above."""
    config.addinivalue_line("filterwarnings", "error::numba.core.errors.NumbaWarning")


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    """Either type of floating-point numbers."""
    return np.dtype(request.param).type


@pytest.fixture(scope="session")
def golden():
    """Figures obtained by running the document's own arithmetic; `golden.json` says where they come from."""
    return json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Does to this process what Ctrl-C does, also where pytest was started with SIGINT ignored; for programs, see `children`."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield _thread.interrupt_main
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def every_kind():
    """A maker of models with every activation, every initializer, dropout and layers without bias."""
    from fastmlp import ELU, GELU, SELU, Dense, Dropout, LeakyReLU, ReLU, Sequential, Sigmoid, SiLU, Softplus, Tanh
    from fastmlp.model.initializers import INITIALIZERS

    def make(dtype=None, loss="softmax_cross_entropy"):
        layers = [Dropout(0.1)]
        for k, activation in enumerate([ReLU, Sigmoid, Tanh, LeakyReLU, ELU, SELU, GELU, SiLU, Softplus]):
            layers += [Dense(4, 4, bias=k % 3 > 0, initializer=list(INITIALIZERS)[k % len(INITIALIZERS)]), activation()]
        model = Sequential([*layers, Dropout(0.25), Dense(4, 3)], loss=loss, seed=3, dtype=dtype)
        for layer in model.dense_layers:
            if layer.bias:
                layer.b[:] = model.rng.normal(size=layer.n_outputs)
        return model

    return make
