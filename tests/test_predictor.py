"""Predictions of a model: every loss, few and many rows, dtype and shape, and errors for weights that are not finite."""

import copy
import pickle
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import SGD, Dense, ReLU, Sequential, Tanh, reference
from tests.models import problem, reference_layers, two_layers


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber", "poisson", "softmax_cross_entropy", "binary_cross_entropy"])
def test_evaluate_and_predict_of_every_loss(loss):
    inputs, targets = problem(20)
    if loss in ("softmax_cross_entropy", "binary_cross_entropy"):
        targets = np.eye(3)[np.arange(20) % 3]
    targets = np.abs(targets) if loss == "poisson" else targets
    weight = np.arange(20) % 3 + 0.5
    model = two_layers(loss)
    z = reference.forward(inputs, reference_layers(model))[-1][1]
    value, score = model.evaluate(inputs, targets, sample_weight=weight)
    assert model.score(inputs, targets, sample_weight=weight) == score != model.score(inputs, targets)
    assert value == pytest.approx(np.average(reference.LOSSES[loss][0](z, targets), weights=weight), rel=1e-13)
    assert_allclose(model.forward(inputs), z, rtol=0, atol=1e-14)
    if loss == "softmax_cross_entropy":
        assert_allclose(model.predict_proba(inputs), reference.softmax(z), rtol=1e-13)
        assert_array_equal(model.predict(inputs), z.argmax(axis=1))
        assert score == pytest.approx(np.average(z.argmax(axis=1) == targets.argmax(axis=1), weights=weight))
        assert model.evaluate(inputs, targets.argmax(axis=1), sample_weight=weight) == pytest.approx((value, score))
    elif loss == "binary_cross_entropy":
        assert_allclose(model.predict_proba(inputs), reference.sigmoid(z), rtol=1e-13)
        assert_array_equal(model.predict(inputs), z > 0)
    else:
        predicted = np.exp(z) if loss == "poisson" else z
        assert_allclose(model.predict(inputs), predicted, rtol=1e-13)
        center = np.average(targets, axis=0, weights=weight)
        assert score == pytest.approx(
            1 - weight @ (targets - predicted) ** 2 @ np.ones(3) / (weight @ (targets - center) ** 2 @ np.ones(3))
        )


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        ("float64", "float64"), (">f8", "float64"), ("float32", "float32"), (">f4", "float32"), ("float16", "float32"),
        ("uint8", "float32"), ("int64", "float64"), ("bool", "float64"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("N", [2, 20])  # a few rows take another path
def test_the_first_training_data_settle_the_dtype_and_nothing_else_does(data, dtype, N):
    inputs, targets = (problem(N)[0] > 0).astype(data), problem(N)[1]
    model = two_layers()
    drawn = model.parameters.copy()
    for other in ("float32", "float64"):
        assert model.predict(problem(N)[0].astype(other)).dtype == other
        assert model.forward(problem(N)[0].astype(other)).dtype == other
        assert two_layers(dtype=other).predict(inputs).dtype == other
    assert model.predict(inputs).dtype == dtype
    assert [out.dtype for out in model.forward(inputs, all_layers=True)] == [dtype] * 3
    model.evaluate(inputs, targets)
    model.score(inputs, targets)
    assert model.dtype is None
    assert model.parameters.dtype == "float64"
    assert_array_equal(model.parameters, drawn)
    for train in (lambda model: model.fit(inputs, targets, epochs=1), lambda model: model.train_batch(inputs, targets)):
        trained = two_layers()
        train(trained)
        assert trained.parameters.dtype == trained.dtype == dtype
        for other in ("float32", "float64"):
            assert trained.predict(problem(N)[0].astype(other)).dtype == dtype
    if data != "uint8":
        assert two_layers().predict(inputs.tolist()).dtype == "float64"
        if data not in ("float16", ">f4", ">f8"):
            assert two_layers().predict(scipy.sparse.csr_array(inputs)).dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_row_is_predicted_as_among_many(dtype):
    inputs = problem(40)[0].astype(dtype)
    for loss in ("squared_error", "softmax_cross_entropy", "binary_cross_entropy", "poisson"):
        model = two_layers(loss)
        together = model.forward(inputs)
        for few in (1, 2, 5, 8, 9):
            assert_allclose(model.forward(inputs[:few]), together[:few], rtol=0, atol=16 * np.finfo(dtype).eps)
            assert_array_equal(model.predict(inputs[:few]).shape, model.predict(inputs)[:few].shape)
            if loss == "softmax_cross_entropy":
                assert_array_equal(model.predict(inputs[:few]), model.forward(inputs[:few]).argmax(axis=1))


@pytest.mark.parametrize("I", [1, 63, 64, 70, 200])
@pytest.mark.parametrize("zeros", [0.0, 0.3, 0.9, 1.0])
def test_zeros_in_a_row_are_skipped_and_nothing_else(I, zeros):
    rng = np.random.default_rng(I)
    inputs = np.where(rng.random((8, I)) < zeros, 0, rng.standard_normal((8, I)))
    model = Sequential([Dense(I, 33), ReLU(), Dense(33, 70), ReLU(), Dense(70, 3)], dtype="float64", seed=1)
    activations = ("relu", "relu", "identity")
    layers = [reference.Layer(layer.W, layer.b, activation) for layer, activation in zip(model.dense_layers, activations, strict=True)]
    z = reference.forward(inputs, layers)[-1][1]
    for row in range(8):
        assert_allclose(model.forward(inputs[row:]), z[row:], rtol=0, atol=1e-13)


def test_calls_in_several_threads_share_no_memory():
    model = two_layers()
    inputs = [problem(N)[0] for N in range(150, 190)]
    expected = [model.forward(each) for each in inputs]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(20):
            for outputs, wanted in zip(pool.map(model.forward, inputs), expected, strict=True):
                assert_array_equal(outputs, wanted)


def test_memory_of_predictions_is_not_copied_and_serves_one_dtype():
    model = two_layers()
    size = len(pickle.dumps(model))
    wide, _ = problem(100)
    outputs = model.forward(wide)
    assert len(pickle.dumps(model)) == size
    narrow = Sequential([Dense(wide.shape[1], 3)])
    assert narrow.forward(wide).dtype == np.float64
    assert narrow.forward(wide.astype(np.float32)).dtype == np.float32
    assert_allclose(narrow.forward(wide), wide @ narrow.layers[0].W + narrow.layers[0].b, rtol=1e-12)
    assert_array_equal(pickle.loads(pickle.dumps(model)).forward(wide), outputs)


@pytest.mark.parametrize("N", [3, 20])
def test_predict_proba_needs_a_cross_entropy(N):
    with pytest.raises(ValueError, match=r"^loss: predict_proba expects a cross-entropy, got 'squared_error'"):
        two_layers().predict_proba(problem(N)[0])


def test_several_labels_are_right_when_each_is():
    model = Sequential([Dense(3, 3)], loss="binary_cross_entropy")
    model.layers[0].W = np.eye(3)
    X, Y = [[2.0, 3.0, -1.0], [2.0, 3.0, -1.0]], [[1, 1, 0], [1, 0, 0]]
    assert model.evaluate(X, Y)[1] == 0.5
    assert model.fit(X, Y, epochs=1, optimizer=SGD(0.0)).scores == [0.5]


def test_a_loss_from_logits_takes_no_other_last_activation():
    for loss in ("softmax_cross_entropy", "poisson", "binary_cross_entropy"):
        model = Sequential([Dense(4, 3), Tanh()], loss=loss)
        with pytest.raises(ValueError, match=rf"^layers: {loss} takes logits, got a model that ends with Tanh\(\)"):
            model.predict(np.ones((2, 4)))


@pytest.mark.parametrize("N", [3, 20])  # a few rows take another path
@pytest.mark.parametrize("loss", ["squared_error", "poisson", "binary_cross_entropy", "softmax_cross_entropy"])
@pytest.mark.parametrize("by", ["fit", "train_batch"])
def test_predictions_have_the_shape_of_the_targets(loss, N, by):
    inputs, targets = problem(N, O=1)
    targets = np.abs(targets) if loss == "poisson" else (targets > 0).astype(int) if "entropy" in loss else targets
    outputs = 2 if loss == "softmax_cross_entropy" else 1
    model = Sequential([Dense(4, outputs)], loss=loss)
    never = (N,) if "entropy" in loss else (N, 1)
    assert model.predict(inputs).shape == never
    for y in (targets[:, 0], targets, targets[:, 0].tolist(), targets.tolist()):
        getattr(model, by)(inputs, y)
        assert (y - model.predict(inputs)).shape == model.predict(inputs).shape == np.shape(y)
        assert copy.copy(model).predict(inputs).shape == np.shape(y)
        assert model.predict(scipy.sparse.csr_array(inputs)).shape == np.shape(y)
        assert model.forward(inputs).shape == (N, outputs)
    assert two_layers().predict(inputs).shape == (N, 3)


def test_one_hot_targets_are_predicted_as_classes():
    inputs, _ = problem(12)
    model = two_layers("softmax_cross_entropy")
    model.fit(inputs, np.eye(3)[np.arange(12) % 3], epochs=1)
    assert (model.predict(inputs).shape, model.predict(inputs[:3]).shape) == ((12,), (3,))


@pytest.mark.parametrize("dtype", ["float32", "float64", None])
@pytest.mark.parametrize("N", [1, 8, 9, 200])
@pytest.mark.parametrize("loss", ["squared_error", "binary_cross_entropy", "softmax_cross_entropy"])
def test_weights_that_are_not_finite_are_no_class_0(loss, N, dtype):
    inputs, targets = problem(N)[0].astype(dtype or "float64"), np.arange(N) % 2
    targets = targets if loss == "softmax_cross_entropy" else np.eye(3)[targets]
    for n, name, place, value in [(0, "W", (2, 1), np.nan), (1, "W", (0, 2), np.inf), (1, "b", (2,), -np.inf), (0, "b", (3,), np.nan)]:
        model = two_layers(loss, dtype=dtype)
        layer = model.dense_layers[n]
        getattr(layer, name)[place] = value
        calls = [("predict", inputs), ("forward", inputs), ("evaluate", inputs, targets), ("predict_proba", inputs)]
        for method, *arguments in calls[: 3 if loss == "squared_error" else 4]:
            with pytest.raises(ValueError, match=rf"^parameters, {name} of the {re.escape(repr(layer))} that is dense_layers\[{n}\]: "):
                getattr(model, method)(*arguments)
        assert not np.isfinite(model.forward(inputs, all_layers=True)[-1]).all()  # which remains possible for inspection


@pytest.mark.parametrize("N", [1, 20])
def test_outputs_beyond_the_dtype_are_no_class_either(N):
    model = Sequential([Dense(4, 3), ReLU(), Dense(3, 3)], loss="softmax_cross_entropy", dtype="float32")
    for layer in model.dense_layers:
        layer.W[:] = 1e20
    with pytest.raises(ValueError, match=r"^X: expected inputs with finite outputs, got some whose values overflow in the layers"):
        model.predict(np.ones((N, 4), np.float32))


@pytest.mark.parametrize("rows", [1, 8, 20])
@pytest.mark.parametrize(
    ("n_threads", "error", "message"),
    [
        (-5, ValueError, "at least 1, got -5"),
        (0, ValueError, "at least 1, got 0"),
        (2**70, ValueError, "at most"),
        (1.5, TypeError, "an integer"),
    ],
)
def test_threads_are_checked_however_few_rows_there_are(rows, n_threads, error, message):
    inputs, _ = problem(rows)
    for loss in ("softmax_cross_entropy", "binary_cross_entropy", "squared_error"):
        model = two_layers(loss, dtype="float64")
        for method in ("predict", "predict_proba") if "entropy" in loss else ("predict",):
            with pytest.raises(error, match=f"^n_threads: expected {message}"):
                getattr(model, method)(inputs, n_threads=n_threads)
