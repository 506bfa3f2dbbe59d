"""Activations, values and slopes: against the reference, PyTorch's figures and central differences, at the ends of the range, with NaN."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import ELU, GELU, SELU, LeakyReLU, Mish, ReLU, Sigmoid, SiLU, Softplus, Tanh, reference
from fastmlp.kernels.activations import ACTIVATIONS, SELU_ALPHA, SELU_SCALE, activate
from fastmlp.kernels.vectors import lanes
from tests.problems import RECORDED

DTYPES = [np.float32, np.float64]
LAYERS = {
    "logistic": Sigmoid, "tanh": Tanh, "relu": ReLU, "leaky_relu": LeakyReLU, "elu": ELU, "selu": SELU, "gelu": GELU, "silu": SiLU,
    "softplus": Softplus, "mish": Mish,
}  # fmt: skip


def activated(name, x):
    """Return value and slope of x, which must fill whole vectors."""
    value, slope = x.copy(), np.full_like(x, np.nan)
    activate(ACTIVATIONS[name], value, slope, 0, x.size)
    return value, slope


def points(dtype):
    """Return zero, points near it, where the functions bend, and far away; their number is a multiple of every vector width."""
    x = np.concatenate([np.linspace(-8, 8, 384), np.geomspace(1e-6, 80, 64), -np.geomspace(1e-6, 80, 63), [0.0]])
    return x.astype(dtype)


def test_the_same_functions_are_here_and_in_the_reference():
    assert list(ACTIVATIONS) == list(reference.ACTIVATIONS)
    assert {name: layer.name for name, layer in LAYERS.items()} == {name: name for name in ACTIVATIONS if name != "identity"}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_and_slopes_match_the_reference(name, dtype):
    x = points(dtype)
    value, slope = activated(name, x)
    g, g_ = reference.ACTIVATIONS[name]
    tolerance = 8 * np.finfo(dtype).eps * (1 + np.abs(x).astype(np.float64))
    assert np.all(np.abs(value - g(x.astype(np.float64))) <= tolerance)
    assert np.all(np.abs(slope - g_(x.astype(np.float64))) <= tolerance)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_are_the_same_without_slopes(name, dtype):
    x = points(dtype)
    value = x.copy()
    activate(ACTIVATIONS[name], value, None, 0, x.size)
    assert_allclose(value, activated(name, x)[0], rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_small_values_keep_their_relative_precision(name, dtype):
    x = np.concatenate([np.geomspace(1e-12, 1e-3, 64), -np.geomspace(1e-12, 1e-3, 64)]).astype(dtype)  # g(x) is mostly small here
    tail = np.linspace(-80, -10, 64).astype(dtype)  # and small for the others here
    expected = reference.ACTIVATIONS[name][0](x.astype(np.float64))
    assert_allclose(activated(name, x)[0], expected, rtol=8 * np.finfo(dtype).eps)
    if name in ("logistic", "silu", "softplus", "mish"):
        assert_allclose(activated(name, tail)[0], reference.ACTIVATIONS[name][0](tail.astype(np.float64)), rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_slopes_are_central_differences_of_the_values(name):
    x = points(np.float64)
    x = x[np.abs(x) > 1e-4][: x.size // 64 * 32]  # not across the bend of relu and similar functions
    x = x[: x.size // lanes(np.float64) * lanes(np.float64)]
    eps = 1e-5
    slope = (activated(name, x + eps)[0] - activated(name, x - eps)[0]) / (2 * eps)
    assert_allclose(activated(name, x)[1], slope, rtol=0, atol=2e-9)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_pytorch_agrees(name):
    recorded = RECORDED["activations"][name]
    x = np.array(RECORDED["points"])
    assert_allclose(reference.ACTIVATIONS[name][0](x), recorded["values"], rtol=1e-13, atol=1e-16)
    assert_allclose(reference.ACTIVATIONS[name][1](x), recorded["slopes"], rtol=1e-13, atol=1e-14)


def test_the_constants_of_selu_keep_mean_0_and_variance_1():
    root, tail = math.sqrt(math.e), math.erfc(math.sqrt(0.5))
    alpha = -math.sqrt(2 / math.pi) / (tail * root - 1)  # Klambauer et al. (2017), equation 14
    inner = 2 * math.erfc(math.sqrt(2)) * math.e**2 + math.pi * tail**2 * math.e - 2 * (2 + math.pi) * tail * root + math.pi + 2
    assert (SELU_SCALE, SELU_ALPHA) == (reference.SELU_SCALE, reference.SELU_ALPHA)
    assert pytest.approx(alpha, rel=1e-14) == SELU_ALPHA
    assert pytest.approx((1 - tail * root) * math.sqrt(2 * math.pi / inner), rel=1e-14) == SELU_SCALE


@pytest.mark.parametrize(
    ("name", "slope"),
    [("relu", 0.0), ("leaky_relu", 0.01), ("elu", 1.0), ("selu", SELU_SCALE), ("identity", 1.0), ("tanh", 1.0), ("logistic", 0.25)],
)
def test_slopes_at_zero(name, slope):
    for zero in (0.0, -0.0):
        assert_array_equal(activated(name, np.full(16, zero))[1], np.full(16, slope))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_is_seen_at_every_place_of_a_vector(name, dtype):
    for place in range(16):
        x = np.linspace(-2, 2, 16).astype(dtype)
        x[place] = np.nan
        value, slope = activated(name, x)
        assert_array_equal(np.isnan(value), np.isnan(x))
        assert_array_equal(np.isnan(slope), np.zeros(16, bool) if name == "identity" else np.isnan(x))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("name", "below", "above"),
    [
        ("identity", -np.inf, np.inf), ("logistic", 0, 1), ("tanh", -1, 1), ("leaky_relu", -np.inf, np.inf),
        ("elu", -1, np.inf), ("selu", -SELU_SCALE * SELU_ALPHA, np.inf), ("softplus", 0, np.inf),
    ],
)  # fmt: skip
def test_infinities(name, dtype, below, above):
    assert_array_equal(activated(name, np.full(16, np.inf, dtype))[0], np.full(16, above, dtype))
    assert_allclose(activated(name, np.full(16, -np.inf, dtype))[0], np.full(16, below), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_mish_is_the_identity_far_above_and_nothing_far_below(dtype):
    value, slope = activated("mish", np.array([200, 700, 1e4, 1e30, -200, -700, -1e4, -1e30] * 2, dtype))
    assert_array_equal(value[:4], np.array([200, 700, 1e4, 1e30], dtype))
    assert_array_equal(slope[:4], np.ones(4))
    assert_allclose(value[4:8], 0, atol=1e-80 if dtype == np.float64 else 1e-36)
    assert_allclose(slope[4:8], 0, atol=1e-80 if dtype == np.float64 else 1e-36)


def test_only_the_stretch_asked_for_changes():
    V = lanes(np.float64)
    value, slope = np.full(4 * V, 0.5), np.full(4 * V, 7.0)
    activate(ACTIVATIONS["tanh"], value, slope, V, 3 * V)
    assert_array_equal(value[:V], np.full(V, 0.5))
    assert_array_equal(value[3 * V :], np.full(V, 0.5))
    assert_array_equal(slope != 7, (np.arange(4 * V) // V == 1) | (np.arange(4 * V) // V == 2))
    assert_allclose(value[V : 3 * V], np.tanh(0.5), rtol=1e-15)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_functions_of_arrays_of_any_shape(name, dtype):
    x = np.linspace(-2, 2, 42).reshape(2, 3, 7).astype(dtype)
    for view in (x, x.T, x[:, ::2, ::-1]):
        value = LAYERS[name]()(view)
        assert value.dtype == dtype
        assert value.shape == view.shape
        assert_allclose(value, reference.ACTIVATIONS[name][0](view.astype(np.float64)), rtol=0, atol=8 * np.finfo(dtype).eps)
