"""Convert lists, data frames, tensors and arrays of objects to NumPy arrays of numbers; errors locate what is not a number."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from .arguments import is_frame, place, shown

NUMBERS = frozenset(np.dtype(code).type for code in "?bhilqBHILQefd")  # the element types that an array may have
PLAIN = (int, float, np.bool_, np.integer, np.floating)  # types that NumPy converts to a float by itself


def as_numbers(name: str, value: Any) -> np.ndarray:
    """Return `value` as an array of booleans, integers, float16, float32 or float64.

    The array has the dtype that NumPy gives it, so that memory is shared where possible. The columns of a data frame are converted to a
    common dtype, and objects that are numbers (Python's own, Fraction or Decimal) to float64.

    Raises
    ------
    TypeError, ValueError
        If `value` contains anything else, missing values or rows of different lengths, or is a masked array, whose mask would be lost.
    """
    if type(value) is np.ndarray and value.dtype.type in NUMBERS:
        return value
    if _is_masked(value):
        raise TypeError(f"{name}: expected an array without a mask, got a masked array; give its missing values numbers with filled()")
    array = _from_frame(name, value) if is_frame(value) else _from_array(name, value)
    if array.dtype.kind == "O":
        array = _from_objects(name, array, lambda index: f" at {place(value, index)}" if index else "")
    if array.dtype.type not in NUMBERS:
        raise TypeError(f"{name}: expected an array of numbers (float32, float64 or integers), got dtype {array.dtype}")
    return array


def _is_masked(value: Any) -> bool:
    rows = value if isinstance(value, list | tuple) else ()
    return isinstance(value, np.ma.MaskedArray) or any(isinstance(row, np.ma.MaskedArray) for row in rows)


def _from_array(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
        if array.ndim == 0 and hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray):
            array = np.from_dlpack(value)  # NumPy has treated it as a single object
    except (ValueError, TypeError, OverflowError, RuntimeError, BufferError) as error:
        if "inhomogeneous" in str(error):
            raise ValueError(f"{name}: expected a rectangular array of numbers, got rows of different lengths") from error
        raise TypeError(f"{name}: expected an array of numbers, got {type(value).__name__}: {error}") from error
    return array


def _from_frame(name: str, frame: Any) -> np.ndarray:
    """Return an array (N, C) of the common dtype of the columns, which is uint8 if all columns are uint8."""
    dtypes = [str(dtype) for dtype in frame.dtypes]
    if len(set(dtypes)) == 1:
        array = np.asarray(frame)
        if array.dtype.type in NUMBERS:
            return array
    columns = [_from_column(name, frame, k, dtype) for k, dtype in enumerate(dtypes)]
    out = np.empty((len(frame), len(columns)), np.result_type(*columns) if columns else np.float64)
    for k, column in enumerate(columns):
        out[:, k] = column
    return out


def _from_column(name: str, frame: Any, k: int, dtype: str) -> np.ndarray:
    series = frame.iloc[:, k] if hasattr(frame, "iloc") else frame[:, k]
    column: np.ndarray = series.to_numpy()
    if column.dtype.kind == "O":
        column = _from_objects(name, column, lambda index: f" at {place(frame, (*index, k))}")
        return column.astype(np.uint8) if dtype.lower() == "uint8" else column  # pandas' nullable UInt8 becomes objects
    if column.dtype.type not in NUMBERS:
        raise TypeError(f"{name}: expected columns of numbers, got column {list(frame.columns)[k]!r} of dtype {dtype}")
    return column


def _from_objects(name: str, array: np.ndarray, where: Callable[[tuple[int, ...]], str]) -> np.ndarray:
    """Return an array of objects as float64; `where` describes the position of an element for messages."""
    values = array.ravel()
    if all(issubclass(kind, PLAIN) for kind in set(map(type, values))):
        try:
            return array.astype(np.float64)
        except OverflowError:  # an integer beyond the largest float
            pass
    out = np.empty(len(values))
    for k, value in enumerate(values):
        if isinstance(value, Real | Decimal | np.bool_):
            out[k] = _as_float(value)
            continue
        place = where(tuple(int(position) for position in np.unravel_index(k, array.shape)))
        if array.ndim > 0 and (value is None or type(value).__name__ == "NAType"):  # pandas' missing value, NA
            raise ValueError(f"{name}: expected finite numbers, got {value}{place}")
        raise TypeError(f"{name}: expected an array of numbers, got {shown(value)}{place}")
    return out.reshape(array.shape)


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer or a Fraction beyond the largest float
        return -np.inf if value < 0 else np.inf
    except ValueError:  # Decimal's signaling NaN
        return np.nan
