"""Convert SciPy's sparse matrices to the three arrays of CSR. All indices are checked here, since compiled code does not check them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .arguments import shown
from .arrays import as_floats, for_kernels
from .numeric import as_numbers

INDEX = np.dtype(np.int64)


class Csr(NamedTuple):
    """A matrix whose row r contains data[k] in column indices[k] for indptr[r] <= k < indptr[r + 1]."""

    data: np.ndarray
    indices: np.ndarray  # int64
    indptr: np.ndarray  # int64


def as_csr(name: str, X: Any, dtype: np.dtype) -> Csr:
    """Return a SciPy matrix of any format as CSR with data of `dtype`. Duplicate entries are summed. X is not changed.

    Raises
    ------
    ValueError, TypeError
        If the arrays of X do not fit each other or its shape, or contain anything but finite numbers within the range of `dtype`. CSR, CSC
        and COO are checked before they reach SciPy's own compiled code, which does not check indices either.
    """
    from scipy.sparse import coo_array, csc_array, csr_array  # whatever made X has imported it already

    kind, shape = getattr(X, "format", None), X.shape
    if kind == "csc":
        X = csc_array(_compressed(name, X, "CSC", shape[::-1], dtype), shape=shape).tocsr()
    elif kind == "coo":
        X = coo_array(_coordinates(name, X, dtype), shape=shape).tocsr()
    elif kind != "csr":
        X = X.tocsr()
    csr = _compressed(name, X, "CSR", shape, dtype)
    if not _is_canonical(csr):
        summed = csr_array(csr, shape=shape, copy=True)
        summed.sum_duplicates()
        csr = Csr(summed.data, for_kernels(summed.indices, INDEX), for_kernels(summed.indptr, INDEX))
    finite = np.isfinite(csr.data)
    if not finite.all():
        entry = int(np.argmin(finite))
        row = int(np.searchsorted(csr.indptr, entry, side="right")) - 1
        raise ValueError(f"{name}: expected finite numbers, got {csr.data[entry]} at [{row}, {csr.indices[entry]}]")
    return csr


def _compressed(name: str, X: Any, kind: str, shape: tuple[int, int], dtype: np.dtype) -> Csr:
    """Return the arrays of a CSR matrix of this shape, or of a CSC matrix's transpose, without elements past the last entry."""
    valid, axes = f"{name}: expected a valid {kind} matrix", ("row", "column") if kind == "CSR" else ("column", "row")
    data = _data(valid, name, X, dtype)
    indices, indptr = (_integers(valid, what, getattr(X, what)) for what in ("indices", "indptr"))
    if len(indptr) != shape[0] + 1:
        raise ValueError(f"{valid}, whose indptr has one more element than there are {axes[0]}s, {shape[0] + 1}; got {len(indptr)}")
    if len(indices) != len(data):
        raise ValueError(f"{valid}, with as many indices as data; got {len(indices)} and {len(data)}")
    if indptr[0] != 0 or indptr[-1] > len(data) or (indptr[1:] < indptr[:-1]).any():
        raise ValueError(f"{valid}, whose indptr rises from 0 to at most {len(data)}, the length of data; got {shown(indptr.tolist())}")
    data, indices = data[: indptr[-1]], indices[: indptr[-1]]
    _check_indices(name, axes[1], indices, shape[1])
    return Csr(data, indices, indptr)


def _coordinates(name: str, X: Any, dtype: np.dtype) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return the arrays of a COO matrix: the data, and the row and column of each element."""
    valid = f"{name}: expected a valid COO matrix"
    data = _data(valid, name, X, dtype)
    row, column = (_integers(valid, what, getattr(X, what)) for what in ("row", "col"))
    if not len(row) == len(column) == len(data):
        raise ValueError(f"{valid}, with as many rows and columns as data; got {len(row)}, {len(column)} and {len(data)}")
    _check_indices(name, "row", row, X.shape[0])
    _check_indices(name, "column", column, X.shape[1])
    return data, (row, column)


def _data(valid: str, name: str, X: Any, dtype: np.dtype) -> np.ndarray:
    data = as_numbers(name, X.data)
    if data.ndim != 1:
        raise ValueError(f"{valid}, with a 1-D array as data; got shape {data.shape}")
    return as_floats(name, data, dtype)


def _integers(valid: str, what: str, values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"{valid}, with a 1-D array of integers as {what}; got {array.dtype} of shape {array.shape}")
    return for_kernels(array, INDEX)


def _check_indices(name: str, axis: str, indices: np.ndarray, size: int) -> None:
    if indices.size and not (indices.min() >= 0 and indices.max() < size):
        raise ValueError(f"{name}: expected {axis} indices in [0, {size}), got {indices.min()} to {indices.max()}")


def _is_canonical(csr: Csr) -> bool:
    """Return whether the column indices increase within every row, so that none occurs twice."""
    rising = csr.indices[1:] > csr.indices[:-1]
    starts = csr.indptr[1:-1]
    rising[starts[(starts > 0) & (starts < len(csr.indices))] - 1] = True  # a row may begin with any column
    return bool(rising.all())
