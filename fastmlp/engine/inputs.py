"""What a model takes as inputs: checked once, copied only to convert."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..kernels.gather import Samples, all_finite, samples
from .arguments import is_frame, place
from .arrays import as_floats, for_kernels
from .numeric import as_numbers
from .sparse import as_csr

NARROW = (np.uint8, np.float16, np.float32)  # what a model of float32 holds as it is
ROWS_AT_ONCE = 4096  # searched for a value that is not finite at a time


@dataclass(frozen=True)
class Inputs:
    """Samples in a form that batches can be gathered from."""

    samples: Samples
    n_samples: int
    n_inputs: int
    dtype: np.dtype  # of the model that takes them
    scale: float  # 1/255 for pixels, uint8

    def dense(self, dtype: np.dtype) -> np.ndarray:
        """All of them, (N, I), scaled."""
        pixels, values, data, indices, indptr = self.samples
        if indptr.size:
            rows = np.zeros((self.n_samples, self.n_inputs), dtype)
            rows[np.repeat(np.arange(self.n_samples), np.diff(indptr)), indices] = data
        else:
            rows = (pixels if pixels.size else values).astype(dtype)
        return rows * dtype.type(self.scale)

    def take(self, rows: np.ndarray) -> Inputs:
        """A copy of the samples with these indices, in the same form."""
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
    """X as `Inputs` for a model of that dtype; None: float64 for float64 and integers, else float32 (so for uint8 images).

    uint8 is for pixels, 0 to 255, which are divided by 255, whatever holds them: an array, a memory map, a sparse matrix, a tensor, a data
    frame all of whose columns are uint8. Any other numbers are taken as they are; so are those of a list, which has no dtype.

    finite : look through the rows of an array; False leaves that to what reads them.
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


def check_rows(name: str, rows: np.ndarray, source: Any = None) -> None:
    """ValueError that names the first value of rows (N, I) that is NaN or infinite, and its place in `source`, what they were made of."""
    if all_finite(rows.reshape(-1), 0, rows.size):
        return
    for first in range(0, len(rows), ROWS_AT_ONCE):
        finite = np.isfinite(rows[first : first + ROWS_AT_ONCE])
        if not finite.all():
            row, column = np.argwhere(~finite)[0] + (first, 0)
            raise ValueError(f"{name}: expected finite numbers, got {rows[row, column]} at {place(source, (row, column))}")
