"""Set up every run: it compiles from nothing, repeats the same random examples, and draws without a screen.

This file is imported before any test, hence before Numba reads its settings from the environment. Subprocesses (the command-line
tests, the workers of pytest-xdist) inherit the environment and with it the compile cache.

Whole folders are tested by as many workers as there are cores. If two workers needed the same kernels at once, both would compile them;
therefore everything is compiled before they start.
"""

import _thread
import atexit
import json
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from tests.children import run
from tests.sources import ROOT

if "FASTMLP_TEST_CACHE" not in os.environ:  # set it to a directory to keep compiled kernels between runs
    cache = tempfile.TemporaryDirectory(prefix="fastmlp-test-cache-", ignore_cleanup_errors=True)
    atexit.register(cache.cleanup)
    os.environ["FASTMLP_TEST_CACHE"] = cache.name
os.environ["NUMBA_CACHE_DIR"] = os.environ["FASTMLP_TEST_CACHE"]
# The installed command must run the modules of this tree too: an installed copy has another path and would be compiled again.
os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
os.environ["MPLBACKEND"] = "Agg"

# The first example of a test compiles, so examples have no deadline.
settings.register_profile("fastmlp", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("fastmlp")


def pytest_configure(config):
    """Turn warnings of Numba's compiler into errors; in pyproject.toml this would import Numba before the lines above."""
    config.addinivalue_line("filterwarnings", "error::numba.core.errors.NumbaWarning")


@pytest.fixture(params=["float32", "float64"])
def dtype(request):
    """Each floating-point type in turn."""
    return np.dtype(request.param).type


# The files that take longest, in descending order. They are started in this order, so that the workers end at about the same time.
LONG = ("functions", "output", "cli", "bench", "jit", "step", "warmup", "train_command", "train")


def pytest_collection_modifyitems(items):
    """Move the long files to the front."""
    place = {f"test_{name}": place for place, name in enumerate(LONG)}
    for name in place:
        if not Path(__file__).with_name(f"{name}.py").exists():
            raise pytest.UsageError(f"tests/conftest.py: LONG names {name}.py, and there is none")
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


def pytest_xdist_auto_num_workers(config):
    """Use no workers for single files, where they would only hide what is printed, and otherwise one per core, as pytest-xdist does."""
    return 0 if all((config.invocation_params.dir / argument.partition("::")[0]).is_file() for argument in config.args) else None


def pytest_sessionstart(session):
    """Compile everything before the workers start; keep the output of `fastmlp warmup`, and its cache, for its own tests."""
    config, option = session.config, session.config.option
    if hasattr(config, "workerinput") or not option.numprocesses or option.keyword or option.collectonly:
        return
    cache = Path(os.environ["FASTMLP_TEST_CACHE"])
    from_nothing = not cache.is_dir() or not any(cache.iterdir())
    config.get_terminal_writer().line("compiling everything: fastmlp warmup")
    finished = run(sys.executable, "-m", "fastmlp", "warmup")
    if from_nothing:
        kept = tempfile.TemporaryDirectory(prefix="fastmlp-test-warmed-", ignore_cleanup_errors=True)
        atexit.register(kept.cleanup)
        shutil.copytree(cache, f"{kept.name}/cache", dirs_exist_ok=True)
        Path(kept.name, "said.json").write_text(json.dumps([finished.returncode, finished.stdout, finished.stderr]), encoding="utf-8")
        os.environ["FASTMLP_TEST_WARMED"] = kept.name


@pytest.fixture(scope="session")
def golden():
    """Figures obtained by running the document's own arithmetic; `golden.json` states their origin."""
    return json.loads(Path(__file__).with_name("golden.json").read_text(encoding="utf-8"))


@pytest.fixture
def ctrl_c() -> Iterator[Callable[[], None]]:
    """Interrupt this process as Ctrl-C does, even if pytest was started with SIGINT ignored; for programs, see `children`."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield _thread.interrupt_main
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def every_kind():
    """A function that makes models with every activation, every initializer, dropout, and layers without bias."""
    from fastmlp import ELU, GELU, SELU, Dense, Dropout, LeakyReLU, Mish, ReLU, Sequential, Sigmoid, SiLU, Softplus, Tanh
    from fastmlp.model.initializers import INITIALIZERS

    def make(dtype=None, loss="softmax_cross_entropy"):
        layers = [Dropout(0.1)]
        for k, activation in enumerate([ReLU, Sigmoid, Tanh, LeakyReLU, ELU, SELU, GELU, SiLU, Softplus, Mish]):
            layers += [Dense(4, 4, bias=k % 3 > 0, initializer=list(INITIALIZERS)[k % len(INITIALIZERS)]), activation()]
        model = Sequential([*layers, Dropout(0.25), Dense(4, 3)], loss=loss, seed=3, dtype=dtype)
        for layer in model.dense_layers:
            if layer.bias:
                layer.b[:] = model.rng.normal(size=layer.n_outputs)
        return model

    return make
