"""Elementary functions on vectors: errors in units in the last place against 80 digits, and the ends of every range."""

import functools
from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

import numpy as np
import pytest
from numba import njit
from numpy.testing import assert_array_equal

from fastmlp.kernels import vector_math
from fastmlp.kernels.access import load, store, width
from fastmlp.kernels.jit import FLAGS
from fastmlp.kernels.vectors import lanes

inf, nan = np.inf, np.nan


def expm1(x):
    return x if abs(x) < 1e-50 else x.exp() - 1


def log1p(x):
    return x if x < 1e-50 else (1 + x).ln()


class Case(NamedTuple):
    """The properties of a function: its error bound in ulp, the exact function, where both are valid, and values at special points."""

    ulp: float
    exact: Callable[[Decimal], Decimal]
    domain: Callable[[Any], tuple[float, float]]  # as a function of the dtype's finfo
    special: dict[float, float]


def sigmoid(x):
    return 1 / (1 + (-x).exp())


def tanh(x):
    return expm1(2 * x) / (expm1(2 * x) + 2)


def softplus(x):
    return log1p(x.exp())


def exp_range(finite):
    """Return the range in which e^x is neither infinite nor flushed to zero."""
    wide = finite.bits == 64
    return (vector_math.EXP_MIN_64, vector_math.EXP_MAX_64) if wide else (vector_math.EXP_MIN_32, vector_math.EXP_MAX_32)


# The bounds exceed the largest errors seen over millions of points by a fifth or more, with and without fused multiply-adds.
CASES = {
    "exp": Case(1.5, Decimal.exp, exp_range, {0: 1, inf: inf, -inf: 0, 1e4: inf, -1e4: 0}),
    "expm1": Case(3.0, expm1, lambda finite: (finite.min, 80), {0: 0, -inf: -1, -1e4: -1, -40.5: -1}),
    "log": Case(2.5, Decimal.ln, lambda finite: (finite.tiny, finite.max), {1: 0, inf: inf}),
    "log1p": Case(4.5, log1p, lambda finite: (0, finite.max), {0: 0}),
    "sigmoid": Case(3.0, sigmoid, lambda finite: (-exp_range(finite)[1], finite.max), {0: 0.5, inf: 1, -inf: 0, 1e4: 1}),
    "tanh": Case(3.5, tanh, lambda finite: (-1e4, 1e4), {0: 0, inf: 1, -inf: -1, 1e4: 1, -1e4: -1}),
    "softplus": Case(5.0, softplus, lambda finite: (exp_range(finite)[0], 1e4), {inf: inf, -inf: 0, 1e4: 1e4, -1e4: 0}),
}


@functools.cache
def mapped(name):
    function = getattr(vector_math, name)

    @njit(**FLAGS)
    def over_array(out, x):
        for n in range(0, x.size, width(x)):
            store(out, n, function(load(x, n)))

    return over_array


def apply(name, x):
    """Apply the function of vector_math to an array of any length."""
    padded = np.resize(x, -(-x.size // lanes(x.dtype)) * lanes(x.dtype))
    out = np.empty_like(padded)
    mapped(name)(out, padded)
    return out[: x.size]


def points(dtype, low, high):
    """Draw a seeded grid of [low, high]: plain ranges, every magnitude, the neighbourhood of 1, and the ends."""
    finite, rng = np.finfo(dtype), np.random.default_rng(0)
    signs = rng.choice([-1, 1], 500)
    magnitudes = 10.0 ** rng.uniform(np.log10(finite.tiny), np.log10(finite.max), 500)
    near_one = 1 + signs * 10.0 ** rng.uniform(np.log10(finite.eps), 0, 500)
    ranges = [rng.uniform(-scale, scale, 500) for scale in (2, 40, 800)]
    x = np.concatenate([*ranges, signs * magnitudes, near_one, [low, high]]).astype(dtype)
    return x[(low <= x) & (x <= high)]


@pytest.mark.parametrize("name", CASES)
def test_error_in_units_in_the_last_place(name, dtype):
    case = CASES[name]
    x = points(dtype, *case.domain(np.finfo(dtype)))
    assert x.size > 1000
    with localcontext(prec=80):
        exact = [case.exact(Decimal(float(v))) for v in x]
        unit = np.spacing(np.abs(np.array([float(v) for v in exact], dtype)))
        errors = [float(abs(Decimal(float(v)) - e) / Decimal(float(u))) for v, e, u in zip(apply(name, x), exact, unit, strict=True)]
    assert max(errors) <= case.ulp, f"at {x[np.argmax(errors)]!r}"


@pytest.mark.parametrize("name", CASES)
def test_special_values(name, dtype):
    special = CASES[name].special | {nan: nan}
    assert_array_equal(apply(name, np.array(list(special), dtype)), np.array(list(special.values()), dtype))


@pytest.mark.parametrize("name", CASES)
def test_finite_numbers_give_no_nan(name, dtype):
    finite = np.finfo(dtype)
    low = 0 if name in ("log", "log1p") else finite.min
    ends = np.array([0, finite.smallest_subnormal, finite.tiny, finite.max], dtype)
    x = np.concatenate([points(dtype, finite.min, finite.max), ends, -ends])
    x = x[(x >= low) & (x <= (80 if name == "expm1" else finite.max))]
    result = apply(name, x)
    assert not np.isnan(result).any()
    assert np.isinf(result).any() == (name == "exp")


def test_exp_ends_where_it_says(dtype):
    low, high = exp_range(np.finfo(dtype))
    low, high = dtype(low), dtype(high)
    inside = apply("exp", np.array([low, high]))
    assert 0 < inside[0] < np.finfo(dtype).tiny * 2
    assert inside[1] < inf
    assert_array_equal(apply("exp", np.nextafter([low, high], np.array([-inf, inf], dtype))), [0, inf])


def test_log_of_zero_is_finite(dtype):
    assert apply("log", np.zeros(1, dtype))[0] < np.log(np.finfo(dtype).tiny)


@pytest.mark.parametrize("name", CASES)
def test_float32_is_computed_in_float32(name):
    one = np.ones(1, np.float32)
    apply(name, one)
    apply(name, one.astype(np.float64))
    doubles = {signature[0].dtype.name: "x double>" in code for signature, code in mapped(name).inspect_llvm().items()}
    assert doubles == {"float32": False, "float64": True}
