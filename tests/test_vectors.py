"""Vectors as values: memory, arithmetic, and the bits of floating-point numbers, lane by lane."""

import os
import platform
import re
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest
from numba import njit, typeof, types
from numba.core.errors import TypingError
from numba.core.registry import cpu_target
from numba.np.numpy_support import from_dtype
from numpy.testing import assert_array_equal

from fastmlp.kernels import vectors
from fastmlp.kernels.access import broadcast, load, load_first, load_part, peek, store, store_first, width
from fastmlp.kernels.vectors import (
    exponent,
    first_half,
    first_lane,
    fma,
    half_power_of_two,
    is_float64,
    lanes,
    mantissa,
    splat,
    sum_lanes,
    vector_bytes,
    where_less,
)
from tests.children import python

GUARD = -7.0
compiled = njit(nogil=True, error_model="numpy")  # not cached; strict, so that rounding can be compared bit by bit


def values(dtype, count=1, seed=0):
    """Draw `count` vectors of normal numbers."""
    return np.random.default_rng(seed).normal(size=(count, lanes(dtype))).astype(dtype)


@compiled
def copy(out, j, x, i):
    store(out, j, load(x, i))


@compiled
def copy_first(out, j, x, i, count):
    store_first(out, j, load_first(x, i, count), count)


@compiled
def fill_up(out, x, i, count):
    store(out, 0, load_first(x, i, count))


@compiled
def repeat(out, x, i, number):
    store(out, 0, broadcast(x, i))
    store(out, width(out), splat(number))


@compiled
def arithmetic(out, a, b):
    V = width(a)
    a, b = load(a, 0), load(b, 0)
    results = (a + b, a - b, a * b, a / b, a + 0.1, 0.1 + a, a - 1, 1 - a, a * 0.1, 3 * a, a / 3, 0.1 / a)
    for k in range(12):
        store(out, k * V, results[k])


@compiled
def as_numbers(x, scale):
    v = load(x, 0)
    return first_lane(v), sum_lanes(v), first_lane(0.1 * v + 2), first_lane(scale * v), first_lane(fma(v, 0.1, 1)), first_lane(splat(x[0]))


@compiled
def fused(out, a, b, c):
    V = width(out)
    store(out, 0, fma(load(a, 0), load(b, 0), load(c, 0)))
    store(out, V, fma(2, load(a, 0), 0.5))
    store(out, 2 * V, fma(load(a, 0), load(a, 0), -1.0))


@compiled
def choose(out, a, b):
    V = width(a)
    store(out, 0, where_less(load(a, 0), load(b, 0), load(a, 0), load(b, 0)))
    store(out, V, where_less(0.0, load(a, 0), 1, 2.0))


@compiled
def bits(powers, exponents, mantissas, n, x):
    for k in range(0, n.size, width(n)):
        store(powers, k, half_power_of_two(load(n, k)))
    for k in range(0, x.size, width(x)):
        store(exponents, k, exponent(load(x, k)))
        store(mantissas, k, mantissa(load(x, k)))


@compiled
def add_vectors(a, b):
    return first_lane(load(a, 0) + load(b, 0))


@compiled
def constants(x):
    return width(x), is_float64(x), is_float64(load(x, 0)), is_float64(x[0])


@compiled
def wait_for(flag, started, patience):
    started[0] = 1
    while patience > 0 and not peek(flag):
        patience -= 1
    return patience > 0


def test_width_follows_the_vector_registers(dtype):
    size = np.dtype(dtype).itemsize
    assert constants(values(dtype)[0]) == (vector_bytes() // size, *[dtype is np.float64] * 3)
    assert lanes(dtype) * size == vector_bytes()


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="other CPUs have registers of other names")
def test_a_vector_fills_one_register_of_the_cpu(dtype):
    """The widest register in the machine code that moves one vector has its size, so that no vector is split over two registers."""
    copy(np.zeros(lanes(dtype), dtype), 0, np.zeros(lanes(dtype), dtype), 0)
    (code,) = (code for signature, code in copy.inspect_asm().items() if signature[0].dtype.name == np.dtype(dtype).name)
    assert max(re.findall(r"%([xyz])mm", code)) == {16: "x", 32: "y", 64: "z"}[vector_bytes()]


@pytest.mark.parametrize(
    ("features", "expected"), [("", 16), ("+sse4.2,-avx2", 16), ("+avx,+avx2,-avx512f", 32), ("+avx2,+avx512f", 64), ("+neon", 16)]
)
def test_width_follows_the_features_numba_compiles_for(monkeypatch, features, expected):
    codegen = SimpleNamespace(magic_tuple=lambda: ("x86_64-unknown-linux-gnu", "some-cpu", features))
    monkeypatch.setattr(vectors, "cpu_target", SimpleNamespace(target_context=SimpleNamespace(codegen=lambda: codegen)))
    monkeypatch.setattr(vectors, "vector_bytes", vectors.vector_bytes.__wrapped__)
    assert vectors.vector_bytes() == expected
    assert vectors.many_registers() == (expected == 64)


def test_a_generic_cpu_has_the_smallest_vectors():
    program = "from fastmlp.kernels.vectors import vector_bytes; print(vector_bytes())"
    env = {name: value for name, value in os.environ.items() if name != "NUMBA_CPU_FEATURES"} | {"NUMBA_CPU_NAME": "generic"}
    assert python(program, env=env).stdout == "16\n"


@pytest.mark.parametrize(("i", "j"), [(0, 0), (1, 0), (0, 1), (3, 5)])  # addresses need not be aligned
def test_load_and_store_move_one_vector(dtype, i, j):
    V = lanes(dtype)
    x, out = values(dtype, 2).ravel(), np.full(3 * V, GUARD, dtype)
    copy(out, j, x, i)
    assert_array_equal(out[j : j + V], x[i : i + V])
    assert_array_equal(np.delete(out, np.s_[j : j + V]), GUARD)


def test_the_first_lanes_leave_the_others_memory_alone(dtype):
    V = lanes(dtype)
    for count in range(V + 1):
        x, out, filled = np.full(3 * V, np.nan, dtype), np.full(3 * V, GUARD, dtype), np.full(2 * V, GUARD, dtype)
        x[3 : 3 + count] = values(dtype)[0, :count]
        copy_first(out, 1, x, 3, count)
        assert_array_equal(out[1 : 1 + count], x[3 : 3 + count])
        assert_array_equal(np.delete(out, np.s_[1 : 1 + count]), GUARD)
        fill_up(filled, x, 3, count)
        assert_array_equal(filled[:V], np.r_[x[3 : 3 + count], np.zeros(V - count)])
        assert_array_equal(filled[V:], GUARD)


def test_broadcast_and_splat_fill_every_lane(dtype):
    V = lanes(dtype)
    x, out = values(dtype)[0], np.empty(2 * V, dtype)
    repeat(out, x, V - 1, x[0])
    assert_array_equal(out, np.repeat([x[V - 1], x[0]], V))


def test_arithmetic_rounds_as_numpy_does_in_that_dtype(dtype):
    a, b = values(dtype, 2)
    out = np.empty((12, a.size), dtype)
    arithmetic(out.ravel(), a, b)
    tenth = dtype(0.1)
    expected = [a + b, a - b, a * b, a / b, a + tenth, tenth + a, a - 1, 1 - a, a * tenth, 3 * a, a / 3, tenth / a]
    assert_array_equal(out, np.array(expected, dtype))


def test_numbers_do_not_widen_a_vector(dtype):
    x = values(dtype)[0]
    as_numbers(x, 0.1)  # a float64 from outside
    as_numbers(x, 3)
    returned = [signature.return_type for signature in as_numbers.nopython_signatures if signature.args[0] == typeof(x)]
    assert returned == [types.UniTuple(from_dtype(np.dtype(dtype)), 6)] * 2


def test_vectors_of_two_dtypes_do_not_mix(dtype):
    other = np.float64 if dtype is np.float32 else np.float32
    with pytest.raises(TypingError):
        add_vectors(values(dtype)[0], values(other)[0])


def test_fma(dtype):
    V = lanes(dtype)
    a, b, c = np.random.default_rng(0).integers(-9, 9, (3, V)).astype(dtype)  # integers, which are exact in any rounding
    out = np.empty((3, V), dtype)
    fused(out.ravel(), a, b, c)
    assert_array_equal(out, [a * b + c, 2 * a + 0.5, a * a - 1])


def test_fma_rounds_once_where_the_cpu_can(dtype):
    excess = 2.0 ** -(np.finfo(dtype).nmant // 2 + 1)
    a = np.full(lanes(dtype), 1 + excess, dtype)
    out = np.empty((3, a.size), dtype)
    fused(out.ravel(), a, a, a)
    once = dtype(2 * excess + excess**2)  # a a - 1; if the product is rounded first, the square is lost
    features = cpu_target.target_context.codegen().magic_tuple()[2].split(",")
    assert set(out[2]) <= ({once} if "+fma" in features else {once, dtype(2 * excess)})


@pytest.mark.parametrize(("a", "b"), [(1, 2), (2, 1), (1, 1), (1, np.nan), (np.nan, 1), (-np.inf, np.inf), (-1, -2)])
def test_where_less_takes_the_second_unless_less(dtype, a, b):
    V = lanes(dtype)
    a_lanes, b_lanes = values(dtype, 2)
    a_lanes[V // 2], b_lanes[V // 2] = a, b
    out = np.empty((2, V), dtype)
    choose(out.ravel(), a_lanes, b_lanes)
    assert_array_equal(out, [np.where(a_lanes < b_lanes, a_lanes, b_lanes), np.where(a_lanes > 0, 1, 2)])


def test_sum_lanes_adds_halves_to_halves(dtype):
    x = values(dtype, 50)  # with a single vector, rounding might not show the order
    expected = x
    while expected.shape[1] > 1:
        low, high = np.split(expected, 2, axis=1)
        expected = low + high
    assert_array_equal([as_numbers(v, 1)[:2] for v in x], np.column_stack([x[:, 0], expected]))


def test_powers_exponents_and_mantissas_are_exact(dtype):
    finite = np.finfo(dtype)
    n = np.arange(finite.minexp + 1, finite.maxexp + 1)
    n = np.resize(n, -(-n.size // lanes(dtype)) * lanes(dtype)).astype(dtype)
    rng = np.random.default_rng(0)
    x = np.ldexp(rng.uniform(1, 2, 1024), rng.integers(finite.minexp, finite.maxexp, 1024)).astype(dtype)
    x[:6] = finite.tiny, finite.max, 1, np.nextafter(dtype(1), dtype(0)), np.nextafter(dtype(2), dtype(0)), 2
    powers, exponents, mantissas = np.empty_like(n), np.empty_like(x), np.empty_like(x)
    bits(powers, exponents, mantissas, n + dtype(1.5 * 2.0**finite.nmant), x)
    assert_array_equal(powers, np.ldexp(dtype(1), n.astype(int) - 1))
    half, following = np.frexp(x)
    assert_array_equal(mantissas, 2 * half)
    assert_array_equal(exponents, following - 1)


def test_peek_sees_what_another_thread_writes():
    flag, started, seen = np.zeros(1, np.uint8), np.zeros(1, np.uint8), []
    assert not wait_for(flag, started, 1)
    started[0] = 0
    thread = threading.Thread(target=lambda: seen.append(wait_for(flag, started, 10**11)))
    thread.start()
    while not started[0]:
        time.sleep(0.001)
    flag[0] = 1
    thread.join()
    assert seen == [True]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_half_a_vector_is_its_first_lanes(dtype):
    @njit
    def halved(out, a):
        store(out, 0, load_part(a, 1, 1) + first_half(load(a, 0), 1) + first_half(load_part(a, 0, 2), 1))

    half = lanes(dtype) // 2
    a, out = np.arange(2 * half + 1, dtype=dtype), np.full(2 * half, -1, dtype)
    halved(out, a)
    assert_array_equal(out[:half], 3 * a[:half] + 1)
    assert_array_equal(out[half:], -1)
