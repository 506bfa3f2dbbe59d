"""From Python to a kernel and back: arrays of the right dtype and shape, or an error that says which argument is not.

`document_function` turns a function of the document, written once, into three things: a function for Python that checks its arguments,
a compiled kernel, and an overload, so that a user's own ``@njit`` code that calls it gets the bare kernel.
"""

from __future__ import annotations

import functools
import inspect
import math
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from numbers import Integral, Real
from typing import Any

import numpy as np
from numba import types

from .kernels._jit import in_compiled_code, kernel

POLL_SECONDS = 0.1
FLOATING = (np.dtype(np.float32), np.dtype(np.float64))


def as_float_array(name: str, value: Any) -> np.ndarray:
    """`value` as an array of float32 or float64; integers and booleans become float64, float16 becomes float32."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: expected a rectangular array of numbers, got rows of different lengths") from error
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    if array.dtype == np.float16:
        return array.astype(np.float32)
    if array.dtype.type not in (np.float32, np.float64):
        raise TypeError(f"{name}: expected an array of numbers (float32, float64 or integers), got dtype {array.dtype}")
    return array


def as_arrays(**values: Any) -> list[np.ndarray]:
    """The values as C-contiguous arrays of one dtype: the widest of the floating ones; integers follow.

    The arrays are aligned and writable, so that one compiled version serves all; what is not so already is copied.
    """
    given = list(values.values())
    dtype = getattr(given[0], "dtype", None)
    if dtype in FLOATING and all(type(value) is np.ndarray and value.dtype == dtype and value.flags.carray for value in given):
        return given  # nothing to do, and a small call spends its time here
    arrays = {name: as_float_array(name, value) for name, value in values.items()}
    floating = [arrays[name].dtype for name, value in values.items() if np.asarray(value).dtype.kind == "f"]
    common = np.result_type(*floating) if floating else np.dtype(np.float64)
    return [np.require(array, common.newbyteorder("="), ["C", "A", "W"]) for array in arrays.values()]


def check_shapes(letters: Mapping[str, str], arrays: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Match each array's shape with its letters ("NI": two dimensions, N and I); the same letter is the same size everywhere.

    Returns the sizes by letter. Raises ValueError that names the argument, its shape and the shape expected.
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
    """What the arrays before `name` fix of its shape, and which of them does."""
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


def document_function(**letters: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Compile a function of the document; `letters` give each argument's shape, as in ``X="NI"``."""

    def decorate(body: Callable[..., Any]) -> Callable[..., Any]:
        compiled = kernel(body)
        parameters = inspect.signature(body)
        names = tuple(parameters.parameters)

        @functools.wraps(body)
        def function(*args: Any, **kwargs: Any) -> Any:
            simple = not kwargs and len(args) == len(names)
            values = dict(zip(names, args, strict=True)) if simple else parameters.bind(*args, **kwargs).arguments
            arrays = as_arrays(**values)
            check_shapes(letters, dict(zip(names, arrays, strict=True)))
            return compiled(*arrays)

        in_compiled_code(function)(lambda *types: body)
        return function

    return decorate


def in_dtype_of(like: Any, a: Any) -> Any:
    """In compiled code: `a` itself, or a copy in the dtype of `like` if theirs differ, as a compiled matrix product needs it."""
    return a.astype(like.dtype, copy=False)


@in_compiled_code(in_dtype_of)
def _in_dtype_of(like, a):  # type: ignore[no-untyped-def]
    if a.dtype == like.dtype:
        return lambda like, a: a
    return lambda like, a: a.astype(like.dtype)


def elementwise_function(into: Callable[..., Any], of: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a function of one argument of any shape its kernels: `into(out, x)` for arrays, `of(x)` for a number."""

    def on_floats(x):  # type: ignore[no-untyped-def]
        x = np.ascontiguousarray(x)
        out = np.empty_like(x)
        into(out, x)
        return out

    def on_integers(x):  # type: ignore[no-untyped-def]
        out = x.astype(np.float64)
        into(out, out)
        return out

    def on_float(x):  # type: ignore[no-untyped-def]
        return of(x)

    def on_integer(x):  # type: ignore[no-untyped-def]
        return of(np.float64(x))

    def implementation(x: types.Type) -> Callable[..., Any] | None:
        if isinstance(x, types.Array):
            return on_floats if isinstance(x.dtype, types.Float) else on_integers
        if isinstance(x, types.Float):
            return on_float
        return on_integer if isinstance(x, types.Integer | types.Boolean) else None

    def decorate(described: Callable[..., Any]) -> Callable[..., Any]:
        parameters = inspect.signature(described)

        @functools.wraps(described)
        def function(*args: Any, **kwargs: Any) -> Any:
            (x,) = as_arrays(**parameters.bind(*args, **kwargs).arguments)
            out = np.empty_like(x)
            into(out.reshape(-1), x.reshape(-1))
            return out[()]

        in_compiled_code(function)(implementation)
        return function

    return decorate


def run_interruptibly(function: Callable[..., Any], stop: np.ndarray, *args: Any) -> None:
    """Call a kernel that holds no lock and polls `stop`, its last argument, so that Ctrl-C is heard at once.

    The kernel runs in a thread of its own while this one waits. After an interrupt the thread ends at the kernel's next poll; what it
    still writes belongs to nobody else.
    """
    outcome: Future[None] = Future()

    def work() -> None:
        try:
            outcome.set_result(function(*args, stop))
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    try:
        while not outcome.done():
            wait([outcome], POLL_SECONDS)
    except BaseException:
        stop[0] = 1
        raise
    outcome.result()
