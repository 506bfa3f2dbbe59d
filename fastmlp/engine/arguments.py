"""Checks of single arguments: each returns the value it was given, or raises an error that names the argument."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np


def check_size(name: str, value: Any, minimum: int) -> int:
    """`value` as an int of at least `minimum`."""
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name}: expected an integer, got {value!r}")
    if value < minimum:
        raise ValueError(f"{name}: expected at least {minimum}, got {value}")
    return int(value)


def check_real(name: str, value: Any) -> float:
    """`value` as a finite float."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{name}: expected a number, got {value!r}")
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{name}: expected a finite number, got {value}")
    return number


def check_range(name: str, value: Any, low: float, high: float = math.inf) -> None:
    """Complain unless `value` is a number in [low, high)."""
    number = check_real(name, value)
    if not low <= number < high:
        raise ValueError(f"{name}: expected a number in [{low:g}, {high:g}), got {value}")


def check_choice(name: str, value: Any, choices: Mapping[str, Any] | tuple[str, ...]) -> str:
    """`value` if it is one of the choices."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, choices))}, got {value!r}")
    return value


def check_finite(name: str, array: np.ndarray) -> np.ndarray:
    """`array` if it has neither NaN nor infinity; else an error with the place of the first."""
    finite = np.isfinite(array)
    if not finite.all():
        place = tuple(int(index) for index in np.argwhere(~finite)[0])
        raise ValueError(f"{name}: expected finite numbers, got {array[place]} at {list(place)}")
    return array
