"""Elementary functions on vectors, accurate to a few units in the last place (ulp), in arithmetic without tables or branches.

`exp` splits x into n ln 2 + r. Its polynomial interpolates (exp(r) - 1 - r) / r^2 at the Chebyshev points of [-ln(2) / 2, ln(2) / 2]; the
coefficients were computed with 60 digits. The relative error in exp(r) is 2e-17 (degree 9, float64) or 9e-9 (degree 4, float32), a fraction
of an ulp.

`log` splits x into 2^k m with m in [0.7, 1.42] and sums the series of 2 artanh((m - 1) / (m + 1)).
"""

from __future__ import annotations

from .jit import strict_kernel
from .vectors import exponent, fma, half_power_of_two, is_float64, mantissa, where_less

LOG2_E = 1.4426950408889634
# ln 2 in two parts, of which the high one has so few bits that n * LN2_HIGH is exact for every exponent n.
LN2_HIGH_64, LN2_LOW_64 = 0.6931471803691238, 1.9082149292705877e-10
LN2_HIGH_32, LN2_LOW_32 = 0.693115234375, 3.1946184945309415e-05
# Adding these numbers leaves the nearest integer in the low bits of the sum.
ROUND_64, ROUND_32 = 1.5 * 2.0**52, 1.5 * 2.0**23
# Above EXP_MAX, exp is infinite; below EXP_MIN, near the end of the normal range, it is flushed to zero.
EXP_MAX_64, EXP_MIN_64 = 709.782712893384, -708.0
EXP_MAX_32, EXP_MIN_32 = 88.72283172607422, -86.9


@strict_kernel
def _reduced_64(x):
    """Return exp(r) - 1, and a vector with n in its low bits, for x = n ln 2 + r."""
    shifted = fma(x, LOG2_E, ROUND_64)
    n = shifted - ROUND_64
    r = fma(n, -LN2_LOW_64, fma(n, -LN2_HIGH_64, x))
    r2 = r * r
    r4 = r2 * r2
    low = fma(r2, fma(r, 0.008333333333330051, 0.04166666666662399), fma(r, 0.16666666666666669, 0.5000000000000001))
    high = fma(r2, fma(r, 2.7557268378684192e-06, 2.480152119021773e-05), fma(r, 0.00019841269863105968, 0.0013888888917281794))
    top = fma(r, 2.5100424157005067e-08, 2.7620138719733994e-07)
    return fma(r2, fma(r4, fma(r4, top, high), low), r), shifted


@strict_kernel
def _reduced_32(x):
    """Return what `_reduced_64` returns, in float32."""
    shifted = fma(x, LOG2_E, ROUND_32)
    n = shifted - ROUND_32
    r = fma(n, -LN2_LOW_32, fma(n, -LN2_HIGH_32, x))
    r2 = r * r
    tail = fma(r2, fma(r, 0.0013926213466332444, 0.008363202971575855), fma(r, 0.04166655443768594, 0.16666576845993977))
    return fma(r2, fma(r, tail, 0.5), r), shifted


@strict_kernel
def exp(x):
    """Return e^x, lane by lane, within 1.5 ulp. x : vector.

    Results below e^-708 (float32: e^-86.9) are zero. Infinities and NaN are treated as in IEEE 754.
    2^n is computed as 2 * 2^(n - 1), since 2^1024 cannot be represented although exp(709.7) can.
    """
    if is_float64(x):
        small, shifted = _reduced_64(x)
        e = small + 1.0
        e = (e + e) * half_power_of_two(shifted)
        return where_less(EXP_MAX_64, x, float("inf"), where_less(x, EXP_MIN_64, 0.0, e))
    small, shifted = _reduced_32(x)
    e = small + 1.0
    e = (e + e) * half_power_of_two(shifted)
    return where_less(EXP_MAX_32, x, float("inf"), where_less(x, EXP_MIN_32, 0.0, e))


@strict_kernel
def expm1(x):
    """Return e^x - 1 without cancellation near 0, lane by lane, within 3 ulp. x : vector, at most 80; below -40 the result is -1."""
    bounded = where_less(x, -40.0, -40.0, x)
    if is_float64(x):
        small, shifted = _reduced_64(bounded)
    else:
        small, shifted = _reduced_32(bounded)
    half = half_power_of_two(shifted)
    power = half + half
    return fma(power, small, power - 1.0)


@strict_kernel
def log(x):
    """Return the natural logarithm, lane by lane, within 2.5 ulp. x : vector of positive normal numbers, inf or NaN; 0 gives about -709."""
    m, k = mantissa(x), exponent(x)
    # Move m from [1, 2) to [0.7, 1.42], around 1, so that the series is short and log(1) is exact.
    halved = m * 0.5
    k = where_less(1.4142135, m, k + 1.0, k)
    m = where_less(1.4142135, m, halved, m)
    s = (m - 1.0) / (m + 1.0)
    s2 = s * s
    series = fma(s2, fma(s2, 1 / 23, 1 / 21), 1 / 19)
    series = fma(s2, fma(s2, fma(s2, series, 1 / 17), 1 / 15), 1 / 13)
    series = fma(s2, fma(s2, fma(s2, fma(s2, series, 1 / 11), 1 / 9), 1 / 7), 1 / 5)
    tail = s * s2 * fma(s2, series, 1 / 3)
    value = fma(k, LN2_HIGH_32, fma(k, LN2_LOW_32, 2.0 * tail) + 2.0 * s)
    return where_less(x, float("inf"), value, x)


@strict_kernel
def log1p(u):
    """Return log(1 + u) without loss of accuracy for small u, lane by lane, within 4.5 ulp. u : vector, finite, at least 0."""
    w = u + 1.0
    excess = w - 1.0
    return where_less(0.0, excess, log(w) * (u / where_less(0.0, excess, excess, 1.0)), u)


@strict_kernel
def sigmoid(x):
    """Return 1 / (1 + e^-x), lane by lane, within 3 ulp. x : vector. If e^-x overflows to infinity, the result is 0."""
    return 1.0 / (exp(0.0 - x) + 1.0)


@strict_kernel
def tanh(x):
    """Return the hyperbolic tangent, lane by lane, within 3.5 ulp. x : vector."""
    size = where_less(x, 0.0, 0.0 - x, x)
    e = expm1(-2.0 * size)
    t = (0.0 - e) / (e + 2.0)
    return where_less(x, 0.0, 0.0 - t, t)


@strict_kernel
def softplus(x):
    """Return log(1 + e^x), lane by lane, within 5 ulp. x : vector."""
    size = where_less(x, 0.0, 0.0 - x, x)
    return where_less(x, 0.0, 0.0, x) + log1p(exp(0.0 - size))
