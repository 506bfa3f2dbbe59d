"""Activation functions: values and slopes of whole arrays, one vector at a time, chosen by an integer code.

The slope is computed together with the value, so functions whose slope does not follow from their value (GELU, SiLU) need no special case.
"""

from __future__ import annotations

from . import vector_math as vecmath
from .access import keep, load, load_first, store, store_first, width
from .jit import entry, kernel
from .vectors import first_lane, fma, splat, where_less

IDENTITY, LOGISTIC, TANH, RELU, LEAKY_RELU, ELU, SELU, GELU, SILU, SOFTPLUS, MISH = range(11)
ACTIVATIONS = {
    "identity": IDENTITY,
    "logistic": LOGISTIC,
    "tanh": TANH,
    "relu": RELU,
    "leaky_relu": LEAKY_RELU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SILU,
    "softplus": SOFTPLUS,
    "mish": MISH,
}

LEAK = 0.01
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. 2017
GELU_SLOPE, GELU_CUBE = 0.7978845608028654, 0.044715  # sqrt(2 / pi); Hendrycks and Gimpel 2016, the tanh form


@entry
def activate(code, z, slope, first, last):
    """Compute z[first:last] = g(z) and slope[first:last] = g'(z) in place. z, slope : flat; first and last are multiples of V.

    slope : None if the slopes are not needed; they are then not computed.
    """
    V = width(z)
    if code == IDENTITY:
        for n in range(first, last, V):
            keep(slope, n, splat(z.dtype.type(1)))
    elif code == LOGISTIC:
        for n in range(first, last, V):
            s = vecmath.sigmoid(load(z, n))
            store(z, n, s)
            keep(slope, n, s * (1.0 - s))
    elif code == TANH:
        for n in range(first, last, V):
            t = vecmath.tanh(load(z, n))
            store(z, n, t)
            keep(slope, n, 1.0 - t * t)
    elif code == RELU:
        activate_leaky(z, slope, first, last, z.dtype.type(0))
    elif code == LEAKY_RELU:
        activate_leaky(z, slope, first, last, z.dtype.type(LEAK))
    elif code == ELU:
        activate_elu(z, slope, first, last, z.dtype.type(1), z.dtype.type(1))
    elif code == SELU:
        activate_elu(z, slope, first, last, z.dtype.type(SELU_SCALE), z.dtype.type(SELU_ALPHA))
    elif code == GELU:
        for n in range(first, last, V):
            x = load(z, n)
            cube = GELU_CUBE * x * x
            t = vecmath.tanh(GELU_SLOPE * fma(cube, x, x))
            store(z, n, 0.5 * x * (t + 1.0))
            keep(slope, n, 0.5 * ((t + 1.0) + x * (1.0 - t * t) * (GELU_SLOPE * fma(3.0, cube, 1.0))))
    elif code == SILU:
        for n in range(first, last, V):
            x = load(z, n)
            s = vecmath.sigmoid(x)
            store(z, n, x * s)
            keep(slope, n, s * fma(x, 1.0 - s, 1.0))
    elif code == SOFTPLUS:
        for n in range(first, last, V):
            x = load(z, n)
            store(z, n, vecmath.softplus(x))
            keep(slope, n, vecmath.sigmoid(x))
    else:
        activate_mish(z, slope, first, last)


@kernel
def activate_leaky(z, slope, first, last, leak):
    """Compute max(x, leak x); the slope at 0 is `leak`. NaN stays NaN, and -inf becomes NaN if leak is 0, so that divergence shows.

    The value is the product of x and a selected factor. LLVM would store a selection between x and another number through a mask, over
    the x that is already in memory, and masked stores are slow on AMD's CPUs.
    """
    for n in range(first, last, width(z)):
        x = load(z, n)
        store(z, n, x * where_less(0.0, x, 1.0, leak))
        keep(slope, n, where_less(0.0, x, 1.0, leak + 0.0 * x))


@kernel
def activate_elu(z, slope, first, last, scale, alpha):
    """Compute scale x for x >= 0 and scale alpha (e^x - 1) for x < 0."""
    for n in range(first, last, width(z)):
        x = load(z, n)
        below = (scale * alpha) * vecmath.expm1(where_less(x, 0.0, x, 0.0 * x))
        store(z, n, where_less(x, 0.0, below, scale * x))
        keep(slope, n, where_less(x, 0.0, below + scale * alpha, scale + 0.0 * x))


@kernel
def activate_mish(z, slope, first, last):
    """x tanh(softplus(x)) (Misra 2020), without cancellation at either end and with one exponential.

    With e = exp(x), tanh(log(1 + e)) = (e^2 + 2 e) / (e^2 + 2 e + 2); for x > 0 both sides of the fraction are divided by e^2, so that
    nothing overflows. `rest` / (`gate` + `rest`) is what the fraction lacks to 1.
    """
    for n in range(first, last, width(z)):
        x = load(z, n)
        u = vecmath.exp(where_less(x, 0.0, x, 0.0 - x))
        gate = where_less(0.0, x, u + u + 1.0, u * (u + 2.0))
        rest = 2.0 * where_less(0.0, x, u * u, 1.0 + 0.0 * u)
        t = gate / (gate + rest)
        store(z, n, x * t)
        keep(slope, n, t + x * (1.0 + t) * (rest / (gate + rest)) * (where_less(0.0, x, 1.0 + 0.0 * u, u) / (u + 1.0)))


@entry
def sigmoid_into(out, x):
    """Compute out = 1 / (1 + exp(-x)). out, x : C-contiguous, of one size and dtype; out may be x."""
    V = width(x)
    whole = x.size - x.size % V
    for n in range(0, whole, V):
        store(out, n, vecmath.sigmoid(load(x, n)))
    if whole < x.size:
        store_first(out, whole, vecmath.sigmoid(load_first(x, whole, x.size - whole)), x.size - whole)


@entry
def sigmoid_slope_into(out, s):
    """Compute out = s (1 - s), the sigmoid's derivative from its output. out, s : C-contiguous, of one size and dtype; out may be s."""
    V = width(s)
    whole = s.size - s.size % V
    for n in range(0, whole, V):
        value = load(s, n)
        store(out, n, value * (1.0 - value))
    if whole < s.size:
        value = load_first(s, whole, s.size - whole)
        store_first(out, whole, value * (1.0 - value), s.size - whole)


@kernel
def sigmoid_of(x):
    """Return 1 / (1 + exp(-x)) of one number, with the same bits as `sigmoid_into`. x : float32 or float64."""
    return first_lane(vecmath.sigmoid(splat(x)))


@kernel
def sigmoid_slope_of(s):
    """Return s (1 - s) of one number. s : float32 or float64."""
    return first_lane(splat(s) * (1.0 - splat(s)))
