"""Warm starts: training goes on with the network that there is, and says so where the parameters describe another."""

import warnings

import pytest
from numpy.testing import assert_array_equal
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning

from fastmlp import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.any_cpu

IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)


def fitted(kind, parameters, X, y):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(random_state=0, **parameters).fit(X, y)


def test_warm_start_with_another_solver():
    model = fitted(MLPClassifier, {"solver": "lbfgs", "max_iter": 5, "warm_start": True}, *IRIS)
    before = model.loss_
    with pytest.warns(ConvergenceWarning):
        model.set_params(solver="adam").fit(*IRIS)
    assert len(model.loss_curve_) == 5
    assert model.loss_curve_[0] == pytest.approx(before, rel=0.1)


CHANGED = [
    ({"hidden_layer_sizes": (5, 4)}, r"Dense\(4, 10\), ReLU\(\), Dense\(10, 3\) with .* describe Dense\(4, 5\), ReLU\(\), Dense\(5, 4\)"),
    ({"activation": "tanh"}, r"Dense\(4, 10\), ReLU\(\), .* describe Dense\(4, 10\), Tanh\(\)"),
    ({"dropout": 0.25}, r"describe Dense\(4, 10\), ReLU\(\), Dropout\(0\.25\)"),
]


@pytest.mark.parametrize(("change", "message"), CHANGED)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_network_that_is_kept_says_so_if_others_are_asked_for(change, message):
    model = fitted(MLPClassifier, {"hidden_layer_sizes": 10, "max_iter": 3, "warm_start": True}, *IRIS)
    with pytest.warns(UserWarning, match=f"warm_start=True goes on with the network that there is, .*{message}.*To start anew") as warned:
        model.set_params(**change).fit(*IRIS)
    assert warned[0].filename == __file__
    assert model.coefs_[0].shape == (4, 10)
    with pytest.warns(UserWarning, match="partial_fit goes on with"):
        model.partial_fit(*IRIS)
    anew = clone(model).fit(*IRIS)
    assert_array_equal(anew.coefs_[0], fitted(MLPClassifier, {"hidden_layer_sizes": 10, "max_iter": 3, **change}, *IRIS).coefs_[0])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_network_with_dropout_is_not_kept_for_lbfgs():
    model = fitted(MLPClassifier, {"dropout": 0.5, "max_iter": 3, "warm_start": True}, *IRIS)
    with pytest.raises(ValueError, match=r"solver: expected one that trains by .*, since warm_start=True keeps .*Dropout\(0\.5\)"):
        model.set_params(dropout=0, solver="lbfgs").fit(*IRIS)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_another_loss_is_not_taken_up_by_a_warm_start():
    model = fitted(MLPRegressor, {"max_iter": 3, "warm_start": True}, *DIABETES)
    with pytest.warns(UserWarning, match="with loss 'squared_error', although the parameters now describe .* with loss 'huber'"):
        model.set_params(loss="huber").fit(*DIABETES)
