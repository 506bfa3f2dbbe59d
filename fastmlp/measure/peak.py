"""Measure the multiply-add peak of one core."""

from __future__ import annotations

import time

import numpy as np

from ..kernels.peak import CHAINS, multiply_and_add
from ..kernels.vectors import lanes
from .compilation import timed_region

TURNS = 100_000


def peak_gflops(dtype: type = np.float32, repeats: int = 9) -> float:
    """Measure how many floating-point operations one core does per second, in 1e9: the best of `repeats` runs of about 0.5 ms."""
    factors: np.ndarray = np.array([0.5, 1.0], dtype)
    multiply_and_add(factors, 1)
    best = float("inf")
    with timed_region("the multiply-add peak"):
        for _ in range(repeats):
            began = time.perf_counter()
            multiply_and_add(factors, TURNS)
            best = min(best, time.perf_counter() - began)
    return 2 * CHAINS * lanes(dtype) * TURNS / best / 1e9
