"""Inputs: every form of the same samples gives the same training, nothing is copied needlessly, and errors name invalid arguments."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from fastmlp import Dense, Sequential
from fastmlp.engine.inputs import as_inputs
from tests.images import IMAGES, LABELS, scaled, trained
from tests.problems import assert_same

FLOAT64 = np.dtype(np.float64)


@pytest.fixture
def memory_map(tmp_path):
    """The images in a file that is mapped read-only."""
    IMAGES.tofile(tmp_path / "images")
    return np.memmap(tmp_path / "images", np.uint8, "r", shape=IMAGES.shape)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_form_of_inputs_trains_to_the_same_bits(dtype, memory_map):
    expected = trained(scaled(dtype), dtype)
    frozen = scaled(dtype)
    frozen.flags.writeable = False
    wide = np.zeros((100, 42), dtype)
    wide[::2, ::2] = scaled(dtype)
    for X in (
        IMAGES,
        memory_map,
        frozen,
        np.asfortranarray(frozen),
        wide[::2, ::2],
        frozen.tolist(),
        frozen.astype(frozen.dtype.newbyteorder()),
    ):
        assert_same(trained(X, dtype), expected)
    for sparse in (scipy.sparse.csr_array, scipy.sparse.csr_matrix, scipy.sparse.csc_array, scipy.sparse.coo_array):
        assert_same(trained(sparse(frozen), dtype), expected)
    if dtype == "float32":
        assert_same(trained(frozen.astype(np.float64), dtype), expected)


class Tensor:
    """An object that is not a NumPy array and offers its values by one protocol."""

    def __init__(self, values):
        self.values = values


class ByArray(Tensor):
    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)


class ByDlpack(Tensor):
    def __dlpack__(self, **options):
        return self.values.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


PIXELS = {
    "matrix": IMAGES.view(np.matrix),
    "subclass": IMAGES.view(type("Pixels", (np.ndarray,), {})),
    "Fortran order": np.asfortranarray(IMAGES),
    "list of rows": list(IMAGES),
    "frame": pd.DataFrame(IMAGES),
    "nullable frame": pd.DataFrame(IMAGES).astype("UInt8"),
    "frame of both": pd.DataFrame(IMAGES).astype({3: "UInt8"}),
    "__array__": ByArray(IMAGES),
    "__dlpack__": ByDlpack(IMAGES),
    **{name: scipy.sparse.csr_array(IMAGES).asformat(name) for name in ("csr", "csc", "coo", "lil")},
}


def test_pixels_are_scaled_whatever_holds_them(memory_map):
    expected = trained(IMAGES, "float32")
    for name, X in (PIXELS | {"memory map": memory_map}).items():
        assert as_inputs("X", X, 21, None).scale == 1 / 255, name
        assert_same(trained(X, "float32"), expected)


def test_other_numbers_are_taken_as_they_are():
    numbers = IMAGES.astype(np.float64)
    expected = trained(numbers, "float64")
    for X in (
        IMAGES.tolist(),
        IMAGES.astype(np.int16),
        IMAGES.astype(object),
        pd.DataFrame(IMAGES.astype(np.int64)),
        pd.DataFrame(IMAGES).astype({3: "int64"}),
        scipy.sparse.csr_array(IMAGES.astype(np.int64)),
        ByDlpack(numbers),
    ):
        assert_same(trained(X, "float64"), expected)


def test_sparse_rows_in_any_order_with_explicit_zeros():
    X = scaled("float64")
    matrix = scipy.sparse.csr_array(X)
    data, indices, indptr = matrix.data.copy(), matrix.indices.copy(), matrix.indptr.astype(np.int64)
    for row in range(50):
        entries = slice(indptr[row], indptr[row + 1])
        data[entries], indices[entries] = data[entries][::-1].copy(), indices[entries][::-1].copy()
    backwards = scipy.sparse.csr_array((data, indices.astype(np.int64), indptr), shape=X.shape)
    full = scipy.sparse.csr_array((X.ravel(), np.tile(np.arange(21), 50), np.arange(51) * 21), shape=X.shape)
    assert full.nnz == X.size
    halves = scipy.sparse.csr_array((np.repeat(data / 2, 2), np.repeat(indices, 2), 2 * indptr), shape=X.shape)  # each entry in two parts
    expected = trained(X, "float64")
    for same_matrix in (backwards, full, halves):
        assert_same(trained(same_matrix, "float64"), expected)
        assert_array_equal(as_inputs("X", same_matrix, 21, None).dense(FLOAT64), X)
    nothing = scipy.sparse.csr_array((5, 21))
    model = Sequential([Dense(21, 2)])
    model.layers[0].b = [1.0, 2.0]
    assert_array_equal(model.predict(nothing), [[1, 2]] * 5)


def test_what_fits_is_not_copied(memory_map):
    floats = scaled("float32")
    frozen = floats.view()
    frozen.flags.writeable = False
    assert np.shares_memory(as_inputs("X", memory_map, 21, None).samples.pixels, memory_map)
    for array in (floats, frozen):
        assert np.shares_memory(as_inputs("X", array, 21, None).samples.values, array)
    assert not np.shares_memory(as_inputs("X", floats, 21, FLOAT64).samples.values, floats)
    matrix = scipy.sparse.csr_array(floats)
    assert np.shares_memory(as_inputs("X", matrix, 21, None).samples.data, matrix.data)


def test_data_are_not_modified():
    X, y, weight = scaled("float64"), np.eye(3)[LABELS], np.ones(50)
    for values in (X, y, weight):
        before = values.copy()
        model = Sequential([Dense(21, 3)])
        model.fit(X, y, epochs=2, sample_weight=weight, validation_data=(X, y))
        model.predict(X)
        assert_array_equal(values, before)


def test_where_the_nan_is():
    X = np.zeros((5000, 3))
    X[4321, 2] = np.nan
    with pytest.raises(ValueError, match=re.escape("X: expected finite numbers, got nan at [4321, 2]")):
        as_inputs("X", X, 3, None)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (np.zeros((3, 4), np.complex64), TypeError, "expected an array of numbers"),
        (np.zeros((3, 5), np.uint8), ValueError, r"expected shape \(N, 4\)"),
        (np.zeros(4), ValueError, r"expected shape \(N, 4\) with N >= 1, got \(4,\); for a single sample use X.reshape\(1, -1\)"),
        (np.ma.masked_equal(np.eye(4), 1), TypeError, "expected an array without a mask, got a masked array"),
        (np.ma.array(np.eye(4)), TypeError, "expected an array without a mask, got a masked array"),
        (list(np.ma.masked_equal(np.eye(4), 1)), TypeError, "expected an array without a mask, got a masked array"),
        (None, TypeError, "expected an array of numbers, got None"),
        ("text", TypeError, "expected an array of numbers"),
        (pd.DataFrame(np.zeros((3, 5))), ValueError, r"expected shape \(N, 4\)"),
        (pd.DataFrame(index=range(3)), ValueError, r"expected shape \(N, 4\) with N >= 1, got \(3, 0\)"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(X, error, message):
    with pytest.raises(error, match=f"^X: {message}"):
        as_inputs("X", X, 4, None)


@pytest.mark.parametrize("finite", [True, False])
def test_numbers_beyond_the_models_dtype_are_refused(finite):
    X = np.zeros((3, 2))
    X[2, 1] = -1e300
    for values, column in ((X, "1"), (np.asfortranarray(X), "1"), (pd.DataFrame(X, columns=["a", "b"]), "column 'b'")):
        place = re.escape(f"the range of the model's float32, got -1e+300 at [2, {column}]")
        with pytest.raises(ValueError, match=f"^X: expected numbers between -3.4e.38 and 3.4e.38, {place}"):
            as_inputs("X", values, 2, np.dtype(np.float32), finite)
        assert as_inputs("X", values, 2, None, finite).dtype == np.float64
    X[2, 1] = 1e-300  # numbers that are too small become zero
    assert not as_inputs("X", X, 2, np.dtype(np.float32), finite).samples.values.any()


def test_masked_arrays_are_refused_everywhere():
    X, y, weight = scaled("float64"), LABELS, np.ones(50)
    model = Sequential([Dense(21, 3)], loss="softmax_cross_entropy")
    masked = {name: np.ma.array(values) for name, values in {"X": X, "y": y, "sample_weight": weight}.items()}
    for use in (model.fit, model.evaluate):
        for name, values in masked.items():
            with pytest.raises(TypeError, match=f"^{name}: expected an array without a mask"):
                use(**({"X": X, "y": y, "sample_weight": weight} | {name: values}))
    for use in (model.predict, model.predict_proba, model.forward):
        with pytest.raises(TypeError, match=r"^X: expected an array without a mask"):
            use(masked["X"])
    with pytest.raises(TypeError, match=r"^validation y: expected an array without a mask"):
        model.fit(X, y, validation_data=(X, masked["y"]))
