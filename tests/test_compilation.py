"""No time contains compilation: clocks are guarded, and whatever is timed has been called before at the same size."""

import importlib.util
import json
import os
import sys

import numba
import pytest

from fastmlp.measure import timing
from fastmlp.measure.comparison import first_calls
from fastmlp.measure.compilation import CompiledWhileTiming, compilations, first_call, timed_region
from fastmlp.measure.gradients import GRADIENTS, TRAINING
from fastmlp.measure.ladder import LADDER, problem
from fastmlp.measure.timing import step_seconds
from tests.children import ROOT, run

pytestmark = pytest.mark.any_cpu

CACHED = """
import numba

@numba.njit(cache=True)
def twice(x):
    return 2 * x
"""


def test_a_clock_around_a_compilation_is_an_error_that_says_what_was_timed():
    @numba.njit
    def twice(x):
        return 2 * x

    with pytest.raises(CompiledWhileTiming, match=r"^two turns: its time contains the compilation of twice$"), timed_region("two turns"):
        twice(1.0)
    with timed_region("two turns") as seen:
        twice(1.0)
    assert (seen.compiled, seen.loaded) == ([], False)
    with pytest.raises(CompiledWhileTiming), timed_region("another type"):
        twice(1)


def test_loading_from_the_cache_counts_too(tmp_path, monkeypatch):
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    (tmp_path / "cached.py").write_text(CACHED)

    def loaded():
        spec = importlib.util.spec_from_file_location("cached", tmp_path / "cached.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.twice

    assert first_call("twice", lambda: loaded()(1.0)).compiled
    again = loaded()
    with pytest.raises(CompiledWhileTiming, match="a turn: its time contains the loading"), timed_region("a turn"):
        again(1.0)
    assert not first_call("twice", lambda: loaded()(1.0)).compiled


def test_an_error_in_a_timed_region_is_not_hidden():
    def fail():
        numba.njit(lambda x: x + 1)(1.0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), timed_region("nothing"):
        fail()


def test_a_first_call_tells_whether_it_compiled():
    twice = numba.njit(lambda x: 2 * x)
    assert first_call("twice", lambda: twice(1.0)).compiled
    assert not first_call("twice", lambda: twice(1.0)).compiled
    assert list(first_calls()) == [*(f"train, {name}" for name in TRAINING), "train, fused, 4096 of MNIST", *GRADIENTS]


class Clock:
    """A clock that only the trainings advance: each run by its cost, the first run by a surcharge as well."""

    def __init__(self, monkeypatch):
        self.now, self.runs = 0.0, []
        monkeypatch.setattr(timing.time, "perf_counter", lambda: self.now)

    def training(self, name, cost):
        def train(X, y, w1, w2, epochs, learning_rate, record_every):
            surcharge = 0 if name in self.runs else cost
            self.now += epochs * cost + surcharge
            self.runs.append(name)

        return train

    def compiling_training(self, name, cost):
        """Make a training that uses other compiled code for many samples; compiling takes ten seconds of this clock."""
        few, many = numba.njit(lambda x: x), numba.njit(lambda x: x + 1)

        def train(X, y, w1, w2, epochs, learning_rate, record_every):
            with compilations() as seen:
                (many if len(X) > 10 else few)(1.0)
            self.now += epochs * cost + 10.0 * bool(seen.compiled)
            self.runs.append(name)

        return train


def test_competitors_take_turns_and_their_median_counts(monkeypatch):
    clock = Clock(monkeypatch)
    costs = {("quick", "compiled"): 1e-6, ("slow", "NumPy"): 3e-3, ("endless", "NumPy"): 7.0}
    times = step_seconds({who: clock.training(who, cost) for who, cost in costs.items()}, problem(LADDER["XOR"]), budget=1.0)
    quick, slow, endless = costs
    assert times.seconds == pytest.approx({quick: 1e-6, slow: 3e-3, endless: 14.0})
    assert times.compiled_while_timing is False
    assert clock.runs.count(endless) == 1
    assert clock.runs[:3] == [quick, slow, endless]  # once each, before anything counts
    calibration = [quick] * 8 + [slow] * 2  # with 1, 4, ... 16,384 steps, and with 1 and 4
    assert clock.runs[3:13] == calibration
    turns = clock.runs[13:]
    assert turns == [quick, slow] * (len(turns) // 2)
    assert 25 <= len(turns) // 2 <= 50  # a round takes 0.02 to 0.04 s
    assert clock.now < 14.0 + 1.2


def test_a_short_budget_still_gives_three_rounds(monkeypatch):
    clock = Clock(monkeypatch)
    step_seconds({("quick", "NumPy"): clock.training("quick", 1e-3)}, problem(LADDER["XOR"]), budget=0.01)
    assert clock.runs.count("quick") >= 4


def test_each_size_is_called_once_before_its_time_is_taken(monkeypatch):
    clock = Clock(monkeypatch)
    trainings = {("fused", "compiled"): clock.compiling_training("fused", 1e-3)}
    for name in ("XOR", "digits"):  # what is warm at XOR's size is not warm at that of digits
        times = step_seconds(trainings, problem(LADDER[name]), budget=0.1)
        assert times.seconds == pytest.approx({("fused", "compiled"): 1e-3})
        assert times.compiled_while_timing is False
    assert clock.now > 20.0


def test_what_compiles_in_every_run_cannot_be_timed():
    def train(X, *rest):
        numba.njit(lambda x: x)(1.0)

    with pytest.raises(CompiledWhileTiming, match=r"^compiled fused, 4 x 2 x 3 x 1: its time contains"):
        step_seconds({("fused", "compiled"): train}, problem(LADDER["XOR"]), budget=0.1)


BENCHMARKS = """
import numba

def test_compiled_before(benchmark):
    twice = numba.njit(lambda x: 2 * x)
    twice(1.0)
    benchmark(twice, 1.0)

def test_compiled_in_a_round(benchmark):
    benchmark(numba.njit(lambda x: 2 * x), 1.0)

def test_compiled_in_a_pedantic_round(benchmark):
    benchmark.pedantic(numba.njit(lambda x: 2 * x), (1.0,), rounds=3)
"""


def test_a_benchmark_whose_rounds_compile_is_an_error(tmp_path):
    (tmp_path / "conftest.py").write_text((ROOT / "benchmarks" / "conftest.py").read_text())
    (tmp_path / "test_rounds.py").write_text(BENCHMARKS)
    options = ("--benchmark-max-time=0.001", "--benchmark-min-rounds=1", "-q", "-p", "no:cacheprovider")
    finished = run(sys.executable, "-m", "pytest", *options, tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, cwd=tmp_path)
    assert finished.returncode == 1
    assert "2 failed, 1 passed" in finished.stdout
    for name in ("test_compiled_in_a_round", "test_compiled_in_a_pedantic_round"):
        assert f"CompiledWhileTiming: {name}: its time contains the compilation" in finished.stdout


@pytest.mark.slow
@pytest.mark.parametrize("cpu", ["", "generic"])
def test_the_first_command_on_a_fresh_machine_times_no_compilation(tmp_path, cpu):
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")} | ({"NUMBA_CPU_NAME": cpu} if cpu else {})
    finished = run(sys.executable, "-m", "fastmlp", "compare", "--json", tmp_path / "figures.json", env=environment)
    assert (finished.returncode, finished.stderr) == (0, "")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert [rung["compiled_while_timing"] for rung in figures["ladder"]] == [False] * len(LADDER)
    compiled = {call["function"]: call["compiled"] for call in figures["first_calls"]}
    assert compiled["train, fused"] is compiled["train, fused, 4096 of MNIST"] is True
    for rung in figures["ladder"]:
        assert all(float(reason.split()[-2]) >= 1.0 for reason in rung["not_measured"].values())
