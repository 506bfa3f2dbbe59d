"""The training loop: the document's runs, one step against the reference, bookkeeping, bad input, divergence, interruption."""

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import forward_pass, initialize_weights, reference, train
from tests import two_layer
from tests.children import interrupted
from tests.two_layer import DTYPES, W1, W2, problem, slopes, wide

GRADIENTS = [*two_layer.GRADIENTS, "fused"]
X, Y = two_layer.X.astype(int), two_layer.Y.astype(int)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_every_gradient_reproduces_the_document(golden, gradient):
    document = golden["notebook_1"]
    recorded = document["runs"]["backward_pass"]
    start = {"w1": recorded["initial_w1"], "w2": recorded["initial_w2"]}
    run = train(X, Y, 3, document["epochs"], document["learning_rate"], gradient, **start)
    assert_array_equal(run.epochs, recorded["epochs"])
    assert_allclose(run.errors, recorded["errors"], rtol=1e-9)
    assert_allclose(run.w1, recorded["final_w1"], rtol=1e-7)
    assert_allclose(run.w2, recorded["final_w2"], rtol=1e-7)
    assert_array_equal(np.round(forward_pass(X, run.w1, run.w2)[1][:, 0]), recorded["predictions"])
    last = train(X, Y, gradient=gradient, record_every=document["epochs"] - 1, **start)
    assert last.errors[-1] == pytest.approx(recorded["final_error"], rel=1e-9)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_the_sum_reproduces_notebook_2(golden, gradient):
    recorded, rate = golden["notebook_2"]["simultaneous"], golden["notebook_2"]["learning_rate"]
    w1, w2 = recorded["initial_w1"], recorded["initial_w2"]
    for error_sum in recorded["error_sums"]:
        assert np.sum(Y - forward_pass(X, w1, w2)[1]) == pytest.approx(error_sum, rel=1e-9)
        w1, w2, _, _ = train(X, Y, epochs=5_000, learning_rate=rate, gradient=gradient, w1=w1, w2=w2, reduction="sum")
    assert_allclose(w1, recorded["final_w1"], rtol=1e-7)
    assert_allclose(w2, recorded["final_w2"], rtol=1e-7)
    assert_allclose(forward_pass(X, w1, w2)[1][:, 0], recorded["final_output"], rtol=1e-7)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_float32_solves_xor(golden, gradient):
    recorded = golden["notebook_1"]["runs"]["backward_pass"]
    w1, w2 = (np.array(recorded[name], dtype=np.float32) for name in ("initial_w1", "initial_w2"))
    run = train(X, Y, gradient=gradient, w1=w1, w2=w2)
    assert run.w1.dtype == run.w2.dtype == np.float32
    assert_array_equal(np.round(forward_pass(X, run.w1, run.w2)[1]), Y)
    assert_allclose(run.errors, recorded["errors"], rtol=0.05)


def test_defaults_start_from_the_documents_seed(golden):
    run, expected = train(X, Y), reference.train(X, Y, *golden["notebook_1"]["runs"]["first_draw_w1_w2"])
    assert_array_equal(run.epochs, expected.epochs)
    assert_allclose(run.errors, expected.errors, rtol=1e-9)
    assert_allclose(run.w1, expected.w1, rtol=1e-7)
    assert_allclose(run.w2, expected.w2, rtol=1e-7)


def check_steps(gradient, dtype, reduction, N, I, H, O):
    """Compare three epochs with three of the reference.

    The learning rate keeps a step smaller than the weights, whose rounding errors then dominate those of the gradients: NumPy in the same
    dtype stays within eps times the weights, and within 4 eps for the errors.
    """
    X, y, w1, w2 = problem(N, I, H, O, dtype)
    rate = 2 / (4 + H) / (N if reduction == "sum" else 1)
    options = {"epochs": 3, "learning_rate": rate, "w1": w1, "w2": w2, "record_every": 1, "reduction": reduction}
    run = train(X, y, gradient=gradient, **options)
    expected = reference.train(X, y, **options)
    eps = np.finfo(dtype).eps
    assert run.w1.dtype == run.w2.dtype == dtype
    assert np.abs(run.w1 - expected.w1).max() <= 16 * eps * (1 + np.abs(w1).max())
    assert np.abs(run.w2 - expected.w2).max() <= 16 * eps * (1 + np.abs(w2).max())
    assert np.all(np.abs(run.errors - expected.errors) <= 64 * eps * (1 + expected.errors))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gradient", GRADIENTS)
@given(reduction=st.sampled_from(["mean", "sum"]), N=wide, I=wide, H=wide, O=wide)
@example(reduction="mean", N=1000, I=2, H=3, O=1)
@example(reduction="sum", N=1000, I=2, H=40, O=1)
@example(reduction="mean", N=1000, I=30, H=40, O=10)
@example(reduction="sum", N=700, I=100, H=130, O=3)
@settings(max_examples=30)
def test_steps_match_the_reference(gradient, dtype, reduction, N, I, H, O):
    check_steps(gradient, dtype, reduction, N, I, H, O)


UNEVEN = [(1, 784, 10, 3), (129, 300, 33, 1), (64, 1, 600, 1), (65, 40, 5, 130), (4099, 3, 4, 2)]
UNEVEN += [(130, 33, 515, 5), (32, 250, 130, 1), (257, 20, 200, 4), (31, 300, 130, 2), (2000, 8, 70, 9)]  # where tiles begin
UNEVEN += [(N, 3, 5, 2) for N in (4, 5, 8, 9, 16, 17, 33)]  # a narrow network whose samples fill a vector, or one more


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", UNEVEN)
def test_fused_matches_the_reference_at_uneven_shapes(shape, dtype):
    check_steps("fused", dtype, "mean", *shape)


@given(N=st.integers(1, 6), I=st.integers(1, 6), H=st.integers(1, 6), O=st.integers(1, 4))
@settings(max_examples=25)
def test_the_fused_step_is_the_slope_of_the_error(N, I, H, O):
    X, y, w1, w2 = problem(N, I, H, O, np.float64)
    run = train(X, y, epochs=1, learning_rate=1.0, w1=w1, w2=w2)
    slope2, slope1 = slopes(X, y, w1, w2)
    assert_allclose(w1 - run.w1, slope1, rtol=0, atol=1e-8 * (1 + np.abs(slope1).max()))
    assert_allclose(w2 - run.w2, slope2, rtol=0, atol=1e-8 * (1 + np.abs(slope2).max()))


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize(
    ("epochs", "record_every", "recorded"),
    [(10, 3, [0, 3, 6, 9]), (9, 3, [0, 3, 6]), (1, 1, [0]), (3, 200, [0]), (0, 5, []), (2, 1, [0, 1])],
)
def test_records(gradient, epochs, record_every, recorded):
    run = train(X, Y, epochs=epochs, gradient=gradient, record_every=record_every)
    every = train(X, Y, epochs=epochs, gradient=gradient, record_every=1)
    assert_array_equal(run.epochs, np.array(recorded, dtype=int))
    assert_array_equal(run.errors, every.errors[recorded])
    assert_array_equal(run.w1, every.w1)
    assert_array_equal(run.w2, every.w2)


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_legs_go_on_where_the_last_one_stopped(gradient):
    whole = train(X, Y, epochs=700, gradient=gradient)
    first = train(X, Y, epochs=300, gradient=gradient)
    kept = first.w1.copy(), first.w2.copy()
    second = train(X, Y, epochs=400, gradient=gradient, w1=first.w1, w2=first.w2)
    assert_allclose(second.w1, whole.w1, rtol=1e-12)
    assert_allclose(second.w2, whole.w2, rtol=1e-12)
    assert_array_equal(first.w1, kept[0])
    assert_array_equal(first.w2, kept[1])


def test_zero_epochs_return_the_initial_weights():
    run = train(X, Y, hidden_size=5, epochs=0, seed=3)
    for value, drawn in zip((run.w1, run.w2), initialize_weights(2, 5, 1, seed=3), strict=True):
        assert_array_equal(value, drawn)
    again = train(X, Y, epochs=0, w1=run.w1, w2=run.w2)
    assert_array_equal(again.w1, run.w1)
    assert not np.shares_memory(again.w1, run.w1)
    assert not np.shares_memory(again.w2, run.w2)
    assert len(run.epochs) == len(run.errors) == 0


def test_a_generator_is_drawn_from_in_sequence(golden):
    recorded = golden["notebook_1"]["runs"]["backward_pass"]
    generator = np.random.RandomState(56)
    first, second = (train(X, Y, epochs=0, seed=generator) for _ in range(2))
    assert_array_equal(first.w1, train(X, Y, epochs=0).w1)
    assert_array_equal(second.w1, recorded["initial_w1"])
    assert_array_equal(second.w2, recorded["initial_w2"])


def test_given_weights_decide_the_hidden_size():
    w1, w2 = initialize_weights(2, 7, 1)
    run = train(X, Y, hidden_size=3, epochs=2, w1=w1, w2=w2)
    assert run.w1.shape == (2, 7)
    assert run.w2.shape == (7, 1)


@pytest.mark.parametrize(
    ("data", "weights", "result"),
    [("float32", None, "float32"), ("float16", None, "float32"), ("int8", None, "float64"), ("bool", "float32", "float32"),
     ("float32", "float64", "float64")],
)  # fmt: skip
def test_floating_arguments_decide_the_dtype(data, weights, result):
    given = {} if weights is None else {name: w.astype(weights) for name, w in zip(("w1", "w2"), initialize_weights(2, 3, 1), strict=True)}
    run = train(X.astype(data), Y.astype(data), epochs=2, **given)
    assert run.w1.dtype == run.w2.dtype == result
    assert_allclose(run.w1, train(X, Y, epochs=2).w1, rtol=20 * np.finfo(result).eps)


@pytest.mark.parametrize("rate", [np.float32(0.125), np.longdouble(0.125), Fraction(1, 8)])
def test_every_kind_of_number_is_one(rate):
    run = train(X, Y, np.int32(4), np.int64(10), rate, record_every=np.uint8(5))
    assert_array_equal(run.w1, train(X, Y, 4, 10, 0.125).w1)
    assert_array_equal(run.epochs, [0, 5])


BAD = [
    ({"gradient": "backwards"}, ValueError, ["gradient", "backwards", *GRADIENTS]),
    ({"gradient": None}, (ValueError, TypeError), ["gradient", *GRADIENTS]),
    ({"reduction": "max"}, ValueError, ["reduction", "max", "mean", "sum"]),
    ({"epochs": -1}, ValueError, ["epochs", "-1"]),
    ({"epochs": 2.5}, TypeError, ["epochs", "2.5"]),
    ({"epochs": "10"}, TypeError, ["epochs", "10"]),
    ({"epochs": 2**70}, ValueError, ["epochs", str(2**70)]),
    ({"epochs": 2**62, "record_every": 1}, ValueError, ["epochs", "record_every", str(2**62)]),
    ({"record_every": 2**70}, ValueError, ["record_every", str(2**70)]),
    ({"record_every": 0}, ValueError, ["record_every", "0"]),
    ({"record_every": 1.5}, TypeError, ["record_every", "1.5"]),
    ({"learning_rate": np.nan}, ValueError, ["learning_rate", "nan"]),
    ({"learning_rate": np.inf}, ValueError, ["learning_rate", "inf"]),
    ({"learning_rate": Fraction(10**400)}, ValueError, ["learning_rate"]),
    ({"learning_rate": 1e308, "reduction": "sum"}, ValueError, ["learning_rate", "1e+308", "float64"]),
    ({"learning_rate": "0.1"}, TypeError, ["learning_rate", "0.1"]),
    ({"learning_rate": None}, TypeError, ["learning_rate", "None"]),
    ({"learning_rate": 1j}, TypeError, ["learning_rate", "1j"]),
    ({"hidden_size": 0}, ValueError, ["hidden_size", "0"]),
    ({"hidden_size": -3}, ValueError, ["hidden_size", "-3"]),
    ({"hidden_size": 2**70}, ValueError, ["hidden_size", str(2**70)]),
    ({"hidden_size": 2.5}, TypeError, ["hidden_size", "2.5"]),
    ({"seed": -1}, ValueError, ["seed"]),
    ({"seed": 2**70}, ValueError, ["seed", str(2**70)]),
    ({"seed": "a"}, TypeError, ["seed"]),
    ({"w1": W1}, ValueError, ["w1", "w2"]),
    ({"w2": W2}, ValueError, ["w1", "w2"]),
]


@pytest.mark.parametrize(("options", "error", "words"), BAD)
def test_bad_options_are_refused_by_name(options, error, words):
    with pytest.raises(error) as raised:
        train(X, Y, **options)
    for word in words:
        assert word in str(raised.value)


def test_a_rate_beyond_the_dtype_of_the_run_is_refused():
    limit = r"^learning_rate: expected at most 3.40282e\+38, since float32 cannot represent a larger step, got 1e\+300"
    with pytest.raises(ValueError, match=limit):
        train(X.astype(np.float32), Y, learning_rate=1e300)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["X", "y", "w1", "w2"])
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_nan_and_infinity_are_refused_by_name(name, value, gradient):
    arguments = {"X": X.astype(float), "y": Y.astype(float), "w1": W1.copy(), "w2": W2.copy()}
    arguments[name][-1, -1] = value
    with pytest.raises(ValueError, match=rf"\b{re.escape(name)}\b"):
        train(**arguments, gradient=gradient)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_divergence_is_seen(gradient, dtype):
    start = {"w1": W1.astype(dtype), "w2": W2.astype(dtype)}
    for reduction in ("mean", "sum"):
        options = {"epochs": 600, "learning_rate": 1e6, "gradient": gradient, "reduction": reduction, **start}
        with pytest.raises(FloatingPointError, match=r"diverged by epoch 200: .* Lower the learning rate \(learning_rate=1e\+06\)"):
            train(X.astype(dtype), Y.astype(dtype), **options)
        with pytest.raises(FloatingPointError, match=r"diverged after epoch 0, the last recorded epoch: the weights are not finite"):
            train(X.astype(dtype), Y.astype(dtype), record_every=10**6, **options)
    assert_array_equal(start["w1"], W1.astype(dtype))  # the caller's weights do not change
    assert_array_equal(start["w2"], W2.astype(dtype))


LONG_RUN = """
from fastmlp import train

X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]
for gradient in {gradients}:
    train(X, y, epochs=1, gradient=gradient)  # compiled before the interrupt comes
    try:
        ctrl_c(after=0.2)
        train(X, y, epochs=10**15, gradient=gradient, record_every=10**13)  # longer than anybody waits
    except KeyboardInterrupt:
        print(gradient)
"""


def test_a_long_run_can_be_interrupted():
    finished = interrupted(LONG_RUN.format(gradients=GRADIENTS))
    assert (finished.stdout.split(), finished.stderr) == (GRADIENTS, "")
