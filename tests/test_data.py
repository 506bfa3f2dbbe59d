"""Inputs, targets and weights: every form trains alike, nothing is copied without need, and what does not fit is refused by name."""

import re

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from fastmlp import Adam, Dense, ReLU, Sequential
from fastmlp.engine.inputs import as_inputs
from fastmlp.engine.targets import as_targets, as_weights

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, size=(50, 21), dtype=np.uint8) * (RNG.uniform(size=(50, 21)) < 0.4)
IMAGES[:, 4:9] = 0
LABELS = RNG.integers(0, 3, size=50)
FLOAT64 = np.dtype(np.float64)


def scaled(dtype):
    return IMAGES.astype(dtype) * np.dtype(dtype).type(1 / 255)


def trained(X, dtype, y=LABELS):
    """Parameters, losses and outputs after some epochs."""
    model = Sequential([Dense(21, 6), ReLU(), Dense(6, 3)], loss="softmax_cross_entropy", dtype=dtype)
    losses = model.fit(X, y, epochs=3, batch_size=16, optimizer=Adam(0.01)).losses
    return model.parameters, losses, model.predict_proba(X), np.float64(model.evaluate(X, y))


def same(results, expected):
    for value, wanted in zip(results, expected, strict=True):
        assert_array_equal(value, wanted)


@pytest.fixture
def memory_map(tmp_path):
    """The images in a file, mapped for reading only."""
    IMAGES.tofile(tmp_path / "images")
    return np.memmap(tmp_path / "images", np.uint8, "r", shape=IMAGES.shape)


@pytest.mark.kernels
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
        same(trained(X, dtype), expected)
    for sparse in (scipy.sparse.csr_array, scipy.sparse.csr_matrix, scipy.sparse.csc_array, scipy.sparse.coo_array):
        same(trained(sparse(frozen), dtype), expected)
    if dtype == "float32":
        same(trained(frozen.astype(np.float64), dtype), expected)


@pytest.mark.kernels
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
    halves = scipy.sparse.csr_array((np.repeat(data / 2, 2), np.repeat(indices, 2), 2 * indptr), shape=X.shape)  # entries in two parts
    expected = trained(X, "float64")
    for same_matrix in (backwards, full, halves):
        same(trained(same_matrix, "float64"), expected)
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


@pytest.mark.kernels
def test_data_are_not_modified():
    X, y, weight = scaled("float64"), np.eye(3)[LABELS], np.ones(50)
    for values in (X, y, weight):
        before = values.copy()
        model = Sequential([Dense(21, 3)])
        model.fit(X, y, epochs=2, sample_weight=weight, validation_data=(X, y))
        model.predict(X)
        assert_array_equal(values, before)


@pytest.mark.kernels
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
        same(trained(X, "float64", y)[:2], expected[:2])


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


def test_where_the_nan_is():
    X = np.zeros((5000, 3))
    X[4321, 2] = np.nan
    with pytest.raises(ValueError, match=re.escape("X: expected finite numbers, got nan at [4321, 2]")):
        as_inputs("X", X, 3, None)


def broken(name, position, value):
    """A CSR matrix that SciPy would not have made."""
    matrix = scipy.sparse.csr_array(np.eye(4))
    getattr(matrix, name)[position] = value
    return matrix


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        (broken("indices", 2, 4), ValueError, r"expected column indices in \[0, 4\), got 0 to 4"),
        (broken("indices", 0, -1), ValueError, r"expected column indices in \[0, 4\), got -1 to 3"),
        (broken("indptr", 2, 9), ValueError, "expected a valid CSR matrix"),
        (broken("indptr", -1, 99), ValueError, "expected a valid CSR matrix"),
        (broken("indptr", 0, -1), ValueError, "expected a valid CSR matrix"),
        (broken("data", 1, np.nan), ValueError, "expected finite numbers"),
        (scipy.sparse.csr_array((3, 5)), ValueError, r"expected shape \(N, 4\) with N >= 1, got \(3, 5\)"),
        (scipy.sparse.csr_array((0, 4)), ValueError, r"expected shape \(N, 4\) with N >= 1, got \(0, 4\)"),
        (scipy.sparse.coo_array(np.ones(4)), ValueError, r"expected shape \(N, 4\)"),
        (scipy.sparse.csr_array(np.eye(4) * 1j), TypeError, "expected an array of numbers"),
        (np.zeros((3, 4), np.complex64), TypeError, "expected an array of numbers"),
        (np.zeros((3, 5), np.uint8), ValueError, r"expected shape \(N, 4\)"),
    ],
)
def test_inputs_that_do_not_fit_are_refused(X, error, message):
    with pytest.raises(error, match=f"^X: {message}"):
        as_inputs("X", X, 4, None)


def test_weights():
    assert as_weights(None, 3, FLOAT64).shape == (0,)
    assert_array_equal(as_weights([0, 1, 2], 3, np.dtype(np.float32)), np.float32([0, 1, 2]))
    for bad in ([1, 2], [[1, 2, 3]], [1, -1, 1], [0, 0, 0], [1, np.inf, 1]):
        with pytest.raises(ValueError, match=r"^sample_weight: "):
            as_weights(bad, 3, FLOAT64)
