"""Sparse matrices in every form are read correctly, and malformed ones are rejected, because compiled code follows their indices."""

import re

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal

from fastmlp.engine.inputs import as_inputs
from fastmlp.engine.sparse import as_csr
from tests.children import python

pytestmark = pytest.mark.any_cpu

RNG = np.random.default_rng(0)
X = RNG.integers(1, 256, size=(50, 21), dtype=np.uint8) * (RNG.uniform(size=(50, 21)) < 0.3)
X[7:9] = 0
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
FORMATS = ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"]


@pytest.mark.parametrize("kind", [scipy.sparse.coo_array, scipy.sparse.coo_matrix])
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "int16", "bool"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_the_matrix_that_it_means(name, dtype, kind):
    dense = X.astype(dtype)
    inputs = as_inputs("X", kind(dense).asformat(name), 21, None)
    assert_array_equal(inputs.dense(inputs.dtype), as_inputs("X", dense, 21, None).dense(inputs.dtype))
    assert inputs.dtype == (np.float32 if dtype in ("uint8", "float32") else np.float64)


def with_duplicates(dtype):
    """Return X as CSR, with every entry in two parts and the columns in any order; also return the arrays from which it was made."""
    row, column = np.nonzero(X)
    parts = [X[row, column] // 2, X[row, column] - X[row, column] // 2]
    order = RNG.permutation(2 * len(row))
    order = order[np.argsort(np.tile(row, 2)[order], kind="stable")]
    indptr = np.concatenate([[0], np.cumsum(2 * np.count_nonzero(X, axis=1))])
    return scipy.sparse.csr_array((np.concatenate(parts)[order].astype(dtype), np.tile(column, 2)[order], indptr), shape=X.shape)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64", "int64"])
@pytest.mark.parametrize("name", ["csr", "csc", "coo"])
def test_duplicates_are_summed_and_the_matrix_stays_as_it_is(name, dtype):
    matrix = with_duplicates(dtype).asformat(name)
    arrays = ("data", "row", "col") if name == "coo" else ("data", "indices", "indptr")
    before = [getattr(matrix, array).copy() for array in arrays]
    csr = as_csr("X", matrix, FLOAT64)
    assert_array_equal(csr.data, X[X > 0])
    assert_array_equal(csr.indices, np.nonzero(X)[1])
    for array, values in zip(arrays, before, strict=True):
        assert_array_equal(getattr(matrix, array), values)


def test_sums_are_not_those_of_the_narrow_type():
    matrix = scipy.sparse.csr_array((np.uint8([200, 100]), [0, 0], [0, 2]), shape=(1, 1))
    for name in ("csr", "csc", "coo"):
        assert as_inputs("X", matrix.asformat(name), 1, None).dense(FLOAT64).item() == pytest.approx(300 / 255, rel=1e-15)


def test_rows_in_any_order_with_explicit_zeros_and_unused_memory():
    matrix = scipy.sparse.csr_array(X.astype(float))
    data, indices = matrix.data.copy(), matrix.indices.copy()
    for row in range(50):
        entries = slice(matrix.indptr[row], matrix.indptr[row + 1])
        data[entries], indices[entries] = data[entries][::-1].copy(), indices[entries][::-1].copy()
    backwards = scipy.sparse.csr_array((data, indices, matrix.indptr), shape=X.shape)
    full = scipy.sparse.csr_array((X.ravel().astype(float), np.tile(np.arange(21), 50), np.arange(51) * 21), shape=X.shape)
    longer = scipy.sparse.csr_array(X.astype(float))
    longer.data, longer.indices = np.append(longer.data, [np.nan] * 3), np.append(longer.indices, [99] * 3)
    for same in (backwards, full, longer):
        assert_array_equal(as_inputs("X", same, 21, None).dense(FLOAT64), X)


def broken(name, change, kind=scipy.sparse.csr_array):
    """Make a matrix that SciPy would not make: one of its arrays is changed."""
    matrix = kind(np.eye(4) + np.eye(4, k=1))
    setattr(matrix, name, change(getattr(matrix, name).copy()))
    return matrix


def put(position, value):
    def change(array):
        array[position] = value
        return array

    return change


BROKEN = [
    (broken("indptr", lambda p: p[:-2]), "valid CSR matrix, whose indptr has one more element than there are rows, 5; got 3"),
    (broken("indptr", lambda p: np.append(p, 7)), "valid CSR matrix, whose indptr has one more element than there are rows, 5; got 6"),
    (broken("indptr", lambda p: p[:0]), "valid CSR matrix, whose indptr has one more element than there are rows, 5; got 0"),
    (broken("indptr", put(2, 9)), "valid CSR matrix, whose indptr rises from 0 to at most 7, the length of data; got [0, 2, 9, 6, 7]"),
    (broken("indptr", put(-1, 99)), "valid CSR matrix, whose indptr rises from 0 to at most 7"),
    (broken("indptr", put(-1, 2**31 - 1)), "valid CSR matrix, whose indptr rises"),
    (broken("indptr", put(0, -1)), "valid CSR matrix, whose indptr rises"),
    (broken("indptr", put(0, 1)), "valid CSR matrix, whose indptr rises"),
    (broken("indptr", lambda p: np.int64([0, -(2**63), 2**63 - 1, 0, 7])), "valid CSR matrix, whose indptr rises"),
    (broken("indptr", lambda p: np.uint64([0, 2**63, 5, 6, 7])), "valid CSR matrix, whose indptr rises"),
    (broken("indptr", lambda p: p.astype(float)), "valid CSR matrix, with a 1-D array of integers as indptr; got float64 of shape (5,)"),
    (broken("indptr", lambda p: p[:, None]), "valid CSR matrix, with a 1-D array of integers as indptr; got int32 of shape (5, 1)"),
    (broken("indices", lambda i: i[:-3]), "valid CSR matrix, with as many indices as data; got 4 and 7"),
    (broken("data", lambda d: d[:2]), "valid CSR matrix, with as many indices as data; got 7 and 2"),
    (broken("data", lambda d: d[:, None]), "valid CSR matrix, with a 1-D array as data; got shape (7, 1)"),
    (broken("indices", lambda i: i[None]), "valid CSR matrix, with a 1-D array of integers as indices; got int32 of shape (1, 7)"),
    (broken("indices", lambda i: i * np.nan), "valid CSR matrix, with a 1-D array of integers as indices; got float64 of shape (7,)"),
    (broken("indices", lambda i: None), "valid CSR matrix, with a 1-D array of integers as indices; got object of shape ()"),
    (broken("indices", put(2, 4)), "column indices in [0, 4), got 0 to 4"),
    (broken("indices", put(0, -1)), "column indices in [0, 4), got -1 to 3"),
    (broken("indices", put(0, 2**31 - 1)), "column indices in [0, 4), got 1 to 2147483647"),
    (broken("data", put(1, np.nan)), "finite numbers, got nan at [0, 1]"),
    (broken("data", put(6, -np.inf)), "finite numbers, got -inf at [3, 3]"),
    (broken("indices", put(1, 2**31 - 1), scipy.sparse.csc_array), "row indices in [0, 4), got 0 to 2147483647"),
    (broken("indptr", put(1, 2**31 - 1), scipy.sparse.csc_array), "valid CSC matrix, whose indptr rises from 0 to at most 7"),
    (broken("indptr", lambda p: p[:1], scipy.sparse.csc_array), "valid CSC matrix, whose indptr has one more element than there are col"),
    (broken("row", put(1, 2**31 - 1), scipy.sparse.coo_array), "row indices in [0, 4), got 0 to 2147483647"),
    (broken("col", put(1, -9), scipy.sparse.coo_array), "column indices in [0, 4), got -9 to 3"),
    (broken("col", lambda c: c[:-1], scipy.sparse.coo_array), "valid COO matrix, with as many rows and columns as data; got 7, 6 and 7"),
    (broken("data", lambda d: d[:-1], scipy.sparse.coo_array), "valid COO matrix, with as many rows and columns as data; got 7, 7 and 6"),
]


@pytest.mark.parametrize(("matrix", "message"), BROKEN)
def test_a_malformed_matrix_is_refused(matrix, message):
    with pytest.raises(ValueError, match=re.escape(f"X: expected {'a ' if message.startswith('valid') else ''}{message}")):
        as_inputs("X", matrix, 4, None)


@pytest.mark.parametrize(
    ("matrix", "error", "message"),
    [
        (scipy.sparse.csr_array((3, 5)), ValueError, r"expected shape \(N, 4\) with N >= 1, got \(3, 5\)"),
        (scipy.sparse.csr_array((0, 4)), ValueError, r"expected shape \(N, 4\) with N >= 1, got \(0, 4\)"),
        (scipy.sparse.coo_array(np.ones(4)), ValueError, r"expected shape \(N, 4\)"),
        (scipy.sparse.csr_array(np.eye(4) * 1j), TypeError, "expected an array of numbers"),
    ],
)
def test_what_does_not_fit_is_refused(matrix, error, message):
    with pytest.raises(error, match=f"^X: {message}"):
        as_inputs("X", matrix, 4, None)


def test_numbers_beyond_the_models_dtype_are_refused():
    for matrix in (scipy.sparse.csr_array([[1e300]]), scipy.sparse.coo_array([[1e300]])):
        with pytest.raises(ValueError, match=r"^X: expected numbers between .* the range of the model's float32, got 1e\+300"):
            as_csr("X", matrix, FLOAT32)
    sum_of_two = scipy.sparse.csr_array((np.float32([3e38, 3e38]), [0, 0], [0, 2]), shape=(1, 1))
    with pytest.raises(ValueError, match=r"^X: expected finite numbers, got inf at \[0, 0\]"):
        as_csr("X", sum_of_two, FLOAT32)


MALICIOUS = """
import numpy as np
from fastmlp import Dense, ReLU, Sequential
from tests.test_sparse import BROKEN

refused, uses = 0, 0
for matrix, _ in BROKEN:
    model, y = Sequential([Dense(4, 8), ReLU(), Dense(8, 1)]), np.zeros(4)
    for use in (lambda: model.fit(matrix, y, epochs=1), lambda: model.predict(matrix), lambda: model.evaluate(matrix, y)):
        uses += 1
        try:
            use()
        except ValueError as error:
            refused += str(error).startswith("X: expected")
print("alive,", uses - refused, "accepted")
"""


def test_a_process_survives_malicious_matrices():
    done = python(MALICIOUS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "alive, 0 accepted\n", "")
