"""Arguments become arrays of one floating-point dtype, or errors name the argument that is not valid."""

import re

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastmlp import backward, mse, sigmoid
from fastmlp.engine.arrays import as_arrays, as_float_array, as_floats, for_kernels

pytestmark = pytest.mark.any_cpu

HALF, SINGLE, DOUBLE = (np.ones((2, 2), dtype) for dtype in ("float16", "float32", "float64"))
WHOLE, BYTES = np.ones((2, 2), np.int64), np.ones((2, 2), np.uint8)


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        ((SINGLE, SINGLE), "float32"),
        ((SINGLE, DOUBLE), "float64"),
        ((SINGLE, WHOLE), "float32"),
        ((WHOLE, BYTES), "float64"),
        ((HALF, BYTES), "float32"),
        ((HALF, DOUBLE), "float64"),
        ((SINGLE.astype(">f4"), WHOLE.tolist()), "float32"),
        ((SINGLE, DOUBLE.astype(object)), "float64"),
    ],
)
def test_the_widest_floating_dtype_decides(given, dtype):
    for array in as_arrays(**dict(zip("ab", given, strict=True))):
        assert array.dtype == np.dtype(dtype)
        assert array.flags.carray
        assert_array_equal(array, np.ones((2, 2)))


def test_what_fits_is_handed_on():
    assert all(a is b for a, b in zip(as_arrays(a=SINGLE, b=SINGLE), (SINGLE, SINGLE), strict=True))


def test_single_arrays():
    for given, dtype in ((HALF, "float32"), (SINGLE, "float32"), (DOUBLE, "float64"), (WHOLE, "float64"), (BYTES, "float64")):
        assert as_float_array("a", given).dtype == np.dtype(dtype)


def test_masked_arrays_are_refused_by_name():
    masked = np.ma.array(DOUBLE)
    uses = {"x": sigmoid, "y_hat": lambda m: mse(m, DOUBLE), "act_hidden": lambda m: backward(DOUBLE, DOUBLE, DOUBLE, m, DOUBLE)}
    for name, use in uses.items():
        with pytest.raises(TypeError, match=f"^{name}: expected an array without a mask"):
            use(masked)


def test_memory_for_kernels():
    frozen = DOUBLE.view()
    frozen.flags.writeable = False
    for array in (DOUBLE, frozen):
        assert np.shares_memory(for_kernels(array), array)
        assert for_kernels(array).flags.carray
    assert for_kernels(DOUBLE[:, ::2]).flags.carray


def test_numbers_beyond_a_dtype_are_named_with_their_place():
    values = np.array([[0.0, np.inf], [1e38, -1e39]])
    message = "a: expected numbers between -3.4e+38 and 3.4e+38, the range of the model's float32, got -1e+39 at [1, 1]"
    with pytest.raises(ValueError, match=re.escape(message)):
        as_floats("a", values, np.dtype(np.float32))
    assert_array_equal(as_floats("a", values[:1], np.dtype(np.float32)), values[:1])  # infinity is the same in both dtypes
