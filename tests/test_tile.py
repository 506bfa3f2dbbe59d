"""Machine code for CPUs that need not be present: a tile's loops contain only loads, multiply-adds and the step to the next k."""

import json
import platform

import pytest

from fastmlp import inspect_kernel
from fastmlp.measure.cpus import compiling_for
from tests.children import python

pytestmark = [
    pytest.mark.any_cpu,
    pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="compiles for x86"),
]

# CPU: its vectors, multiply-adds and loads of the tile, and the number of other instructions in the dense and in the listed loop.
CPUS = {"haswell": ("ymm", 6 * 2, 2 + 6, 4, 6), "skylake-avx512": ("zmm", 5 * 4, 4 + 5, 4, 6)}
MASKED_STORES = r"""
import json, re
import numpy as np
from numba import njit, typeof
from fastmlp.kernels.activations import activate_leaky
from fastmlp.kernels.jit import FLAGS

@njit(**FLAGS)
def relu(z, slope, leak):
    activate_leaky(z, slope, 0, 640, leak)

def masked_stores(dtype):
    z = np.zeros(640, dtype)
    for slope in (z, None):
        types = typeof(z), typeof(slope), typeof(z[0])
        relu.compile(types)
        yield from re.findall(r"vmaskmov.*|vmov.*\) \{%k.*", relu.inspect_asm(types))

print(json.dumps([line for dtype in ("float32", "float64") for line in masked_stores(dtype)]))
"""


@pytest.mark.parametrize("cpu", CPUS)
def test_a_tile_is_loads_and_multiply_adds(cpu, dtype):
    width, multiply_adds, loads, *others = CPUS[cpu]
    dense, listed = sorted(inspect_kernel("tile", dtype.__name__, cpu).loops, key=lambda loop: len(loop.instructions))
    for loop, further_loads, other in zip((dense, listed), (0, 1), others, strict=True):
        assert loop.counts()[width] == {"load": loads, "multiply-add": multiply_adds}
        assert loop.loads == loads + further_loads  # those of the list
        assert loop.count("integer", "scalar") + loop.count("branch") == other
        assert len(loop.instructions) == multiply_adds + loop.loads + other
        assert (loop.spills, loop.calls, loop.stores) == (0, 0, 0)


@pytest.mark.parametrize("cpu", CPUS)
def test_relu_masks_nothing(cpu, tmp_path):
    environment = compiling_for(cpu) | {"NUMBA_CACHE_DIR": str(tmp_path)}
    assert json.loads(python(MASKED_STORES, env=environment, check=True).stdout) == []
