"""The three products of a network against float64 NumPy: every shape of tile and tail, and nothing written outside."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from fastmlp.kernels.products import (
    KC,
    LONG_ROW,
    NARROW,
    PACKED_ROW,
    Terms,
    affine,
    backproject,
    block_rows,
    outer,
    outer_narrow,
    scratch_size,
)
from fastmlp.kernels.rows import by_sample
from fastmlp.kernels.tile import ADD, ASSIGN, MR
from fastmlp.kernels.vectors import lanes
from fastmlp.kernels.views import Block, Span

from .problems import in_panels

GUARD = 40  # values before and after each matrix, more than what misaligned vectors of a tile's row could overrun
EVERY = np.arange(1024)
GOING = np.zeros(1, np.uint8)  # a stop flag that is never set

several_passes = st.sampled_from([KC - 1, KC, KC + 1, 2 * KC, 3 * KC + 5])
LONG = LONG_ROW // 4  # columns, in either dtype
packed = st.sampled_from([LONG_ROW // 8 - 1, LONG_ROW // 8, LONG, LONG + 1, LONG + 2 * MR, LONG + block_rows(PACKED_ROW, 8) + 7])
sizes = st.one_of(st.integers(1, 40), st.sampled_from([100, 129]))


class Flat(NamedTuple):
    """A matrix inside a flat array, as the kernels expect it: guard values, the matrix from `at` on, guard values."""

    flat: np.ndarray
    at: int
    shape: tuple[int, ...]

    @property
    def matrix(self):
        return self.flat[self.at : self.at + np.prod(self.shape, dtype=int)].reshape(self.shape)

    @property
    def block(self):
        return Block(self.flat, self.at, self.shape[-1], 1, self.shape[-1])

    def copy(self):
        return self._replace(flat=self.flat.copy())


def flat(matrix, guard=np.nan):
    """Surround the matrix by NaN, so that reading too far shows in the result."""
    fill = np.full(GUARD, guard, matrix.dtype)
    return Flat(np.concatenate([fill, matrix.ravel(), fill]), GUARD, matrix.shape)


def output(matrix):
    return flat(matrix, guard=-7)


def assert_only_rows_changed(after, before, rows):
    """Check that the array has the same bits outside the given rows of its matrix."""
    kept = after.copy()
    kept.matrix[rows] = before.matrix[rows]
    assert kept.flat.tobytes() == before.flat.tobytes()


def assert_rounded(actual, expected, terms, length):
    """Check |actual - expected| <= eps (length + 2) times the sum of the absolute terms: a sum of `length` products in any order."""
    assert actual.shape == expected.shape
    worst = np.abs(actual.astype(np.float64) - expected) - np.finfo(actual.dtype).eps * (length + 2) * terms
    assert worst.max(initial=0) <= 0


@st.composite
def problems(draw, inputs=sizes, outputs=sizes):
    """Draw seeded matrices of a layer: dtype, W (I, O), b (O,), x (I, B), delta (O, B), and a random choice of inputs that are zero."""
    dtype, I, O = draw(st.sampled_from([np.float32, np.float64])), draw(inputs), draw(outputs)
    B = draw(st.integers(1, 5)) * lanes(dtype)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    W, b, x, delta = (rng.normal(size=shape).astype(dtype) for shape in ((I, O), (O,), (I, B), (O, B)))
    zero = rng.random(I) < draw(st.sampled_from([0.0, 0.3, 1.0]))
    x[zero] = 0
    return W, b, x, delta, np.flatnonzero(~zero), rng


def split(call, out, rows, rng):
    """Run call(out, first, last) over all rows at once; in two parts it must give the same bits and not change the other part."""
    whole, parts = out.copy(), out.copy()
    middle = int(rng.integers(len(rows) + 1))
    call(whole, 0, len(rows))
    assert_only_rows_changed(whole, out, rows)
    call(parts, 0, middle)
    assert_only_rows_changed(parts, out, rows[:middle])
    call(parts, middle, len(rows))
    assert parts.flat.tobytes() == whole.flat.tobytes()
    return whole.matrix


def run_affine(W, b, x, ks, with_bias, rng):
    O, B = W.shape[1], x.shape[1]
    gap = np.full(3, np.nan, W.dtype)
    w = flat(np.concatenate([W.ravel(), gap, b, gap]))
    W_block, b_block = Block(w.flat, w.at, O, 1, O), Block(w.flat, w.at + W.size + gap.size, 1, 1, int(with_bias))
    x, panel = flat(x), output(np.zeros(scratch_size(max(W.shape), B, W.itemsize), W.dtype))
    inputs = Span(np.append(ks, 0), 0, len(ks))

    def call(z, first, last):
        affine(z.block, W_block, b_block, x.block, inputs, Span(EVERY, first, last), panel.block, GOING)

    z = split(call, output(np.full((O, B), 3, W.dtype)), EVERY[:O], rng)
    assert_only_rows_changed(panel, output(panel.matrix), ...)
    return z


@given(
    problem=st.one_of(problems(), problems(inputs=several_passes), problems(inputs=several_passes, outputs=packed)), with_bias=st.booleans()
)
def test_affine(problem, with_bias):
    W, b, x, _, ks, rng = problem
    z = run_affine(W, b, x, ks, with_bias, rng)
    W, b, x = (array.astype(np.float64) for array in (W, b * with_bias, x))
    assert_rounded(z, W.T @ x + b[:, None], np.abs(W.T) @ np.abs(x) + np.abs(b)[:, None], len(ks))


@given(problem=st.one_of(problems(), problems(inputs=several_passes), problems(inputs=several_passes, outputs=packed)))
def test_skipped_zeros_change_nothing(problem):
    W, b, x, _, ks, rng = problem
    assert_array_equal(run_affine(W, b, x, ks, True, rng), run_affine(W, b, x, EVERY[: len(x)], True, rng))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("with_bias", [True, False])
def test_a_batch_of_zeros_leaves_the_bias(dtype, with_bias):
    W, b, x = np.full((9, 7), np.nan, dtype), np.arange(1, 8, dtype=dtype), np.full((9, 3 * lanes(dtype)), np.nan, dtype)
    z = run_affine(W, b, x, EVERY[:0], with_bias, np.random.default_rng(0))
    assert_array_equal(z, np.repeat(b * with_bias, x.shape[1]).reshape(z.shape))


@given(problem=st.one_of(problems(), problems(outputs=packed)))
def test_backproject(problem):
    W, _, x, delta_next, _, rng = problem
    (I, O), B = W.shape, x.shape[1]
    w, following, panel = flat(W), flat(delta_next), output(np.zeros(scratch_size(max(I, O), B, W.itemsize), W.dtype))

    def call(delta, first, last):
        backproject(delta.block, w.block, following.block, Span(EVERY, first, last), Span(EVERY, 0, O), panel.block, GOING)

    delta = split(call, output(x), EVERY[:I], rng)
    W, x, delta_next = (array.astype(np.float64) for array in (W, x, delta_next))
    assert_rounded(delta, x * (W @ delta_next), np.abs(x) * (np.abs(W) @ np.abs(delta_next)), O)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_backproject_takes_many_inputs_block_by_block(dtype):
    rng = np.random.default_rng(0)
    B, O = 3 * lanes(dtype), LONG + 3
    I = 2 * block_rows(O, np.dtype(dtype).itemsize) + 7
    W, x, delta_next = (rng.normal(size=shape).astype(dtype) for shape in ((I, O), (I, B), (O, B)))
    w, following, panel = flat(W), flat(delta_next), output(np.zeros(scratch_size(max(I, O), B, W.itemsize), dtype))

    def call(delta, first, last):
        inputs, outputs = Span(EVERY, first, last), Span(np.arange(O), 0, O)
        backproject(delta.block, w.block, following.block, inputs, outputs, panel.block, GOING)

    delta = split(call, output(x), EVERY[:I], rng)
    assert panel.matrix.any()  # shows that this way was taken
    assert_only_rows_changed(panel, output(panel.matrix), ...)
    W, x, delta_next = (array.astype(np.float64) for array in (W, x, delta_next))
    assert_rounded(delta, x * (W @ delta_next), np.abs(x) * (np.abs(W) @ np.abs(delta_next)), O)


@given(problem=problems(), how=st.sampled_from([ASSIGN, ADD]))
def test_outer(problem, how):
    W, _, x, delta, rows, rng = problem
    O, B = W.shape[1], x.shape[1]
    x_flat, deltas = flat(x), flat(in_panels(delta.T, lanes(W.dtype)))  # padding of a panel stays in lanes that are not stored
    panels = Block(deltas.flat, deltas.at, 0, 1, O)

    samples = Terms(EVERY, EVERY, 0, 0, B)

    def call(g, first, last):
        outer(how, g.block, x_flat.block, panels, Span(rows, first, last), samples, GOING)

    g = split(call, output(W), rows, rng)
    W, x, delta = (array.astype(np.float64) for array in (W * (how == ADD), x, delta))
    expected, terms = W + x @ delta.T, np.abs(W) + np.abs(x) @ np.abs(delta.T)
    assert_rounded(g[rows], expected[rows], terms[rows], B)


@given(problem=problems())
def test_by_sample_lays_deltas_out_in_panels(problem):
    _, _, x, delta, _, rng = problem
    O, V = len(delta), lanes(x.dtype)
    expected = in_panels(delta.T, V)
    out, middle = output(np.full(expected.size, -7, x.dtype)), int(rng.integers(-(-O // V) + 1)) * V
    for part in (Span(EVERY, 0, min(middle, O)), Span(EVERY, middle, O)):  # as two threads do
        by_sample(Block(out.flat, out.at, 0, 1, O), flat(delta).block, part, x.dtype.type(1))
    assert_array_equal(out.matrix[~np.isnan(expected)], expected[~np.isnan(expected)])
    assert_only_rows_changed(out, output(np.full(expected.size, -7, x.dtype)), ...)


@given(
    problem=st.one_of(problems(outputs=st.integers(1, NARROW)), problems(inputs=st.integers(1, NARROW))), how=st.sampled_from([ASSIGN, ADD])
)
def test_outer_narrow(problem, how):
    W, _, x, delta, rows, rng = problem
    B = x.shape[1]
    x_flat, delta_flat = flat(x), flat(delta)

    def call(g, first, last):
        outer_narrow(how, g.block, x_flat.block, delta_flat.block, Span(rows, first, last), W.dtype.type(0.5))

    g = split(call, output(W), rows, rng)
    W, x, delta = (array.astype(np.float64) for array in (W * (how == ADD), x, 0.5 * delta))
    assert_rounded(g[rows], (W + x @ delta.T)[rows], (np.abs(W) + np.abs(x) @ np.abs(delta.T))[rows], B)


@pytest.mark.parametrize(("O", "B"), [(20, 8 * lanes(np.float64)), (LONG, 3 * lanes(np.float64))])
def test_a_product_that_is_stopped_writes_nothing_more(O, B):
    rng = np.random.default_rng(0)
    W, x, delta = (rng.normal(size=shape) for shape in ((30, O), (30, B), (O, B)))
    stopped, inputs, outputs = np.ones(1, np.uint8), Span(EVERY, 0, 30), Span(EVERY, 0, O)
    w, inner, above, scratch = flat(W), output(x), output(delta), output(np.zeros(scratch_size(LONG, B, 8)))
    before = [array.flat.copy() for array in (w, inner, above)]
    affine(above.block, w.block, Block(w.flat, w.at, 1, 1, 0), inner.block, inputs, outputs, scratch.block, stopped)
    backproject(inner.block, w.block, above.block, inputs, outputs, scratch.block, stopped)
    outer(ADD, w.block, inner.block, flat(delta.T.copy()).block._replace(row=0), inputs, Terms(EVERY, EVERY, 0, 0, x.shape[1]), stopped)
    for array, kept in zip((w, inner, above), before, strict=True):
        assert array.flat.tobytes() == kept.tobytes()
