"""Machine code for CPUs that need not be there: a tile's loops hold loads, multiply-adds and the way to the next k, and nothing else."""

import json
import os
import platform

import pytest

from tests.children import python

pytestmark = pytest.mark.any_cpu

# CPU: its features, the tile's multiply-adds, and how many other instructions a turn of the dense and of the listed loop has.
CPUS = {
    "haswell": ("+avx2,+fma", 6 * 2, 2 + 6 + 4, 2 + 6 + 7),
    "skylake-avx512": ("+avx2,+fma,+avx512f,+avx512bw,+avx512dq,+avx512vl", 5 * 4, 4 + 5 + 4, 4 + 5 + 7),
}
PROGRAM = r"""
import json, re
import numpy as np
from numba import njit, typeof
from fastmlp.kernels.activations import activate_leaky
from fastmlp.kernels.jit import FLAGS
from fastmlp.kernels.tile import MR, NV, Product, tile
from fastmlp.kernels.views import Block, Span

@njit(error_model="numpy")
def whole_tile(product, rows, ks):
    tile(MR, NV, product, rows, ks)

def loops(dtype):
    block, span = Block(np.zeros(1, dtype), 0, 1, 1, 1), Span(np.zeros(1, np.int64), 0, 1)
    types = typeof(Product(0, block, block, block, block, 0)), typeof(span), typeof(span)
    whole_tile.compile(types)
    lines = [line.split("#")[0].strip() for line in whole_tile.inspect_asm(types).splitlines()]
    label = {line[:-1]: place for place, line in enumerate(lines) if line.endswith(":")}
    for place, line in enumerate(lines):
        jump = re.match(r"j[a-z]+\s+(\S+)", line)
        if jump and label.get(jump[1], place) < place:
            loop = [line for line in lines[label[jump[1]] : place + 1] if line and not line.startswith(".")]
            if any("fmadd" in line for line in loop):
                yield loop

@njit(**FLAGS)
def relu(z, slope, leak):
    activate_leaky(z, slope, 0, 640, leak)

def masked_stores(dtype):
    z = np.zeros(640, dtype)
    for slope in (z, None):
        types = typeof(z), typeof(slope), typeof(z[0])
        relu.compile(types)
        yield from re.findall(r"vmaskmov.*|vmov.*\) \{%k.*", relu.inspect_asm(types))

dtypes = ("float32", "float64")
print(json.dumps([[list(loops(dtype)) for dtype in dtypes], [line for dtype in dtypes for line in masked_stores(dtype)]]))
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="reads x86 assembly")
@pytest.mark.parametrize("cpu", CPUS)
def test_a_tile_is_loads_and_multiply_adds_and_relu_masks_nothing(cpu, tmp_path):
    features, products, dense, listed = CPUS[cpu]
    environment = os.environ | {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": features, "NUMBA_CACHE_DIR": str(tmp_path)}
    loops_by_dtype, masked_stores = json.loads(python(PROGRAM, env=environment, check=True).stdout)
    assert not masked_stores  # of ReLU's value over its argument
    for loops in loops_by_dtype:
        assert sorted(len(loop) - products for loop in loops) == sorted((dense, listed))
        for loop in loops:
            assert sum("fmadd" in line for line in loop) == products
            assert not [line for line in loop if "call" in line or "%rsp" in line or "prefetch" in line]
