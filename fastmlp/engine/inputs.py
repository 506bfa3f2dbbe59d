"""What a model takes as inputs: checked once, copied only to convert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..kernels.gather import Samples, all_finite, samples
from .arrays import as_float_array

ROWS_AT_ONCE = 4096  # searched for a value that is not finite at a time


@dataclass(frozen=True)
class Inputs:
    """Samples in a form that batches can be gathered from."""

    samples: Samples
    n_samples: int
    n_inputs: int
    dtype: np.dtype  # of the model that takes them
    scale: float  # 1/255 for uint8

    def dense(self, dtype: np.dtype) -> np.ndarray:
        """All of them, (N, I), scaled."""
        for rows in (self.samples.pixels, self.samples.values):
            if rows.size:
                return rows.astype(dtype) * dtype.type(self.scale)
        out = np.zeros((self.n_samples, self.n_inputs), dtype)
        _, _, data, indices, indptr = self.samples
        np.add.at(out, (np.repeat(np.arange(self.n_samples), np.diff(indptr)), indices), data)
        return out


def as_inputs(name: str, X: Any, n_inputs: int, dtype: np.dtype | None, finite: bool = True) -> Inputs:
    """X as `Inputs` for a model of that dtype; None: float64 for float64 and integers, else float32 (so for uint8 images).

    finite : look through the rows of an array; False leaves that to who reads them.
    """
    if hasattr(X, "tocsr"):
        return _sparse_inputs(name, X, n_inputs, dtype)
    if not (isinstance(X, np.ndarray) and X.dtype == np.uint8):
        X = as_float_array(name, X)
    if X.ndim != 2 or X.shape[1] != n_inputs or len(X) == 0:
        hint = f"; for a single sample use {name}.reshape(1, -1)" if X.ndim == 1 else ""
        raise ValueError(f"{name}: expected shape (N, {n_inputs}) with N >= 1, got {X.shape}{hint}")
    chosen = np.dtype(dtype or (np.float64 if X.dtype.type is np.float64 else np.float32))
    if X.dtype == np.uint8:
        return Inputs(samples(for_kernels(X), chosen), len(X), n_inputs, chosen, 1 / 255)
    rows = for_kernels(X, chosen)
    if finite:
        check_rows(name, rows)
    return Inputs(samples(rows, chosen), len(X), n_inputs, chosen, 1.0)


class _Writable:
    """An array's memory, announced as writable: compiled code is specialised on that flag, and kernels never write inputs."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.__array_interface__ = array.__array_interface__ | {"data": (array.__array_interface__["data"][0], False)}


def for_kernels(array: np.ndarray, dtype: np.dtype | None = None) -> np.ndarray:
    """`array` as a plain C-contiguous, aligned array of that dtype; a view, if it is one already, be it memory-mapped or read-only."""
    array = np.require(np.asarray(array), dtype, ["C", "A"])
    return array if array.flags.writeable else np.asarray(_Writable(array))


def _sparse_inputs(name: str, X: Any, n_inputs: int, dtype: np.dtype | None) -> Inputs:
    if X.ndim != 2 or X.shape[1] != n_inputs or X.shape[0] == 0:
        raise ValueError(f"{name}: expected shape (N, {n_inputs}) with N >= 1, got {X.shape}")
    matrix = X.tocsr()
    data = as_float_array(name, matrix.data)
    chosen = np.dtype(dtype or (np.float64 if data.dtype.type is np.float64 else np.float32))
    data = for_kernels(data, chosen)
    if not np.isfinite(data).all():
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    indices, indptr = (for_kernels(values, np.dtype(np.int64)) for values in (matrix.indices, matrix.indptr))
    if indices.size and not (indices.min() >= 0 and indices.max() < n_inputs):
        raise ValueError(f"{name}: expected column indices in [0, {n_inputs}), got {indices.min()} to {indices.max()}")
    if indptr[0] != 0 or indptr[-1] > len(data) or (np.diff(indptr) < 0).any():
        raise ValueError(f"{name}: expected a valid CSR matrix, got inconsistent row pointers")
    return Inputs(samples((data, indices, indptr), chosen), X.shape[0], n_inputs, chosen, 1.0)


def check_rows(name: str, rows: np.ndarray) -> None:
    """ValueError that names the first value of rows (N, I) that is NaN or infinite."""
    if all_finite(rows.reshape(-1), 0, rows.size):
        return
    for first in range(0, len(rows), ROWS_AT_ONCE):
        finite = np.isfinite(rows[first : first + ROWS_AT_ONCE])
        if not finite.all():
            row, column = np.argwhere(~finite)[0]
            raise ValueError(f"{name}: expected finite numbers, got {rows[first + row, column]} at [{first + row}, {column}]")
