"""SciPy's sparse matrices as the three arrays of CSR, checked: compiled code follows their indices wherever these lead."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .arguments import shown
from .arrays import as_floats, for_kernels
from .numeric import as_numbers

INDEX = np.dtype(np.int64)


class Csr(NamedTuple):
    """A matrix whose row r holds data[k] in column indices[k], for k from indptr[r] to indptr[r + 1]."""

    data: np.ndarray
    indices: np.ndarray  # int64
    indptr: np.ndarray  # int64


def as_csr(name: str, X: Any, dtype: np.dtype) -> Csr:
    """A SciPy matrix of any format as CSR, with data of that dtype and without duplicate entries, which are summed. X stays as it is.

    Raises
    ------
    ValueError, TypeError
        If its arrays do not fit each other or its shape, or hold what is no finite number of that dtype. CSR, CSC and COO are checked
        before SciPy's own compiled code sees them, which would follow their indices too.
    """
    from scipy.sparse import coo_array, csc_array, csr_array  # loaded already, by whoever made X

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
    """The arrays of a CSR matrix of that shape, or of the transpose of a CSC matrix, without what lies behind the last entry."""
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
    """The arrays of a COO matrix: data, and the row and column of each."""
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
        raise ValueError(f"{valid}, with data in one dimension; got shape {data.shape}")
    return as_floats(name, data, dtype)


def _integers(valid: str, what: str, values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(f"{valid}, with integers in one dimension as {what}; got {array.dtype} of shape {array.shape}")
    return for_kernels(array, INDEX)


def _check_indices(name: str, axis: str, indices: np.ndarray, size: int) -> None:
    if indices.size and not (indices.min() >= 0 and indices.max() < size):
        raise ValueError(f"{name}: expected {axis} indices in [0, {size}), got {indices.min()} to {indices.max()}")


def _is_canonical(csr: Csr) -> bool:
    """Whether columns rise within every row, so that none comes twice."""
    rising = csr.indices[1:] > csr.indices[:-1]
    starts = csr.indptr[1:-1]
    rising[starts[(starts > 0) & (starts < len(csr.indices))] - 1] = True  # a row may begin with any column
    return bool(rising.all())
