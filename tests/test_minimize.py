"""`Sequential.minimize`, that is L-BFGS, and label smoothing, by `minimize` and by `fit`."""

import numpy as np
import pytest
import scipy.optimize
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import SGD, Dense, Dropout, ReLU, Sequential, Tanh, TrainingWarning, reference
from fastmlp.datasets import load_digits
from tests.models import problem, reference_layers, two_layers


def objective(model, inputs, targets, weights, l2):
    """Mean loss and penalty by the reference."""
    z = reference.forward(inputs, reference_layers(model))[-1][1]
    mean = np.average(reference.LOSSES[model.loss][0](z, targets), weights=weights)
    return mean + l2 / 2 * sum(np.square(layer.W).sum() for layer in model.dense_layers)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "softmax_cross_entropy", "binary_cross_entropy"])
def test_losses_are_those_of_the_reference_and_fall_to_a_minimum(loss):
    inputs, targets = problem(40)
    targets = np.eye(3)[np.arange(40) % 3] if "entropy" in loss else targets
    weights, l2 = np.arange(40) % 4 + 0.5, 0.05
    model = two_layers(loss)
    before = objective(model, inputs, targets, weights, l2)
    history = model.minimize(inputs, targets, max_iter=500, l2=l2, tol=1e-6, sample_weight=weights)
    assert history.stopped == "converged"
    assert history.recorded == ("losses", "seconds")
    assert len(history.losses) == len(history.seconds) == model.steps < 500
    assert history.losses[-1] == pytest.approx(objective(model, inputs, targets, weights, l2), rel=1e-12)
    assert before > history.losses[0] > history.losses[-1]

    def at(parameters):
        model.parameters[:] = parameters
        return objective(model, inputs, targets, weights, l2)

    gradient = scipy.optimize.approx_fprime(model.parameters.copy(), at, 1e-6)
    assert np.abs(gradient).max() < 1e-3


def test_it_goes_on_where_it_ended_and_fit_goes_on_after_it():
    inputs, targets = problem(60)
    whole, parts = two_layers(), two_layers()
    losses = whole.minimize(inputs, targets, max_iter=1).losses
    parts.minimize(inputs, targets, max_iter=1)
    assert_array_equal(whole.parameters, parts.parameters)
    assert parts.minimize(inputs, targets, max_iter=30).losses[0] < losses[0]
    assert parts.fit(inputs, targets, epochs=1, optimizer=SGD(1e-3)).losses[0] < losses[0]


def test_float32_and_threads():
    (X, y), _ = load_digits()
    models = [Sequential([Dense(64, 20), ReLU(), Dense(20, 10)], loss="softmax_cross_entropy", dtype="float32") for _ in range(2)]
    losses = [model.minimize(X, y, max_iter=20, n_threads=threads).losses for model, threads in zip(models, (1, 2), strict=True)]
    assert losses[0] == losses[1]
    assert models[0].parameters.dtype == np.float32
    assert models[0].score(X, y) > 0.95


def test_smoothed_targets_are_targets():
    inputs, _ = problem(30)
    classes = np.arange(30) % 3
    smooth = np.full((30, 3), 0.1) + 0.7 * np.eye(3)[classes]
    for method, options in (("minimize", {"max_iter": 5}), ("fit", {"epochs": 3, "shuffle": False})):
        named, by_hand = two_layers("softmax_cross_entropy"), two_layers("softmax_cross_entropy")
        getattr(named, method)(inputs, classes, label_smoothing=0.3, **options)
        getattr(by_hand, method)(inputs, smooth, **options)
        assert_allclose(named.parameters, by_hand.parameters, rtol=1e-10)
    binary = two_layers("binary_cross_entropy")
    losses = binary.fit(inputs, np.eye(3)[classes], epochs=2, shuffle=False, label_smoothing=0.5).losses
    assert losses == two_layers("binary_cross_entropy").fit(inputs, 0.25 + 0.5 * np.eye(3)[classes], epochs=2, shuffle=False).losses


def test_validation_data_are_not_smoothed():
    inputs, _ = problem(30)
    classes = np.arange(30) % 3
    model = two_layers("softmax_cross_entropy")
    history = model.fit(inputs, classes, epochs=1, validation_data=(inputs, classes), label_smoothing=0.9)
    assert history.validation_losses[0] == pytest.approx(model.evaluate(inputs, classes)[0])


def test_an_interrupt_keeps_the_last_iteration(monkeypatch):
    inputs, targets = problem(40)
    wanted, model = two_layers(), two_layers()
    wanted.minimize(inputs, targets, max_iter=2)
    original = scipy.optimize.minimize

    def interrupted(function, start, callback, **options):
        count = 0

        def then(w):
            nonlocal count
            callback(w)
            count += 1
            if count == 2:
                function(w + 1)  # a point of the next iteration's line search
                raise KeyboardInterrupt

        return original(function, start, callback=then, **options)

    monkeypatch.setattr(scipy.optimize, "minimize", interrupted)
    with pytest.warns(TrainingWarning, match="interrupted after iteration 2 of 50"):
        history = model.minimize(inputs, targets, max_iter=50)
    assert history.stopped == "interrupted"
    assert len(history.losses) == 2
    assert_array_equal(model.parameters, wanted.parameters)


def test_a_loss_that_is_not_finite():
    model = Sequential([Dense(1, 3), Tanh(), Dense(3, 1)])
    before = model.parameters.copy()
    with pytest.raises(FloatingPointError, match="training diverged after iteration 0: the loss is not finite"):
        model.minimize([[0.0], [1.0]], [0.0, 1e200])
    assert_array_equal(model.parameters, before)


BAD = [
    ({"max_iter": 0}, ValueError, "max_iter: expected"),
    ({"max_iter": 2.5}, TypeError, "max_iter: expected"),
    ({"l2": -1}, ValueError, "l2: expected"),
    ({"tol": float("nan")}, ValueError, "tol: expected"),
    ({"n_threads": 0}, ValueError, "n_threads: expected"),
    ({"label_smoothing": 1}, ValueError, r"label_smoothing: expected a number in \[0, 1\)"),
    ({"label_smoothing": 0.1}, ValueError, "label_smoothing: expected 0 for the loss 'squared_error', which has no classes, got 0.1"),
    ({"sample_weight": [0.0, 0.0]}, ValueError, "sample_weight: expected"),
]


@pytest.mark.parametrize(("options", "error", "message"), BAD)
def test_bad_arguments(options, error, message):
    with pytest.raises(error, match=f"^{message}"):
        Sequential([Dense(1, 1)]).minimize([[0.0], [1.0]], [0.0, 1.0], **options)


def test_dropout_and_smoothing_without_classes_are_refused():
    with pytest.raises(ValueError, match="layers: expected no dropout"):
        Sequential([Dense(1, 4), Dropout(0.5), Dense(4, 1)]).minimize([[0.0]], [0.0])
    with pytest.raises(ValueError, match="label_smoothing: expected 0 for the loss 'huber'"):
        Sequential([Dense(1, 1)], loss="huber").fit([[0.0]], [0.0], label_smoothing=0.1)
