"""What a saved run of the benchmarks contains besides its times."""

import json
import os
import sys

import pytest

from tests.children import run

pytestmark = pytest.mark.any_cpu


@pytest.mark.slow
def test_a_saved_run_tells_the_phases_of_each_training(tmp_path):
    saved = tmp_path / "saved.json"
    options = ["-k", "iris", "--benchmark-max-time=0.01", f"--benchmark-json={saved}", "-p", "no:cacheprovider", "-q"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}  # a worker saves nothing
    done = run(sys.executable, "-m", "pytest", "benchmarks/test_training.py", *options, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    of_each = {each["params"]["who"]: each["extra_info"] for each in json.loads(saved.read_text())["benchmarks"]}
    assert set(of_each) == {"NumPy", "fastmlp"}
    assert "phases" not in of_each["NumPy"]
    phases = of_each["fastmlp"]["phases"]
    assert set(phases) >= {"gather", "product 1", "activation 1", "product 2", "loss 2", "delta 1", "update 1", "update 2", "optimizer 1"}
    assert sum(phase["share"] for phase in phases.values()) == pytest.approx(1)
    assert all(phase["seconds"] > 0 for phase in phases.values())
