"""Which way through an epoch `fused` takes at which size. The tests of training check that each is correct."""

import pytest
from numba import njit

from fastmlp.kernels.vectors import lanes
from fastmlp.two_layer.fused import BY_PRODUCTS, BY_TILES, IN_HALF_VECTOR, IN_ONE_VECTOR, IN_VECTORS, way_through


@pytest.mark.parametrize(
    ("samples", "weights", "way"),
    [
        (4, 9, IN_HALF_VECTOR),
        (5, 9, IN_ONE_VECTOR),
        (8, 9, IN_ONE_VECTOR),
        (9, 9, IN_VECTORS),
        (8, 272, BY_PRODUCTS),
        (64, 40, IN_VECTORS),
        (10**6, 150, IN_VECTORS),
        (31, 100_000, BY_PRODUCTS),
        (64, 272, BY_TILES),
        (1797, 64 * 74, BY_TILES),
    ],
)
def test_ways_are_the_fastest_that_were_measured(samples, weights, way):
    assert way_through(samples, weights, lanes=8) == way


def test_half_of_a_vector_is_at_least_a_register():
    assert [way_through(2, 9, lanes) for lanes in (2, 4, 8, 16)] == [IN_ONE_VECTOR, IN_ONE_VECTOR, IN_HALF_VECTOR, IN_HALF_VECTOR]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_compiled_code_takes_the_same_way(dtype):
    compiled = njit(lambda samples, weights, lanes: way_through(samples, weights, lanes))
    for samples in (1, lanes(dtype), lanes(dtype) + 1, 1000):
        for weights in (9, 100, 1000):
            assert compiled(samples, weights, lanes(dtype)) == way_through(samples, weights, lanes(dtype))
