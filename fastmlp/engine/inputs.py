"""Convert the inputs of a model. They are checked once, and copied only if they must be converted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..kernels.gather import Samples, all_finite, samples
from .arguments import is_frame, place
from .arrays import as_floats, for_kernels
from .numeric import as_numbers
from .sparse import as_csr

NARROW = (np.uint8, np.float16, np.float32)  # dtypes that float32 represents exactly
ROWS_AT_ONCE = 4096  # rows searched at a time for a value that is not finite


@dataclass(frozen=True)
class Inputs:
    """Samples in a form from which batches can be gathered."""

    samples: Samples
    n_samples: int
    n_inputs: int
    dtype: np.dtype  # of the model that takes them
    scale: float  # 1/255 for pixels (uint8), else 1

    def dense(self, dtype: np.dtype) -> np.ndarray:
        """Return all samples as a scaled array (N, I)."""
        pixels, values, data, indices, indptr = self.samples
        if indptr.size:
            rows = np.zeros((self.n_samples, self.n_inputs), dtype)
            rows[np.repeat(np.arange(self.n_samples), np.diff(indptr)), indices] = data
        else:
            rows = (pixels if pixels.size else values).astype(dtype)
        return rows * dtype.type(self.scale)

    def take(self, rows: np.ndarray) -> Inputs:
        """Return a copy of the samples with these indices, in the same form."""
        pixels, values, data, indices, indptr = self.samples
        if indptr.size == 0:
            taken = samples(pixels[rows] if pixels.size else values[rows], self.dtype)
        else:
            counts = np.diff(indptr)[rows]
            ends = np.cumsum(counts)
            places = np.arange(ends[-1]) + np.repeat(indptr[rows] - ends + counts, counts)
            taken = samples((data[places], indices[places], np.concatenate([[0], ends])), self.dtype)
        return replace(self, samples=taken, n_samples=len(rows))


def as_inputs(name: str, X: Any, n_inputs: int, dtype: np.dtype | None, finite: bool = True) -> Inputs:
    """Return X as `Inputs` for a model of `dtype`.

    If `dtype` is None, it is float32 for float32, float16 and uint8 (images), and float64 for float64 and other integers. Values of uint8
    are pixels from 0 to 255 and are divided by 255, whether they come in an array, a memory map, a sparse matrix, a tensor, or a data frame
    all of whose columns are uint8. All other numbers are taken as they are, including those of a list, which has no dtype.

    finite : whether to check here that the rows of an array are finite; otherwise the code that reads them must check.
    """
    sparse = hasattr(X, "tocsr")
    array = X if sparse else as_numbers(name, X)
    if array.ndim != 2 or array.shape[1] != n_inputs or array.shape[0] == 0:
        hint = f"; for a single sample use {name}.reshape(1, -1)" if array.ndim == 1 and not sparse else ""
        raise ValueError(f"{name}: expected shape (N, {n_inputs}) with N >= 1, got {array.shape}{hint}")
    is_pixels = array.dtype == np.uint8
    chosen = np.dtype(dtype or (np.float32 if array.dtype.type in NARROW else np.float64))
    if sparse:
        form = samples(as_csr(name, X, chosen), chosen)
    elif is_pixels:
        form = samples(for_kernels(array), chosen)
    else:
        rows = as_floats(name, array, chosen, X)
        if finite or (array is not X and is_frame(X)):
            check_rows(name, rows, X)
        form = samples(rows, chosen)
    return Inputs(form, array.shape[0], n_inputs, chosen, 1 / 255 if is_pixels else 1.0)


def is_ready(X: Any, n_inputs: int, dtype: np.dtype | None) -> bool:
    """Return whether X is an array (N, n_inputs) that can be used as it is: C-contiguous, of `dtype`, and finite."""
    if dtype is None or type(X) is not np.ndarray or X.dtype != dtype or X.ndim != 2 or X.shape[1] != n_inputs or X.size == 0:
        return False
    return X.flags.carray and bool(all_finite(X.reshape(-1), 0, X.size))


def check_rows(name: str, rows: np.ndarray, source: Any = None) -> None:
    """Raise ValueError if a value of rows (N, I) is NaN or infinite.

    The error names the first such value and its position in `source`, the value from which the rows were made.
    """
    if all_finite(rows.reshape(-1), 0, rows.size):
        return
    for first in range(0, len(rows), ROWS_AT_ONCE):
        finite = np.isfinite(rows[first : first + ROWS_AT_ONCE])
        if not finite.all():
            row, column = np.argwhere(~finite)[0] + (first, 0)
            raise ValueError(f"{name}: expected finite numbers, got {rows[row, column]} at {place(source, (row, column))}")
