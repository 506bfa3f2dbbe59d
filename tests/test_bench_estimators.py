"""The sections of `fastmlp bench` for the estimators: the same work by both libraries, rows and targets, and what is not measured."""

import json
import os
import time

import pytest
from rich.console import Console

from fastmlp.cli import bench_estimators, bench_sections
from fastmlp.cli import bench_tables as report
from fastmlp.cli.bench_estimators import METHODS, Defaults, Search, agreement, fit_and_use, prepare_estimators, prepare_search
from fastmlp.engine.threads import cpu_count
from fastmlp.measure.bench import estimator_problems
from fastmlp.measure.bench.estimator_problems import PROBLEMS, Problem, load
from fastmlp.measure.bench.results import Bench, Effort
from fastmlp.measure.bench.workers import Worker
from fastmlp.plotting import bench as picture
from fastmlp.plotting import save

pytestmark = pytest.mark.any_cpu


@pytest.fixture
def few(monkeypatch):
    """Compare on two small problems only."""
    problems = {name: PROBLEMS[name] for name in ("iris", "diabetes")}
    monkeypatch.setattr(bench_estimators, "PROBLEMS", problems)


def absent(*_):
    raise FileNotFoundError("no files here")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_libraries_do_the_same_work(dtype):
    problems = {name: Problem(problem.kind, {"max_iter": 5}) for name, problem in PROBLEMS.items() if name != "Fashion-MNIST"}
    losses = []
    for who in ("fastmlp", "scikit-learn"):
        prepare_estimators(who, dtype, problems, 10_000)
        turns = fit_and_use(seed=3)
        assert all(seconds > 0 for turn in turns for seconds in turn.seconds)
        losses.append([turn.loss for turn in turns])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4 if dtype == "float32" else 1e-9)


def test_a_row_for_each_problem_and_method(few, monkeypatch, tmp_path):
    monkeypatch.setattr(bench_sections, "SECTIONS", (Defaults("float64", 1),))
    console = Console(record=True, width=200)
    bench = report.run(console, seeds=2, quick=True)
    (outcome,) = bench.outcomes
    assert [part.title for part in outcome.parts] == [f"{method} {name}" for name in ("iris", "diabetes") for method in METHODS]
    assert all(len(entry.seconds) == 2 for part in outcome.parts for entry in part.entries)
    assert [claim.what for claim in outcome.claims] == ["fit iris as fast as scikit-learn", "fit diabetes as fast as scikit-learn"]
    text, page = console.export_text(), report.as_markdown(bench)
    assert "With the same random states the losses agree" in text
    for part in outcome.parts:
        assert part.title in text
        assert f"| {part.title} |" in page
    assert "| task | fastmlp / call | scikit-learn / call | fastmlp is |" in page
    parts = json.loads(json.dumps(bench.as_dict(), allow_nan=False))["outcomes"][0]["parts"]
    assert len({part["key"] for part in parts}) == 6
    assert parts[0]["entries"][0]["times_fastmlp"] == 1.0
    save(picture.picture(bench), tmp_path / "bench.png")
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")


def test_losses_that_differ_are_named():
    losses = {"iris": [[1.0], [1.0]], "digits": [[1.0], [2.0]], "diabetes": [[float("nan")], [1.0]]}
    assert "DIFFER on digits, diabetes" in agreement(losses, 1e-6)
    assert "agree" in agreement({"iris": [[1.0 + 1e-9], [1.0]]}, 1e-6)


def test_data_that_are_missing_are_named(monkeypatch):
    monkeypatch.setattr(bench_estimators, "PROBLEMS", {name: PROBLEMS[name] for name in ("iris", "Fashion-MNIST")})
    monkeypatch.setattr(estimator_problems, "load_fashion_mnist", absent)
    outcome = Defaults("float32", 1).measure(Effort(1, quick=True), lambda what: None)
    assert outcome.notes[0] == "Fashion-MNIST was not measured: no files here"
    assert [part.title for part in outcome.parts] == ["fit iris", "predict iris", "score iris"]


def test_a_library_that_fails_is_named(few, monkeypatch):
    monkeypatch.setattr(bench_estimators, "fit_and_use", divmod)  # called with one argument, it fails in the process
    outcome = Defaults("float64", 1).measure(Effort(1, quick=True), lambda what: None)
    assert {entry.missing.partition(":")[0] for part in outcome.parts for entry in part.entries} == {"failed"}
    assert {claim.verdict for claim in outcome.claims} == {"not measured"}
    assert outcome.notes == []
    assert "failed: TypeError" in "".join(report.remarks(outcome))


def test_without_scikit_learn_nothing_is_measured(monkeypatch):
    monkeypatch.setattr(bench_estimators, "missing", lambda who: "sklearn")
    for section in (Defaults("float32", 1), Search()):
        outcome = section.measure(Effort(1, quick=True), lambda what: pytest.fail("a process was started"))
        assert {claim.verdict for claim in outcome.claims} == {"not measured"}
        page = report.as_markdown(Bench(MACHINE, {"seeds": 1, "quick": True, "absent": ["scikit-learn"]}, [outcome], 0.0))
        assert "not installed" in page
        json.dumps(outcome.as_dict(), allow_nan=False)


MACHINE = {"cpu": "C", "cpu_name_llvm": "c", "cores": 2, "vector_bits": 512, "operating_system": "O", "blas_numpy": "B"}
MACHINE |= {"versions": {"fastmlp": "1"}, "settings": {}}


@pytest.mark.slow
def test_a_search_in_two_processes():
    outcome = Search().measure(Effort(1, quick=True), lambda what: None)
    if cpu_count() < 2:
        assert all("core" in entry.missing for entry in outcome.entries)
        return
    assert all(entry.measured for entry in outcome.entries), [entry.missing for entry in outcome.entries]
    assert outcome.notes[0].startswith("Mean accuracies of the folds differ by at most 0.00 points")


def interrupt(worker):
    with worker:
        worker.call(prepare_search, "scikit-learn", Problem("MLPClassifier", {"max_iter": 1}), 2)
        os.killpg(worker.pid, 0)  # the group exists
        raise KeyboardInterrupt


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="the system has no process groups")
def test_ctrl_c_leaves_no_process_of_a_search():
    worker = Worker(1)
    with pytest.raises(KeyboardInterrupt):
        interrupt(worker)
    for _ in range(100):
        try:
            os.killpg(worker.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("processes remain")


def test_the_data_are_prepared():
    X, y = load("digits", "float32")
    assert (X.min(), X.max(), X.dtype, len(X)) == (0, 1, "float32", 1797)
    X, y = load("diabetes", "float64")
    assert abs(X.mean()) + abs(y.mean()) < 1e-12
    assert y.std() == pytest.approx(1)
