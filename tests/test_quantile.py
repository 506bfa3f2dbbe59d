"""Quantiles: the loss of one level or several, by `Sequential` and by `MLPRegressor`; what they cover, and that they never cross."""

import json
import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.metrics import d2_pinball_score, mean_pinball_loss

from fastmlp import Adam, Dense, MLPRegressor, Quantile, Sequential, Tanh, load, reference
from fastmlp.engine.losses import as_kernel_loss, as_loss
from fastmlp.files.tensors import read_tensors, write_tensors
from fastmlp.kernels import losses
from fastmlp.kernels.vectors import lanes
from fastmlp.kernels.views import Block
from fastmlp.model.losses import linked, losses_of_samples

DTYPES = [np.float32, np.float64]
LEVELS = [0.1, 0.5, 0.9]
RNG = np.random.default_rng(0)
X = RNG.uniform(-1, 1, size=(3000, 2))
SPREAD = np.where(X[:, 1] > 0, 0.8, 0.3)
Y = np.sin(3 * X[:, 0]) + SPREAD * RNG.normal(size=3000)
TRAINED, TESTED = slice(0, 2000), slice(2000, None)


def of_samples(loss, z, t):
    """The kernel's losses (N,) and deltas (N, O), N whole vectors of samples."""
    N, O = z.shape
    delta, loss_of = np.ones(N * O, z.dtype), np.zeros(N, z.dtype)
    scores = losses.Scores(np.ones(N, z.dtype), loss_of, np.zeros(N, z.dtype))
    of_outputs, of_deltas = (Block(array, 0, N, 1, N) for array in (np.ascontiguousarray(z.T).ravel(), delta))
    losses.losses_and_deltas(as_kernel_loss(loss, O), of_deltas, of_outputs, np.ascontiguousarray(t.T).ravel(), scores, O, 0, N)
    return loss_of, delta.reshape(O, N).T


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("levels", [0.5, 0.03, [0.1, 0.5, 0.9], [0.001, 0.999, 0.9999]])
def test_losses_and_deltas_of_levels(levels, dtype):
    rng = np.random.default_rng(1)
    z, t = (rng.normal(size=(3 * lanes(dtype), 3)).astype(dtype) for _ in range(2))
    z[0] = t[0]  # where the slope jumps it is taken as 0
    value, delta = of_samples(Quantile(levels), z, t)
    of, of_ = reference.quantile_loss(levels)
    wide = z.astype(float), t.astype(float)
    assert_allclose(value, of(*wide), rtol=8 * np.finfo(dtype).eps)
    assert_allclose(delta, of_(*wide), rtol=8 * np.finfo(dtype).eps)
    assert_allclose(losses_of_samples(Quantile(levels), *wide), of(*wide), rtol=1e-14)
    slopes = reference.central_differences(lambda v: float(of(v, wide[1]).sum()), wide[0])
    assert_allclose(of_(*wide)[1:], slopes[1:], rtol=0, atol=1e-8)


def test_scikit_learn_agrees():
    z, t = np.random.default_rng(2).normal(size=(2, 40, 3))
    expected = sum(mean_pinball_loss(t[:, o], z[:, o], alpha=level) for o, level in enumerate(LEVELS))
    assert reference.quantile_loss(LEVELS)[0](z, t).mean() == pytest.approx(expected, rel=1e-13)
    model = Sequential([Dense(1, 1)], loss=Quantile(0.8))
    inputs, weight = z[:, :1], np.arange(40) % 5 + 0.5
    expected = d2_pinball_score(t[:, 0], model.predict(inputs), alpha=0.8, sample_weight=weight)
    assert model.score(inputs, t[:, 0], sample_weight=weight) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_of_several_levels_are_the_references(dtype):
    model = Sequential([Dense(2, 5), Tanh(), Dense(5, 3)], loss=Quantile(LEVELS), dtype=dtype, seed=4)
    first, second = model.dense_layers
    layers = [reference.Layer(first.W.astype(float), first.b.astype(float), "tanh")]
    layers.append(reference.Layer(second.W.astype(float), second.b.astype(float), "identity"))
    before = model.parameters.astype(float)
    targets = np.repeat(Y[:40, None], 3, axis=1)
    reference.LOSSES["of these levels"] = reference.quantile_loss(LEVELS)
    try:
        loss, gradients = reference.gradient(X[:40], targets, layers, "of these levels")
    finally:
        del reference.LOSSES["of these levels"]
    assert model.train_batch(X[:40].astype(dtype), Y[:40], "sgd") == pytest.approx(loss, rel=1e-5 if dtype == "float32" else 1e-12)
    step = np.concatenate([part.ravel() for pair in gradients for part in pair])
    assert_allclose(model.parameters, before - 0.05 * step, atol=1e-6 if dtype == "float32" else 1e-14)


def test_sorting_never_makes_the_loss_larger():
    rng = np.random.default_rng(3)
    z, t = rng.normal(size=(500, 3)), np.repeat(rng.normal(size=(500, 1)), 3, axis=1)
    loss = Quantile(LEVELS)
    assert (np.diff(z, axis=1) < 0).any()
    assert np.all(losses_of_samples(loss, linked(loss, z), t) <= losses_of_samples(loss, z, t) + 1e-15)
    assert_array_equal(linked(Quantile(0.5), z), z)  # outputs with targets of their own stay where they are


def test_one_level_applies_to_the_target_of_each_output():
    model = Sequential([Dense(2, 2)], loss="quantile")
    assert model.loss == Quantile(0.5)
    targets = np.column_stack([Y, -Y - 3])
    model.fit(X, targets, epochs=60, optimizer=Adam(0.01))
    assert_allclose((targets < model.predict(X)).mean(axis=0), [0.5, 0.5], atol=0.05)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_several_levels_of_one_target_by_sequential(dtype):
    model = Sequential([Dense(2, 30), Tanh(), Dense(30, 3)], loss=Quantile(LEVELS), dtype=dtype)
    history = model.fit(X[TRAINED].astype(dtype), Y[TRAINED], epochs=60, optimizer="adam", validation_data=(X[TESTED], Y[TESTED]))
    predicted = model.predict(X[TESTED])
    assert predicted.shape == (1000, 3)
    assert_allclose((Y[TESTED, None] < predicted).mean(axis=0), LEVELS, atol=0.05)
    assert np.all(np.diff(predicted, axis=1) >= 0)
    assert history.validation_losses[-1] < history.validation_losses[0]
    assert model.score(X[TESTED], Y[TESTED]) == pytest.approx(history.validation_scores[-1], abs=1e-6)
    assert_array_equal(model.predict(X[:3].astype(dtype)), model.predict(X[:100].astype(dtype))[:3])


def test_outputs_that_cross_are_predicted_in_ascending_order():
    model = Sequential([Dense(1, 3)], loss=Quantile(LEVELS))
    model.layers[0].W = [[3.0, -1.0, 2.0]]
    assert_array_equal(model.predict([[1.0], [-1.0]]), [[-1, 2, 3], [-3, -2, 1]])
    assert_array_equal(model.forward([[1.0]]), [[3, -1, 2]])


@pytest.mark.parametrize("loss", [Quantile(LEVELS), Quantile(0.25)])
def test_files_keep_the_levels(tmp_path, loss):
    model = Sequential([Dense(2, 3)], loss=loss, dtype="float64")
    model.save(tmp_path / "model")
    copy = load(tmp_path / "model")
    assert copy.loss == loss
    assert_array_equal(copy.predict(X[:9]), model.predict(X[:9]))
    assert pickle.loads(pickle.dumps(model)).loss == loss


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        ({"quantile": [0.5, 2.0]}, "levels: expected levels between 0 and 1"),
        ({"quantile": None}, "levels: expected a number"),
        ({"quantile": "0.5"}, "levels: expected a number"),
        ({"quantile": [0.1, 0.9]}, r"layers: expected 2 outputs for Quantile\(\[0.1, 0.9\]\), got 3"),
        ({"huber": [0.5]}, "loss: expected the fields quantile"),
        (["quantile"], "loss: expected one of"),
    ],
)
def test_files_with_other_levels_are_refused(tmp_path, loss, message):
    Sequential([Dense(2, 3)], loss=Quantile(LEVELS)).save(tmp_path / "model")
    tensors, metadata = read_tensors(tmp_path / "model")
    described = json.loads(metadata["model"]) | {"loss": loss}
    arrays = {name: tensor.array() for name, tensor in tensors.items()}
    write_tensors(tmp_path / "model", arrays, {"format": metadata["format"], "model": json.dumps(described)})
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "model")


@pytest.mark.parametrize(
    ("levels", "error", "message"),
    [
        (0.0, ValueError, "levels: expected levels between 0 and 1, exclusive, got 0.0"),
        ([0.5, 1.0], ValueError, r"levels: expected levels between 0 and 1, exclusive, got \[0.5, 1.0\]"),
        ([], ValueError, r"levels: expected levels between 0 and 1, exclusive, got \[\]"),
        ([0.9, 0.1], ValueError, r"levels: expected levels in ascending order, each once, got \[0.9, 0.1\]"),
        ([0.5, 0.5], ValueError, "levels: expected levels in ascending order, each once"),
        (float("nan"), ValueError, "levels: expected a finite number, got nan"),
        ("median", TypeError, "levels: expected a number, got 'm'"),
        (None, TypeError, "levels: expected a number, got None"),
    ],
)
def test_wrong_levels(levels, error, message):
    with pytest.raises(error, match=message):
        Quantile(levels)


def test_levels_and_outputs_that_do_not_fit():
    assert (as_loss("huber"), as_loss("quantile")) == ("huber", Quantile(0.5))
    with pytest.raises(ValueError, match=r"layers: expected 3 outputs for Quantile\(\[0.1, 0.5, 0.9\]\), got 2"):
        Sequential([Dense(2, 2)], loss=Quantile(LEVELS)).predict(X[:2])
    with pytest.raises(ValueError, match=r"y: expected shape \(3000, 1\), got \(3000, 3\)"):
        Sequential([Dense(2, 3)], loss=Quantile(LEVELS)).fit(X, np.zeros((3000, 3)))


# By the estimator.


def test_regressor_with_several_levels():
    model = MLPRegressor(loss="quantile", quantile=LEVELS, random_state=0, learning_rate_init=0.01, early_stopping=True)
    model.fit(X[TRAINED], Y[TRAINED])
    predicted = model.predict(X[TESTED])
    assert predicted.shape == (1000, 3)
    assert_allclose((Y[TESTED, None] < predicted).mean(axis=0), LEVELS, atol=0.05)
    assert np.all(np.diff(predicted, axis=1) >= 0)
    wide = predicted[:, 2] - predicted[:, 0]
    assert wide[SPREAD[TESTED] == 0.8].mean() > 2 * wide[SPREAD[TESTED] == 0.3].mean()
    assert (model.n_outputs_, model.out_activation_) == (3, "identity")
    saved = [mean_pinball_loss(Y[TESTED], predicted[:, o], alpha=level) for o, level in enumerate(LEVELS)]
    best = [mean_pinball_loss(Y[TESTED], np.full(1000, np.quantile(Y[TESTED], level)), alpha=level) for level in LEVELS]
    assert model.score(X[TESTED], Y[TESTED]) == pytest.approx(1 - sum(saved) / sum(best), abs=1e-4)
    assert 0.2 < model.score(X[TESTED], Y[TESTED]) < 1
    assert model.best_validation_score_ == max(model.validation_scores_)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_regressor_with_one_level(solver):
    model = MLPRegressor(loss="quantile", quantile=0.8, solver=solver, random_state=0, max_iter=300, learning_rate_init=0.01)
    predicted = model.fit(X[TRAINED], Y[TRAINED]).predict(X[TESTED])
    assert predicted.shape == (1000,)
    assert (Y[TESTED] < predicted).mean() == pytest.approx(0.8, abs=0.05)
    weight = np.arange(1000) % 3 + 0.5
    expected = d2_pinball_score(Y[TESTED], predicted, alpha=0.8, sample_weight=weight)
    assert model.score(X[TESTED], Y[TESTED], weight) == pytest.approx(expected, abs=1e-12)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_shapes_of_predictions():
    two = np.column_stack([Y, Y])[:50]
    assert MLPRegressor(loss="quantile", quantile=[0.5], max_iter=5).fit(X[:50], Y[:50]).predict(X[:4]).shape == (4, 1)
    assert MLPRegressor(loss="quantile", max_iter=5).fit(X[:50], two).predict(X[:4]).shape == (4, 2)
    with pytest.raises(ValueError, match="y: expected one target for quantiles of several levels, got 2"):
        MLPRegressor(loss="quantile", quantile=LEVELS).fit(X[:50], two)


@pytest.mark.parametrize(
    ("quantile", "message"),
    [
        (0.0, "The 'quantile' parameter of MLPRegressor must be a float in the range"),
        (1.5, "The 'quantile' parameter of MLPRegressor must be a float in the range"),
        ([0.5, 1.5], r"quantile: expected levels between 0 and 1, exclusive, got \[0.5, 1.5\]"),
        ([0.9, 0.1], r"quantile: expected levels in ascending order, each once, got \[0.9, 0.1\]"),
    ],
)
def test_wrong_quantiles(quantile, message):
    with pytest.raises(ValueError, match=message):
        MLPRegressor(loss="quantile", quantile=quantile).fit(X[:50], Y[:50])
