"""Dropout masks from a hash of (step, layer, unit, sample), so that a mask does not depend on which thread computes it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .jit import kernel
from .views import lane_values


class Masks(NamedTuple):
    """The values that determine the dropout masks of one step."""

    key: int
    sample: int  # index in the batch of the sample in the first lane


@kernel
def drop(x, slope, first, last, rate, masks, layer):
    """Drop values of the features [first, last) with probability `rate`, and divide the others by 1 - rate; do the same to the slopes.

    x, slope (features, B) : blocks. Whether feature o of sample n is dropped depends only on (masks.key, layer, o, n).
    """
    threshold = np.uint32(rate * 4294967295.0)
    kept = x.data.dtype.type(1 / (1 - rate))
    base = np.uint32(masks.key * 0x9E3779B1 + layer * 0x85EBCA77)
    for o in range(first, last):
        row = np.uint32(base + np.uint32(o) * np.uint32(0xC2B2AE3D))
        values, slopes = lane_values(x, o), lane_values(slope, o)
        for n in range(x.columns):
            bits = mix(np.uint32(row ^ np.uint32(np.uint32(masks.sample + n) * np.uint32(0x27D4EB2F))))
            factor = kept if bits >= threshold else x.data.dtype.type(0)
            values[n] *= factor
            slopes[n] *= factor


@kernel
def dropout_key(seed, step):
    """Return the key of the masks of one step.

    The hashes are nested, so that the keys of (seed, step + 1) and (seed + 1, step) are unrelated.
    """
    return np.int64(mix(np.uint32(mix(np.uint32(seed)) + np.uint32(step))))


@kernel(forceinline=True)
def mix(h):
    """Scramble 32 bits (the finaliser of MurmurHash3)."""
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    return np.uint32(h ^ (h >> np.uint32(16)))
