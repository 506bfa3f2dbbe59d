"""Zeros among the inputs are found exactly, and skipping them in the weights' gradient does not change a bit of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from fastmlp import SGD, Adam, Dense, ReLU, Sequential
from fastmlp.engine.memory import empty
from fastmlp.kernels.products import Terms, outer
from fastmlp.kernels.step import LISTED
from fastmlp.kernels.tile import ADD, ASSIGN, MR
from fastmlp.kernels.vectors import lanes
from fastmlp.kernels.views import Block, Span
from fastmlp.kernels.zeros import find_active, find_used, list_step

EVERY, GOING = np.arange(512), np.zeros(1, np.uint8)


@st.composite
def batches(draw):
    """Draw x (I, B) with single zeros, zero inputs and zero samples, in a flat array that ends in other values."""
    dtype, I = draw(st.sampled_from([np.float32, np.float64])), draw(st.integers(1, 40))
    B = draw(st.one_of(st.integers(1, 6), st.sampled_from([8, 9, 16, 17]))) * lanes(dtype)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    x = rng.normal(size=(I, B)).astype(dtype)
    x[rng.random((I, B)) < draw(st.sampled_from([0.0, 0.5, 0.9, 1.0]))] = 0
    x[rng.random(I) < 0.3] = 0
    x[:, rng.random(B) < 0.2] = 0
    if draw(st.booleans()):
        x[rng.integers(I), rng.integers(B)] = np.nan
    flat = empty(I * B + 64, dtype)
    flat[:] = 7
    flat[: I * B] = x.ravel()
    return x, flat, rng


def words(B):
    return -(-B // 64)


def find(x, flat):
    """Return the results of `find_active`: the active inputs, their number, the number of nonzero elements, and their positions."""
    I, B = x.shape
    active, bits = np.full(I + 1, -1), np.zeros((words(B), I), np.uint64)
    count, nonzero = find_active(active, bits, Block(flat, 0, B, 1, B), I, GOING)
    return active, count, nonzero, bits


@given(batch=batches())
def test_find_active(batch):
    x, flat, _ = batch
    active, count, nonzero, bits = find(x, flat)
    assert_array_equal(active[:count], np.flatnonzero((x != 0).any(axis=1)))
    assert nonzero == np.count_nonzero(x)
    found = [[int(bits[n // 64, i]) >> n % 64 & 1 for n in range(words(x.shape[1]) * 64)] for i in range(len(x))]
    assert_array_equal(np.array(found)[:, : x.shape[1]], x != 0)
    assert not np.array(found)[:, x.shape[1] :].any()


@given(batch=batches())
def test_find_used_lists_the_samples_of_each_tile(batch):
    x, flat, rng = batch
    rows = rng.permutation(len(x))
    B, tiles = x.shape[1], -(-len(x) // MR)
    _, _, _, bits = find(x, flat)
    used, counts = np.full(tiles * list_step(B), -1), np.full(tiles, -1)
    middle = rng.integers(tiles + 1) * MR  # as two threads do
    find_used(used, counts, bits, Span(rows, 0, min(middle, len(x))), B)
    find_used(used, counts, bits, Span(rows, middle, len(x)), B)
    for tile in range(tiles):
        wanted = np.flatnonzero((x[rows[tile * MR : (tile + 1) * MR]] != 0).any(axis=0))
        assert_array_equal(used[tile * list_step(B) :][: counts[tile]], wanted)


@given(batch=batches(), O=st.sampled_from([1, 7, 20, 100]), how=st.sampled_from([ASSIGN, ADD]))
def test_outer_without_the_zeros_has_the_same_bits(batch, O, how):
    x, flat, rng = batch
    I, B = x.shape
    V = lanes(x.dtype)
    stride = -(-O // V) * V
    delta, g = empty(B * stride, x.dtype), empty(I * O, x.dtype)
    delta[:], g[:] = rng.normal(size=delta.size), rng.normal(size=g.size)
    _, _, _, bits = find(x, flat)
    used, counts = np.zeros(-(-I // MR) * list_step(B) + 1, np.int64), np.zeros(-(-I // MR), np.int64)
    rows = Span(EVERY, 0, I)
    find_used(used, counts, bits, rows, B)
    skipping, X, by_sample = g.copy(), Block(flat, 0, B, 1, B), Block(delta, 0, 0, 1, O)
    outer(how, Block(g, 0, O, 1, O), X, by_sample, rows, Terms(EVERY, EVERY, 0, 0, B), GOING)
    outer(how, Block(skipping, 0, O, 1, O), X, by_sample, rows, Terms(used, counts, list_step(B), 0, 0), GOING)
    assert_array_equal(skipping, g)


@pytest.mark.parametrize("optimizer", [SGD(0.1), Adam(0.01)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_on_mostly_zeros_is_training(dtype, optimizer):
    """The weights are the same as with tiny numbers instead of zeros: then nothing is skipped, and the products vanish by rounding."""
    rng = np.random.default_rng(0)
    X = np.where(rng.random((150, 33)) < 0.8, 0, rng.normal(size=(150, 33))).astype(dtype)
    assert np.count_nonzero(X) < LISTED * X.size
    y = rng.integers(0, 3, 150)
    models = [Sequential([Dense(33, 20), ReLU(), Dense(20, 3)], loss="softmax_cross_entropy", seed=1, dtype=dtype) for _ in range(2)]
    models[0].fit(X, y, epochs=3, batch_size=70, optimizer=optimizer)
    tiny = np.where(X == 0, np.finfo(dtype).tiny, X)
    models[1].fit(tiny, y, epochs=3, batch_size=70, optimizer=optimizer)
    assert_array_equal(models[0].parameters, models[1].parameters)
