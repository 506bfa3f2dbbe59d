"""Optimizers: the kernel's steps against the reference, whole training runs against scikit-learn and PyTorch, and settings."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

import fastmlp
from fastmlp import SGD, Adam, AdamW, Dense, Sequential, reference
from fastmlp.kernels import optimizers
from fastmlp.kernels.epochs import train_epochs
from fastmlp.kernels.network import State
from fastmlp.model.layers import Activation
from fastmlp.model.optimizers import OPTIMIZERS
from tests.problems import RECORDED

DTYPES = [np.float32, np.float64]
CODES = {"sgd": optimizers.SGD, "momentum": optimizers.MOMENTUM, "nesterov": optimizers.NESTEROV, "adam": optimizers.ADAM}
ACTIVATIONS = {layer.name: layer for layer in Activation.__subclasses__()}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", CODES)
@given(first=st.integers(0, 20), size=st.integers(0, 40), l2=st.sampled_from([0, 0.1]), scale=st.sampled_from([1, 0.3]))
def test_steps_match_the_reference(rule, dtype, first, size, l2, scale):
    rng = np.random.default_rng([first, size])
    rate, beta1, beta2, epsilon, decay = 0.125, 0.75, 0.875, 1e-3, 0.1 if rule == "adam" else 0.0
    w, g, m, v = (array.astype(dtype) for array in (rng.normal(size=70), rng.normal(size=70), np.zeros(70), np.zeros(70)))
    start, stretch = w.copy(), slice(first, first + size)
    expected = w[stretch].astype(np.float64), np.zeros(size), np.zeros(size)
    for t in range(1, 4):
        root = np.sqrt(1 - beta2**t) if rule == "adam" else 1.0
        corrected = rate * root / (1 - beta1**t) if rule == "adam" else rate
        numbers = (dtype(number) for number in (corrected, rate * decay, l2, beta1, beta2, epsilon * root, scale))
        optimizers.update(State(w, g, m, v), first, first + size, optimizers.Update(CODES[rule], *numbers))
        gradient = scale * (g[stretch].astype(np.float64) + l2 * expected[0])
        expected = reference.optimizer_step(rule, expected[0], gradient, *expected[1:], t, rate, beta1, beta2, epsilon, 0, decay)
    for array, wanted in zip((w, m, v), expected, strict=True):
        if array is v and rule != "adam":
            continue  # this array is never read
        assert_allclose(array[stretch], wanted, rtol=0, atol=32 * np.finfo(dtype).eps * max(1, np.abs(start).max()))
    outside = np.r_[:first, first + size : 70]
    assert_array_equal(w[outside], start[outside])
    assert not m[outside].any()
    assert not v[outside].any()


def test_nesterov_takes_its_gradient_where_the_momentum_leads():
    """For f(w) = w^2 / 2: v <- beta v - rate f'(w + beta v), w <- w + v (Sutskever et al. 2013); the rule stores w + beta v instead."""
    w, v, beta, rate = 1.0, 0.0, 0.9, 0.25
    ahead, m, unused = np.array([1.0]), np.zeros(1), np.zeros(1)
    for t in range(1, 6):
        v = beta * v - rate * (w + beta * v)
        w = w + v
        ahead, m, unused = reference.optimizer_step("nesterov", ahead, ahead, m, unused, t, rate, beta)
        assert ahead.item() == pytest.approx(w + beta * v, rel=1e-13)


@pytest.mark.parametrize("run", [*RECORDED["scikit_learn"], *RECORDED["pytorch"]], ids=lambda run: f"{run['activation']}-{run['loss']}")
def test_scikit_learn_and_pytorch_end_with_the_same_weights(run):
    problem, settings = RECORDED["problem"], dict(run["optimizer"])
    first, second = Dense(4, 5), Dense(5, 3)
    model = Sequential([first, ACTIVATIONS[run["activation"]](), second], loss=run["loss"], dtype="float64")
    for layer, W, b in zip((first, second), problem["W"], problem["b"], strict=True):
        layer.W[:], layer.b[:] = W, b
    y = np.array(problem[run["targets"]])
    y = np.abs(y) if run["loss"] == "poisson" else (y > 0) if run["loss"] == "binary_cross_entropy" else y
    if run in RECORDED["scikit_learn"] and settings["rule"] == "Adam":
        settings["epsilon_hat"] = True
    optimizer = getattr(fastmlp, settings.pop("rule"))(**settings)
    model.fit(problem["X"], y, epochs=run["epochs"], batch_size=run["batch_size"], optimizer=optimizer, shuffle=False)
    for layer, W, b in zip((first, second), run["W"], run["b"], strict=True):
        assert_allclose(layer.W, W, rtol=0, atol=1e-13)
        assert_allclose(layer.b, b, rtol=0, atol=1e-13)


def one_step(optimizer, **layer):
    """Return weights, biases and gradients (W, b) of a model before a step, and what the step subtracts from them."""
    model = Sequential([Dense(3, 2, **layer)], dtype="float64")
    X, y = np.arange(12.0).reshape(4, 3) / 8, np.ones((4, 2))
    dense = model.layers[0]
    dense.b[:] = 0.5, -0.25
    W, b = dense.W.copy(), dense.b.copy()
    _, [gradient] = reference.gradient(X, y, [reference.Layer(W, b, "identity")], "squared_error")
    model.train_batch(X, y, optimizer)
    return (W, b), gradient, (W - dense.W, b - dense.b)


def test_l2_and_decay_leave_the_biases_alone():
    (W, _), gradient, taken = one_step(SGD(0.1, l2=0.5))
    assert_allclose(taken[0], 0.1 * (gradient[0] + 0.5 * W), rtol=1e-13)
    assert_allclose(taken[1], 0.1 * gradient[1], rtol=1e-13)
    (W, _), _, decayed = one_step(AdamW(0.1, weight_decay=0.5))
    adam = one_step(Adam(0.1))[2]
    assert_allclose(decayed[0], adam[0] + 0.05 * W, rtol=1e-13)
    assert_array_equal(decayed[1], adam[1])


def test_the_first_step_of_adam_is_that_of_algorithm_1():
    """After the bias correction m and v are g and g^2, so that the step is g / (|g| + epsilon)."""
    for hat, correction in ((False, 1.0), (True, np.sqrt(1 - 0.999))):
        _, gradient, taken = one_step(Adam(1.0, epsilon=1e-3, epsilon_hat=hat))
        for part, step in zip(gradient, taken, strict=True):
            assert_allclose(step, part / (np.abs(part) + 1e-3 / correction), rtol=1e-12)


@pytest.mark.parametrize("share", [0.25, 4.0])
def test_the_penalty_counts_in_the_length_of_the_gradient(share):
    (W, _), (dW, db), _ = one_step(SGD(0.1))
    penalised = dW + 3.0 * W
    length = np.sqrt((penalised**2).sum() + (db**2).sum())
    _, _, taken = one_step(SGD(0.1, l2=3.0, clip_norm=share * length))
    for part, step in zip((penalised, db), taken, strict=True):
        assert_allclose(step, 0.1 * min(share, 1) * part, rtol=1e-12)


@pytest.mark.parametrize("share", [0.25, 4.0])
def test_a_gradient_longer_than_clip_norm_is_shortened(share):
    _, gradient, _ = one_step(SGD(0.1))
    length = np.sqrt(sum((part**2).sum() for part in gradient))
    _, _, taken = one_step(SGD(0.1, clip_norm=share * length))
    for part, step in zip(gradient, taken, strict=True):
        assert_allclose(step, 0.1 * min(share, 1) * part, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [SGD(0.0), SGD(0.0, momentum=0.9), Adam(0.0), AdamW(0.0)])
def test_a_rate_of_zero_changes_nothing(optimizer):
    for step in one_step(optimizer)[2]:
        assert not step.any()


def test_defaults_and_equality():
    assert (SGD().learning_rate, Adam().learning_rate, AdamW().learning_rate, AdamW().weight_decay) == (0.05, 0.001, 0.001, 0.01)
    assert SGD(0.1) == SGD(learning_rate=0.1)
    assert Adam() != AdamW()


@pytest.mark.parametrize("name", [*OPTIMIZERS, None])
def test_a_name_stands_for_an_optimizer(name):
    X, y = np.eye(4), np.arange(4.0)
    named, given = Sequential([Dense(4, 1)]), Sequential([Dense(4, 1)])
    losses = named.fit(X, y, epochs=3, batch_size=2, optimizer=name).losses
    assert given.fit(X, y, epochs=3, batch_size=2, optimizer=OPTIMIZERS[name or "sgd"]).losses == losses
    assert named.train_batch(X, y, name) == given.train_batch(X, y, OPTIMIZERS[name or "sgd"])
    assert_array_equal(named.parameters, given.parameters)


def test_the_names_are_distinct_optimizers():
    assert list(OPTIMIZERS) == ["sgd", "momentum", "nesterov", "adam", "adamw"]
    assert len({optimizer.settings() for optimizer in OPTIMIZERS.values()}) == 5
    assert OPTIMIZERS["sgd"] == SGD()
    assert OPTIMIZERS["adam"] == Adam()


def test_every_kind_of_number_is_one_for_the_compiler():
    model = Sequential([Dense(3, 2)], dtype="float64")
    X, y = np.ones((4, 3)), np.ones((4, 2))
    model.train_batch(X, y, SGD(0.1))
    before = len(train_epochs.signatures)
    for rate in (1, True + 0, np.float32(0.1), np.float64(0.1), np.int8(1), np.longdouble(0.1), Fraction(1, 10)):
        for optimizer in (SGD(rate, l2=rate, clip_norm=rate), Adam(rate, epsilon=rate), AdamW(rate, weight_decay=rate)):
            assert {type(value) for value in dataclasses.astuple(optimizer)} <= {float, bool}
            assert {type(value) for value in optimizer.settings()} == {int, float}
            model.train_batch(X, y, optimizer)
    assert len(train_epochs.signatures) == before
    assert SGD(2**70).learning_rate == 2.0**70
    assert SGD(nesterov=np.True_).nesterov is True
    with pytest.raises(TypeError, match=r"^nesterov: expected True or False, got 'no'"):
        SGD(nesterov="no")
    with pytest.raises(ValueError, match=r"^learning_rate: expected a finite number"):
        SGD(10**400)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *((kind, name) for kind in (SGD, Adam, AdamW) for name in ("learning_rate", "l2", "clip_norm")),
        (SGD, "momentum"), (Adam, "beta1"), (Adam, "beta2"), (Adam, "epsilon"), (AdamW, "weight_decay"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("value", "error"), [(-0.1, ValueError), (np.nan, ValueError), (np.inf, ValueError), ("1", TypeError), (None, TypeError)]
)
def test_settings_out_of_range_are_refused_by_name(kind, name, value, error):
    with pytest.raises(error, match=rf"^{name}: expected .*got {value!r}"):
        kind(**{name: value})


@pytest.mark.parametrize(("kind", "name"), [(SGD, "momentum"), (Adam, "beta1"), (AdamW, "beta2")])
def test_a_memory_that_never_fades_is_refused(kind, name):
    with pytest.raises(ValueError, match=rf"^{name}: expected a number in \[0, 1\), got 1"):
        kind(**{name: 1})
