"""What validation data are scored by: accuracy and R^2, the loss, scikit-learn's scorers, functions."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.metrics import balanced_accuracy_score, log_loss, make_scorer, roc_auc_score
from sklearn.preprocessing import StandardScaler

from fastmlp import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CANCER = StandardScaler().fit_transform(load_breast_cancer().data), load_breast_cancer().target
TRAINED, HELD_OUT = slice(0, 400), slice(400, None)
VALIDATION = {"X_val": CANCER[0][HELD_OUT], "y_val": CANCER[1][HELD_OUT]}


def fitted(kind=MLPClassifier, data=CANCER, **parameters):
    X, y = data
    own = {"X_val": X[HELD_OUT], "y_val": y[HELD_OUT]}
    return kind(random_state=0, early_stopping=True, learning_rate_init=0.01, **parameters).fit(X[TRAINED], y[TRAINED], **own)


def test_the_loss_is_a_score_when_negative():
    model = fitted(scoring="loss")
    assert model.validation_scores_ == [-loss for loss in model.validation_loss_curve_]
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert log_loss(VALIDATION["y_val"], model.predict_proba(VALIDATION["X_val"])) == pytest.approx(-model.best_validation_score_)
    assert model.n_iter_ == len(model.validation_scores_) < 200


@pytest.mark.parametrize(
    ("scoring", "score"),
    [
        ("balanced_accuracy", lambda y, model, X: balanced_accuracy_score(y, model.predict(X))),
        ("roc_auc", lambda y, model, X: roc_auc_score(y, model.predict_proba(X)[:, 1])),
        ("neg_log_loss", lambda y, model, X: -log_loss(y, model.predict_proba(X))),
        (make_scorer(balanced_accuracy_score), lambda y, model, X: balanced_accuracy_score(y, model.predict(X))),
        (lambda model, X, y: -len(model.loss_curve_), lambda y, model, X: -1),
    ],
)
def test_scorers(scoring, score):
    model = fitted(scoring=scoring)
    assert model.best_validation_score_ == max(model.validation_scores_)
    assert score(VALIDATION["y_val"], model, VALIDATION["X_val"]) == pytest.approx(model.best_validation_score_, rel=1e-12)
    assert model.n_iter_ == len(model.validation_scores_)


def test_a_score_that_only_falls_ends_the_training_after_the_first_epoch_and_the_patience():
    model = fitted(scoring=lambda model, X, y: -len(model.loss_curve_), n_iter_no_change=3)
    assert model.validation_scores_ == [-1, -2, -3, -4, -5]
    once = MLPClassifier(random_state=0, learning_rate_init=0.01, max_iter=1).fit(CANCER[0][TRAINED], CANCER[1][TRAINED])
    np.testing.assert_array_equal(model.coefs_[0], once.coefs_[0])


def test_a_part_that_is_held_out_is_scored_as_it_was_given():
    seen = []

    def scorer(model, X, y, sample_weight=None):
        seen.append((X, y, sample_weight))
        return model.score(X, y, sample_weight)

    names = load_iris().target_names[load_iris().target]
    frame = load_iris(as_frame=True).data
    weight = np.arange(150) % 3 + 1.0
    common = {"random_state": 0, "early_stopping": True, "max_iter": 5}
    model = MLPClassifier(**common, scoring=scorer).fit(frame, names, sample_weight=weight)
    X, y, weights = seen[0]
    assert isinstance(X, pd.DataFrame)
    assert list(X.columns) == list(frame.columns)
    assert set(y) <= set(names)
    assert weights.shape == y.shape == (15,)
    np.testing.assert_array_equal(weights, weight[X.index])
    plain = MLPClassifier(**common).fit(frame, names, sample_weight=weight)
    assert model.validation_scores_ == pytest.approx(plain.validation_scores_, rel=1e-12)


@pytest.mark.parametrize("form", [np.ndarray.tolist, scipy.sparse.csr_array, scipy.sparse.coo_matrix, scipy.sparse.csc_matrix])
def test_every_form_of_data_can_be_held_out(form):
    X, y = CANCER
    common = {"random_state": 0, "early_stopping": True, "max_iter": 3}
    expected = MLPClassifier(**common).fit(X, y).validation_scores_
    assert MLPClassifier(**common, scoring="accuracy").fit(form(X), y.tolist()).validation_scores_ == pytest.approx(expected)


def test_regressors():
    X, y = load_diabetes(return_X_y=True)
    data = X, (y - y.mean()) / y.std()
    default, r2 = fitted(MLPRegressor, data), fitted(MLPRegressor, data, scoring="r2")
    assert default.validation_scores_ == pytest.approx(r2.validation_scores_, rel=1e-12)
    by_loss = fitted(MLPRegressor, data, scoring="loss")
    residual = data[1][HELD_OUT] - by_loss.predict(X[HELD_OUT])
    assert np.mean(residual**2) / 2 == pytest.approx(-by_loss.best_validation_score_)
    by_quantile = fitted(MLPRegressor, data, scoring="loss", loss="quantile", quantile=[0.1, 0.9])
    assert by_quantile.validation_scores_ == [-loss for loss in by_quantile.validation_loss_curve_]


def test_scores_without_early_stopping_are_recorded():
    X, y = CANCER
    model = MLPClassifier(random_state=0, max_iter=4, scoring="roc_auc").fit(X[TRAINED], y[TRAINED], **VALIDATION)
    assert len(model.validation_scores_) == 4
    assert model.validation_scores_[-1] == roc_auc_score(VALIDATION["y_val"], model.predict_proba(VALIDATION["X_val"])[:, 1])


def test_wrong_scoring():
    with pytest.raises(ValueError, match="The 'scoring' parameter of MLPClassifier must be a str among"):
        fitted(scoring="beauty")
    with pytest.raises(ValueError, match="The 'scoring' parameter of MLPClassifier must be"):
        fitted(scoring=3)
    with pytest.raises(ValueError, match="scoring: expected a scorer that returns a number, got 'good'"):
        fitted(scoring=lambda model, X, y: "good")
    with pytest.raises(ValueError, match="looks like it is a metric function"):
        fitted(scoring=balanced_accuracy_score)
