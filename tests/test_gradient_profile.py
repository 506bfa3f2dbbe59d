"""Profiles of the document's gradients: every phase and every call is counted, they add up, and training gives the same result."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.testing import assert_array_equal

from fastmlp import profile_gradient, train
from fastmlp.cli.commands import main
from fastmlp.datasets import load_xor
from fastmlp.engine.cost import training_operations
from fastmlp.measure import gradient_profiling
from fastmlp.measure.gradient_profiling import CompiledRun, profile_rung
from fastmlp.measure.ladder import LADDER, Problem
from fastmlp.measure.numpy_calls import epoch_phases, observed_epochs
from fastmlp.measure.profiling import cycles_a_second
from fastmlp.two_layer import GRADIENTS, network
from fastmlp.two_layer.laps import ALLOCATION, PHASES, SLOPE1, SLOPE2, clock
from fastmlp.two_layer.train import Record, Weights, epochs_of
from tests.assembly import assembly, copies
from tests.two_layer import problem

EPOCHS = 7
# Sizes for which `fused` takes each way through an epoch on every CPU; "a vector" includes half a vector, if that is enough.
SIZES = {"a vector": (2, 3, 4, 2), "vectors": (70, 2, 3, 1), "epochs_by_products": (2, 20, 30, 5), "epochs_by_tiles": (300, 20, 30, 5)}
RUNS = [("fused", way) for way in SIZES] + [(name, "document_epochs") for name in GRADIENTS if name != "fused"]


def of_a_run(gradient, sizes, dtype, read):
    """Return the weights after some epochs, and the name of the loop."""
    X, y, w1, w2 = problem(*sizes, dtype)
    loop = epochs_of(gradient, len(X), w1.size + w2.size, X.dtype)
    weights, record = Weights(w1, w2), Record(np.zeros(1, dtype), EPOCHS, read)
    loop(weights, record, X, y, EPOCHS, dtype(0.1), np.zeros(1, np.uint8))
    return weights, getattr(loop, "func", loop).__name__


@pytest.mark.parametrize(("gradient", "way"), RUNS)
def test_a_profiled_training_ends_with_the_same_bits_and_every_operation_is_counted(gradient, way, dtype):
    sizes, read = SIZES.get(way, (70, 5, 6, 3)), clock()
    profiled, taken = of_a_run(gradient, sizes, dtype, read)
    assert taken == way or (way == "a vector" and taken in ("one_vector", "half_vector"))
    for found, expected in zip(profiled, of_a_run(gradient, sizes, dtype, None)[0], strict=True):
        assert_array_equal(found, expected)
    N, I, H, O = sizes
    operations = N * training_operations([I, H, O])
    if gradient == "backward":  # forward pass, a loop for dL_dw2, and one for dL_dw1 with six operations per term
        operations = 2 * N * H * (I + O) + 2 * N * H * O + 6 * N * I * H * O
    amounts = dict(zip(PHASES, read.amounts[:, 0], strict=True))
    allocated = amounts.pop("allocation")
    assert 2 * sum(amounts.values()) == EPOCHS * operations
    temporaries = {"backward": N * H + N * O + H * O + I * H, "fused": 0}.get(gradient, 2 * N * H + N * O + H * O + I * H)
    if gradient != "fused":
        assert allocated == EPOCHS * temporaries


def test_laps_are_counted_epoch_by_epoch_and_block_by_block():
    def laps(gradient, sizes):
        read = clock()
        of_a_run(gradient, sizes, np.float64, read)
        return {name: int(count) for name, count in zip(PHASES, read.laps[:, 0], strict=True) if count}

    assert laps("backward_faster", (70, 5, 6, 3)) == {
        name: EPOCHS * (6 if name == "allocation" else 1)  # the arrays of five products, and their release
        for name in ("allocation", "X w1", "sigmoid", "act_hidden w2", "residual", "dL_dw2", "residual w2'", "sigmoid_", "dL_dw1",
                     "division by N", "update", "bookkeeping")
    }  # fmt: skip
    assert laps("backward", (70, 5, 6, 3)) == {
        name: EPOCHS * (4 if name == "allocation" else 1)
        for name in ("allocation", "X w1", "sigmoid", "act_hidden w2", "residual", "dL_dw2", "dL_dw1", "update", "bookkeeping")
    }
    tiles, blocks = laps("fused", SIZES["epochs_by_tiles"]), 3  # of 128 samples each
    assert (tiles["X w1"], tiles["da_dh"], tiles["update"], tiles["layout"]) == (EPOCHS * blocks, EPOCHS * blocks, EPOCHS, 3)
    one = laps("fused", SIZES["a vector"])
    assert one == dict.fromkeys(("sigmoid(X w1)", "act_hidden w2 - y", "slopes, update", "bookkeeping"), EPOCHS)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_phases_add_up_to_the_compiled_call(gradient):
    data = Problem(*problem(569, 30, 30, 1))
    run, rate = CompiledRun(data, gradient, 0.01), cycles_a_second()
    run.seconds(0, clock())
    apart = []
    for _ in range(5):  # at least one of them should not be interrupted between its last lap and its end
        read = clock()
        seconds = run.seconds(20 if gradient == "backward" else 400, read)
        apart.append(abs(read.cycles.sum() / rate / seconds - 1))
    assert min(apart) < 0.03


@pytest.mark.parametrize("gradient", ["backward", "backward_faster", "backward_pass"])
def test_every_call_of_numpy_is_seen_where_it_is_made(gradient):
    data = Problem(*problem(9, 3, 4, 2))
    before = [array.copy() for array in data]
    epochs = observed_epochs(gradient, data, 3, 0.1)
    names = [[call.function for call in calls] for calls in epochs]
    assert names[0] == names[1] == names[2]
    assert len(names[0]) == len(epoch_phases(gradient, 3, 4))
    sigmoid, mse = ["negative", "exp", "add", "divide"], ["subtract", "multiply", "sum"]
    forward = ["matmul", *sigmoid, "matmul", *mse, "matmul", "divide"]
    term = ["matmul", "subtract", "multiply", "multiply", "multiply", "mean"]
    products = ["matmul", "subtract", "multiply", "multiply", "matmul", "divide"]
    middle = term * (3 * 4) if gradient == "backward" else products
    assert names[0] == forward + middle + ["multiply", "subtract"] * 2
    phases = dict.fromkeys(PHASES[phase] for phase in epoch_phases(gradient, 3, 4))
    assert ("residual w2'" in phases) == (gradient != "backward")
    assert all(call.nanoseconds >= 0 for calls in epochs for call in calls)
    for array, expected in zip(data, before, strict=True):
        assert_array_equal(array, expected)


def test_observed_numpy_trains_as_it_does_alone(monkeypatch):
    """The timed code is NumPy's own epoch: repeating calls does not change the result."""
    seen = []
    original = network.forward_pass

    def look(X, w1, w2):
        seen.append(np.array(w1))
        return original(X, w1, w2)

    monkeypatch.setattr(network, "forward_pass", look)
    X, y, w1, w2 = data = Problem(*problem(9, 3, 4, 2))
    observed_epochs("backward_pass", data, 4, 0.1)
    observed, seen[:] = seen[-1], []
    network.train(X, y, w1, w2, 4, 0.1)
    assert_array_equal(observed, seen[-1])


def test_a_profile_of_xor_in_plain_numbers(monkeypatch):
    monkeypatch.setattr(gradient_profiling, "SECONDS", 0.05)
    X, y = load_xor()
    taken = profile_gradient(X, y, gradient="backward", epochs=2000, seed=1)
    assert (taken.sizes, taken.epochs, taken.way, taken.problem) == ((4, 2, 3, 1), 2000, "document_epochs", "")
    assert taken.phase_seconds == pytest.approx(taken.seconds, rel=0.2)  # 2 ms, including the call itself
    assert sum(taken.share(phase) for phase in taken.phases) == pytest.approx(1)
    operations = {phase.name: phase.operations for phase in taken.phases if phase.operations}
    assert operations == {"X w1": 2000 * 48, "act_hidden w2": 2000 * 24, "dL_dw2": 2000 * 24, "dL_dw1": 2000 * 144}
    (allocation,) = (phase for phase in taken.phases if phase.allocated)
    assert (allocation.name, allocation.allocated) == (PHASES[ALLOCATION], 2000 * 8 * (4 * 3 + 4 * 1 + 3 * 1 + 2 * 3))
    assert taken.numpy.count == 51
    (loop,) = (phase for phase in taken.phases if phase.name == PHASES[SLOPE1])
    assert taken.numpy_seconds(loop) == pytest.approx(sum(call.seconds for call in taken.numpy.calls if call.phase == PHASES[SLOPE1]))
    found = json.loads(json.dumps(taken.to_dict(), allow_nan=False))
    assert found["schema"] == "fastmlp.gradient_profile/1"
    assert found["phases"][0]["numpy_seconds_per_epoch"] is None
    assert [call["count"] for call in found["numpy"]["calls"] if call["function"] == "mean"] == [6]
    assert_array_equal(X, load_xor()[0])


def test_fused_has_the_products_of_numpy_beside_it(monkeypatch):
    monkeypatch.setattr(gradient_profiling, "SECONDS", 0.05)
    taken = profile_rung("XOR", "fused", "float32", epochs=3000)
    assert (taken.dtype, taken.numpy.gradient) == ("float32", "backward_faster")
    assert taken.way in ("one_vector", "half_vector")
    slopes = next(phase for phase in taken.phases if phase.name == "slopes, update")
    parts = {call.phase for call in taken.numpy.calls} & slopes.parts
    assert parts == {PHASES[SLOPE2], "residual w2'", "sigmoid_", PHASES[SLOPE1], "division by N", "update"}
    covered = sum(taken.numpy_seconds(phase) or 0 for phase in taken.phases)
    assert covered == pytest.approx(sum(call.seconds for call in taken.numpy.calls))


def test_what_numpy_would_take_too_long_for_is_not_measured(monkeypatch):
    monkeypatch.setattr(gradient_profiling, "SECONDS", 0.01)
    monkeypatch.setattr(gradient_profiling, "LONGEST_NUMPY", 1e-9)
    taken = profile_rung("two moons", "backward", epochs=1)
    assert taken.numpy is None
    assert taken.not_measured.startswith("an epoch of NumPy's backward would take about ")
    assert taken.to_dict()["numpy"] is None


@pytest.mark.parametrize(
    ("call", "arguments", "error", "message"),
    [
        (profile_gradient, {"gradient": "forward"}, ValueError, "^gradient: expected one of"),
        (profile_gradient, {"epochs": 0}, ValueError, "^epochs: expected at least 1, got 0"),
        (profile_gradient, {"hidden_size": 0}, ValueError, "^hidden_size: expected "),
        (profile_gradient, {"learning_rate": "fast"}, TypeError, "^learning_rate: expected "),
        (profile_gradient, {"X": np.zeros((3, 2))}, ValueError, "^y: expected shape|^X, y|shape"),
        (profile_gradient, {"X": np.full((4, 2), np.nan)}, ValueError, "^X: "),
        (profile_gradient, {"w1": np.zeros((2, 3))}, ValueError, "^w2: expected both"),
        (profile_gradient, {"learning_rate": 1e300, "gradient": "backward"}, FloatingPointError, "^training diverged. Lower"),
        (profile_rung, {"rung": "iris flowers"}, ValueError, "^rung: expected one of"),
        (profile_rung, {"dtype": "int8"}, ValueError, "^dtype: expected one of"),
        (profile_rung, {"gradient": "x"}, ValueError, "^gradient: expected one of"),
    ],
)
def test_arguments_that_do_not_fit(call, arguments, error, message):
    X, y = load_xor()
    with pytest.raises(error, match=message):
        call(**(({"X": X, "y": y} if call is profile_gradient else {"rung": "XOR"}) | arguments))


def test_an_interrupted_profile_is_none(monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(gradient_profiling, "run_interruptibly", interrupt)
    with pytest.raises(KeyboardInterrupt):
        profile_rung("XOR", "fused")


def test_the_command_shows_both_tables_and_writes_the_figures(monkeypatch, tmp_path):
    monkeypatch.setattr(gradient_profiling, "SECONDS", 0.05)
    path = tmp_path / "p.json"
    arguments = ["profile", "--gradient", "backward", "--rung", "xor", "--epochs", "500", "--json", str(path)]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    for text in (
        "XOR: 4 samples, 2-3-1, backward (document_epochs), float64",
        "dL_dw1",
        "unprofiled",
        "matmul",
        "Python code",
        "The clock is",
    ):
        assert text in done.output
    assert json.loads(path.read_text())["epochs"] == 500


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--gradient", "fused", "--optimizer", "adam"], "--optimizer: cannot be used with --gradient, which allows only"),
        (["--gradient", "fused", "--trace", "t.json"], "--trace: cannot be used with --gradient"),
        (["--gradient", "fused", "--hidden", "3"], "--hidden: cannot be used with --gradient"),
        (["--rung", "iris"], "--rung: expected --gradient as well"),
        (["--gradient", "forward"], "'forward' is not one of 'backward'"),
        (["--gradient", "fused", "--rung", "moons"], "'moons' is not one of"),
    ],
)
def test_the_command_refuses_what_does_not_fit(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, ["profile", *arguments])
    assert done.exit_code == 2
    assert message in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_profile_of_a_rung_starts_from_its_weights():
    assert set(LADDER) >= {"XOR", "digits"}
    X, y, w1, w2 = problem(4, 2, 3, 1)
    before = train(X, y, w1=w1, w2=w2, epochs=5)
    profile_gradient(X, y, w1=w1, w2=w2, epochs=5)
    assert_array_equal(train(X, y, w1=w1, w2=w2, epochs=5).w1, before.w1)


EPOCHS_COMPILED = """
from fastmlp.kernels.vectors import lanes
from fastmlp.two_layer.fused import WAYS
from fastmlp.two_layer.train import document_epochs, train
for N, I, H in ((2, 2, 3), (lanes("float64"), 2, 3), (70, 2, 3), (2, 20, 30), (300, 20, 30)):
    train(np.zeros((N, I)), np.zeros((N, 1)), hidden_size=H, epochs=1)
train(np.zeros((4, 2)), np.zeros((4, 1)), epochs=1, gradient="backward")
compiled = [each for each in (document_epochs, *WAYS) if each.signatures]
assert len(compiled) >= len(WAYS)  # half a vector only where vectors are wide
"""


@pytest.mark.slow
def test_what_is_not_profiled_runs_the_machine_code_of_epochs_without_laps(tmp_path):
    taken_out = copies(tmp_path, "two_layer/*.py", r"^ *(?:lap|begin)\(clock.*\)(?:  #.*)?\n", but="laps.py")
    assert taken_out > 50
    assert assembly(EPOCHS_COMPILED, tmp_path / "with") == assembly(EPOCHS_COMPILED, tmp_path / "without")
