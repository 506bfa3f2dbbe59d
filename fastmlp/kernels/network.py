"""What a compiled step works on: the shape of a network, its scratch memory, and an update rule's numbers.

A network is a `Network`: layer l turns x[l] (sizes[l], B) into x[l + 1] = g(W x[l] + b). All arrays of a `Workspace` are flat and hold a
batch in lanes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .gather import Samples, Targets
from .jit import kernel
from .losses import Scores
from .views import Block


class Network(NamedTuple):
    """A network's shape. L layers of weights."""

    sizes: np.ndarray  # (L + 1,) int64: inputs, then the width of each layer
    W_at: np.ndarray  # (L,) int64: where W (sizes[l], sizes[l + 1]) begins in the parameter vector
    b_at: np.ndarray  # (L,) int64: where b begins; -1 for none
    activation: np.ndarray  # (L,) int64: codes
    dropout: np.ndarray  # (L,) float64: the share of x[l] that is dropped


class Workspace(NamedTuple):
    """Scratch for B samples at a time."""

    x: np.ndarray  # x[l] at at[thread, l] * B
    delta: np.ndarray  # slope, then delta of x[l], likewise
    rows: np.ndarray  # delta of x[l + 1], one sample per row, in panels, at rows_at[l] * B
    at: np.ndarray  # (threads, L + 1) int64: a thread has x[0] for itself, and shares the others
    rows_at: np.ndarray  # (L,) int64
    every: np.ndarray  # 0, 1, 2, ...
    active: np.ndarray  # (threads, PARTS, sizes[0] + 1) int64: in each thread's parts of x[0], the inputs that are not zero for some sample
    found: np.ndarray  # (threads, 4 PARTS) int64: how many those are, and how many elements are not zero; a cache line each
    bits: np.ndarray  # (threads, PARTS, words, sizes[0]) uint64: where they are
    used: np.ndarray  # (PARTS, ...): for each tile of a part's inputs, the samples that have one that is not zero: see `find_used`
    used_counts: np.ndarray  # (PARTS, tiles) int64
    scratch: np.ndarray  # of `affine` and `backproject`, as long for each thread
    targets: np.ndarray  # (O, B)
    scores: Scores
    shared: np.ndarray  # (2,) float64: 1 / sum of weights of the batch; non-zero to stop


class State(NamedTuple):
    """What training changes: the parameters, and the optimiser's memory of them. All (P,)."""

    w: np.ndarray
    g: np.ndarray  # scratch: the gradient
    m: np.ndarray
    v: np.ndarray


class Rule(NamedTuple):
    """An optimiser's update rule, and its numbers apart from the learning rate."""

    code: int
    beta1: float
    beta2: float
    epsilon: float
    l2: float
    decay: float
    clip: float
    begun: int = 0  # steps of the model before the first that m and v remember
    alpha: float = 0.0  # an l2 penalty that is divided by the weight of the batch, as scikit-learn's is


class Data(NamedTuple):
    """Samples to train on."""

    samples: Samples
    scale: float  # of the samples: 1 / 255 for pixels
    targets: Targets
    weights: np.ndarray  # (N,), or empty: all 1


@kernel(inline="always")
def padded(n, V):
    """n rounded up to whole vectors."""
    return (n + V - 1) // V * V


@kernel(inline="always")
def weights_of(net, w, l):
    """W (I, O) of layer l in a parameter vector, or its gradient's place in a gradient."""
    O = net.sizes[l + 1]
    return Block(w, net.W_at[l], O, 1, O)


@kernel(inline="always")
def biases_of(net, w, l):
    """b (O, 1) of layer l likewise; without columns if the layer has none."""
    return Block(w, net.b_at[l], 1, 1, 1 if net.b_at[l] >= 0 else 0)


@kernel(inline="always")
def features(data, work, l, team, B):
    """x[l] of a batch of B lanes in work.x, or its slope or delta in work.delta: (sizes[l], B)."""
    return Block(data, work.at[team.thread, l] * B, B, 1, B)


@kernel(inline="always")
def delta_rows(net, work, l, B):
    """The delta of x[l + 1] in work.rows, one sample per row, in panels: (B, sizes[l + 1])."""
    return Block(work.rows, work.rows_at[l] * B, 0, 1, net.sizes[l + 1])


@kernel(inline="always")
def scratch_of(work, team):
    """The scratch of one thread, for `affine` and `backproject`."""
    return Block(work.scratch, team.thread * (work.scratch.size // len(work.active)), 1, 1, 0)
