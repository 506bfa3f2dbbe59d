"""Targets and sample weights: every form gives the same training, and errors name invalid ones, before and after conversion."""

import re

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from fastmlp import Dense, Sequential
from fastmlp.engine.targets import as_targets, as_weights
from tests.images import LABELS, scaled, trained
from tests.problems import assert_same

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def test_every_form_of_labels_trains_to_the_same_bits():
    X = scaled("float64")
    expected = trained(X, "float64")
    for y in (
        LABELS.tolist(),
        LABELS.astype(np.uint8),
        LABELS.astype(np.float32),
        LABELS.reshape(-1, 1),
        np.eye(3)[LABELS],
        np.eye(3, dtype=bool)[LABELS],
    ):
        assert_same(trained(X, "float64", y)[:2], expected[:2])


@pytest.mark.parametrize(
    ("loss", "y", "n_outputs", "message"),
    [
        ("softmax_cross_entropy", [0, 1, 3], 3, r"expected class indices in \[0, 3\), got 0 to 3"),
        ("softmax_cross_entropy", [0, -1, 2], 3, r"expected class indices in \[0, 3\), got -1 to 2"),
        ("softmax_cross_entropy", [0, 1, 0.5], 3, "expected whole class indices, got 0.5"),
        ("softmax_cross_entropy", [[1, 0], [0.5, 0.6], [0, 1]], 2, "expected rows that sum to 1"),
        ("softmax_cross_entropy", [[1, 0], [1.5, -0.5], [0, 1]], 2, r"expected probabilities in \[0, 1\]"),
        ("softmax_cross_entropy", np.eye(3), 2, r"expected shape \(3, 2\), got \(3, 3\)"),
        ("binary_cross_entropy", [0, 1, 2], 1, r"expected probabilities in \[0, 1\] for binary_cross_entropy, got 0.0 to 2.0"),
        ("binary_cross_entropy", [0, 1, 1], 2, r"expected shape \(3, 2\), got \(3,\)"),
        ("poisson", [1, 0, -1], 1, "expected counts of at least 0 for poisson, got -1"),
        ("squared_error", [1.0, 2.0], 1, r"expected 3 samples as in X, got shape \(2,\)"),
        ("squared_error", 3.0, 1, r"expected 3 samples as in X, got shape \(\)"),
        ("squared_error", np.zeros((3, 1, 1)), 1, r"expected shape \(3, 1\), got \(3, 1, 1\)"),
        ("huber", [0, np.nan, 1], 1, "expected finite numbers"),
        ("absolute_error", [[0, np.inf]] * 3, 2, "expected finite numbers"),
    ],
)
def test_targets_that_do_not_fit_are_refused(loss, y, n_outputs, message):
    with pytest.raises(ValueError, match=f"^y: {message}"):
        as_targets("y", y, 3, n_outputs, loss, FLOAT64)


@pytest.mark.parametrize("y", [["a", "b", "c"], None, [1j, 2, 3], [[1], [2, 3], [4]]])
def test_targets_that_are_no_numbers_are_refused(y):
    with pytest.raises((TypeError, ValueError), match=r"^y: "):
        as_targets("y", y, 3, 1, "squared_error", FLOAT64)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([0.0, 1e300, 1.0], "numbers between -3.4e+38 and 3.4e+38, the range of the model's float32, got 1e+300 at [1]"),
        ([[0.0], [1.0], [-1e39]], "numbers between -3.4e+38 and 3.4e+38, the range of the model's float32, got -1e+39 at [2, 0]"),
        ([0.0, np.nan, 1.0], "finite numbers, got nan at [1]"),
        (pd.Series([1, 2, None], dtype="Float64"), "finite numbers, got"),
        (pd.DataFrame({"price": [1.0, np.inf, 2.0]}), "finite numbers, got inf at [1, column 'price']"),
    ],
)
def test_the_place_of_a_wrong_target_is_named(y, message):
    with pytest.raises(ValueError, match=re.escape(f"y: expected {message}")):
        as_targets("y", y, 3, 1, "squared_error", FLOAT32)


def test_class_indices_beyond_integers_are_refused():
    for y in ([0, 1e300, 1], [0, -1e20, 1]):
        with pytest.raises(ValueError, match=r"^y: expected (whole class indices|class indices in)"):
            as_targets("y", y, 3, 3, "softmax_cross_entropy", FLOAT64)


def test_series_and_frames_are_targets():
    series = pd.Series([0, 1, 2])
    for y in (series, series.astype("Int64"), series.astype("category"), series.astype("UInt8").to_frame("class")):
        assert_array_equal(as_targets("y", y, 3, 3, "softmax_cross_entropy", FLOAT64), [0, 1, 2])


def test_weights():
    assert as_weights(None, 3, FLOAT64).shape == (0,)
    assert_array_equal(as_weights([0, 1, 2], 3, np.dtype(np.float32)), np.float32([0, 1, 2]))
    for bad in ([1, 2], [[1, 2, 3]], [1, -1, 1], [0, 0, 0], [1, np.inf, 1]):
        with pytest.raises(ValueError, match=r"^sample_weight: "):
            as_weights(bad, 3, FLOAT64)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1e-60] * 3, "a positive sum, finite in float32, got 0.0 (the largest weight is 1e-60)"),
        ([3e38, 3e38, 0], "a positive sum, finite in float32, got 6"),
        ([1, 1e300, 1], "numbers between -3.4e+38 and 3.4e+38, the range of the model's float32, got 1e+300 at [1]"),
        ([1, -0.5, 1], "numbers of at least 0, got -0.5"),
        ([1, np.nan, 1], "finite numbers, got nan at [1]"),
    ],
)
def test_weights_are_checked_as_the_model_holds_them(weights, message):
    with pytest.raises(ValueError, match=re.escape(f"sample_weight: expected {message}")):
        as_weights(weights, 3, FLOAT32)
    if "float32" in message:
        assert as_weights(weights, 3, FLOAT64).sum() > 0  # float64 can represent them


def test_weights_whose_sum_overflows_are_refused():
    with pytest.raises(ValueError, match=r"^sample_weight: expected a positive sum, finite in float64, got inf"):
        as_weights([1e308, 1e308, 0], 3, FLOAT64)


def test_what_vanishes_in_float32_trains_nothing_silently():
    X = scaled("float32")
    for wrong in ({"y": np.full(50, 1e300)}, {"sample_weight": np.full(50, 1e-60)}, {"X": np.full((50, 21), 1e300)}):
        model = Sequential([Dense(21, 1)], dtype="float32")
        before = model.parameters.copy()
        with pytest.raises(ValueError, match=rf"^{next(iter(wrong))}: expected .* (the range of the model's|finite in) float32"):
            model.fit(**({"X": X, "y": np.ones(50)} | wrong), epochs=1)
        assert_array_equal(model.parameters, before)
