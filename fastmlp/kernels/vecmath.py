"""Elementary functions on vectors, accurate to about one unit in the last place. Plain arithmetic: no table, no branch.

Coefficients: Chebyshev interpolation of (exp(r) - 1 - r) / r^2 on |r| <= ln(2) / 2, computed with 60 digits; the polynomial's relative
error in exp(r) is 2e-17 (degree 9, float64) and 9e-9 (degree 4, float32), a fraction in the last place.
"""

from __future__ import annotations

from ._jit import strict_kernel
from .simd import fma, half_power_of_two, is_float64, where_less

LOG2_E = 1.4426950408889634
# ln 2 in two parts: the high one has so few bits that n * HIGH is exact for every exponent n.
LN2_HIGH_64, LN2_LOW_64 = 0.6931471803691238, 1.9082149292705877e-10
LN2_HIGH_32, LN2_LOW_32 = 0.693115234375, 3.1946184945309415e-05
# Adding these numbers leaves the nearest integer in the low bits of the sum.
ROUND_64, ROUND_32 = 1.5 * 2.0**52, 1.5 * 2.0**23
# Above the first exp is infinite; below the second, near the end of the normal range, it is flushed to zero.
EXP_MAX_64, EXP_MIN_64 = 709.782712893384, -708.0
EXP_MAX_32, EXP_MIN_32 = 88.72283172607422, -86.9


@strict_kernel
def _exp_64(x):
    shifted = fma(x, LOG2_E, ROUND_64)
    n = shifted - ROUND_64
    r = fma(n, -LN2_LOW_64, fma(n, -LN2_HIGH_64, x))
    r2 = r * r
    r4 = r2 * r2
    low = fma(r2, fma(r, 0.008333333333330051, 0.04166666666662399), fma(r, 0.16666666666666669, 0.5000000000000001))
    high = fma(r2, fma(r, 2.7557268378684192e-06, 2.480152119021773e-05), fma(r, 0.00019841269863105968, 0.0013888888917281794))
    top = fma(r, 2.5100424157005067e-08, 2.7620138719733994e-07)
    e = fma(r2, fma(r4, fma(r4, top, high), low), r) + 1.0
    # 2^n as 2 * 2^(n - 1): 2^1024 has no representation, exp(709.7) has one.
    e = (e + e) * half_power_of_two(shifted)
    return where_less(EXP_MAX_64, x, float("inf"), where_less(x, EXP_MIN_64, 0.0, e))


@strict_kernel
def _exp_32(x):
    shifted = fma(x, LOG2_E, ROUND_32)
    n = shifted - ROUND_32
    r = fma(n, -LN2_LOW_32, fma(n, -LN2_HIGH_32, x))
    r2 = r * r
    low = fma(r2, fma(r, 0.0013926213466332444, 0.008363202971575855), fma(r, 0.04166655443768594, 0.16666576845993977))
    e = fma(r2, fma(r, low, 0.5), r) + 1.0
    e = (e + e) * half_power_of_two(shifted)
    return where_less(EXP_MAX_32, x, float("inf"), where_less(x, EXP_MIN_32, 0.0, e))


@strict_kernel
def exp(x):
    """e^x, lane by lane. x : vector. Results below e^-708 (float32: e^-86.9) are zero; infinities and NaN as in IEEE 754."""
    if is_float64(x):
        return _exp_64(x)
    return _exp_32(x)


@strict_kernel
def sigmoid(x):
    """1 / (1 + e^-x), lane by lane. x : vector. No overflow: e^-x may be infinite, and 1 / inf is 0."""
    return 1.0 / (exp(0.0 - x) + 1.0)
