"""When Numba checks bounds, loads and stores of vectors and tiles are checked too."""

import os

import numba
import numpy as np
import pytest

from fastmlp.kernels import access
from tests.children import python

pytestmark = pytest.mark.any_cpu

PROGRAM = """
import numpy as np
from numba import njit
from fastmlp.kernels.access import GUARD, broadcast, load, load_first, store, store_first
from fastmlp.kernels.products import Terms, outer
from fastmlp.kernels.tile import ASSIGN
from fastmlp.kernels.vectors import lanes, splat, sum_lanes
from fastmlp.kernels.views import Block, Span

V, a = lanes(float), np.zeros(64)
every, going = np.arange(64), np.zeros(1, np.uint8)

@njit
def loads(i):
    return sum_lanes(load(a, i))

@njit
def loads_first(i):
    return sum_lanes(load_first(a, i, 2))

@njit
def broadcasts(i):
    return sum_lanes(broadcast(a, i))

@njit
def stores(b, i):
    store(b, i, splat(1.0))

@njit
def stores_first(b, i):
    store_first(b, i, splat(1.0), 2)

def multiplies(first):
    x, rows, g = np.zeros(4 * V), np.zeros((V, 8 * V)), np.zeros(4 * 8 * V)
    by_sample = Block(rows.ravel(), 0, 0, 1, 8 * V)
    outer(ASSIGN, Block(g, first, 8 * V, 1, 8 * V), Block(x, 0, V, 1, V), by_sample, Span(every, 0, 4), Terms(every, every, 0, 0, V), going)

def outside(call, *arguments):
    try:
        call(*arguments)
    except IndexError:
        return True
    return False

cases = [
    (loads, 64 + GUARD - V, 1), (loads_first, 62, 1), (broadcasts, 63, 1), (lambda i: stores(a.copy(), i), 64 - V, 1),
    (lambda i: stores_first(a.copy(), i), 62, 1), (multiplies, 0, 1), (loads, 0, -1),
]
print([(outside(call, last), outside(call, last + step)) for call, last, step in cases])
"""


@pytest.mark.parametrize("checked", [False, True])
def test_a_vector_that_leaves_its_array_is_an_index_error(checked, tmp_path):
    program = PROGRAM if checked else PROGRAM.replace("in cases]", "in cases[:1]]")  # a load inside the guard, which overruns nothing
    program = program if checked else program.replace("64 + GUARD - V, 1", "0, 1")
    finished = python(program, env=os.environ | {"NUMBA_BOUNDSCHECK": str(int(checked)), "NUMBA_CACHE_DIR": str(tmp_path)})
    assert finished.stderr == ""
    assert finished.stdout == f"{[(False, True)] * 7 if checked else [(False, False)]}\n"


def test_asking_for_a_cache_line_reads_nothing_wherever_it_is():
    @numba.njit
    def asked(a, i):
        access.fetch(a, i)
        return a[0]

    a = np.arange(5.0)
    for i in (0, 4, -1, 10**6, -(10**12), 2**60):
        assert asked(a, i) == 0
