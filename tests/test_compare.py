"""The conclusions of `fastmlp compare`: which gradients are correct, what is learnt, what is measured, the lines under the tables."""

import json
import math
import os
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import threadpoolctl

from fastmlp import reference
from fastmlp.cli import compare_tables as report
from fastmlp.cli.compare_sentences import explain
from fastmlp.measure import comparison, gradient_checks, machine, rungs
from fastmlp.measure.comparison import FULL, QUICK, TIME_LIMIT, Comparison
from fastmlp.measure.compilation import FirstCall
from fastmlp.measure.gradient_checks import CHECKED, Check, central_differences, check_gradients
from fastmlp.measure.gradients import AS_PUBLISHED, GRADIENTS, PUBLISHED, TRAINING
from fastmlp.measure.ladder import LADDER, problem
from fastmlp.measure.rungs import ALWAYS_MEASURED, COMPETITORS, Effort, Rung, measure_rung
from fastmlp.measure.timing import StepTimes
from fastmlp.measure.xor_training import learn_xor
from fastmlp.two_layer import network
from fastmlp.two_layer.fused import BY_PRODUCTS, BY_TILES, IN_HALF_VECTOR, IN_ONE_VECTOR, IN_VECTORS, LEAST_HALVED, way_through
from tests.children import python

pytestmark = pytest.mark.any_cpu


def comparison_of(checks):
    return Comparison({}, checks=checks)


def verdicts(checks):
    return {(check.gradient, check.way): check.correct for check in checks}


def test_every_gradient_is_right_but_the_published_one():
    checks = check_gradients()
    competitors = {(name, way) for name, ways in GRADIENTS.items() for way in ways} | {("fused", "compiled"), AS_PUBLISHED}
    assert verdicts(checks) == {who: who != AS_PUBLISHED for who in competitors}
    assert comparison_of(checks).passed
    for check in checks:
        if check.correct:
            assert check.distance_to_central_differences < 1e-8
            assert check.distance_to_others < 1e-12
        else:
            assert min(check.distance_to_central_differences, check.distance_to_others) > 0.5


def nearly(*arguments):
    """A gradient with a relative error of 1e-5."""
    dL_dw2, dL_dw1, error = network.backward_pass(*arguments)
    return dL_dw2, dL_dw1 * (1 + 1e-5), error


def not_a_number(*arguments):
    """A gradient that overflowed."""
    dL_dw2, dL_dw1, error = network.backward_pass(*arguments)
    return dL_dw2, dL_dw1 * math.nan, error


@pytest.mark.parametrize("wrong", [PUBLISHED, nearly, not_a_number])
def test_one_wrong_gradient_is_found_among_the_right_ones(monkeypatch, wrong):
    monkeypatch.setitem(GRADIENTS["backward_pass"], "compiled", wrong)
    checks = check_gradients()
    assert [who for who, correct in verdicts(checks).items() if not correct] == [("backward_pass", "compiled"), AS_PUBLISHED]
    assert not comparison_of(checks).passed
    assert "backward_pass (compiled)" in report.verdict(comparison_of(checks))
    text = json.dumps(comparison_of(checks).as_dict(), allow_nan=False)
    assert ("null" in text) == (wrong is not_a_number)


def test_a_wrong_fused_step_is_found(monkeypatch):
    right = TRAINING["fused"]["compiled"]
    monkeypatch.setitem(
        TRAINING["fused"], "compiled", lambda X, y, w1, w2, epochs, rate, every: right(X, y, w1, w2, epochs, 2 * rate, every)
    )
    checks = check_gradients()
    assert [who for who, correct in verdicts(checks).items() if not correct] == [("fused", "compiled"), AS_PUBLISHED]


def test_a_check_that_lets_the_published_gradient_pass_is_broken(monkeypatch):
    monkeypatch.setattr(gradient_checks, "PUBLISHED", network.backward)
    checks = check_gradients()
    assert all(verdicts(checks).values())
    assert not comparison_of(checks).passed
    assert "broken" in report.judgement(checks[-1])


@pytest.mark.parametrize("length", [2, 4, 8])  # float64 numbers in a vector: SSE, AVX2, AVX-512
def test_every_way_of_fused_is_checked(length):
    ways = set()
    for N, I, H, O in CHECKED:
        weights = H * (I + O)
        ways.add(way_through(N, weights, length))
    assert ways - {IN_HALF_VECTOR} == {IN_ONE_VECTOR, IN_VECTORS, BY_PRODUCTS, BY_TILES}
    assert (IN_HALF_VECTOR in ways) == (length >= LEAST_HALVED)


def test_central_differences_match_the_reference():
    X, y, w1, w2 = data = problem(CHECKED[1])
    act_hidden, y_hat = reference.forward_pass(X, w1, w2)
    for found, expected in zip(central_differences(data), reference.backward(X, y, y_hat, act_hidden, w2), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_xor_is_learnt_as_in_the_document(golden):
    runs = golden["notebook_1"]["runs"]
    seconds = {(name, "NumPy"): 8e-6 for name in GRADIENTS} | {(name, "compiled"): 2e-6 for name in TRAINING}
    seconds |= {("backward", "NumPy"): 4e-5, AS_PUBLISHED: 5e-5}
    learnt = {row.gradient: row for row in learn_xor(seconds)}
    assert list(learnt) == [*TRAINING, AS_PUBLISHED[0]]
    for name, row in learnt.items():
        recorded = runs["backward_as_published" if name == AS_PUBLISHED[0] else "backward_pass"]
        assert row.final_error == pytest.approx(recorded["final_error"], rel=1e-8)
        assert row.predictions == pytest.approx(recorded["final_y_hat"], rel=1e-6)
    assert {name: row.speed_up for name, row in learnt.items()} == pytest.approx(
        {"backward": 20, "backward_faster": 4, "backward_pass": 4, "fused": 4, AS_PUBLISHED[0]: None}
    )
    assert learnt["fused"].numpy_seconds_per_epoch is None


def rung(name, **seconds):
    """Make a rung of the ladder from names such as `fused=1.0` or `numpy_backward=2.0`; competitors without a name were not measured."""
    table = {"NumPy": {}, "compiled": {}}
    for gradient, way in COMPETITORS:
        table[way][gradient] = seconds.get(gradient if way == "compiled" else f"numpy_{gradient}")
    gradient, way = min(((g, w) for g, w in COMPETITORS if table[w][g] is not None), key=lambda who: table[who[1]][who[0]])
    return Rung(name, LADDER[name]._asdict(), table, {"gradient": gradient, "way": way}, {}, False)


def steps_take(monkeypatch, seconds):
    """Make every measured step take a second; a step of `backward` is predicted to take `seconds[way]` per hidden unit."""
    probed = []

    def probe(who, training, data, steps):
        probed.append(data.sizes)
        return data.sizes.H * seconds[who[1]]

    monkeypatch.setattr(rungs, "run_seconds", lambda *_: 99.0)  # a first call does not count
    monkeypatch.setattr(rungs, "guarded_seconds", probe)
    monkeypatch.setattr(rungs, "step_seconds", lambda trainings, data, budget: StepTimes(dict.fromkeys(trainings, 1.0), False))
    return probed


def test_what_would_take_too_long_is_not_measured(monkeypatch):
    probed = steps_take(monkeypatch, {"NumPy": 0.01, "compiled": 1.0})
    iris = measure_rung("iris", Effort(seconds=1.0, longest_step={"NumPy": 0.1, "compiled": 9.9}))
    assert iris.seconds("backward") is None
    assert iris.seconds("backward", "NumPy") == 1.0
    assert iris.not_measured == {"compiled backward": "a step would take about 10 s"}
    assert set(probed) == {LADDER["iris"]._replace(H=2)}
    known = StepTimes(dict.fromkeys(COMPETITORS, 0.5), False)
    assert measure_rung("iris", QUICK, known).seconds("backward") == 0.5


def test_effort_shrinks_with_the_time_left():
    effort = Effort(seconds=2.0, longest_step={"NumPy": 2.0, "compiled": 8.0})
    assert effort.within(100.0) == effort
    assert effort.within(8.0) == Effort(1.0, {"NumPy": 2.0, "compiled": 2.0})
    assert effort.within(-5.0) == Effort(0.2, {"NumPy": ALWAYS_MEASURED, "compiled": ALWAYS_MEASURED})
    assert QUICK.within(-5.0).longest_step == QUICK.longest_step


def test_however_long_compiling_takes_all_gradients_are_shown(monkeypatch):
    """Every step of less than a second is shown; a longer one only if enough time is left after compiling."""
    in_xor = [*COMPETITORS, *((name, "NumPy") for name in GRADIENTS), AS_PUBLISHED]

    def measured_after(compiling):
        now = [0.0]

        def compile_slowly():
            now[0] += compiling
            return FirstCall("train, fused", compiling, compiled=True)

        monkeypatch.setattr(comparison, "time", SimpleNamespace(perf_counter=lambda: now[0]))
        monkeypatch.setattr(comparison, "first_calls", lambda: {"train, fused": compile_slowly})
        monkeypatch.setattr(comparison, "time_xor", lambda budget: StepTimes(dict.fromkeys(in_xor, 1e-6), False))
        result = comparison.compare(FULL)
        return {rung.name: list(rung.not_measured) for rung in result.ladder if rung.not_measured}

    steps_take(monkeypatch, {"NumPy": 0.9 / 64, "compiled": 0.9 / 64})  # digits have 64 hidden units, MNIST 256
    assert measured_after(1.0) == {"4096 of MNIST": ["NumPy backward"]}
    assert measured_after(TIME_LIMIT + 600.0) == {"4096 of MNIST": ["NumPy backward", "compiled backward"]}


def test_the_lines_under_the_ladder_follow_its_figures():
    small = rung("XOR", numpy_backward_pass=12e-6, backward=1e-6, backward_pass=2e-6, fused=1e-7)
    large = rung("digits", numpy_backward_pass=1e-3, backward=0.1, backward_pass=2e-3, fused=1.5e-3)
    lines = explain([small, large])
    assert "12.0 µs" in lines[0]
    assert "2.0 x as fast" in lines[0]
    assert lines[1].startswith("From digits on")
    assert "50.0 x" in lines[1]
    assert "it is NumPy's" in lines[2]
    assert "1 of 2 sizes" in lines[3]
    assert "at digits it takes 1.50 x" in lines[3]
    turned = explain([rung("XOR", numpy_backward_pass=1e-6, backward=3e-6, backward_pass=2e-6, fused=1e-7)])
    assert "no slower" in turned[0]
    assert "takes 10.00 x as long" in turned[2]
    unknown = rung("XOR", numpy_backward_pass=1e-6, backward_pass=2e-6, fused=1e-7)
    assert "x there" not in explain([unknown])[1]
    assert "every size" in explain([small])[1]


@pytest.mark.parametrize(
    ("correct", "expected", "words"),
    [(True, True, "right"), (False, True, "WRONG"), (False, False, "as expected"), (True, False, "broken")],
)
def test_judgements(correct, expected, words):
    assert words in report.judgement(Check("backward", "NumPy", 0.0, 0.0, correct, expected))


def described(**settings):
    """Run `describe()` in a process of its own with those environment variables, restricted to the first of this one's processors."""
    program = (
        "import json, os; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1]); "
        "from fastmlp.measure.machine import describe; print(json.dumps(describe()))"
    )
    return json.loads(python(program, env=os.environ | settings, check=True).stdout)


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="Linux alone tells what to compare with")
def test_the_environment_is_described():
    found, generic = described(NUMBA_CPU_NAME=""), described(NUMBA_CPU_NAME="generic")
    cpuinfo = Path("/proc/cpuinfo").read_text()
    widest = next((bits for flag, bits in ((" avx512f ", 512), (" avx2 ", 256)) if flag in cpuinfo), 128)
    assert (found["vector_bits"], generic["vector_bits"]) == (widest, 128)
    assert generic["cpu_name_llvm"] == "generic" != found["cpu_name_llvm"]
    assert found["cores"] == 1
    assert "model name" not in cpuinfo or f": {found['cpu']}\n" in cpuinfo
    for name in ("numpy", "numba", "llvmlite", "scipy"):
        assert found["versions"][name] == metadata.version(name)


def test_blas_is_held_to_one_thread():
    def threads():
        return {pool["num_threads"] for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"}

    before = threads()
    with machine.one_blas_thread() as held:
        assert ({held}, threads()) == ({1}, {1})
    assert threads() == before
