"""Weights and repetitions are the same, with early stopping and dropout too, where all samples are one batch."""

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import neural_network as theirs
from sklearn.datasets import load_iris

from fastmlp import MLPClassifier, MLPRegressor

pytestmark = [pytest.mark.any_cpu, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 5)), RNG.integers(0, 2, 24)
WEIGHTS = np.resize([0, 3, 1, 4, 2], 24)
RANDOM = [{"dropout": 0.3}, {"early_stopping": True}, {"early_stopping": True, "dropout": 0.3}]
KINDS = [(MLPClassifier, {}), (MLPClassifier, {"class_weight": "balanced"}), (MLPClassifier, {"label_smoothing": 0.1}), (MLPRegressor, {})]


def assert_equal_fits(one, other):
    assert_allclose(one.coefs_[0], other.coefs_[0], rtol=1e-10)
    assert_allclose(one.loss_curve_, other.loss_curve_, rtol=1e-10)
    if one.early_stopping:
        assert_allclose(one.validation_scores_, other.validation_scores_, rtol=1e-10)


@pytest.mark.parametrize("random", RANDOM)
@pytest.mark.parametrize(("kind", "parameters"), KINDS)
@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_array])
def test_weights_are_repetitions(kind, parameters, random, form):
    make = kind(random_state=0, max_iter=20, **parameters, **random)
    order = RNG.permutation(24)
    repeated = make.fit(form(X.repeat(WEIGHTS, axis=0)), Y.repeat(WEIGHTS))
    weighted = kind(**make.get_params()).fit(form(X[order]), Y[order], sample_weight=WEIGHTS[order])
    assert_equal_fits(repeated, weighted)


@pytest.mark.parametrize("scoring", ["accuracy", "neg_log_loss", "loss"])
def test_scorers_see_all_repetitions(scoring):
    parameters = {"random_state": 0, "max_iter": 20, "early_stopping": True, "scoring": scoring, "class_weight": {0: 1.0, 1: 3.0}}
    repeated = MLPClassifier(**parameters).fit(X.repeat(WEIGHTS, axis=0), Y.repeat(WEIGHTS))
    assert_equal_fits(repeated, MLPClassifier(**parameters).fit(X, Y, sample_weight=WEIGHTS))


@pytest.mark.parametrize("random", RANDOM)
def test_samples_of_weight_zero_are_as_if_they_were_not_there(random):
    weights = np.where(np.arange(24) % 3, RNG.uniform(0.5, 2, 24), 0)
    used = weights > 0
    weighted = MLPClassifier(random_state=0, max_iter=20, **random).fit(X, Y, sample_weight=weights)
    assert_equal_fits(weighted, MLPClassifier(random_state=0, max_iter=20, **random).fit(X[used], Y[used], sample_weight=weights[used]))


def test_equal_inputs_with_unequal_targets_are_not_merged():
    twice = np.vstack([X, X])
    model = MLPRegressor(random_state=0, early_stopping=True, max_iter=3).fit(twice, np.concatenate([Y, Y + 1.0]))
    assert model.t_ == model.n_iter_ * (48 - 5)  # a tenth, rounded up, is held out
    model.fit(twice, np.concatenate([Y, Y]))
    assert model.t_ == model.n_iter_ * (24 - 3)


def test_beyond_one_batch_nothing_is_merged():
    parameters = {"random_state": 0, "early_stopping": True, "max_iter": 5, "batch_size": 40}
    ours, others = (kind(**parameters).fit(X.repeat(2, axis=0), Y.repeat(2)) for kind in (MLPClassifier, theirs.MLPClassifier))
    assert_allclose(ours.coefs_[0], others.coefs_[0], rtol=1e-10)


def test_the_smallest_sets_that_can_be_split():
    model = MLPRegressor(random_state=0, early_stopping=True, max_iter=2).fit(X[:4], np.arange(4.0))
    assert len(model.validation_scores_) == 2
    assert model.t_ == 2 * 2  # two samples are held out
    with pytest.raises(ValueError, match=r"The validation set is too small\. Increase 'validation_fraction'"):
        MLPRegressor(early_stopping=True).fit(X[:3], np.arange(3.0))


def test_a_class_of_one_sample_and_its_repetitions():
    rare = np.arange(12) > 10
    model = MLPClassifier(random_state=0, early_stopping=True, max_iter=5).fit(X[:12].repeat(3, axis=0), rare.repeat(3))
    assert model.n_iter_ == 5


def test_with_class_weights_training_stops_by_the_weighted_loss():
    weights = {0: 1.0, 1: 100.0}
    model = MLPClassifier(random_state=0, class_weight=weights, max_iter=30, early_stopping=True)
    inputs, targets = load_iris().data[50:], load_iris().target[50:] - 1
    model.fit(inputs, targets, X_val=inputs, y_val=targets)
    assert_array_equal(model.validation_scores_, -np.array(model.validation_loss_curve_))
    losses = -np.log(model.predict_proba(inputs)[np.arange(100), targets])
    assert model.best_validation_score_ == pytest.approx(-np.average(losses, weights=np.where(targets, 100.0, 1.0)))
    model.set_params(scoring="accuracy").fit(inputs, targets, X_val=inputs, y_val=targets)
    assert max(model.validation_scores_) == pytest.approx(model.score(inputs, targets, sample_weight=np.where(targets, 100.0, 1.0)))
