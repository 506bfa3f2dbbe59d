"""Measure how near the peak each kernel runs: GFLOP/s, and the share of the multiply-add peak measured just before and after.

Everything runs on one thread. NumPy does the same work as each kernel, the products by its BLAS in the layout that suits it, without bias
or slope. Before anything is timed, it must return what NumPy returns in float64; that call also compiles it. Runs of the kernel and of
NumPy alternate. No benchmark fails for being slow.
"""

from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import NamedTuple

import numba
import numpy as np
import pytest
from numpy.testing import assert_allclose

from fastmlp.engine.memory import aligned, empty
from fastmlp.kernels import vector_math
from fastmlp.kernels.access import load, store, width
from fastmlp.kernels.activations import ACTIVATIONS, activate
from fastmlp.kernels.network import State
from fastmlp.kernels.optimizers import ADAM, Update, update
from fastmlp.kernels.products import Terms, affine, backproject, outer, scratch_size
from fastmlp.kernels.rows import by_sample
from fastmlp.kernels.tile import ADD
from fastmlp.kernels.vectors import lanes
from fastmlp.kernels.views import Block, Span
from fastmlp.measure.compilation import timed_region
from fastmlp.measure.machine import one_blas_thread
from fastmlp.measure.peak import peak_gflops

ROUNDS = 15
GOING = np.zeros(1, np.uint8)  # a stop flag that is never set
ROUND_SECONDS = 2e-3
BUDGET = {np.float32: 1e-5, np.float64: 1e-13}  # tolerance relative to the largest entry, for sums of up to 2048 products
SHAPES = ((784, 100, 64), (100, 200, 64), (200, 10, 64), (784, 1024, 128), (1024, 1024, 128), (2048, 2048, 128))  # I, O, B
WIDTH, BATCH = 200, 64  # of the activations, whose arrays fit in the second-level cache
PARAMETERS = 100_710  # 784-100-200-10
HEADING = f"{'kernel':12}{'shape':>16}{'dtype':>9}{'GFLOP/s':>9}{'of peak':>9}{'NumPy':>9}{'of peak':>9}{'x NumPy':>9}"


class Case(NamedTuple):
    """One kernel on one problem."""

    run: Callable[[int], None]  # runs the kernel n times in compiled code: a call from Python would cost as much as a small product
    numpy: Callable[[], None]
    operations: float  # additions, multiplications, divisions and roots per turn; a fused multiply-add counts as two
    results: Callable[[], tuple[np.ndarray, np.ndarray]]  # the actual and the expected result of one turn


@numba.njit(nogil=True)
def affine_turns(turns, z, w, x, every, scratch, going, sizes):
    I, O, B = sizes
    W, b, panel = Block(w, 0, O, 1, O), Block(w, I * O, 1, 1, 1), Block(scratch, 0, 1, 1, 0)
    inputs, outputs = Span(every, 0, I), Span(every, 0, O)
    for _ in range(turns):
        affine(Block(z, 0, B, 1, B), W, b, Block(x, 0, B, 1, B), inputs, outputs, panel, going)


@numba.njit(nogil=True)
def backproject_turns(turns, delta, slope, w, delta_next, every, scratch, going, sizes):
    """Copy the slopes anew in each turn, as the activation leaves them."""
    I, O, B = sizes
    W, above, panel = Block(w, 0, O, 1, O), Block(delta_next, 0, B, 1, B), Block(scratch, 0, 1, 1, 0)
    inputs, outputs = Span(every, 0, I), Span(every, 0, O)
    for _ in range(turns):
        delta[:] = slope
        backproject(Block(delta, 0, B, 1, B), W, above, inputs, outputs, panel, going)


@numba.njit(nogil=True)
def outer_turns(turns, w, x, rows, every, going, sizes):
    """Add to the weights in each turn, as in gradient descent."""
    I, O, B = sizes
    W, deltas, inputs, samples = Block(w, 0, O, 1, O), Block(rows, 0, 0, 1, O), Span(every, 0, I), Terms(every, every, 0, 0, B)
    for _ in range(turns):
        outer(ADD, W, Block(x, 0, B, 1, B), deltas, inputs, samples, going)


@numba.njit(nogil=True)
def exp_turns(turns, out, x):
    for _ in range(turns):
        for n in range(0, x.size, width(x)):
            store(out, n, vector_math.exp(load(x, n)))


@numba.njit(nogil=True)
def activate_turns(turns, code, z, slope, x):
    """Copy the input anew in each turn, as the product before it does."""
    for _ in range(turns):
        z[:] = x
        activate(code, z, slope, 0, z.size)


@numba.njit(nogil=True)
def adam_turns(turns, w, g, m, v, numbers):
    zero, (rate, beta1, beta2, epsilon) = numbers[0] * 0, numbers
    rule = Update(ADAM, rate, zero, zero, beta1, beta2, epsilon, zero + 1)
    for _ in range(turns):
        update(State(w, g, m, v), 0, w.size, rule)


def draw(dtype, *shape):
    return np.random.default_rng(shape).normal(size=shape).astype(dtype)


def flat(matrix):
    """Store a matrix row by row, starting at a cache line, as the engine does."""
    return aligned(matrix.ravel())


def affine_case(dtype, I, O, B):
    W, b, X = draw(dtype, I, O), draw(dtype, O), draw(dtype, B, I)
    z, out = np.zeros(O * B, dtype), np.empty((B, O), dtype)
    every, panel = np.arange(I + O + B), empty(scratch_size(I, B, dtype().itemsize), dtype)
    arrays = {"z": aligned(z), "w": flat(np.vstack([W, b])), "x": flat(X.T)}
    run = partial(affine_turns, **arrays, every=every, scratch=panel, going=GOING, sizes=(I, O, B))
    expected = X.astype(float) @ W + b
    return Case(run, partial(np.matmul, X, W, out=out), 2 * I * O * B, lambda: (run.keywords["z"].reshape(O, B).T, expected))


def backproject_case(dtype, I, O, B):
    W, above, slope = draw(dtype, I, O), draw(dtype, B, O), draw(dtype, B, I)
    out, arrays = np.empty((B, I), dtype), {"slope": flat(slope.T), "w": flat(W), "delta_next": flat(above.T)}
    every, panel = np.arange(I + O + B), empty(scratch_size(O, B, dtype().itemsize), dtype)
    run = partial(backproject_turns, delta=flat(slope.T), **arrays, every=every, scratch=panel, going=GOING, sizes=(I, O, B))
    expected = slope * (above.astype(float) @ W.T)
    return Case(run, partial(np.matmul, above, W.T, out=out), 2 * I * O * B, lambda: (run.keywords["delta"].reshape(I, B).T, expected))


def outer_case(dtype, I, O, B):
    W, X, delta = draw(dtype, I, O), draw(dtype, B, I), draw(dtype, B, O)
    every, rows, out = np.arange(I + O + B), empty(-(-O // lanes(dtype)) * lanes(dtype) * B, dtype), np.empty((I, O), dtype)
    by_sample(Block(rows, 0, 0, 1, O), Block(flat(delta.T), 0, B, 1, B), Span(every, 0, O), dtype(1))
    arrays = {"w": flat(W), "x": flat(X.T), "rows": rows}
    run = partial(outer_turns, **arrays, every=every, going=GOING, sizes=(I, O, B))
    expected = W + X.T.astype(float) @ delta
    return Case(run, partial(np.matmul, X.T, delta, out=out), 2 * I * O * B, lambda: (run.keywords["w"].reshape(I, O), expected))


EXP_OPERATIONS = {np.float32: 21, np.float64: 32}


def exp_case(dtype, features, B):
    x = aligned(draw(dtype, features * B))
    out, its = np.empty_like(x), np.empty_like(x)
    operations = EXP_OPERATIONS[dtype] * x.size
    return Case(partial(exp_turns, out=out, x=x), partial(np.exp, x, out=its), operations, lambda: (out, np.exp(x.astype(float))))


def logistic(x):
    return 1 / (1 + np.exp(-x))


def gelu(x):
    return 0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)))


# The function in NumPy, without its slope; operations for value and slope; number of exponentials, which are counted separately.
ACTIVATED = {"relu": (lambda x: np.maximum(x, 0), 3, 0), "logistic": (logistic, 5, 1), "tanh": (np.tanh, 8, 1), "gelu": (gelu, 25, 1)}


def activate_case(name, dtype, features, B):
    function, operations, exps = ACTIVATED[name]
    x = aligned(draw(dtype, features * B))
    z, slope = np.empty_like(x), np.empty_like(x)
    total = (operations + exps * EXP_OPERATIONS[dtype]) * x.size
    run = partial(activate_turns, code=ACTIVATIONS[name], z=z, slope=slope, x=x)
    return Case(run, partial(function, x), total, lambda: (z, function(x.astype(float))))


ADAM_OPERATIONS = 17
RATE, BETA1, BETA2, EPSILON = 1e-3, 0.9, 0.999, 1e-8


def adam_case(dtype, P):
    w, g = (aligned(values) for values in draw(dtype, 2, P))
    m, v, before = np.zeros_like(w), np.zeros_like(w), w.astype(float)
    run = partial(adam_turns, w=w, g=g, m=m, v=v, numbers=tuple(map(dtype, (RATE, BETA1, BETA2, EPSILON))))
    its_w, its_m, its_v = w.copy(), m.copy(), v.copy()

    def numpy():
        its_m[:] = BETA1 * its_m + (1 - BETA1) * g
        its_v[:] = BETA2 * its_v + (1 - BETA2) * g * g
        its_w[:] -= RATE * its_m / (np.sqrt(its_v) + EPSILON)

    step = RATE * (1 - BETA1) * g.astype(float) / (np.sqrt((1 - BETA2) * g.astype(float) ** 2) + EPSILON)
    return Case(run, numpy, ADAM_OPERATIONS * P, lambda: (w, before - step))


PRODUCTS = {"affine": affine_case, "backproject": backproject_case, "outer": outer_case}
PROBLEMS = [(name, make, shape) for name, make in PRODUCTS.items() for shape in SHAPES]
PROBLEMS += [("exp", exp_case, (WIDTH, BATCH))]
PROBLEMS += [(name, partial(activate_case, name), (WIDTH, BATCH)) for name in ACTIVATED]
PROBLEMS += [("Adam", adam_case, (PARAMETERS,))]


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float32", "float64"])
@pytest.mark.parametrize(("name", "make", "shape"), PROBLEMS, ids=[f"{name}-{'x'.join(map(str, shape))}" for name, _, shape in PROBLEMS])
def test_kernel(benchmark, report, name, make, shape, dtype):
    case = make(dtype, *shape)
    case.run(1)
    got, expected = case.results()
    assert_allclose(got, expected, rtol=0, atol=BUDGET[dtype] * np.abs(expected).max())

    with timed_region(f"one turn of {name}"):
        start = perf_counter()
        case.run(1)
        turns = max(1, round(ROUND_SECONDS / (perf_counter() - start)))
    numpy_seconds = []

    def numpy_turn():
        start = perf_counter()
        for _ in range(turns):
            case.numpy()
        numpy_seconds.append((perf_counter() - start) / turns)

    benchmark.group = f"{name}, {dtype.__name__}"
    with one_blas_thread():
        before = peak_gflops(dtype)
        benchmark.pedantic(case.run, (turns,), setup=numpy_turn, rounds=ROUNDS, warmup_rounds=1)
        peak = max(before, peak_gflops(dtype))
    if benchmark.enabled:
        rates = [case.operations / seconds / 1e9 for seconds in (benchmark.stats.stats.median / turns, median(numpy_seconds))]
        shares = [rate / peak for rate in rates]
        benchmark.extra_info |= {
            "turns": turns,
            "peak_gflops": peak,
            "gflops": dict(zip(("fastmlp", "numpy"), rates, strict=True)),
            "share_of_peak": dict(zip(("fastmlp", "numpy"), shares, strict=True)),
        }
        if HEADING not in report:
            report += ["Kernels on one core, compared with NumPy; the peak of multiply-adds is measured just before and after", HEADING]
        columns = f"{rates[0]:9.1f}{shares[0]:9.1%}{rates[1]:9.1f}{shares[1]:9.1%}{rates[0] / rates[1]:9.2f}"
        report.append(f"{name:12}{'x'.join(map(str, shape)):>16}{dtype.__name__:>9}{columns}")
