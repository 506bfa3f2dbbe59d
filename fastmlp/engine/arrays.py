"""Convert arguments to arrays of one floating dtype with matching shapes, or raise an error that names the one that does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from .arguments import place
from .numeric import as_numbers

FLOATING = (np.dtype(np.float32), np.dtype(np.float64))


def check_dtype(dtype: DTypeLike) -> np.dtype:
    """Return `dtype` as NumPy's float32 or float64, in the byte order of this machine."""
    try:
        chosen = np.dtype(dtype)
    except TypeError as error:
        raise TypeError(f"dtype: expected float32 or float64, got {dtype!r}") from error
    if chosen not in FLOATING:
        raise ValueError(f"dtype: expected float32 or float64, got {chosen}")
    return chosen


def as_float_array(name: str, value: Any) -> np.ndarray:
    """Return `value` as an array of float32 or float64. Integers and booleans become float64, float16 becomes float32."""
    array = as_numbers(name, value)
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    return array.astype(np.float32) if array.dtype == np.float16 else array


def as_arrays(**values: Any) -> list[np.ndarray]:
    """Return the values as C-contiguous arrays of one dtype: the widest floating dtype among them, but at least float32.

    Integers and booleans are converted to it, or to float64 if no value is floating. The arrays are aligned and writable, so that one
    compiled version serves all of them; arrays without these properties are copied.
    """
    given = list(values.values())
    dtype = getattr(given[0], "dtype", None)
    if dtype in FLOATING and all(type(value) is np.ndarray and value.dtype == dtype and value.flags.carray for value in given):
        return given  # a shortcut, since small calls spend much of their time here
    arrays = [as_numbers(name, value) for name, value in values.items()]
    floating = [array.dtype for array in arrays if array.dtype.kind == "f"]
    common = np.result_type(np.float32, *floating) if floating else np.dtype(np.float64)
    return [np.require(array, common, ["C", "A", "W"]) for array in arrays]


class _Writable:
    """An array's memory, declared to be writable.

    Compiled code is specialised on that flag. The declaration is safe because kernels never write to their inputs.
    """

    def __init__(self, array: np.ndarray) -> None:
        self.array = array
        self.__array_interface__ = array.__array_interface__ | {"data": (array.__array_interface__["data"][0], False)}


def for_kernels(array: np.ndarray, dtype: np.dtype | None = None) -> np.ndarray:
    """Return `array` as a plain C-contiguous, aligned array of `dtype`.

    An array that has these properties already is not copied, even if it is memory-mapped or read-only.
    """
    array = np.require(np.asarray(array), dtype, ["C", "A"])
    return array if array.flags.writeable else np.asarray(_Writable(array))


def as_floats(name: str, array: np.ndarray, dtype: np.dtype, source: Any = None) -> np.ndarray:
    """Return `array` as `for_kernels` does, in float32 or float64.

    A finite number outside the range of `dtype` raises ValueError, which names the first one and its position in `source`.
    """
    if array.dtype.kind != "f" or array.dtype.itemsize <= dtype.itemsize:
        return for_kernels(array, dtype)  # no number of that dtype is outside the range of the other
    try:
        with np.errstate(over="raise"):
            return for_kernels(array, dtype)
    except FloatingPointError as error:
        with np.errstate(over="ignore"):
            lost = np.isfinite(array) & ~np.isfinite(array.astype(dtype))
        index = tuple(np.argwhere(lost)[0])
        expected = f"numbers between -{np.finfo(dtype).max:.3g} and {np.finfo(dtype).max:.3g}, the range of the model's {dtype}"
        raise ValueError(f"{name}: expected {expected}, got {array[index]} at {place(source, index)}") from error


def check_shapes(letters: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Match each array's shape with its letters, such as "NI" for two dimensions, N and I, and return the sizes by letter.

    A letter stands for the same size in all arrays. The ValueError names the argument, its shape and the expected shape.
    """
    sizes: dict[str, int] = {}
    for name, array in arrays.items():
        wanted, shape = letters[name], array.shape
        if len(shape) != len(wanted) or 0 in shape:
            raise ValueError(_wrong_dimensions(name, wanted, shape))
        for letter, size in zip(wanted, shape, strict=True):
            if sizes.setdefault(letter, size) != size:
                raise ValueError(_wrong_sizes(name, letters, arrays))
    return sizes


def _wrong_dimensions(name: str, wanted: str, shape: tuple[int, ...]) -> str:
    symbols = f"({', '.join(wanted)})"
    if len(shape) == len(wanted):
        return f"{name}: expected at least one element in each dimension of {symbols}, got shape {shape}"
    hint = f"; for a single output use {name}.reshape(-1, 1)" if name in ("y", "y_hat") and len(shape) == 1 else ""
    return f"{name}: expected {len(wanted)} dimensions {symbols}, got {len(shape)} with shape {shape}{hint}"


def _wrong_sizes(name: str, letters: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> str:
    """Return the message for an array whose shape contradicts the arrays before it, and name those."""
    sizes: dict[str, tuple[int, str]] = {}
    for other in arrays:
        if other == name:
            break
        for letter, size in zip(letters[other], arrays[other].shape, strict=True):
            sizes.setdefault(letter, (size, f"{other} of shape {arrays[other].shape}"))
    wanted = letters[name]
    shown = ", ".join(str(sizes[letter][0]) if letter in sizes else letter for letter in wanted)
    why = ", ".join(f"{letter} = {sizes[letter][0]} from {sizes[letter][1]}" for letter in wanted if letter in sizes)
    return f"{name}: expected shape ({', '.join(wanted)}) = ({shown}), got {arrays[name].shape} ({why})"
