"""The data of a compiled step: the shape of a network, its scratch memory, and the hyperparameters of an update rule.

Layer l of a `Network` maps x[l] (sizes[l], B) to x[l + 1] = g(W^T x[l] + b). The arrays of a `Workspace` that hold a batch are flat, with
one sample per lane.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .gather import Samples, Targets
from .jit import kernel
from .losses import Scores
from .views import Block


class Network(NamedTuple):
    """The shape of a network with L layers of weights."""

    sizes: np.ndarray  # (L + 1,) int64: the number of inputs, then the width of each layer
    W_at: np.ndarray  # (L,) int64: where W (sizes[l], sizes[l + 1]) begins in the parameter vector
    b_at: np.ndarray  # (L,) int64: where b begins; -1 if the layer has no biases
    activation: np.ndarray  # (L,) int64: integer codes
    dropout: np.ndarray  # (L,) float64: the probability that a value of x[l] is dropped


class Workspace(NamedTuple):
    """Scratch memory for B samples at a time."""

    x: np.ndarray  # x[l] begins at at[thread, l] * B
    delta: np.ndarray  # the slope, then the delta of x[l], at the same indices
    rows: np.ndarray  # the delta of x[l + 1], one sample per row, in panels, begins at rows_at[l] * B
    at: np.ndarray  # (threads, L + 1) int64: each thread has its own x[0]; all threads share the other layers
    rows_at: np.ndarray  # (L,) int64
    every: np.ndarray  # 0, 1, 2, ...
    active: np.ndarray  # (threads, PARTS, sizes[0] + 1) int64: in each part of a thread's x[0], the inputs that are non-zero for any sample
    found: np.ndarray  # (threads, 4 PARTS) int64: the number of those inputs and of non-zero elements; one cache line per thread
    bits: np.ndarray  # (threads, PARTS, words, sizes[0]) uint64: one bit per element, set if it is not zero
    used: np.ndarray  # (PARTS, ...): for each tile of inputs of a part, the samples for which any of them is non-zero; see `find_used`
    used_counts: np.ndarray  # (PARTS, tiles) int64: the number of those samples
    scratch: np.ndarray  # for `affine` and `backproject`, of equal size for each thread
    targets: np.ndarray  # (O, B)
    scores: Scores
    shared: np.ndarray  # (2,) float64: 1 / the sum of the weights of the batch; non-zero to stop


class State(NamedTuple):
    """The arrays that training changes: the parameters and the state of the optimiser. All have the shape (P,)."""

    w: np.ndarray
    g: np.ndarray  # scratch: the gradient
    m: np.ndarray
    v: np.ndarray


class Rule(NamedTuple):
    """An optimiser's update rule and its hyperparameters, except for the learning rate."""

    code: int
    beta1: float
    beta2: float
    epsilon: float
    l2: float
    decay: float
    clip: float
    begun: int = 0  # the number of the model's steps before the first one that m and v include
    alpha: float = 0.0  # an L2 penalty that is divided by the weight of the batch, as in scikit-learn


class Data(NamedTuple):
    """The samples to train on, with their targets and weights."""

    samples: Samples
    scale: float  # factor of the samples: 1 / 255 for pixels
    targets: Targets
    weights: np.ndarray  # (N,), or empty if all are 1


@kernel(inline="always")
def padded(n, V):
    """Round n up to a multiple of V."""
    return (n + V - 1) // V * V


@kernel(inline="always")
def weights_of(net, w, l):
    """Return W (I, O) of layer l in a parameter vector, or the gradient of W in a gradient vector."""
    O = net.sizes[l + 1]
    return Block(w, net.W_at[l], O, 1, O)


@kernel(inline="always")
def biases_of(net, w, l):
    """Return b (O, 1) of layer l, or its gradient, in the same way; the block has no columns if the layer has no biases."""
    return Block(w, net.b_at[l], 1, 1, 1 if net.b_at[l] >= 0 else 0)


@kernel(inline="always")
def features(data, work, l, team, B):
    """Return x[l] (sizes[l], B) of a batch, if `data` is work.x, or its slope or delta, if `data` is work.delta."""
    return Block(data, work.at[team.thread, l] * B, B, 1, B)


@kernel(inline="always")
def delta_rows(net, work, l, B):
    """Return the delta (B, sizes[l + 1]) of x[l + 1] in work.rows, one sample per row, in panels."""
    return Block(work.rows, work.rows_at[l] * B, 0, 1, net.sizes[l + 1])


@kernel(inline="always")
def scratch_of(work, team):
    """Return the scratch memory of one thread, for `affine` and `backproject`."""
    return Block(work.scratch, team.thread * (work.scratch.size // len(work.active)), 1, 1, 0)
