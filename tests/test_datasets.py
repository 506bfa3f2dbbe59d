"""The small data sets, scaling pixels, and labels as rows; invalid arguments are named."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastmlp.datasets import load_digits, load_xor, normalize, one_hot

pytestmark = pytest.mark.any_cpu


def test_xor() -> None:
    X, y = load_xor()
    np.testing.assert_array_equal(np.hstack([X, y]), [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
    assert X.dtype == y.dtype == np.float64
    assert y.shape == (4, 1)


def test_digits_are_scaled_and_dealt_the_same_way_every_time() -> None:
    (X_train, y_train), (X_test, y_test) = load_digits()
    assert (X_train.shape, y_train.shape, X_test.shape, y_test.shape) == ((1437, 64), (1437,), (360, 64), (360,))
    assert (X_train.dtype.name, y_train.dtype.name) == ("float32", "int64")
    assert (X_train.min(), X_train.max()) == (0, 1)
    np.testing.assert_array_equal(y_test[:10], [7, 9, 4, 7, 0, 2, 6, 1, 3, 1])
    assert len(np.unique(np.vstack([X_train, X_test]), axis=0)) == 1797  # no row is lost, none occurs twice


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, np.float64])
def test_normalize_divides_by_255(dtype: Any, kind: Any) -> None:
    pixels = np.arange(256, dtype=kind).reshape(2, 8, 16)
    scaled = normalize(pixels, dtype)
    assert scaled.dtype == dtype
    np.testing.assert_array_equal(scaled, pixels.astype(dtype) / dtype(255))
    np.testing.assert_array_equal(normalize(pixels, dtype, binarize_at=0.5), pixels >= 128)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(X=[-1]), ValueError, r"X: expected whole numbers from 0 to 255, got -1 at \[0\]$"),
        (dict(X=[0, 256]), ValueError, "X: .*256"),
        (dict(X=[[0, 256], [-1, 300]]), ValueError, r"X: expected whole numbers from 0 to 255, got 256 at \[0, 1\] and 2 others"),
        (dict(X=pd.DataFrame({"a": [0.5]})), ValueError, r"X: expected whole numbers from 0 to 255, got 0\.5 at \[0, column 'a'\]"),
        (dict(X=[0.5]), ValueError, "X: .*0.5"),
        (dict(X=[np.nan]), ValueError, "X: .*nan"),
        (dict(X=[np.inf]), ValueError, "X: .*inf"),
        (dict(X=["a"]), TypeError, "X: expected an array of numbers .*, got dtype <U1"),
        (dict(X=[[1], [2, 3]]), ValueError, "X: expected a rectangular array of numbers, got rows of different lengths"),
        (dict(X=None), TypeError, "X: expected an array of numbers, got None"),
        (dict(X=[True]), TypeError, "X: expected whole numbers from 0 to 255, got dtype bool"),
        (dict(X=np.ma.array([1])), TypeError, "X: expected an array without a mask"),
        (dict(X=[1], dtype=np.int32), ValueError, "dtype: expected float32 or float64, got int32"),
        (dict(X=[1], dtype="pixel"), TypeError, "dtype: expected float32 or float64, got 'pixel'"),
        (dict(X=[1], binarize_at=127), ValueError, "binarize_at: .* got 127"),
        (dict(X=[1], binarize_at="half"), TypeError, "binarize_at: .* got 'half'"),
    ],
)
def test_normalize_names_what_is_wrong(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        normalize(**arguments)


@given(y=st.lists(st.integers(0, 9), min_size=1, max_size=20), more=st.integers(0, 3), kind=st.sampled_from(["i1", "u1", "i8", "u8"]))
def test_one_hot_rows_hold_one_1_at_the_label(y: list[int], more: int, kind: str) -> None:
    rows = one_hot(np.array(y, kind), n_classes=max(y) + 1 + more, dtype=np.float64)
    np.testing.assert_array_equal(rows.argmax(axis=1), y)
    np.testing.assert_array_equal(np.sort(rows, axis=1), [[0] * (max(y) + more) + [1]] * len(y))
    assert rows.dtype == np.float64
    assert one_hot(y).shape == (len(y), max(y) + 1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(y=[0, 3], n_classes=3), ValueError, r"y: expected labels from 0 to 2, got 3 at \[1\]"),
        (dict(y=[0, -1]), ValueError, r"y: .*got -1 at \[1\]"),
        (dict(y=[-1]), ValueError, r"y: expected labels from 0 to 0, got -1 at \[0\]"),
        (dict(y=[1.0]), TypeError, "y: expected integers, got dtype float64"),
        (dict(y=[[1]]), ValueError, r"y: expected shape \(N,\) .*got \(1, 1\)"),
        (dict(y=[]), ValueError, r"y: .*got \(0,\)"),
        (dict(y=[0], n_classes=0), ValueError, "n_classes: expected at least 1, got 0"),
        (dict(y=[0], n_classes=2.0), TypeError, r"n_classes: expected an integer, got 2\.0"),
        (dict(y=[0, 1], n_classes=2**70), ValueError, rf"n_classes: expected at most {2**60 - 1}, got {2**70}"),
        (dict(y=[0], n_classes=2**60), MemoryError, "n_classes: expected a number of classes whose rows fit in memory, got 11529215046"),
        (dict(y=[2**62]), ValueError, rf"y: expected at most {2**61 - 2}, got {2**62}"),
        (dict(y=[2**58]), MemoryError, "y: expected a number of classes whose rows fit in memory"),
        (dict(y=[[0], [1, 2]]), ValueError, "y: expected a rectangular array of numbers, got rows of different lengths"),
        (dict(y=["a"]), TypeError, "y: expected an array of numbers"),
        (dict(y=None), TypeError, "y: expected an array of numbers, got None"),
        (dict(y=[0], dtype=int), ValueError, "dtype: expected float32 or float64, got int64"),
    ],
)
def test_one_hot_names_what_is_wrong(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        one_hot(**arguments)
