"""Draw the initial weights of a Dense layer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Generator = np.random.Generator


def glorot_uniform(rng: Generator, fan_in: int, fan_out: int) -> NDArray[np.float64]:
    """Draw from the uniform distribution between +-sqrt(6 / (fan_in + fan_out))."""
    bound = np.sqrt(6 / (fan_in + fan_out))
    return rng.uniform(-bound, bound, (fan_in, fan_out))


def glorot_normal(rng: Generator, fan_in: int, fan_out: int) -> NDArray[np.float64]:
    """Draw from the normal distribution with standard deviation sqrt(2 / (fan_in + fan_out))."""
    return rng.normal(0, np.sqrt(2 / (fan_in + fan_out)), (fan_in, fan_out))


def he_uniform(rng: Generator, fan_in: int, fan_out: int) -> NDArray[np.float64]:
    """Draw from the uniform distribution between +-sqrt(6 / fan_in); suited to ReLU."""
    bound = np.sqrt(6 / fan_in)
    return rng.uniform(-bound, bound, (fan_in, fan_out))


def he_normal(rng: Generator, fan_in: int, fan_out: int) -> NDArray[np.float64]:
    """Draw from the normal distribution with standard deviation sqrt(2 / fan_in); suited to ReLU."""
    return rng.normal(0, np.sqrt(2 / fan_in), (fan_in, fan_out))


def uniform(rng: Generator, fan_in: int, fan_out: int) -> NDArray[np.float64]:
    """Draw from the uniform distribution on [0, 1), as the first notebook of the source document does."""
    return rng.uniform(0, 1, (fan_in, fan_out))


INITIALIZERS: dict[str, Callable[[Generator, int, int], NDArray[np.float64]]] = {
    "glorot_uniform": glorot_uniform,
    "glorot_normal": glorot_normal,
    "he_uniform": he_uniform,
    "he_normal": he_normal,
    "uniform": uniform,
}
