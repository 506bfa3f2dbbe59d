"""Test scores of the estimators agree with scikit-learn's: to rounding with the same random states, within noise with others."""

import numpy as np
import pytest

from benchmarks.accuracy import california_like, compare

pytestmark = pytest.mark.any_cpu


@pytest.mark.slow
@pytest.mark.parametrize("name", ["digits", "breast cancer", "diabetes"])
def test_test_scores_are_those_of_scikit_learn(name):
    found = compare(name, seeds=5)
    assert found.largest < 1e-6
    assert found.other != found.same
    difference, error = found.difference
    assert abs(difference) <= 3 * error


def test_the_made_up_houses_have_the_shapes_of_the_real_ones():
    X, X_test, y, y_test = california_like(0)
    assert X.shape == (15_480, 8)
    assert X_test.shape == (5_160, 8)
    values = np.concatenate([y, y_test])
    assert values.min() >= 0.15
    assert 0.02 < np.mean(values == 5) < 0.06
    assert np.mean(values) > np.median(values)
    np.testing.assert_array_equal(california_like(0)[2], y)
