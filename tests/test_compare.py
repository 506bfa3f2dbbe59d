"""What `fastmlp compare` concludes: who is right, what is learnt, how times are taken, what the lines under the tables say."""

import json
import math

import numba
import numpy as np
import pytest

from fastmlp import reference
from fastmlp.cli import compare_tables as report
from fastmlp.measure import comparison as compare
from fastmlp.measure import machine
from fastmlp.measure import numpy_two_layer as notebook
from fastmlp.measure.comparison import AS_PUBLISHED, CLIMBERS, Check, Comparison, Effort, Rung
from fastmlp.measure.gradients import GRADIENTS, PUBLISHED, TRAINING
from fastmlp.measure.ladder import LADDER, problem

pytestmark = pytest.mark.kernels


def comparison_of(checks):
    return Comparison({}, [], checks, [], [], 0.0)


def verdicts(checks):
    return {(check.gradient, check.way): check.correct for check in checks}


def test_every_gradient_is_right_but_the_published_one():
    checks = compare.check_gradients()
    everybody = {(name, way) for name, ways in GRADIENTS.items() for way in ways} | {("fused", "compiled"), AS_PUBLISHED}
    assert verdicts(checks) == {who: who != AS_PUBLISHED for who in everybody}
    assert comparison_of(checks).passed
    for check in checks:
        if check.correct:
            assert check.distance_to_central_differences < 1e-8
            assert check.distance_to_others < 1e-12
        else:
            assert min(check.distance_to_central_differences, check.distance_to_others) > 0.5


def nearly(*arguments):
    """A gradient that is off by a hundred-thousandth."""
    dL_dw2, dL_dw1, error = notebook.backward_pass(*arguments)
    return dL_dw2, dL_dw1 * (1 + 1e-5), error


def not_a_number(*arguments):
    """A gradient that overflowed."""
    dL_dw2, dL_dw1, error = notebook.backward_pass(*arguments)
    return dL_dw2, dL_dw1 * math.nan, error


@pytest.mark.parametrize("wrong", [PUBLISHED, nearly, not_a_number])
def test_one_wrong_gradient_is_found_among_the_right_ones(monkeypatch, wrong):
    monkeypatch.setitem(GRADIENTS["backward_pass"], "compiled", wrong)
    checks = compare.check_gradients()
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
    checks = compare.check_gradients()
    assert [who for who, correct in verdicts(checks).items() if not correct] == [("fused", "compiled"), AS_PUBLISHED]


def test_a_check_that_lets_the_published_gradient_pass_is_broken(monkeypatch):
    monkeypatch.setattr(compare, "PUBLISHED", notebook.backward)
    checks = compare.check_gradients()
    assert all(verdicts(checks).values())
    assert not comparison_of(checks).passed
    assert "broken" in report.judgement(checks[-1])


def test_central_differences_match_the_reference():
    X, y, w1, w2 = data = problem(compare.CHECKED[1])
    act_hidden, y_hat = reference.forward_pass(X, w1, w2)
    for found, expected in zip(compare.central_differences(data), reference.backward(X, y, y_hat, act_hidden, w2), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)


def test_xor_is_learnt_as_in_the_document(golden):
    runs = golden["notebook_1"]["runs"]
    seconds = {(name, "NumPy"): 8e-6 for name in GRADIENTS} | {(name, "compiled"): 2e-6 for name in TRAINING}
    seconds |= {("backward", "NumPy"): 4e-5, AS_PUBLISHED: 5e-5}
    learnt = {row.gradient: row for row in compare.learn_xor(seconds)}
    assert list(learnt) == [*TRAINING, AS_PUBLISHED[0]]
    for name, row in learnt.items():
        recorded = runs["backward_as_published" if name == AS_PUBLISHED[0] else "backward_pass"]
        assert row.final_error == pytest.approx(recorded["final_error"], rel=1e-8)
        assert row.predictions == pytest.approx(recorded["final_y_hat"], rel=1e-6)
    assert {name: row.speed_up for name, row in learnt.items()} == pytest.approx(
        {"backward": 20, "backward_faster": 4, "backward_pass": 4, "fused": 4, AS_PUBLISHED[0]: None}
    )
    assert learnt["fused"].numpy_seconds_per_epoch is None


class Clock:
    """A clock that only the trainings move: each takes its cost, with a surcharge in its first run."""

    def __init__(self, monkeypatch):
        self.now, self.runs = 0.0, []
        monkeypatch.setattr(compare.time, "perf_counter", lambda: self.now)

    def training(self, name, cost):
        def train(X, y, w1, w2, epochs, learning_rate, record_every):
            surcharge = 0 if name in self.runs else cost
            self.now += epochs * cost + surcharge
            self.runs.append(name)

        return train


def test_competitors_take_turns_and_their_median_counts(monkeypatch):
    clock = Clock(monkeypatch)
    trainings = {name: clock.training(name, cost) for name, cost in (("quick", 1e-6), ("slow", 3e-3), ("endless", 7.0))}
    seconds = compare.step_seconds(trainings, problem(LADDER["XOR"]), budget=1.0)
    assert seconds == pytest.approx({"quick": 1e-6, "slow": 3e-3, "endless": 14.0})
    assert clock.runs.count("endless") == 1
    turns = clock.runs[clock.runs.index("endless") + 1 :]
    assert turns == ["quick", "slow"] * (len(turns) // 2)
    assert 25 <= len(turns) // 2 <= 50  # a round lasts 0.02 to 0.04 s
    assert clock.now < 14.0 + 1.2


def test_a_short_budget_still_gives_three_rounds(monkeypatch):
    clock = Clock(monkeypatch)
    compare.step_seconds({"quick": clock.training("quick", 1e-3)}, problem(LADDER["XOR"]), budget=0.01)
    assert clock.runs.count("quick") >= 4


def rung(name, **seconds):
    """A rung of the ladder: `fused=1.0`, `numpy_backward=2.0`; who is not named was not measured."""
    table = {"NumPy": {}, "compiled": {}}
    for gradient, way in CLIMBERS:
        table[way][gradient] = seconds.get(gradient if way == "compiled" else f"numpy_{gradient}")
    gradient, way = min(((g, w) for g, w in CLIMBERS if table[w][g] is not None), key=lambda who: table[who[1]][who[0]])
    return Rung(name, LADDER[name]._asdict(), table, {"gradient": gradient, "way": way}, {})


def test_what_would_take_too_long_is_not_measured(monkeypatch):
    measured = {who: 0.5 for who in CLIMBERS}
    monkeypatch.setattr(compare, "step_seconds", lambda trainings, data, budget: {who: 1.0 for who in trainings})
    effort = Effort(seconds=1.0, longest_step={"NumPy": 1e3, "compiled": 10.0})
    xor = compare.climb("XOR", effort, [], measured)
    assert xor.seconds("backward") == xor.seconds("backward", "NumPy") == 0.5
    iris = compare.climb("iris", effort, [xor])  # 750 times the products of XOR: 375 s
    assert iris.seconds("backward") is None
    assert iris.seconds("backward", "NumPy") == 1.0
    assert iris.not_measured == {"compiled backward": "a step would take about 3.8e+02 s"}
    moons = compare.climb("two moons", effort, [xor, iris])  # judged by XOR's 0.5 s, the last that is known
    assert moons.not_measured == {"compiled backward": "a step would take about 21 s"}


def test_effort_shrinks_with_the_time_left():
    effort = Effort(seconds=2.0, longest_step={"NumPy": 2.0, "compiled": 8.0})
    assert effort.within(100.0) == effort
    assert effort.within(8.0) == Effort(1.0, {"NumPy": 2.0, "compiled": 2.0})
    assert effort.within(-5.0) == Effort(0.2, {"NumPy": 0.0, "compiled": 0.0})


def test_a_first_call_tells_whether_it_compiled():
    twice = numba.njit(lambda x: 2 * x)
    assert compare.first_call("twice", lambda: twice(1.0)).compiled
    assert not compare.first_call("twice", lambda: twice(1.0)).compiled
    assert len(compare.first_calls()) == len(TRAINING) + len(GRADIENTS)


def test_the_lines_under_the_ladder_follow_its_figures():
    small = rung("XOR", numpy_backward_pass=12e-6, backward=1e-6, backward_pass=2e-6, fused=1e-7)
    large = rung("digits", numpy_backward_pass=1e-3, backward=0.1, backward_pass=2e-3, fused=1.5e-3)
    lines = report.explain([small, large])
    assert "12.0 µs" in lines[0]
    assert "2.0 x as fast" in lines[0]
    assert lines[1].startswith("From digits on")
    assert "50.0 x" in lines[1]
    assert "it is NumPy's" in lines[2]
    assert "1 of 2 sizes" in lines[3]
    assert "at digits it takes 1.50 x" in lines[3]
    turned = report.explain([rung("XOR", numpy_backward_pass=1e-6, backward=3e-6, backward_pass=2e-6, fused=1e-7)])
    assert "no slower" in turned[0]
    assert "takes 10.00 x as long" in turned[2]
    unknown = rung("XOR", numpy_backward_pass=1e-6, backward_pass=2e-6, fused=1e-7)
    assert "x there" not in report.explain([unknown])[1]
    assert "every size" in report.explain([small])[1]


@pytest.mark.parametrize(
    ("correct", "expected", "words"),
    [(True, True, "right"), (False, True, "WRONG"), (False, False, "as expected"), (True, False, "broken")],
)
def test_judgements(correct, expected, words):
    assert words in report.judgement(Check("backward", "NumPy", 0.0, 0.0, correct, expected))


def test_the_environment_is_described():
    found = machine.describe()
    assert found["vector_bits"] in (128, 256, 512)
    assert found["cores"] >= 1
    assert found["cpu"].strip()
    assert set(found["versions"]) == {"python", "fastmlp", "numpy", "numba", "llvmlite", "scipy"}
    json.dumps(found)
    with machine.one_blas_thread() as threads:
        assert threads == 1
