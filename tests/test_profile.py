"""Profiles: every phase is counted, and they add up; a training that is not profiled runs the same machine code."""

import copy
import itertools
import json
import time

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_array_equal

from fastmlp import SGD, Adam, Callback, Dense, Dropout, ReLU, Sequential, profile
from fastmlp.cli.commands import main
from fastmlp.engine.cost import forward_operations, training_operations
from fastmlp.kernels import clock
from fastmlp.kernels.clock import PHASES, read_cycles
from fastmlp.measure.profile import Phase, Profile
from fastmlp.measure.profiling import cycles_a_second
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
    each, parts = 40 * n_threads, 40 * 2  # of the two parts of the inputs, a single thread has both, and two threads have one each
    plain = isinstance(optimizer, SGD)
    expected = {"gather": each, "targets": each, "zeros 1": parts, "product 1": parts, "sum of halves 1": each, "loss 3": each}
    expected |= {f"{kind} {layer}": each for kind in ("activation", "layout", "biases") for layer in (1, 2, 3)}
    expected |= {name: each for name in ("product 2", "product 3", "dropout 1", "delta 1", "delta 2")}
    expected |= {"update 1": parts, "update 2": each, "update 3": each}
    expected |= {} if plain else {f"optimizer {layer}": each for layer in (1, 2, 3)} | {"clipping": each}
    assert {name: calls[name] for name in expected} == expected
    assert set(calls) - set(expected) == {"call", "barrier", "bookkeeping"}
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


def test_the_counter_is_calibrated_where_others_want_the_core(monkeypatch):
    expected, calls = cycles_a_second(), itertools.count()

    def interrupted():
        time.sleep(0.005 * (next(calls) % 3 != 1))  # interrupted between the two clocks in two of three readings
        return read_cycles()

    monkeypatch.setattr(clock, "read_cycles", interrupted)
    assert cycles_a_second() == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_validation_is_a_phase(n_threads):
    rng = np.random.default_rng(1)
    X, y = rng.uniform(0.5, 1, size=(6400, 300)).astype(np.float32), rng.integers(10, size=6400)
    held_out, model = 3200, make()
    taken = profile(model, X, y, epochs=4, n_threads=n_threads, validation_split=0.5)
    (validation,) = (phase for phase in taken.phases if phase.kind == "validation")
    assert (validation.name, validation.calls, taken.samples, taken.steps) == ("validation", 4 * held_out / 64, 3200, 4 * 50)
    assert validation.operations == 4 * held_out * forward_operations(SIZES)
    assert validation.bytes == 4 * held_out * (2 * 300 + 300 + 40 + 40 + 30 + 30 + 10) * 4 + 200 * (300 * 40 + 40 * 30 + 300) * 4
    for thread, seconds in enumerate(taken.compiled_seconds):
        assert sum(phase.seconds[thread] for phase in taken.phases) == pytest.approx(seconds, rel=0.03)
        assert validation.seconds[thread] > 0
    named = profile(model, X[:3200], y[:3200], epochs=4, n_threads=n_threads, validation_data=(X[3200:], y[3200:]))
    assert [named.phases[-1].kind, named.phases[-1].operations] == ["validation", validation.operations]
    assert (named.phases[-1].bytes, named.samples) == (validation.bytes, 3200)


def test_what_is_validated_while_it_is_profiled_is_the_same():
    (X, y), seen = data(), []
    model = make()
    alone = copy.deepcopy(model).fit(X, y, epochs=3, n_threads=1, validation_split=0.2)
    profile(model, X, y, epochs=3, n_threads=1, validation_split=0.2, callbacks=[lambda epoch, model, history: seen.append(history)])
    assert seen[-1].validation_losses == alone.validation_losses


@pytest.mark.parametrize("n_threads", [1, 2])
def test_float64_of_the_documents_size(n_threads):
    sizes, rng = (784, 100, 200, 10), np.random.default_rng(2)
    X, y = rng.uniform(size=(1280, 784)), rng.integers(10, size=1280)
    model = Sequential([Dense(784, 100), ReLU(), Dense(100, 200), ReLU(), Dense(200, 10)], loss="softmax_cross_entropy")
    taken = profile(model, X, y, epochs=4, n_threads=n_threads)
    assert (taken.dtype, taken.sizes, taken.steps) == ("float64", sizes, 80)
    assert len({phase.name for phase in taken.phases}) >= 14
    assert sum(phase.operations for phase in taken.phases) == 4 * 1280 * training_operations(sizes)
    for thread, seconds in enumerate(taken.compiled_seconds):
        assert sum(phase.seconds[thread] for phase in taken.phases) == pytest.approx(seconds, rel=0.03)


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
        ({"X": np.zeros((0, 300)), "y": np.zeros(0, int)}, ValueError, r"^X: expected shape \(N, 300\) with N >= 1, got \(0, 300\)"),
        ({"validation_split": 2}, ValueError, "^validation_split: "),
    ],
)
def test_arguments_that_do_not_fit(arguments, error, message):
    X, y = data()
    with pytest.raises(error, match=message):
        profile(**{"model": make(), "X": X, "y": y, "n_threads": 1} | arguments)


def test_an_interrupted_profile_is_none():
    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        profile(make(), *data(), epochs=2, n_threads=1, callbacks=[interrupt])


class Refusing(Callback):
    def on_train_begin(self, model, history):
        return True


def test_what_a_callback_ends_is_counted_as_far_as_it_came():
    taken = profile(make(), *data(), epochs=9, n_threads=1, callbacks=[lambda epoch, model, history: epoch == 1])
    assert (taken.epochs, taken.steps, taken.samples) == (2, 20, N)
    bytes_of = {phase.name: phase.bytes for phase in taken.phases}
    assert bytes_of["gather"] == 2 * N * 300 * 4 * 2
    with pytest.raises(ValueError, match=r"^callbacks: expected a training of at least one step, got one that ended before: callback$"):
        profile(make(), *data(), n_threads=1, callbacks=[Refusing()])


def test_the_command_shows_the_phases_and_writes_them(tmp_path):
    pytest.importorskip("sklearn")
    arguments = ["profile", "--epochs", "2", "--hidden", "20", "--json", str(tmp_path / "p.json"), "--trace", str(tmp_path / "t.json")]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    for name in ("gather", "product 1", "update 2", "all phases", "Python around them", "of the time is spent on the products of layer"):
        assert name in done.output
    assert json.loads((tmp_path / "p.json").read_text())["sizes"] == [64, 20, 10]
    assert len(json.loads((tmp_path / "t.json").read_text())["traceEvents"]) > 50 * 10


TRAINING = """
from fastmlp import Dense, ReLU, Sequential
from fastmlp.kernels.epochs import train_epochs
from fastmlp.kernels.predict_batches import predict_batches
model = Sequential([Dense(4, 3), ReLU(), Dense(3, 2)], "softmax_cross_entropy", dtype="float32")
model.fit(np.eye(4, dtype="float32"), [0, 1, 1, 0], epochs=1, n_threads=1)
model.predict(np.zeros((99, 4), dtype="float32"))
compiled = [train_epochs, predict_batches]
"""


@pytest.mark.slow
def test_what_is_not_profiled_runs_the_machine_code_of_a_package_without_laps(tmp_path):
    taken_out = copies(tmp_path, "kernels/*.py", r"^ *(?:lap|lap_of_\w+|begin)\(team.*\)\n", but="clock.py")
    assert taken_out > 20
    assert assembly(TRAINING, tmp_path / "with") == assembly(TRAINING, tmp_path / "without")
