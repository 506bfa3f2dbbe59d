"""Loss and gradient of a network against central differences and the reference, for every activation, loss, shape and kind of input."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import SGD, Dense, Quantile, Sequential, reference
from fastmlp.engine.inputs import as_inputs
from fastmlp.engine.losses import as_kernel_loss
from fastmlp.engine.memory import TOGETHER, aligned, samples_at_once, workspace
from fastmlp.engine.run import no_totals
from fastmlp.engine.targets import as_targets, as_weights
from fastmlp.kernels import dropout, gather
from fastmlp.kernels.activations import ACTIVATIONS
from fastmlp.kernels.barrier import Team
from fastmlp.kernels.epochs import Plan, train_epochs
from fastmlp.kernels.losses import LOSSES
from fastmlp.kernels.network import Data, Rule, State
from fastmlp.kernels.optimizers import MOMENTUM
from fastmlp.kernels.vectors import lanes
from fastmlp.kernels.views import Block
from fastmlp.model.layers import Activation
from fastmlp.model.losses import LINKS
from tests.problems import targets_of

LAYERS = {layer.name: layer for layer in Activation.__subclasses__()}
SMOOTH = ("tanh", "logistic", "gelu", "silu", "softplus", "mish", "elu")  # those whose slope has no jump that a rounding error could cross
GUARD = 64  # elements around the gradient that must not be written


def make(sizes, activations, loss, biases=True, dtype=np.float64):
    """Make a model with seeded weights and biases of order one."""
    layers = []
    for I, O, activation in zip(sizes[:-1], sizes[1:], activations, strict=True):
        layers.append(Dense(I, O, bias=biases))
        if activation != "identity":
            layers.append(LAYERS[activation]())
    model = Sequential(layers, loss=loss, dtype=dtype)
    rng = np.random.default_rng(sizes)
    for layer in model.dense_layers:
        layer.W[:] = rng.normal(size=layer.W.shape) / np.sqrt(layer.n_inputs)
        if biases:
            layer.b[:] = rng.normal(size=layer.b.shape) / 2
    return model


def problem(loss, N, I, O):
    """Draw seeded inputs, a fifth of which are zero, and targets that suit the loss."""
    rng = np.random.default_rng([N, I, O])
    X = rng.normal(size=(N, I)) * (rng.uniform(size=(N, I)) < 0.8)
    return X, targets_of(loss, rng, N, O)


def gradient(model, X, y, sample_weight=None, w=None):
    """Return mean loss and flat gradient of a step with learning rate 0; check that all its elements are written, and none outside."""
    w = aligned(model.parameters.astype(model.dtype) if w is None else w)
    inputs = as_inputs("X", X, model.n_inputs, model.dtype)
    N, net = inputs.n_samples, model.network()
    targets = as_targets("y", y, N, model.n_outputs, model.loss, w.dtype)
    memory = np.full(w.size + 2 * GUARD, np.nan, w.dtype)
    weights = as_weights(sample_weight, N, w.dtype)
    data = Data(inputs.samples, w.dtype.type(inputs.scale), gather.targets(targets, w.dtype), weights)
    work = workspace(net, N, 1, w.dtype)
    state, totals = State(w, memory[GUARD:-GUARD], aligned(0 * w), aligned(0 * w)), no_totals(1)
    rule = Rule(MOMENTUM, beta1=0.0, beta2=0.0, epsilon=0.0, l2=0.0, decay=0.0, clip=0.0)
    plan = Plan(np.arange(N)[None], N, np.zeros(1), rule, as_kernel_loss(model.loss, model.n_outputs), 0, 0)
    alone = Team(0, 1, np.zeros(1, np.int64), np.zeros((1, 8), np.int64), np.zeros(1, np.uint8))
    assert train_epochs(totals, net, work, state, data, plan, alone) == 1
    loss = totals[0, 0] / totals[0, 1]
    assert_array_equal(np.isnan(memory), np.r_[np.ones(GUARD), np.zeros(w.size), np.ones(GUARD)])
    return loss, memory[GUARD:-GUARD]


@pytest.mark.parametrize("form", ["values", "pixels", "sparse"])
def test_gathering_that_is_stopped_brings_no_sample(form):
    X = np.arange(1, 61).reshape(20, 3)
    X = {"values": X.astype(float), "pixels": X.astype(np.uint8), "sparse": scipy.sparse.csr_array(X.astype(float))}[form]
    inputs = as_inputs("X", X, 3, np.float64)
    B = 5 * lanes(np.float64)
    for stop in (0, 1):
        x = aligned(np.zeros(3 * B))
        batch = gather.Batch(np.arange(20), 0, 20, B)
        gather.gather(Block(x, 0, B, 1, B), inputs.samples, batch, (0, 3), 0, inputs.scale, np.array([stop], np.uint8))
        assert x.any() == (stop == 0)


def as_reference(model):
    """Return the model's layers in the form that the reference expects, without the sigmoid that is part of the loss."""
    codes = [list(ACTIVATIONS)[code] for code in model.network().activation]
    return [reference.Layer(layer.W, layer.b, name) for layer, name in zip(model.dense_layers, codes, strict=True)]


def name_of(loss):
    return "quantile" if isinstance(loss, Quantile) else loss


def flat(gradients):
    return np.concatenate([part.ravel() for pair, biased in gradients for part in pair[: 1 + biased]])


def expected_gradient(model, X, y, sample_weight=None):
    """Return the reference's loss and flat gradient, and for each element the size of what was summed in its layer."""
    layers = as_reference(model)
    loss, gradients = reference.gradient(X, y, layers, name_of(model.loss), sample_weight)
    largest = [np.abs(np.concatenate([dW, db[None]])).max() for dW, db in gradients]
    scale = [(np.full_like(dW, size), np.full_like(db, size)) for (dW, db), size in zip(gradients, largest, strict=True)]
    biased = [layer.b is not None for layer in layers]
    return loss, flat(zip(gradients, biased, strict=True)), flat(zip(scale, biased, strict=True))


def added_up(model, X, y, sample_weight=None):
    """Return the sum of absolute terms for each element of the flat gradient, which determines the rounding error if the terms cancel."""
    layers, share = as_reference(model), np.ones(len(X)) if sample_weight is None else np.asarray(sample_weight, float)
    passed = reference.forward(X, layers)
    inputs = [np.asarray(X, float), *(x for _, x in passed)]
    back = (share / share.sum())[:, None] * np.abs(reference.LOSSES[name_of(model.loss)][1](inputs[-1], y))
    terms = []
    for layer, (z, _), x in reversed(list(zip(layers, passed, inputs[:-1], strict=True))):
        delta = back * np.abs(reference.ACTIVATIONS[layer.activation][1](z))
        terms.insert(0, ((np.abs(x).T @ delta, delta.sum(axis=0)), layer.b is not None))
        back = delta @ np.abs(layer.W).T
    return flat(terms)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_are_the_slope_of_the_loss(activation, loss):
    last = "identity" if loss in LINKS else activation
    model = make((3, 4, 3, 2), (activation, activation, last), loss)
    X, y = problem(loss, 5, 3, 2)
    sample_weight = np.array([1.0, 0.0, 2.0, 0.5, 1.0])
    slopes = reference.central_differences(lambda w: gradient(model, X, y, sample_weight, w)[0], model.parameters)
    assert_allclose(gradient(model, X, y, sample_weight)[1], slopes, rtol=0, atol=2e-9 * max(1, np.abs(slopes).max()))
    loss_there, gradients_there, _ = expected_gradient(model, X, y, sample_weight)
    assert gradient(model, X, y, sample_weight)[0] == pytest.approx(loss_there, rel=1e-13)
    assert_allclose(gradients_there, slopes, rtol=0, atol=2e-9 * max(1, np.abs(slopes).max()))


sizes = st.integers(1, 40)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(
    N=sizes,
    widths=st.lists(sizes, min_size=2, max_size=5),
    activation=st.sampled_from(SMOOTH),
    loss=st.sampled_from(["squared_error", "huber", *LINKS]),
    biases=st.booleans(),
    weighted=st.booleans(),
    zeros=st.integers(0, 40),
)
@example(N=9, widths=[19, 1, 36, 38, 12], activation="elu", loss="squared_error", biases=True, weighted=False, zeros=19)  # they cancel
@settings(max_examples=300)
def test_gradients_match_the_reference(dtype, N, widths, activation, loss, biases, weighted, zeros):
    last = "identity" if loss in LINKS else activation
    model = make(widths, [activation] * (len(widths) - 2) + [last], loss, biases, dtype)
    X, y = problem(loss, N, widths[0], widths[-1])
    X, y = X.astype(dtype), y.astype(dtype)
    X[:, :zeros] = 0  # these inputs are zero in the whole batch
    sample_weight = np.arange(N, 0, -1) % 4 + (N % 4 == 0) if weighted else None
    value, found = gradient(model, X, y, sample_weight)
    expected_value, expected, scale = expected_gradient(model, X, y, sample_weight)
    assert found.dtype == dtype
    tolerance = np.finfo(dtype).eps * (8 + sum(widths) + N) / 2
    assert np.all(np.abs(found - expected) <= tolerance * np.maximum(scale, added_up(model, X, y, sample_weight)))
    assert abs(value - expected_value) <= tolerance * max(1, abs(expected_value))


def test_inputs_of_every_kind_give_the_same_gradient():
    model = make((19, 7, 3), ("relu", "identity"), "squared_error", dtype=np.float32)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(21, 19), dtype=np.uint8) * (rng.uniform(size=(21, 19)) < 0.5)
    images[:, 3:9] = 0
    y = rng.normal(size=(21, 3))
    X = images.astype(np.float32) * np.float32(1 / 255)
    expected = gradient(model, X, y)
    for same in (
        X.astype(np.float64),
        np.asfortranarray(X),
        X.astype(">f4"),
        images,
        scipy.sparse.csr_array(X),
        scipy.sparse.coo_matrix(X),
    ):
        value, found = gradient(model, same, y)
        assert value == expected[0]
        assert_array_equal(found, expected[1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_labels_give_the_gradient_of_one_hot_targets(dtype):
    model = make((4, 5, 3), ("tanh", "identity"), "softmax_cross_entropy", dtype=dtype)
    X, labels = problem("softmax_cross_entropy", 9, 4, 3)[0], np.array([2, 0, 1, 1, 0, 2, 2, 2, 0])
    loss, expected = gradient(model, X, np.eye(3)[labels])
    for y in (labels, labels.reshape(-1, 1), labels.astype(np.uint8), labels.astype(np.float32)):
        assert gradient(model, X, y)[0] == loss
        assert_array_equal(gradient(model, X, y)[1], expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("optimizer", [SGD(0.25), SGD(0.25, clip_norm=1e9)], ids=["fused", "gradient"])
@given(N=sizes, widths=st.lists(sizes, min_size=2, max_size=4), biases=st.booleans(), zeros=st.integers(0, 40))
@settings(max_examples=100)
def test_a_step_takes_the_gradient(optimizer, dtype, N, widths, biases, zeros):
    """Plain SGD adds the products directly to the weights and skips inputs that are zero; other optimizers compute the gradient first."""
    model = make(widths, ["tanh"] * (len(widths) - 2) + ["identity"], "squared_error", biases, dtype)
    X, y = (array.astype(dtype) for array in problem("squared_error", N, widths[0], widths[-1]))
    X[:, :zeros] = 0
    before = model.parameters.astype(np.float64)
    value, expected, scale = expected_gradient(model, X, y)
    loss = model.train_batch(X, y, optimizer)
    tolerance = np.finfo(dtype).eps * (8 + sum(widths) + N)
    assert abs(loss - value) <= tolerance * max(1, abs(value))
    assert np.all(np.abs(model.parameters - (before - 0.25 * expected)) <= tolerance * (scale + np.abs(before)))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("optimizer", [SGD(0.25), SGD(0.25, clip_norm=1e9)], ids=["plain", "clipped"])
@pytest.mark.parametrize("N", [TOGETHER + 1, 2 * TOGETHER, 3 * TOGETHER - 5])
def test_a_large_batch_is_taken_in_parts(N, optimizer, weighted):
    net = make((30, 7, 3), ("tanh", "identity"), "squared_error").network()
    assert workspace(net, samples_at_once(N), 1, float).x.size < 40 * 2 * TOGETHER
    X, y = problem("squared_error", N, 30, 3)
    weights = np.random.default_rng(N).uniform(size=N) if weighted else None
    for n_threads in (1, 2):
        model = make((30, 7, 3), ("tanh", "identity"), "squared_error")
        before = model.parameters.copy()
        value, expected, scale = expected_gradient(model, X, y, weights)
        history = model.fit(X, y, 1, batch_size=N, optimizer=optimizer, sample_weight=weights, n_threads=n_threads)
        assert history.losses == pytest.approx([value], rel=1e-13)
        assert np.all(np.abs(model.parameters - (before - 0.25 * expected)) <= 1e-14 * N * (scale + np.abs(before)))


def drop(rate, key=1, layer=1, features=(0, 40), dtype=np.float64, sample=0):
    """Return x and slope (40, 64), of ones and of twos, after dropout of some features of the samples from `sample` on."""
    x, slope = np.ones(40 * 64 + 64, dtype), np.full(40 * 64 + 64, 2, dtype)
    dropout.drop(Block(x, 64, 64, 1, 64), Block(slope, 64, 64, 1, 64), *features, rate, dropout.Masks(key, sample), layer)
    assert (x[:64] == 1).all()
    return x[64:].reshape(40, 64), slope[64:].reshape(40, 64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rate", [0.0, 0.2, 0.5, 0.9])
def test_dropout_drops_its_share_and_scales_the_rest(rate, dtype):
    x, slope = drop(rate, dtype=dtype)
    assert_array_equal(slope, 2 * x)
    assert set(np.unique(x)) <= {0, dtype(1 / (1 - rate))}
    spread = np.sqrt(rate * (1 - rate))  # of one value; the bounds are four standard deviations of the means
    assert abs((x == 0).mean() - rate) <= 4 * spread / np.sqrt(x.size)
    assert np.all(np.abs((x == 0).mean(axis=1) - rate) <= 4 * spread / np.sqrt(64))
    assert np.all(np.abs((x == 0).mean(axis=0) - rate) <= 4 * spread / np.sqrt(40))


def test_the_next_seed_does_not_have_the_masks_of_the_next_step():
    keys = {dropout.dropout_key(seed, step) for seed in range(40) for step in range(40)}
    assert len(keys) == 1600
    x, _ = drop(0.5, key=dropout.dropout_key(3, 8))
    assert abs((drop(0.5, key=dropout.dropout_key(4, 7))[0] == x).mean() - 0.5) < 4 * 0.5 / np.sqrt(x.size)


def test_dropout_differs_between_steps_and_layers_and_not_between_threads():
    x, _ = drop(0.5)
    for other in (drop(0.5, key=2), drop(0.5, layer=2)):
        assert abs((other[0] == x).mean() - 0.5) < 4 * 0.5 / np.sqrt(x.size)
    first, last = drop(0.5, features=(0, 15))[0], drop(0.5, features=(15, 40))[0]
    assert_array_equal(np.vstack([first[:15], last[15:]]), x)
    assert (first[15:] == 1).all()
    assert_array_equal(drop(0.5, sample=24)[0][:, :40], x[:, 24:])  # a batch in parts


@pytest.mark.parametrize("N", [1, 7, 127, 128, 129, 300])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_outputs_match_the_reference(N, dtype):
    model = make((9, 21, 5, 3), ("gelu", "selu", "logistic"), "squared_error", dtype=dtype)
    X = np.random.default_rng(N).normal(size=(N, 9)).astype(dtype)
    expected = reference.forward(X, as_reference(model))[-1][1]
    for n_threads in (1, 3):
        out = model.predict(X, n_threads=n_threads)
        assert out.dtype == dtype
        assert_allclose(out, expected, rtol=0, atol=32 * np.finfo(dtype).eps)


def test_a_model_without_data_is_described_by_its_layers():
    net = make((4, 5, 3), ("relu", "logistic"), "binary_cross_entropy").network()
    assert net.sizes.tolist() == [4, 5, 3]
    assert net.W_at.tolist() == [0, 25]
    assert net.b_at.tolist() == [20, 40]
    assert net.activation.tolist() == [ACTIVATIONS["relu"], ACTIVATIONS["identity"]]  # the sigmoid is part of the loss
    assert make((4, 5, 3), ("relu", "identity"), "squared_error", biases=False).network().b_at.tolist() == [-1, -1]
