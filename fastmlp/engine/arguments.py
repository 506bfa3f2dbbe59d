"""Checks of single arguments. Each returns the checked value, or raises an error that names the argument."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

import numpy as np

LARGEST_INTEGER = 2**63 - 1  # the largest int64, the integer type of compiled code
FEW = 1000  # elements: their sum of squares takes a third of the time of a check of each; for 10,000, BLAS would start threads
LONGEST_SHOWN = 80  # characters of a value in a message


def check_size(name: str, value: Any, minimum: int, maximum: int = LARGEST_INTEGER) -> int:
    """Return `value` as an int from `minimum` to `maximum`."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name}: expected an integer, got {shown(value)}")
    number = int(value)
    if number < minimum:
        raise ValueError(f"{name}: expected at least {minimum}, got {shown(number)}")
    if number > maximum:
        raise ValueError(f"{name}: expected at most {maximum}, got {shown(number)}")
    return number


def largest_size(others: int = 1, itemsize: int = 8) -> int:
    """Return the largest n for which an array of n x others elements can exist, given that its size in bytes is an int64."""
    return LARGEST_INTEGER // (max(others, 1) * itemsize)


def check_real(name: str, value: Any) -> float:
    """Return `value` as a finite float. Any real number is accepted: int, float, Fraction, Decimal or a NumPy scalar."""
    if not isinstance(value, Real | Decimal) or isinstance(value, bool):
        raise TypeError(f"{name}: expected a number, got {shown(value)}")
    try:
        number = float(value)
    except (OverflowError, ValueError):  # an integer or a Fraction beyond the largest float; Decimal's signaling NaN
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name}: expected a finite number, got {shown(value)}")
    return number


def check_range(name: str, value: Any, low: float, high: float = math.inf) -> float:
    """Return `value` as a float in [low, high)."""
    number = check_real(name, value)
    if not low <= number < high:
        raise ValueError(f"{name}: expected a number in [{low:g}, {high:g}), got {shown(value)}")
    return number


def check_choice(name: str, value: Any, choices: Mapping[str, Any] | tuple[str, ...]) -> str:
    """Return `value`, which must be one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, choices))}, got {shown(value)}")
    return value


def check_finite(name: str, array: np.ndarray, source: Any = None) -> np.ndarray:
    """Return `array`, which must contain neither NaN nor infinity.

    The error names the first such value and its index in `source`, the value from which `array` was made.
    """
    if not all_finite(array):
        index = tuple(np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name}: expected finite numbers, got {array[index]} at {place(source, index)}")
    return array


def all_finite(array: np.ndarray) -> bool:
    """Return whether `array` contains neither NaN nor infinity."""
    if array.size <= FEW and math.isfinite(np.vdot(array, array)):  # a finite sum of squares has finite terms
        return True
    return bool(np.isfinite(array).all())


def shown(value: Any) -> str:
    """Return `value` as error messages show it: a number as it is written, anything else by its repr, cut to about one line."""
    try:
        text = str(value) if isinstance(value, Real | Decimal) else repr(value)
    except ValueError:  # by default, Python converts no integer of more than 4300 digits
        text = f"{type(value).__name__} with too many digits to show"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def is_frame(value: Any) -> bool:
    """Return whether `value` is a data frame, such as those of pandas and polars: named columns, each with a dtype."""
    return all(hasattr(value, attribute) for attribute in ("columns", "dtypes", "to_numpy"))


def place(value: Any, index: tuple[int, ...]) -> str:
    """Return the position of an element of `value` for error messages: [row, column], where a data frame's column is given by name."""
    parts = [str(int(position)) for position in index]
    if is_frame(value) and len(index) == 2:
        parts[1] = f"column {list(value.columns)[index[1]]!r}"
    return f"[{', '.join(parts)}]"
