"""After `fastmlp warmup`, nothing is left to compile."""

import json
import os
import sys
from multiprocessing import active_children
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from fastmlp.cli.commands import main
from fastmlp.kernels import epochs
from fastmlp.measure.warmup import QUICK, WORK, compile_all
from tests.children import python, run

pytestmark = pytest.mark.any_cpu

# Uses of the library, other than the calls of the warm-up, that must find all the code they need in the cache.
USES = """
import numpy as np
from fastmlp import Adam, Dense, Dropout, SGD, Sequential, Tanh
from fastmlp.measure.comparison import first_calls
from fastmlp.measure.compilation import first_call

def deep(dtype, inputs, targets):
    X, y = np.ones((70, 9), inputs), np.zeros(70, int)
    model = Sequential([Dropout(0.1), Dense(9, 33), Tanh(), Dropout(0.5), Dense(33, 7), Tanh(), Dense(7, 3)], targets, dtype=dtype)
    y = y if targets == "softmax_cross_entropy" else np.zeros((70, 3))
    for optimizer in (Adam(clip_norm=1.0), SGD(momentum=0.9)):
        model.fit(X, y, epochs=2, batch_size=32, optimizer=optimizer, validation_data=(X, y), n_threads=2, schedule="cosine")
    model.train_batch(X, y), model.predict(X[:1]), model.evaluate(X, y)

calls = [call() for call in first_calls().values()]
for dtype, inputs in (("float32", "float32"), ("float32", "uint8"), ("float64", "float64")):
    for targets in ("softmax_cross_entropy", "huber"):
        calls.append(first_call(f"{dtype} {inputs} {targets}", lambda: deep(dtype, inputs, targets)))
print([call.function for call in calls if call.compiled])
"""

WARM_UP = (sys.executable, "-m", "fastmlp", "warmup")  # runs the modules of this tree; an installed copy has another cache


@pytest.fixture(scope="module")
def warmed():
    """Output of the command, and an environment with its cache; when all tests run, this cache has what it compiled and nothing else."""
    folder = os.environ.get("FASTMLP_TEST_WARMED")  # set by conftest.py
    if folder is None:
        finished = run(*WARM_UP)
        said, cache = [finished.returncode, finished.stdout, finished.stderr], os.environ["NUMBA_CACHE_DIR"]
    else:
        said, cache = json.loads(Path(folder, "said.json").read_text(encoding="utf-8")), f"{folder}/cache"
    returncode, stdout, stderr = said
    assert (returncode, stderr) == (0, "")
    return stdout, os.environ | {"NUMBA_CACHE_DIR": cache}


def test_every_part_is_timed(warmed):
    for name in WORK:
        assert f"  {name}\n" in warmed[0]
    assert "in total" in warmed[0]


def test_a_second_run_compiles_nothing(warmed):
    again = run(*WARM_UP, env=warmed[1]).stdout
    assert again.count("from cache") == len(WORK)
    assert "compiled" not in again.lower()


def test_other_uses_find_everything_compiled(warmed):
    finished = python(USES, env=warmed[1])
    assert (finished.stdout, finished.stderr) == ("[]\n", "")


def test_quick_does_less(warmed):
    assert set(QUICK) < set(WORK)
    result = CliRunner().invoke(main, ["warmup", "--quick"])
    assert result.exit_code == 0
    assert sum(line.endswith(tuple(f"  {name}" for name in QUICK)) for line in result.stdout.splitlines()) == len(QUICK)


def test_giving_up_ends_the_processes(warmed):
    before = set(active_children())
    calls = compile_all(QUICK)
    assert next(calls).function in QUICK
    calls.close()
    assert set(active_children()) <= before


def test_without_a_place_for_the_cache_there_is_nothing_to_do(monkeypatch):
    monkeypatch.setattr(epochs, "train_epochs", SimpleNamespace(stats=SimpleNamespace(cache_path=None)))
    result = CliRunner().invoke(main, ["warmup"])
    assert result.exit_code == 2
    assert "NUMBA_CACHE_DIR" in result.stderr
