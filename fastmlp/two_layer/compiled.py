"""One function of the document, three ways to call it.

From Python it checks its arguments; as a kernel it is compiled; in a user's own ``@njit`` code an overload stands for the bare kernel.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from ..engine.arrays import as_arrays, check_shapes
from ..kernels.jit import in_compiled_code, kernel


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
