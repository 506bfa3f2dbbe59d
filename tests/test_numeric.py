"""Lists, data frames, tensors and objects become arrays of numbers; the error for a value that is not a number names its place."""

import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal

from fastmlp.engine.numeric import as_numbers, is_frame

pytestmark = pytest.mark.any_cpu


class Columns:
    """A data frame like those of polars: a list of dtypes, columns by [:, k], and no conversion of the whole that preserves numbers."""

    def __init__(self, **columns):
        self.columns = list(columns)
        self.dtypes = [column.dtype.name.title() for column in columns.values()]
        self.series = [type("Series", (), {"to_numpy": lambda self, c=column: c})() for column in columns.values()]
        self.height = len(next(iter(columns.values())))

    def __len__(self):
        return self.height

    def __getitem__(self, index):
        assert index[0] == slice(None)
        return self.series[index[1]]

    def to_numpy(self):
        raise AssertionError("columns are taken one by one")


@pytest.mark.parametrize(
    ("columns", "expected", "dtype"),
    [
        ({"a": [1.5, 2.5], "b": [True, False]}, [[1.5, 1], [2.5, 0]], "float64"),
        ({"a": np.float32([1.5, 2.5]), "b": [True, False]}, [[1.5, 1], [2.5, 0]], "float32"),
        ({"a": [True, False], "b": [False, False]}, [[1, 0], [0, 0]], "bool"),
        ({"a": pd.array([1, 2], "Int64"), "b": [0.5, 0]}, [[1, 0.5], [2, 0]], "float64"),
        ({"a": pd.array([0.5, 2], "Float64"), "b": pd.array([0.5, 0], "Float64")}, [[0.5, 0.5], [2, 0]], "float64"),
        ({"a": pd.array([True, False], "boolean"), "b": [0.5, 0]}, [[1, 0.5], [0, 0]], "float64"),
        ({"a": pd.Categorical([3, 1]), "b": [0.5, 0]}, [[3, 0.5], [1, 0]], "float64"),
        ({"a": np.array([1, 2.5], object), "b": [Decimal("0.5"), Fraction(1, 4)]}, [[1, 0.5], [2.5, 0.25]], "float64"),
        ({"a": np.uint8([1, 2]), "b": np.uint8([255, 0])}, [[1, 255], [2, 0]], "uint8"),
        ({"a": pd.array([1, 2], "UInt8"), "b": np.uint8([255, 0])}, [[1, 255], [2, 0]], "uint8"),
    ],
)
def test_frames_become_arrays_of_their_common_dtype(columns, expected, dtype):
    array = as_numbers("X", pd.DataFrame(columns))
    assert_array_equal(array, expected)
    assert array.dtype == dtype


def test_frames_need_not_be_pandas():
    assert_array_equal(as_numbers("X", Columns(a=np.array([1.5, 2]), b=np.array([True, False]))), [[1.5, 1], [2, 0]])
    nullable = Columns(a=np.array([7, 255], object), b=np.uint8([0, 1]))
    nullable.dtypes = ["UInt8", "UInt8 "]
    assert as_numbers("X", nullable).dtype == np.uint8
    with pytest.raises(TypeError, match=re.escape("X: expected an array of numbers, got 'x' at [1, column 'name']")):
        as_numbers("X", Columns(a=np.zeros(2), name=np.array([1, "x"], object)))


def test_the_same_name_twice_is_two_columns():
    frame = pd.DataFrame([[1.0, True], [2.0, False]], columns=["a", "a"]).astype({"a": object})
    frame.isetitem(1, [True, False])
    assert_array_equal(as_numbers("X", frame), [[1, 1], [2, 0]])


def test_a_frame_of_one_dtype_is_not_copied():
    values = np.arange(6.0).reshape(2, 3)
    assert np.shares_memory(as_numbers("X", pd.DataFrame(values, copy=False)), values)
    assert is_frame(pd.DataFrame(values))
    assert not any(is_frame(other) for other in (values, pd.Series([1.0]), [1.0], None, np.rec.array(values)))


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        ({"a": [1.0, 2], "name": ["x", "y"]}, TypeError, "an array of numbers, got 'x' at [0, column 'name']"),
        ({"a": [1.0, 2], 7: [1, "y"]}, TypeError, "an array of numbers, got 'y' at [1, column 7]"),
        ({"a": [1.0, 2], "when": pd.to_datetime(["2020-01-01"] * 2)}, TypeError, "columns of numbers, got column 'when' of dtype"),
        ({"a": [1.0, 2], "z": [1j, 2]}, TypeError, "columns of numbers, got column 'z' of dtype complex128"),
        ({"a": [1.0, 2], "b": np.array([1, None], object)}, ValueError, "finite numbers, got None at [1, column 'b']"),
        ({"a": [1.0, 2], "b": pd.array([True, pd.NA], "boolean")}, ValueError, "finite numbers, got <NA> at [1, column 'b']"),
        ({"a": pd.Categorical(["x", "y"])}, TypeError, "an array of numbers, got 'x' at [0, column 'a']"),
    ],
)
def test_what_is_no_number_in_a_frame_is_named(columns, error, message):
    with pytest.raises(error, match=re.escape(f"X: expected {message}")):
        as_numbers("X", pd.DataFrame(columns))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[1, 2.5], [True, np.float32(0.5)]], object), [[1, 2.5], [1, 0.5]]),
        (np.array([[Fraction(1, 2), Decimal("0.25")]], object), [[0.5, 0.25]]),
        ([[2**70, 1]], [[2.0**70, 1]]),
        ([[10**400, 1]], [[np.inf, 1]]),
        ([[1.0, -(10**400)]], [[1, -np.inf]]),
        (np.array(Fraction(1, 2), object), 0.5),
    ],
)
def test_objects_that_are_numbers_become_floats(values, expected):
    array = as_numbers("X", values)
    assert array.dtype == np.float64
    assert_array_equal(array, expected)


class Elsewhere:
    """A tensor whose memory NumPy cannot access."""

    def __array__(self, dtype=None, copy=None):
        raise TypeError("the tensor is on another device")


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ([[1, 2], [3]], ValueError, "a rectangular array of numbers, got rows of different lengths"),
        ([[1, None], [2, 3]], ValueError, "finite numbers, got None at [0, 1]"),
        ([[1, 2], [{}, 3]], TypeError, "an array of numbers, got {} at [1, 0]"),
        (np.array([1, "a"], object), TypeError, "an array of numbers, got 'a' at [1]"),
        (None, TypeError, "an array of numbers, got None"),
        (["a"], TypeError, "an array of numbers (float32, float64 or integers), got dtype <U1"),
        ([1j], TypeError, "an array of numbers (float32, float64 or integers), got dtype complex128"),
        (np.zeros(2, "M8[s]"), TypeError, "an array of numbers (float32, float64 or integers), got dtype datetime64[s]"),
        (np.zeros(2, [("a", float)]), TypeError, "an array of numbers (float32, float64 or integers), got dtype [("),
        (Elsewhere(), TypeError, "an array of numbers, got Elsewhere: the tensor is on another device"),
        (np.ma.array([1.0]), TypeError, "an array without a mask, got a masked array"),
        ((np.ma.array([1.0]), np.zeros(1)), TypeError, "an array without a mask, got a masked array"),
    ],
)
def test_what_is_no_array_of_numbers_is_refused(values, error, message):
    with pytest.raises(error, match=re.escape(f"X: expected {message}")):
        as_numbers("X", values)
