"""`Sequential`: the document's networks, training against plain reference loops, layers and weights, dtypes, copies, bad input."""

import copy
import pickle
import re

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import SGD, Adam, Dense, Dropout, ReLU, Sequential, Sigmoid, Tanh, datasets, reference
from fastmlp.model.initializers import INITIALIZERS
from fastmlp.model.layers import Activation
from tests.models import problem, reference_layers, two_layers

X, Y = datasets.load_xor()


def document(golden, biases=False):
    """Make notebook 3's network, 2-3-1 with relu and sigmoid, with the document's weights."""
    first, second = Dense(2, 3, bias=biases), Dense(3, 1, bias=biases)
    model = Sequential([first, ReLU(), second, Sigmoid()], loss="binary_cross_entropy")
    first.W, second.W = golden["notebook_3"]["W1"], golden["notebook_3"]["W2"]
    return model


class Doubled(ReLU):
    def __call__(self, x):
        return 2 * super().__call__(x)


class Scaled(Dense):
    pass


def test_first_forward_pass_of_notebook_3(golden):
    recorded = golden["notebook_3"]
    outputs = document(golden).forward(X, all_layers=True)
    for value, name in zip(outputs, ("Z1", "X2", "Z2", "Y_hat"), strict=True):
        assert_allclose(value, recorded[name], rtol=1e-15)
    assert_allclose(document(golden).forward(X), recorded["Y_hat"], rtol=1e-15)
    assert_allclose(document(golden).predict_proba(X), recorded["Y_hat"], rtol=1e-15)
    assert_array_equal(document(golden).predict(X), [0, 1, 1, 1])


def test_erratum_12_without_biases_xor_cannot_be_solved(golden):
    model = document(golden)
    history = model.fit(X, Y, epochs=2000, batch_size=4, optimizer=Adam(0.02))
    assert model.predict_proba(X)[0, 0] == 0.5
    assert history.losses[-1] >= np.log(2) / 4
    assert model.predict_proba([[0.0, 0.0]]).item() == 0.5
    with_biases = Sequential([Dense(2, 3), ReLU(), Dense(3, 1), Sigmoid()], loss="binary_cross_entropy", seed=1)
    history = with_biases.fit(X, Y, epochs=2000, batch_size=4, optimizer=Adam(0.02))
    assert history.losses[-1] < 0.01
    assert_array_equal(with_biases.predict(X), Y)


def test_erratum_9_each_layer_is_bounded_by_its_own_fans():
    model = Sequential([Dense(300, 200), Tanh(), Dense(200, 10)])
    for layer in model.dense_layers:
        bound = np.sqrt(6 / (layer.n_inputs + layer.n_outputs))
        assert 0.99 * bound < np.abs(layer.W).max() < bound


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_digits_are_learnt(dtype):
    (X_train, y_train), (X_test, y_test) = datasets.load_digits()
    model = Sequential([Dense(64, 48), ReLU(), Dense(48, 10)], loss="softmax_cross_entropy", dtype=dtype)
    history = model.fit(X_train, y_train, epochs=25, batch_size=32, optimizer=Adam(0.004), schedule="one_cycle")
    assert history.scores[-1] > 0.995
    loss, accuracy = model.evaluate(X_test, y_test)
    assert accuracy > 0.96
    assert accuracy == np.mean(model.predict(X_test) == y_test)
    probabilities = model.predict_proba(X_test)
    assert_allclose(probabilities.sum(axis=1), 1, rtol=8 * np.finfo(dtype).eps)
    assert loss == pytest.approx(-np.log(probabilities[np.arange(360), y_test]).mean(), rel=1e-4)


@pytest.mark.parametrize(("N", "batch_size"), [(1, 1), (1, 64), (5, 2), (7, 3), (7, 1), (7, 100), (33, 16), (40, 8)])
def test_batches_of_any_size_train_as_the_reference_does(N, batch_size):
    inputs, targets = problem(N)
    model = two_layers()
    layers = reference_layers(model)
    losses = []
    for _ in range(2):
        total = 0.0
        for at in range(0, N, batch_size):
            batch = slice(at, at + batch_size)
            loss, gradients = reference.gradient(inputs[batch], targets[batch], layers, "squared_error")
            layers = [layer._replace(W=layer.W - 0.1 * dW, b=layer.b - 0.1 * db) for layer, (dW, db) in zip(layers, gradients, strict=True)]
            total += loss * len(inputs[batch])
        losses.append(total / N)
    history = model.fit(inputs, targets, epochs=2, batch_size=batch_size, optimizer=SGD(0.1), shuffle=False)
    assert_allclose(history.losses, losses, rtol=1e-12)
    for layer, expected in zip(model.dense_layers, layers, strict=True):
        assert_allclose(layer.W, expected.W, rtol=0, atol=1e-13)
        assert_allclose(layer.b, expected.b, rtol=0, atol=1e-13)


@pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.1, momentum=0.9), Adam(0.01, l2=0.01, clip_norm=0.5)])
def test_train_batch_is_fit_of_one_batch_and_remembers(optimizer):
    inputs, targets = problem(9)
    fitted, stepped = two_layers(), two_layers()
    losses = fitted.fit(inputs, targets, epochs=3, batch_size=9, optimizer=optimizer, shuffle=False).losses
    assert [stepped.train_batch(inputs, targets, optimizer) for _ in range(3)] == losses
    assert_array_equal(stepped.parameters, fitted.parameters)
    restarted = two_layers()
    for step in range(3):
        restarted.train_batch(inputs, targets, optimizer if step < 2 else copy.copy(optimizer))
    assert_array_equal(restarted.parameters, fitted.parameters)  # optimizers with equal settings count as the same one


def test_integer_weights_are_repeated_samples():
    inputs, targets = problem(11)
    weight = np.arange(11) % 4
    weighted, repeated = two_layers(), two_layers()
    by_weight = weighted.fit(inputs, targets, epochs=20, batch_size=11, optimizer=SGD(0.2), sample_weight=weight)
    again = np.repeat(np.arange(11), weight)
    by_row = repeated.fit(inputs[again], targets[again], epochs=20, batch_size=len(again), optimizer=SGD(0.2))
    assert_allclose(by_weight.losses, by_row.losses, rtol=1e-12)
    assert_allclose(weighted.parameters, repeated.parameters, rtol=0, atol=1e-13)


def test_print_is_a_table():
    model = Sequential([Dropout(0.1), Dense(784, 100), ReLU(), Dense(100, 10, bias=False)], loss="softmax_cross_entropy")
    assert str(model).splitlines() == [
        "layer                       output   parameters",
        "Dropout(0.1)                   784            0",
        "Dense(784, 100)                100       78,500",
        "ReLU()                         100            0",
        "Dense(100, 10, bias=False)      10        1,000",
        "loss softmax_cross_entropy, 79,500 parameters",
    ]
    assert repr(Sequential([Dense(2, 1), Sigmoid()])) == "Sequential([Dense(2, 1), Sigmoid()], loss='squared_error')"
    assert str(Sequential()).splitlines()[-1] == "loss squared_error, 0 parameters"


def test_summary_is_a_table_that_shows_as_it_is():
    model = Sequential([Dropout(0.1), Dense(784, 100), ReLU(), Dense(100, 10, bias=False)], loss="softmax_cross_entropy", dtype="float32")
    model.train_batch(np.eye(784, dtype=np.float32)[:3], [0, 1, 2])
    summary = model.summary()
    assert repr(summary) == summary
    assert summary.splitlines() == [
        "layer                       output   parameters   multiply-adds",
        "Dropout(0.1)                   784            0               0",
        "Dense(784, 100)                100       78,500          78,400",
        "ReLU()                         100            0               0",
        "Dense(100, 10, bias=False)      10        1,000           1,000",
        "loss softmax_cross_entropy, 79,500 parameters in float32 (0.3 MB), 79,400 multiply-adds per sample, 1 steps trained",
    ]


@pytest.mark.parametrize("trained", [False, True])
def test_snapshots_can_be_returned_to(trained):
    inputs, targets = problem(12)
    model, other = two_layers(), two_layers()
    for each in (model, other) if trained else ():
        each.train_batch(inputs, targets, "adam")
    snapshot = model.snapshot()
    model.fit(inputs, targets, epochs=2, optimizer="adam")
    model.restore(snapshot)
    assert model.steps == other.steps == trained
    for each in (model, other):
        each.fit(inputs, targets, epochs=2, optimizer="adam", shuffle=False)
    assert_array_equal(model.parameters, other.parameters)
    with pytest.raises(TypeError, match=r"^snapshot: expected a Snapshot returned by `snapshot`, got ndarray"):
        model.restore(model.parameters)
    with pytest.raises(ValueError, match=r"^snapshot: expected 51 parameters, got 2"):
        model.restore(Sequential([Dense(1, 1)]).snapshot())


def test_add_layer_is_the_list_and_keeps_what_was_learnt():
    inputs, targets = problem(6)
    listed, added = two_layers(), Sequential()
    for layer in (Dense(4, 6), Tanh(), Dense(6, 3)):
        added.add_layer(layer)
    assert_array_equal(added.parameters, listed.parameters)
    listed.fit(inputs, targets, epochs=2)
    learnt = listed.parameters.copy()
    listed.add_layer(Tanh())
    listed.add_layer(Dense(3, 2))
    assert_array_equal(listed.parameters[: learnt.size], learnt)
    assert listed.predict(inputs).shape == (6, 2)
    assert_allclose(listed.predict(inputs), listed.forward(inputs, all_layers=True)[-1], rtol=1e-13)


def test_weights_can_be_assigned_and_are_those_the_model_uses():
    inputs, _ = problem(5)
    model = two_layers(dtype=np.float32)
    first, last = model.dense_layers
    model.predict(inputs)
    first.W, first.b = np.ones((4, 6)), range(6)
    last.W[:] = 2
    last.b[1] = 5
    assert model.parameters.dtype == np.float32
    assert_array_equal(model.parameters[:30], [1] * 24 + [0, 1, 2, 3, 4, 5])
    outputs = model.predict(inputs)
    assert_allclose(outputs, model.forward(inputs, all_layers=True)[-1], rtol=1e-6)
    assert_allclose(outputs[:, 1] - outputs[:, 0], 5, rtol=1e-6)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers(name):
    model = Sequential([Dense(150, 300, initializer=name)], seed=3)
    W, count = model.layers[0].W, 150 * 300
    low, mean, variance = {
        "glorot_uniform": (-np.sqrt(6 / 450), 0, 2 / 450), "glorot_normal": (-np.inf, 0, 2 / 450),
        "he_uniform": (-np.sqrt(6 / 150), 0, 2 / 150),
        "he_normal": (-np.inf, 0, 2 / 150), "uniform": (0, 0.5, 1 / 12),
    }[name]  # fmt: skip
    assert W.min() >= low
    assert W.max() <= 2 * mean - low
    assert abs(W.mean() - mean) < 4 * np.sqrt(variance / count)
    assert W.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / count))
    assert not model.layers[0].b.any()
    assert_array_equal(W, Sequential([Dense(150, 300, initializer=name)], seed=3).layers[0].W)
    assert not np.array_equal(W, Sequential([Dense(150, 300, initializer=name)], seed=4).layers[0].W)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])  # their state is copied too
def test_copies_go_on_alone(duplicate, optimizer):
    inputs, targets = problem(12)
    model = two_layers()
    model.fit(inputs, targets, epochs=1, optimizer=optimizer)
    model.train_batch(inputs, targets, optimizer)
    model.predict(inputs[:1])
    other = duplicate(model)
    before = model.parameters.copy()
    assert_array_equal(other.parameters, before)
    assert other.steps == model.steps == 2
    other.fit(inputs, targets, epochs=2, optimizer=optimizer)
    assert_array_equal(model.parameters, before)
    model.fit(inputs, targets, epochs=2, optimizer=optimizer)
    assert_array_equal(model.parameters, other.parameters)
    for one in (model, other):
        assert np.shares_memory(one.layers[0].W, one.parameters)
        assert_allclose(one.predict(inputs), one.forward(inputs, all_layers=True)[-1], rtol=1e-12)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Sequential(Dense(2, 1)), TypeError, r"^layers: expected a list of layers, got Dense\(2, 1\)"),
        (lambda: Sequential(["relu"]), TypeError, "^layer: expected Dense, Dropout or an activation .* got str 'relu'"),
        (lambda: Sequential([ReLU]), TypeError, "^layer: expected Dense"),
        (lambda: Sequential([Dense(2, 2), Doubled()]), TypeError, r"^layer: .* got Doubled\(\), a subclass of ReLU; its overrides"),
        (lambda: Sequential([Scaled(2, 2)]), TypeError, r"^layer: .*, a subclass of Dense; its overrides would not be compiled"),
        (lambda: Sequential([Activation()]), TypeError, r"^layer: expected Dense, Dropout or an activation .* got Activation\(\)$"),
        (lambda: Sequential([ReLU()]), ValueError, r"^layer: ReLU\(\) must follow a Dense layer, got nothing"),
        (lambda: Sequential([Dense(2, 2), ReLU(), ReLU()]), ValueError, r"^layer: ReLU\(\) must follow a Dense layer, got ReLU\(\)"),
        (lambda: Sequential([Dropout(0.1), Dropout(0.2)]), ValueError, r"^layer: Dropout\(0.2\) must not follow Dropout\(0.1\)"),
        (lambda: Sequential([Dense(2, 3), Dense(4, 1)]), ValueError, r"^layer: Dense\(4, 1\) expects 4 inputs, got 3 outputs"),
        (lambda: Sequential([Dense(2, 2)] * 2), ValueError, "^layer: expected a new layer"),
        (lambda: Sequential(Sequential([Dense(2, 2)]).layers), ValueError, "^layer: expected a new layer"),
        (lambda: Sequential(loss="mse"), ValueError, "^loss: expected one of 'squared_error', .* got 'mse'"),
        (lambda: Sequential(loss=None), ValueError, "^loss: .* got None"),
        (lambda: Sequential(seed=-1), ValueError, "^seed: expected at least 0, got -1"),
        (lambda: Sequential(seed="a"), TypeError, "^seed: expected an integer, got 'a'"),
        (lambda: Sequential(dtype="int32"), ValueError, "^dtype: expected float32 or float64, got int32"),
        (lambda: Sequential(dtype=">f4"), ValueError, "^dtype: expected float32 or float64, got >f4"),
        (lambda: Sequential(dtype="wide"), TypeError, "^dtype: expected float32 or float64, got 'wide'"),
        (lambda: Sequential().predict([[1.0]]), ValueError, "^layers: expected at least one Dense layer, got none"),
        (lambda: Sequential([Dropout(0.5)]).n_outputs, ValueError, "^layers: expected at least one Dense layer, got none"),
        (lambda: Dense(0, 1), ValueError, "^n_inputs: expected at least 1, got 0"),
        (lambda: Dense(1, -3), ValueError, "^n_outputs: expected at least 1, got -3"),
        (lambda: Dense(2**70, 1), ValueError, "^n_inputs: expected at most"),
        (lambda: Dense(2**31, 2**31), ValueError, "^n_outputs: expected at most"),
        (lambda: Dense(1.5, 1), TypeError, "^n_inputs: expected an integer, got 1.5"),
        (lambda: Dense(1, 1, initializer="he"), ValueError, "^initializer: expected one of .* got 'he'"),
        (lambda: Dropout(1.0), ValueError, r"^rate: expected a number in \[0, 1\), got 1.0"),
        (lambda: Dropout(-0.1), ValueError, "^rate: "),
        (lambda: Dropout("half"), TypeError, "^rate: expected a number, got 'half'"),
        (lambda: setattr(Dense(2, 1), "W", [[1.0], [2.0]]), ValueError, r"^W: Dense\(2, 1\) has none"),
        (lambda: setattr(Sequential([Dense(2, 1)]).layers[0], "W", [1.0, 2.0]), ValueError, r"^W: expected shape \(2, 1\), got \(2,\)"),
        (lambda: setattr(Sequential([Dense(2, 1, bias=False)]).layers[0], "b", [1.0]), ValueError, "^b: .* has none"),
        (lambda: Dense(2, 1)(np.ones((1, 2))), ValueError, r"^Dense\(2, 1\) has no weights"),
        (lambda: Tanh()(["a"]), TypeError, "^x: expected an array of numbers"),
    ],
)
def test_layers_that_do_not_fit_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


@pytest.mark.parametrize("N", [1, 20])
@pytest.mark.parametrize("method", ["predict", "forward", "evaluate", "fit", "train_batch"])
def test_inputs_that_do_not_fit_are_refused(method, N):
    inputs, targets = problem(N)
    model = two_layers(dtype=np.float64)

    def call(inputs):
        return getattr(model, method)(inputs, *([] if method in ("predict", "forward") else [targets]))

    wrong = inputs.copy()
    wrong[N // 2, 1] = np.nan
    infinite = np.where(np.isnan(wrong), np.inf, wrong)
    for bad, message in [
        (inputs[:, :3], rf"expected shape \(N, 4\) with N >= 1, got {re.escape(str((N, 3)))}"),
        (inputs[:0], r"expected shape \(N, 4\) with N >= 1, got \(0, 4\)"),
        (inputs[0], r"got \(4,\); for a single sample use X.reshape\(1, -1\)"),
        (inputs[None], r"expected shape \(N, 4\)"),
        (wrong, "expected finite numbers, got"),
        (infinite, "expected finite numbers, got"),
        (scipy.sparse.csr_array(wrong), "expected finite numbers, got"),
        ([[1.0, 2.0, 3.0, 4.0], [1.0]], "expected a rectangular array"),
    ]:
        with pytest.raises(ValueError, match=f"^X: .*{message}"):
            call(bad)
    for strange in (inputs.astype(complex), inputs.astype(str), None, "data", np.full((N, 4), "a", object)):
        with pytest.raises(TypeError, match=r"^X: expected an array of numbers"):
            call(strange)


def test_every_activation_layer_trains():
    inputs, targets = problem(16)
    for kind in Activation.__subclasses__():
        model = Sequential([Dense(4, 8), kind(), Dense(8, 3)])
        losses = model.fit(inputs, targets, epochs=200, batch_size=8, optimizer=Adam(0.02)).losses
        assert losses[-1] < 0.5 * losses[0], kind


def test_a_batch_that_diverges_says_so():
    model = Sequential([Dense(1, 1)])
    assert model.train_batch([[1e100]], [0.0], SGD(1.0)) > 1e190
    with pytest.raises(FloatingPointError, match="diverged"):
        model.train_batch([[1e100]], [0.0], SGD(1.0))
