"""What a compiled step works on: the shape of a network, its scratch memory, and an update rule's numbers.

A network is a `Network`: layer l turns x[l] (sizes[l], B) into x[l + 1] = g(W x[l] + b). All arrays of a `Workspace` are flat and hold a
batch in lanes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .jit import kernel
from .products import PACKED, PACKED_KC


class Network(NamedTuple):
    """A network's shape. L layers of weights."""

    sizes: np.ndarray  # (L + 1,) int64: inputs, then the width of each layer
    W_at: np.ndarray  # (L,) int64: where W (sizes[l], sizes[l + 1]) begins in the parameter vector
    b_at: np.ndarray  # (L,) int64: where b begins; -1 for none
    activation: np.ndarray  # (L,) int64: codes
    dropout: np.ndarray  # (L,) float64: the share of x[l] that is dropped


class Workspace(NamedTuple):
    """Scratch for batches of at most B samples."""

    x: np.ndarray  # x[l] at at[thread, l] * B
    delta: np.ndarray  # slope, then delta of x[l], likewise
    rows: np.ndarray  # delta of x[l + 1], a sample a row, at rows_at[l] * B
    at: np.ndarray  # (threads, L + 1) int64: a thread has x[0] for itself, and shares the others
    rows_at: np.ndarray  # (L,) int64
    every: np.ndarray  # 0, 1, 2, ...
    active: np.ndarray  # (threads, sizes[0] + 1) int64: each thread's list of inputs that are not zero for some sample
    found: np.ndarray  # (threads, 8) int64: how many those are, and how many elements of x[0] are not zero; a cache line each
    bits: np.ndarray  # (threads, words, sizes[0]) uint64: where they are
    used: np.ndarray  # for each tile of inputs, the samples that have one that is not zero: see `find_used`
    used_counts: np.ndarray  # (tiles,) int64
    panels: np.ndarray  # scratch of `affine` and `backproject`, `panel_size(B)` for each thread
    targets: np.ndarray  # (O, B)
    loss: np.ndarray  # (B,)
    hit: np.ndarray  # (B,)
    weight: np.ndarray  # (B,)
    shared: np.ndarray  # (2,) : 1 / sum of weights of the batch; non-zero to stop


class Optimizer(NamedTuple):
    """An update rule and its numbers."""

    code: int
    beta1: float
    beta2: float
    epsilon: float
    l2: float
    decay: float
    clip: float
    begun: int = 0  # steps of the model before the first that m and v remember


@kernel(forceinline=True)
def padded(n, V):
    """n rounded up to whole vectors."""
    return (n + V - 1) // V * V


@kernel(forceinline=True)
def panel_size(B):
    """Elements that `affine` and `backproject` need of the panels."""
    return PACKED * max(PACKED_KC, B)


@kernel(forceinline=True)
def row_stride(n, V):
    """From a sample's row of n elements to the next: an odd number of vectors, so that rows do not compete for one set of the cache."""
    return ((n + V - 1) // V | 1) * V
