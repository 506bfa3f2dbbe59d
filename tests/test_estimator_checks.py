"""scikit-learn's own checks of an estimator."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from fastmlp import MLPClassifier, MLPRegressor

ESTIMATORS = [
    MLPClassifier(),
    MLPRegressor(),
    MLPClassifier(solver="sgd"),
    MLPRegressor(solver="sgd"),
    MLPClassifier(solver="lbfgs"),
    MLPRegressor(solver="lbfgs"),
    MLPClassifier(class_weight="balanced"),
    MLPClassifier(dropout=0.2),
    MLPRegressor(dropout=0.2),
    MLPClassifier(early_stopping=True),
    MLPRegressor(early_stopping=True),
    MLPClassifier(categorical_features="from_dtype"),
    MLPRegressor(categorical_features="from_dtype"),
]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
