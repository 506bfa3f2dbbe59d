"""Turn a plain function of `network` into a public one that is compiled, checks its arguments, and works in users' ``@njit`` code."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types

from ..engine.arrays import as_arrays, check_shapes
from ..kernels.jit import entry, in_compiled_code

Function = Callable[..., Any]


def document_function(plain: Function, body: Function | None = None, **letters: str) -> Callable[[Function], Function]:
    """Make the decorated function, which needs only a signature and a docstring, the public form of `plain`.

    When Python calls it, the public function checks its arguments and calls the compiled code of `body`, or of `plain` if there is no
    `body`. In compiled code both names, public and plain, stand for that same code, without checks. `letters` give the shape of each
    argument, as in ``X="NI"``.
    """
    body = body or plain
    compiled = entry(body)

    def decorate(described: Function) -> Function:
        parameters = inspect.signature(described)
        names = tuple(parameters.parameters)

        @functools.wraps(described)
        def function(*args: Any, **kwargs: Any) -> Any:
            simple = not kwargs and len(args) == len(names)
            values = dict(zip(names, args, strict=True)) if simple else parameters.bind(*args, **kwargs).arguments
            arrays = as_arrays(**values)
            check_shapes(letters, dict(zip(names, arrays, strict=True)))
            return compiled(*arrays)

        for name in (plain, function):
            in_compiled_code(name)(lambda *types: body)
        return function

    return decorate


def elementwise_function(plain: Function, into: Function, of: Function) -> Callable[[Function], Function]:
    """Do the same as `document_function` for a function of one argument of any shape.

    Arrays are computed by `into(out, x)` and single numbers by `of(x)`, both in place of `plain`.
    """

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

    def implementation(x: types.Type) -> Function | None:
        if isinstance(x, types.Array):
            return on_floats if isinstance(x.dtype, types.Float) else on_integers
        if isinstance(x, types.Float):
            return on_float
        return on_integer if isinstance(x, types.Integer | types.Boolean) else None

    def decorate(described: Function) -> Function:
        parameters = inspect.signature(described)

        @functools.wraps(described)
        def function(*args: Any, **kwargs: Any) -> Any:
            (x,) = as_arrays(**parameters.bind(*args, **kwargs).arguments)
            out = np.empty_like(x)
            into(out.reshape(-1), x.reshape(-1))
            return out[()]

        for name in (plain, function):
            in_compiled_code(name)(implementation)
        return function

    return decorate
