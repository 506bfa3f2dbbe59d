"""Profiles: every phase is counted, and they add up; what is not profiled runs the same machine code."""

import copy
import itertools
import json

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_array_equal

import fastmlp
from fastmlp import SGD, Adam, Dense, Dropout, ReLU, Sequential, profile
from fastmlp.cli.commands import main
from fastmlp.engine.cost import training_operations
from fastmlp.kernels.clock import PHASES
from fastmlp.measure.profile import Phase, Profile
from tests.assembly import assembly, copies

N, SIZES = 640, (300, 40, 30, 10)


def make(dropout=0.0):
    layers = [Dense(300, 40), ReLU(), Dropout(dropout), Dense(40, 30), ReLU(), Dense(30, 10)]
    layers = [layer for layer in layers if dropout or not isinstance(layer, Dropout)]
    return Sequential(layers, loss="softmax_cross_entropy", dtype="float32")


def data(zeros=0.0):
    rng = np.random.default_rng(0)
    X = rng.uniform(0.5, 1, size=(N, 300)).astype(np.float32)
    return X * (rng.random(X.shape) >= zeros), rng.integers(10, size=N)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("optimizer", [SGD(0.01), Adam(0.001, clip_norm=1.0)])
def test_every_phase_is_counted(optimizer, n_threads):
    taken = profile(make(dropout=0.1), *data(), epochs=4, batch_size=64, optimizer=optimizer, n_threads=n_threads)
    assert (taken.steps, taken.samples, taken.epochs, taken.threads, taken.sizes) == (40, N, 4, n_threads, SIZES)
    calls = {phase.name: phase.calls for phase in taken.phases}
    each, parts = 40 * n_threads, 40 * 2  # of two parts of the inputs one thread has both, two have one each
    plain = isinstance(optimizer, SGD)
    expected = {"gather": each, "targets": each, "zeros 1": parts, "product 1": parts, "sum of halves 1": each, "loss 3": each}
    expected |= {f"{kind} {layer}": each for kind in ("activation", "layout", "biases") for layer in (1, 2, 3)}
    expected |= {name: each for name in ("product 2", "product 3", "dropout 1", "delta 1", "delta 2")}
    expected |= {"update 1": parts, "update 2": each, "update 3": each}
    expected |= {} if plain else {f"optimizer {layer}": each for layer in (1, 2, 3)} | {"clipping": each}
    assert {name: calls[name] for name in expected} == expected
    assert set(calls) - set(expected) == {"barrier", "bookkeeping"}
    assert [phase.kind for phase in taken.phases] == sorted((phase.kind for phase in taken.phases), key=PHASES.index)
    assert all(len(phase.seconds) == n_threads and min(phase.seconds) >= 0 for phase in taken.phases)
    assert all((phase.operations > 0) == (phase.kind in ("product", "delta", "update")) for phase in taken.phases)


def test_the_products_of_dense_data_are_all_that_training_needs():
    taken = profile(make(), *data(), epochs=2, batch_size=64, n_threads=1)
    assert sum(phase.operations for phase in taken.phases) == 2 * N * training_operations(SIZES)
    sparse = profile(make(), *data(zeros=0.9), epochs=2, batch_size=64, n_threads=1)
    operations = [{phase.name: phase.operations for phase in each.phases} for each in (taken, sparse)]
    assert operations[1]["update 1"] < 0.75 * operations[0]["update 1"]
    assert operations[1]["update 2"] == operations[0]["update 2"]


@pytest.mark.parametrize("n_threads", [1, 2])
def test_phases_add_up_to_the_compiled_calls_and_those_to_fit(n_threads):
    taken = profile(make(), *data(), epochs=100, batch_size=64, optimizer="adam", n_threads=n_threads)
    for thread, seconds in enumerate(taken.compiled_seconds):
        assert sum(phase.seconds[thread] for phase in taken.phases) == pytest.approx(seconds, rel=0.03)
    assert taken.phase_seconds == pytest.approx(sum(taken.compiled_seconds) / n_threads, rel=0.03)
    assert max(taken.compiled_seconds) + taken.python_seconds == pytest.approx(taken.fit_seconds)
    assert sum(taken.share(phase) for phase in taken.phases) == pytest.approx(1)


def test_a_profiled_training_ends_with_the_same_weights_and_leaves_the_model_alone():
    model, (X, y) = make(dropout=0.2), data()
    before = model.parameters.copy()
    trained = copy.deepcopy(model)
    trained.fit(X, y, epochs=2, optimizer="adam", n_threads=1)
    seen = []

    def look(epoch, copied, history):
        seen.append(copied.parameters.copy())

    profile(model, X, y, epochs=2, optimizer="adam", n_threads=1, callbacks=[look])
    assert_array_equal(seen[-1], trained.parameters)
    assert_array_equal(model.parameters, before)
    assert model.steps == 0


def test_dictionaries_hold_everything_in_plain_numbers():
    taken = profile(make(), *data(), epochs=1, n_threads=1)
    found = json.loads(json.dumps(taken.to_dict(), allow_nan=False))
    assert found["schema"] == "fastmlp.profile/1"
    assert found["sizes"] == list(SIZES)
    assert [phase["name"] for phase in found["phases"]] == [phase.name for phase in taken.phases]
    assert sum(phase["share"] for phase in found["phases"]) == pytest.approx(1)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_trace_has_every_phase_of_some_steps_one_after_the_other(n_threads):
    """https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU: complete events, and names of threads."""
    taken = profile(make(), *data(), epochs=2, n_threads=n_threads, trace_steps=3)
    trace = json.loads(json.dumps(taken.trace(), allow_nan=False))
    assert set(trace) == {"traceEvents", "displayTimeUnit", "otherData"}
    names = [event for event in trace["traceEvents"] if event["ph"] == "M"]
    assert [(event["name"], event["tid"], event["args"]) for event in names] == [
        ("thread_name", thread, {"name": f"thread {thread}"}) for thread in range(n_threads)
    ]
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert len(events) + len(names) == len(trace["traceEvents"])
    for event in events:
        assert set(event) == {"name", "cat", "ph", "pid", "tid", "ts", "dur"}
        assert event["cat"] in PHASES
        assert event["name"].startswith(event["cat"])
        assert event["ts"] >= 0
        assert event["dur"] >= 0
    assert min(event["ts"] for event in events) == 0
    for thread in range(n_threads):
        own = [event for event in events if event["tid"] == thread]
        assert {event["name"] for event in own} >= {"gather", "update 2", "barrier"}
        assert sum(event["name"] == "gather" for event in own) >= 3
        for before, after in itertools.pairwise(own):
            assert after["ts"] == pytest.approx(before["ts"] + before["dur"], abs=1e-3) or after["name"] == "bookkeeping"
    assert profile(make(), *data(), n_threads=1).trace()["traceEvents"][1:] == []


def test_the_roof_of_a_phase_is_its_arithmetic_or_its_memory():
    product, activation = Phase("product", 1, 10, (0.5,), 40_000_000_000, 1000), Phase("activation", 1, 10, (0.5,), 0, 10 * 8000)
    phases = (product, activation, Phase("gather", 0, 10, (1.0,), 0, 10**9))
    bandwidth = {"L1": 1e-3, "L2": 1.0, "L3": 1.0, "memory": 2.0}
    taken = Profile((4, 3), "float32", "SGD", 8, 1, 80, 1, 10, False, 2.0, (2.0,), phases, 100.0, bandwidth, (), {})
    assert [taken.level(phase) for phase in phases] == ["L1", "L1", "memory"]
    assert [taken.share_of_roof(phase) for phase in phases] == pytest.approx([0.8, 0.16, 0.5])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"model": "relu"}, TypeError, "^model: expected a Sequential, got str"),
        ({"epochs": 0}, ValueError, "^epochs: expected at least 1, got 0"),
        ({"batch_size": 0}, ValueError, "^batch_size: expected at least 1, got 0"),
        ({"n_threads": 0}, ValueError, "^n_threads: expected at least 1, got 0"),
        ({"trace_steps": -1}, ValueError, "^trace_steps: expected at least 0, got -1"),
        ({"optimizer": "sgdd"}, ValueError, "^optimizer: expected one of"),
        ({"model": Sequential([])}, ValueError, "^layers: expected at least one Dense layer, got none"),
        ({"X": np.zeros((3, 2))}, ValueError, r"^X: expected shape \(N, 300\)"),
        ({"validation_split": 2}, ValueError, "^validation_split: "),
    ],
)
def test_arguments_that_do_not_fit(arguments, error, message):
    X, y = data()
    with pytest.raises(error, match=message):
        profile(**{"model": make(), "X": X, "y": y, "n_threads": 1} | arguments)


def test_an_interrupted_profile_is_none(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), pytest.warns(fastmlp.TrainingWarning, match="interrupted"):
        profile(make(), *data(), epochs=2, n_threads=1, callbacks=[interrupt])


def test_the_command_shows_the_phases_and_writes_them(tmp_path):
    pytest.importorskip("sklearn")
    arguments = ["profile", "--epochs", "2", "--hidden", "20", "--json", str(tmp_path / "p.json"), "--trace", str(tmp_path / "t.json")]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    for name in ("gather", "product 1", "update 2", "all phases", "Python around them", "of the time is the products of layer"):
        assert name in done.output
    assert json.loads((tmp_path / "p.json").read_text())["sizes"] == [64, 20, 10]
    assert len(json.loads((tmp_path / "t.json").read_text())["traceEvents"]) > 50 * 10


TRAINING = """
from fastmlp import Dense, ReLU, Sequential
from fastmlp.kernels.epochs import train_epochs
model = Sequential([Dense(4, 3), ReLU(), Dense(3, 2)], "softmax_cross_entropy", dtype="float32")
model.fit(np.eye(4, dtype="float32"), [0, 1, 1, 0], epochs=1, n_threads=1)
compiled = [train_epochs]
"""


@pytest.mark.slow
def test_what_is_not_profiled_runs_the_machine_code_of_a_package_without_laps(tmp_path):
    taken_out = copies(tmp_path, "kernels/*.py", r"^ *(?:lap|lap_of_tiles|begin)\(team.*\)\n", but="clock.py")
    assert taken_out > 20
    assert assembly(TRAINING, tmp_path / "with") == assembly(TRAINING, tmp_path / "without")
