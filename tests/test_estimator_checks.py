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
RANDOM = "a sample that is repeated draws anew what is dropped, or which side of the split it falls on"
TINY = "of so few samples too few are held out; scikit-learn's estimator raises the same error"


def failures(estimator):
    """The checks that cannot hold, and why: only with dropout or early stopping."""
    random = estimator.dropout or estimator.early_stopping
    found = {f"check_sample_weight_equivalence_on_{kind}_data": RANDOM for kind in ("dense", "sparse") if random}
    if estimator.early_stopping:
        found |= dict.fromkeys(("check_estimators_nan_inf", "check_fit2d_1feature"), TINY)
        name = "check_classifiers_one_label" if isinstance(estimator, MLPClassifier) else "check_regressors_no_decision_function"
        found[name] = TINY
        if isinstance(estimator, MLPClassifier):
            found["check_class_weight_classifiers"] = "the first weights that get the heavy class right have the best accuracy there is"
    return found


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks(ESTIMATORS, expected_failed_checks=failures)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
