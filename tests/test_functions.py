"""The public functions of the document's network: against central differences, against the reference, and with bad input."""

import re
import warnings
from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from numba import njit
from numpy.testing import assert_allclose, assert_array_equal

import fastmlp
from fastmlp import (
    backward,
    backward_faster,
    backward_pass,
    dense,
    forward_pass,
    initialize_weights,
    mse,
    reference,
    sigmoid,
    sigmoid_,
    train,
)
from tests.two_layer import DTYPES, W1, W2, X, Y, narrow, problem, slopes, wide

GRADIENTS = [backward, backward_faster, backward_pass]
ACT_HIDDEN, Y_HAT = reference.forward_pass(X, W1, W2)


def rounding(X, y, w1, w2):
    """Bound the rounding errors of (dL_dw2, dL_dw1, error).

    The bound takes every term as positive, times eps, times the number of terms in the four sums, times the factor by which
    the following operations amplify an error of the hidden sums; the 8 covers the sigmoid.
    """
    eps = np.finfo(X.dtype).eps
    X, y, w1, w2 = (np.abs(array.astype(np.float64)) for array in (X, y, w1, w2))
    residual = w2.sum(axis=0) + y
    unit = eps * (8 + sum(X.shape) + sum(w2.shape)) * (1 + (X @ w1).max()) / len(X)
    return unit * np.broadcast_to(residual.sum(axis=0), w2.shape), unit * X.T @ (residual @ w2.T / 4), unit * np.sum(residual**2)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", GRADIENTS)
@given(N=narrow, I=narrow, H=narrow, O=narrow)
@settings(max_examples=25)
def test_gradients_are_the_slope_of_the_error(function, dtype, N, I, H, O):
    X, y, w1, w2 = problem(N, I, H, O, dtype)
    act_hidden, y_hat = forward_pass(X, w1, w2)
    dL_dw2, dL_dw1, _ = function(X, y, y_hat, act_hidden, w2)
    slope2, slope1 = slopes(X, y, w1, w2)
    tolerance2, tolerance1, _ = rounding(X, y, w1, w2)
    assert np.all(np.abs(dL_dw2 - slope2) <= tolerance2 + 1e-8 * (1 + np.abs(slope2).max()))
    assert np.all(np.abs(dL_dw1 - slope1) <= tolerance1 + 1e-8 * (1 + np.abs(slope1).max()))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", GRADIENTS)
@given(N=wide, I=wide, H=wide, O=wide)
@settings(max_examples=40)
def test_gradients_match_the_reference(function, dtype, N, I, H, O):
    X, y, w1, w2 = problem(N, I, H, O, dtype)
    act_hidden, y_hat = forward_pass(X, w1, w2)
    dL_dw2, dL_dw1, error = function(X, y, y_hat, act_hidden, w2)
    expected_hidden, expected_y_hat = reference.forward_pass(X, w1, w2)
    expected2, expected1, expected_error = reference.backward(X, y, expected_y_hat, expected_hidden, w2)
    tolerance2, tolerance1, tolerance = rounding(X, y, w1, w2)
    assert dL_dw2.dtype == dL_dw1.dtype == dtype
    assert dL_dw2.shape == w2.shape
    assert dL_dw1.shape == w1.shape
    assert np.all(np.abs(dL_dw2 - expected2) <= tolerance2)
    assert np.all(np.abs(dL_dw1 - expected1) <= tolerance1)
    assert abs(error - expected_error) <= tolerance


@pytest.mark.parametrize("dtype", DTYPES)
@given(N=wide, I=wide, H=wide, O=wide)
@settings(max_examples=40)
def test_forward_pass_and_error_match_the_reference(dtype, N, I, H, O):
    X, y, w1, w2 = problem(N, I, H, O, dtype)
    unit = np.finfo(dtype).eps * (8 + I + H)
    hidden_sums = np.abs(X).astype(np.float64) @ np.abs(w1)
    assert np.all(np.abs(dense(X, w1) - reference.dense(X, w1)) <= unit * hidden_sums)
    act_hidden, y_hat = forward_pass(X, w1, w2)
    expected_hidden, expected = reference.forward_pass(X, w1, w2)
    assert act_hidden.dtype == y_hat.dtype == dtype
    assert np.all(np.abs(act_hidden - expected_hidden) <= unit * (1 + hidden_sums))
    assert np.all(np.abs(y_hat - expected) <= unit * (1 + hidden_sums.max()) * np.abs(w2).sum(axis=0))
    residual, error = mse(y_hat, y)
    assert_array_equal(residual, y_hat - y)
    assert_allclose(error, reference.mse(y_hat, y)[1], rtol=np.finfo(dtype).eps * (8 + N + O))


def test_first_step_of_the_document(golden):
    run = golden["notebook_1"]["runs"]["backward_pass"]
    act_hidden, y_hat = forward_pass(X, run["initial_w1"], run["initial_w2"])
    assert_allclose(act_hidden, run["first_act_hidden"], rtol=1e-14)
    assert_allclose(y_hat, run["first_y_hat"], rtol=1e-14)
    for function in GRADIENTS:
        dL_dw2, dL_dw1, error = function(X, Y, y_hat, act_hidden, run["initial_w2"])
        assert_allclose(dL_dw2, run["first_dw2"], rtol=1e-13)
        assert_allclose(dL_dw1, run["first_dw1"], rtol=1e-13)
        assert error == pytest.approx(run["errors"][0], rel=1e-13)


def test_erratum_2_the_error_is_divided_by_the_samples_alone():
    assert mse([[1.0, 2.0], [3.0, 4.0]], np.zeros((2, 2)))[1] == (0.5 * 5.0 + 0.5 * 25.0) / 2


@pytest.mark.parametrize("function", GRADIENTS)
def test_erratum_3_every_output_counts(function):
    dL_dw1 = function([[1.0]], [[0.0, 0.0]], [[0.0, 8.0]], [[0.5]], [[1.0, 1.0]])[1]  # only the second output is wrong
    assert dL_dw1.item() == 8.0 * 0.25


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_is_accurate_to_a_few_ulp_and_never_warns(dtype):
    rng = np.random.default_rng(0)
    ends = [-1e4, -745.0, -709.0, -104.0, -87.0, -1e-30, 0.0, 1e-30, 17.0, 37.0, 88.0, 745.0, 1e4]
    x = np.concatenate([ends, rng.normal(size=500), rng.uniform(-110, 110, size=500), rng.uniform(-750, 750, size=200)]).astype(dtype)
    with localcontext(prec=40):
        exact = np.array([float(1 / (1 + (-Decimal(float(v))).exp())) for v in x])
    with warnings.catch_warnings(), np.errstate(over="raise", invalid="raise", divide="raise"):
        warnings.simplefilter("error")
        s = sigmoid(x)
    assert s.dtype == dtype
    assert s.min() >= 0
    assert s.max() <= 1
    smallest = np.finfo(dtype).smallest_normal  # a kernel may round smaller numbers to zero
    assert np.all(np.abs(s - exact) <= np.maximum(3 * np.spacing(exact.astype(dtype)), smallest))
    assert_allclose(sigmoid_(s), reference.sigmoid_(s), rtol=0, atol=2 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_of_infinities_and_nan_at_every_place_of_a_vector(dtype):
    for place in range(37):
        x = np.linspace(-3, 3, 37).astype(dtype)
        for special, expected in [(np.nan, np.nan), (np.inf, 1.0), (-np.inf, 0.0)]:
            x[place] = special
            s = sigmoid(x)
            assert_array_equal(s[place], expected)
            assert np.isfinite(np.delete(s, place)).all()


@pytest.mark.parametrize("x", [0, 0.5, True, np.float32(0.5), np.float64(-0.5), np.int64(3), -1e4, float("nan")])
def test_sigmoid_of_a_scalar_is_a_float(x):
    for function in (sigmoid, sigmoid_):
        value = function(x)
        assert isinstance(value, (float, np.floating))
        assert_allclose(value, getattr(reference, function.__name__)(x), rtol=1e-6)


def test_sigmoid_keeps_the_shape():
    x = np.linspace(-2, 2, 24).reshape(2, 3, 4)
    for view in (x, x.T, x[:, ::2, ::-1], x.tolist()):
        assert_allclose(sigmoid(view), reference.sigmoid(view), rtol=1e-15)
        assert_allclose(sigmoid_(view), reference.sigmoid_(view), rtol=1e-15)


def test_initialize_weights_draws_the_documents_weights(golden):
    first = golden["notebook_1"]["runs"]["first_draw_w1_w2"]
    start = golden["notebook_1"]["runs"]["backward_pass"]
    generator = np.random.RandomState(56)
    for drawn in (initialize_weights(2, 3, 1), initialize_weights(2, 3, 1, seed=generator)):
        assert_array_equal(drawn[0], first[0])
        assert_array_equal(drawn[1], first[1])
    second = initialize_weights(2, 3, 1, seed=generator)
    assert_array_equal(second[0], start["initial_w1"])
    assert_array_equal(second[1], start["initial_w2"])
    assert not np.array_equal(initialize_weights(2, 3, 1, seed=57)[0], first[0])
    assert [w.shape for w in initialize_weights(np.int64(5), 4, 3)] == [(5, 4), (4, 3)]


@pytest.mark.parametrize("name", ["input_sz", "hidden_sz", "output_sz"])
@pytest.mark.parametrize(("size", "error"), [(0, ValueError), (-2, ValueError), (2.5, TypeError), ("3", TypeError), (None, TypeError)])
def test_initialize_weights_refuses_sizes(name, size, error):
    with pytest.raises(error, match=rf"\b{name}\b.*{re.escape(str(size))}"):
        initialize_weights(**({"input_sz": 2, "hidden_sz": 3, "output_sz": 1} | {name: size}))


@pytest.mark.parametrize(("seed", "error"), [(-1, ValueError), (2**32, ValueError), (1.5, TypeError), ("a", TypeError)])
def test_initialize_weights_refuses_seeds(seed, error):
    with pytest.raises(error, match="seed"):
        initialize_weights(2, 3, 1, seed=seed)


CALLS = {
    "sigmoid": {"x": X},
    "sigmoid_": {"s": ACT_HIDDEN},
    "dense": {"inputs": X, "weights": W1},
    "forward_pass": {"X": X, "w1": W1, "w2": W2},
    "mse": {"y_hat": Y_HAT, "y": Y},
    "backward": {"X": X, "y": Y, "y_hat": Y_HAT, "act_hidden": ACT_HIDDEN, "w2": W2},
    "backward_faster": {"X": X, "y": Y, "y_hat": Y_HAT, "act_hidden": ACT_HIDDEN, "w2": W2},
    "backward_pass": {"X": X, "y": Y, "y_hat": Y_HAT, "act_hidden": ACT_HIDDEN, "w2": W2},
    "train": {"X": X, "y": Y, "w1": W1, "w2": W2, "epochs": 3, "record_every": 1},
}
ARRAYS = [(name, argument) for name, arguments in CALLS.items() for argument, value in arguments.items() if isinstance(value, np.ndarray)]
MATRICES = [(name, argument) for name, argument in ARRAYS if not name.startswith("sigmoid")]


def call(name, **replaced):
    """Call the function with the arguments of CALLS, some of them replaced; return every array of its result."""
    result = getattr(fastmlp, name)(**(CALLS[name] | replaced))
    return result if isinstance(result, tuple) else (result,)


def views(array):
    """Yield the same numbers in every memory layout that NumPy supports."""
    strided = np.full((2 * array.shape[0], 3 * array.shape[1]), np.nan)
    strided[::2, ::3] = array
    frozen = array.copy()
    frozen.flags.writeable = False
    return [array.tolist(), np.asfortranarray(array), strided[::2, ::3], array[::-1, ::-1].copy()[::-1, ::-1], frozen]


@pytest.mark.parametrize(("name", "argument"), ARRAYS)
def test_every_layout_gives_the_same_result(name, argument):
    expected = call(name)
    for view in views(CALLS[name][argument]):
        for value, wanted in zip(call(name, **{argument: view}), expected, strict=True):
            assert_array_equal(value, wanted)


@pytest.mark.parametrize("name", CALLS)
def test_inputs_are_not_modified_and_not_shared(name):
    before = {argument: np.copy(value) for argument, value in CALLS[name].items()}
    results = call(name)
    for argument, value in CALLS[name].items():
        assert_array_equal(value, before[argument])
        assert not any(np.shares_memory(result, value) for result in results)


@pytest.mark.parametrize(
    ("inputs", "weights", "result"),
    [
        ("float32", "float32", "float32"),
        ("float32", "float64", "float64"),
        ("int64", "float32", "float32"),
        ("uint8", "int32", "float64"),
        ("bool", "bool", "float64"),
        ("float16", "float16", "float32"),
        ("float16", "int64", "float32"),
    ],
)
def test_floating_arguments_decide_the_dtype(inputs, weights, result):
    out = dense(np.ones((2, 3), inputs), np.ones((3, 4), weights))
    assert out.dtype == result
    assert_array_equal(out, np.full((2, 4), 3.0))
    assert call("mse", y_hat=np.ones((4, 1), inputs), y=np.ones((4, 1), weights))[0].dtype == result


@pytest.mark.parametrize(("foreign", "native"), [(">f4", "float32"), (">f8", "float64"), (">i4", "float64"), ("<f8", "float64")])
def test_either_byte_order_is_taken(foreign, native):
    out = dense(X.astype(foreign), W1.astype(native))
    assert out.dtype == native
    assert_array_equal(out, dense(X.astype(native), W1.astype(native)))


STRANGE = [X + 1j, X.astype(str), np.where(X > 0, "one", X.astype(object)), None, "XOR", {"a": 1}]
if np.dtype(np.longdouble) != np.float64:
    STRANGE.append(X.astype(np.longdouble))


@pytest.mark.parametrize(("name", "argument"), ARRAYS)
def test_strange_dtypes_are_refused_by_name(name, argument):
    for strange in STRANGE:
        if name == "train" and argument in ("w1", "w2") and strange is None:
            continue  # None asks for drawn weights, which test_train.py tests
        with pytest.raises(TypeError, match=rf"\b{argument}\b"):
            call(name, **{argument: strange})


@pytest.mark.parametrize(("name", "argument"), MATRICES)
def test_only_matrices_are_taken(name, argument):
    good = CALLS[name][argument]
    for bad in (good[:, 0], good[None], good[0, 0], np.empty((0, good.shape[1])), np.empty((good.shape[0], 0))):
        with pytest.raises(ValueError, match=rf"\b{argument}\b.*{re.escape(str(np.shape(bad)))}"):
            call(name, **{argument: bad})
    with pytest.raises((ValueError, TypeError), match=rf"\b{argument}\b"):
        call(name, **{argument: [[1.0, 2.0], [3.0]]})


BACKWARD_SHAPES = [
    ("y", (5, 1), "(4, O)"),
    ("y_hat", (4, 2), "(4, 1)"),
    ("y_hat", (5, 1), "(4, 1)"),
    ("act_hidden", (5, 3), "(4, H)"),
    ("w2", (4, 1), "(3, 1)"),
    ("w2", (3, 2), "(3, 1)"),
]


@pytest.mark.parametrize(
    ("name", "argument", "shape", "expected"),
    [
        ("dense", "weights", (3, 3), "(2, O)"),
        ("forward_pass", "w1", (3, 3), "(2, H)"),
        ("forward_pass", "w2", (4, 1), "(3, O)"),
        ("mse", "y", (4, 2), "(4, 1)"),
        ("mse", "y", (1, 1), "(4, 1)"),
        *((function.__name__, *row) for function in GRADIENTS for row in BACKWARD_SHAPES),
        ("train", "y", (5, 1), "(4, O)"),
        ("train", "w1", (3, 3), "(2, H)"),
        ("train", "w2", (4, 1), "(3, 1)"),
        ("train", "w2", (3, 2), "(3, 1)"),
    ],
)
def test_wrong_shapes_are_refused_with_both_shapes(name, argument, shape, expected):
    with pytest.raises(ValueError, match=rf"^{argument}\b.*{re.escape(expected)}.*{re.escape(str(shape))}"):
        call(name, **{argument: np.ones(shape)})


@njit
def every_name(X, y, w1, w2):
    """This is called compiled and, as `every_name.py_func`, from Python."""
    act_hidden, y_hat = forward_pass(X, w1, w2)
    residual, error = mse(y_hat, y)
    return (
        (sigmoid(y_hat), sigmoid(X), sigmoid(-0.25), sigmoid(2), sigmoid_(act_hidden), sigmoid_(0.25)),
        (dense(X, w1), act_hidden, y_hat, residual, error),
        backward(X, y, y_hat, act_hidden, w2),
        backward_faster(X, y, y_hat, act_hidden, w2),
        backward_pass(X, y, y_hat, act_hidden, w2),
    )


AGAIN = pytest.mark.slow  # 15 s of compilation for each, to test in another dtype what compiles in float64


@pytest.mark.parametrize(
    ("data", "weights"),
    [("float64", "float64"), pytest.param("float32", "float32", marks=AGAIN), pytest.param("int64", "float64", marks=AGAIN)],
)
def test_the_names_compile_inside_njit(data, weights):
    arguments = X.astype(data), Y.astype(data), W1.astype(weights), W2.astype(weights)
    for compiled, python in zip(every_name(*arguments), every_name.py_func(*arguments), strict=True):
        for value, expected in zip(compiled, python, strict=True):
            assert_allclose(value, expected, rtol=32 * np.finfo(weights).eps, atol=np.finfo(weights).eps)


@njit
def drawn_and_trained(X, y):
    """This is called compiled and from Python, like `every_name`."""
    w1, w2 = initialize_weights(2, 3, 1)
    v1, v2 = initialize_weights(2, 3, 1, seed=7)
    mean = train(X, y, epochs=50, record_every=20)
    total = train(X, y, learning_rate=0.1, epochs=7, gradient="backward", w1=w1, w2=w2, record_every=3, reduction="sum")
    return w1, w2, v1, v2, mean.w1, mean.w2, mean.epochs, mean.errors, total.w1, total.w2, total.epochs, total.errors


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float64", "int64"])
def test_drawing_and_training_compile_inside_njit(dtype):
    arguments = X.astype(dtype), Y.astype(dtype)
    for value, expected in zip(drawn_and_trained(*arguments), drawn_and_trained.py_func(*arguments), strict=True):
        assert_allclose(value, expected, rtol=1e-12)
    assert_array_equal(W1, drawn_and_trained(*arguments)[0])


@njit
def trained_too_fast(X, y):
    return train(X, y, learning_rate=1e6)


def test_divergence_inside_njit_is_an_error_too():
    with pytest.raises(FloatingPointError, match="diverged: lower the learning rate"):
        trained_too_fast(X, Y)


@njit
def product(inputs, weights):
    return dense(inputs, weights)


@pytest.mark.parametrize(
    ("inputs", "weights", "result"),
    [("float32", "float64", "float64"), ("float64", "float32", "float64"), ("int64", "float32", "float32"),
     ("float32", "uint8", "float32"), ("int64", "int64", "float64")],
)  # fmt: skip
def test_products_inside_njit_have_the_dtype_that_suits_both(inputs, weights, result):
    a, b = np.full((2, 3), 3).astype(inputs), np.full((3, 4), 5).astype(weights)
    if np.issubdtype(a.dtype, np.floating):
        a /= 7  # numbers that differ between float32 and float64
    out = product(a, b)
    assert out.dtype == result
    assert_array_equal(out, dense(a, b))
