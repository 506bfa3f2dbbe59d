"""Forward, backward, update: a step of mini-batch training, and whole epochs of them, by one thread or a team.

A network is a `Network`: layer l turns x[l] (sizes[l], B) into x[l + 1] = g(W x[l] + b). All arrays of a `Workspace` are flat and hold a
batch in lanes.

Between two barriers a thread writes only what is its own: units of a layer in the products, lanes in the loss, rows of W in the update.
Each gathers the inputs for itself: fetching a line of memory that another core has just written costs more than gathering it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ._jit import kernel
from .activations import activate
from .layout import all_finite, by_sample, find_active, find_used, gather, gather_targets, list_step, sum_rows, to_rows
from .losses import losses_and_deltas, mark_hits
from .matmul import NARROW, PACKED, PACKED_KC, affine, backproject, outer, outer_narrow
from .optimizers import ADAM, SGD, update
from .simd import peek, width
from .team import barrier, share
from .tile import ADD, ASSIGN, MR

LISTED = 0.75  # of the inputs of a batch may be non-zero for a list of samples to pay: a tile's inputs rarely vanish together


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


@kernel
def forward(net, work, w, B, scale, thread, threads, counter, passed, key):
    """From x[0] to x[L], and the slopes. key : of this step's dropout masks; 0 for none. Ends at a barrier; returns how many passed."""
    active, at = work.active[thread], work.at[thread]
    count, nonzero = find_active(active, work.bits[thread], work.x, at[0] * B, net.sizes[0], B)
    work.found[thread, 0], work.found[thread, 1] = count, nonzero
    for l in range(len(net.W_at)):
        I, O = net.sizes[l], net.sizes[l + 1]
        first, last = share(O, MR, thread, threads)
        ks, used = (active, count) if l == 0 else (work.every, I)
        z_at = at[l + 1] * B
        affine(
            work.x, z_at, w, net.W_at[l], net.b_at[l], work.x, at[l] * B, ks, used, work.every, first, last,
            work.panels, thread * panel_size(B), O, B,
        )  # fmt: skip
        activate(net.activation[l], work.x, work.delta, z_at + first * B, z_at + last * B)
        if key != 0 and l + 1 < len(net.W_at) and net.dropout[l + 1] > 0:
            drop(work.x, work.delta, z_at, B, first, last, net.dropout[l + 1], key, l + 1)
        passed = barrier(counter, threads, passed)
    return passed


@kernel
def drop(x, slope, at, B, first, last, rate, key, layer):
    """Dropout of the features [first, last): zero with probability `rate`, else divided by 1 - rate; the slope likewise.

    Whether feature o of lane n is dropped depends on (key, layer, o, n) alone, so not on who computes it.
    """
    threshold = np.uint32(rate * 4294967295.0)
    kept = x.dtype.type(1 / (1 - rate))
    base = np.uint32(key * 0x9E3779B1 + layer * 0x85EBCA77)
    for o in range(first, last):
        row = np.uint32(base + np.uint32(o) * np.uint32(0xC2B2AE3D))
        for n in range(B):
            bits = mix(np.uint32(row ^ np.uint32(np.uint32(n) * np.uint32(0x27D4EB2F))))
            factor = kept if bits >= threshold else x.dtype.type(0)
            x[at + o * B + n] *= factor
            slope[at + o * B + n] *= factor


@kernel(forceinline=True)
def mix(h):
    """Scramble 32 bits (the finaliser of MurmurHash3)."""
    h = np.uint32((h ^ (h >> np.uint32(16))) * np.uint32(0x85EBCA6B))
    h = np.uint32((h ^ (h >> np.uint32(13))) * np.uint32(0xC2B2AE35))
    return np.uint32(h ^ (h >> np.uint32(16)))


@kernel
def backward(net, work, w, B, scale, thread, threads, counter, passed):
    """From the output's delta to every layer's, also laid out a sample a row, times `scale`. Ends at a barrier."""
    V, at = width(w), work.at[thread]
    for l in range(len(net.W_at) - 1, -1, -1):
        I, O = net.sizes[l], net.sizes[l + 1]
        next_at = at[l + 1] * B
        if O > NARROW:
            first, last = share(O, V, thread, threads)
            by_sample(work.rows, work.rows_at[l] * B, work.delta, next_at, work.every, row_stride(O, V), B, first, last, scale)
        if l > 0:
            first, last = share(I, MR, thread, threads)
            backproject(
                work.delta, at[l] * B, w, net.W_at[l], work.delta, next_at, work.every, first, last,
                work.panels, thread * panel_size(B), O, B,
            )  # fmt: skip
        passed = barrier(counter, threads, passed)
    return passed


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


@kernel
def products_into(how, g, net, work, B, scale, thread, threads):
    """A thread's rows of dloss/dW and its part of dloss/db, times the scales they were prepared with: assigned to g, or added.

    Inputs that are zero in the whole batch have zero rows, which need no adding; where many others are zero too, each tile of rows
    sums over the samples that it cannot do without.
    """
    V, at = width(g), work.at[thread]
    for l in range(len(net.W_at)):
        I, O = net.sizes[l], net.sizes[l + 1]
        rows, count, listed = work.every, I, False
        if l == 0:
            active, nonzero = work.found[thread, 0], work.found[thread, 1]
            listed = nonzero < LISTED * active * B
            if how == ADD:
                rows, count = work.active[thread], active
        first, last = share(count, MR, thread, threads)
        if O <= NARROW:
            outer_narrow(how, g, net.W_at[l], work.x, at[l] * B, rows, first, last, work.delta, at[l + 1] * B, scale, O, B)
        else:
            samples, counts, step = work.every, work.every, 0
            if listed:
                samples, counts, step = work.used, work.used_counts, list_step(B)
                find_used(samples, counts, work.bits[thread], rows, first, last, B)
            outer(
                how, g, net.W_at[l], work.x, at[l] * B, rows, first, last, work.rows, work.rows_at[l] * B,
                samples, counts, step, O, row_stride(O, V), B,
            )  # fmt: skip
        if net.b_at[l] >= 0:
            first, last = share(O, MR, thread, threads)
            sum_rows(g, net.b_at[l], work.delta, at[l + 1] * B, B, first, last, scale, how == ADD)


@kernel
def descend(net, w, g, m, v, optimizer, rate, decay_rate, clipping, thread, threads):
    """Update a thread's rows of the weights, and its biases, from the gradient. Only weights are penalised and decayed."""
    number = w.dtype.type
    code, l2 = optimizer.code, number(optimizer.l2)
    beta1, beta2, epsilon, zero = number(optimizer.beta1), number(optimizer.beta2), number(optimizer.epsilon), number(0)
    for l in range(len(net.W_at)):
        I, O = net.sizes[l], net.sizes[l + 1]
        first, last = share(I, MR, thread, threads)
        at = net.W_at[l]
        update(code, w, g, m, v, at + first * O, at + last * O, rate, decay_rate, l2, beta1, beta2, epsilon, clipping)
        if net.b_at[l] >= 0:
            first, last = share(O, MR, thread, threads)
            at = net.b_at[l]
            update(code, w, g, m, v, at + first, at + last, rate, zero, zero, beta1, beta2, epsilon, clipping)


@kernel
def norm(g):
    """Euclidean length of a vector, summed in float64 in one order."""
    total = 0.0
    for i in range(g.size):
        total += np.float64(g[i]) * np.float64(g[i])
    return np.sqrt(total)


@kernel
def load_batch(net, work, X, Y, weights, order, at, count, B, scale, thread, threads):
    """Bring the samples order[at:at + count] of X : Samples into a thread's x[0]; thread 0 also brings Y : Targets and the weights."""
    start, _ = share(B, width(work.x), thread, threads)
    gather(work.x, work.at[thread, 0] * B, X, order, at, count, net.sizes[0], B, start, scale)
    if thread == 0:
        gather_targets(work.targets, Y, order, at, count, net.sizes[-1], B)
        total = 0.0
        for n in range(B):
            weight = work.weight.dtype.type(0)
            if n < count:
                weight = weights[order[at + n]] if weights.size > 0 else work.weight.dtype.type(1)
            work.weight[n] = weight
            total += weight
        work.shared[0] = 1 / total if total > 0 else 0.0


@kernel
def train_epochs(
    thread, threads, counter, stop, net, work, w, g, m, v, X, Y, weights, scale, orders, batch_size, rates, optimizer, steps_before, seed,
    loss_code, totals,
):  # fmt: skip
    """Train for len(orders) epochs. Returns the number of epochs that were finished.

    orders (E, N) : the samples of each epoch, in order. rates (E * steps,) : learning rates. totals (E, 3) : per epoch, sums over the
    samples of weight * loss, of weight, and of hits. stop (1,) uint8 : non-zero ends the run at the next batch. All threads of the team
    call this with the same arguments but `thread`. X : Samples; Y : Targets.
    """
    V = width(w)
    E, N = orders.shape
    number = w.dtype.type
    passed, taken = 0, 0
    L = len(net.W_at)
    O, out_at = net.sizes[L], work.at[thread, L]
    plain = optimizer.code == SGD and optimizer.l2 == 0 and optimizer.decay == 0 and optimizer.clip == 0
    for epoch in range(E):
        order = orders[epoch]
        for at in range(0, N, batch_size):
            count = min(batch_size, N - at)
            B = padded(count, V)
            if thread == 0:
                work.shared[1] = peek(stop)
            load_batch(net, work, X, Y, weights, order, at, count, B, scale, thread, threads)
            passed = barrier(counter, threads, passed)
            if work.shared[1] != 0:
                return epoch
            key = seed + steps_before + taken + 1
            if net.dropout[0] > 0:
                drop(work.x, work.delta, work.at[thread, 0] * B, B, 0, net.sizes[0], net.dropout[0], key, 0)
            passed = forward(net, work, w, B, scale, thread, threads, counter, passed, key)

            first, last = share(B, V, thread, threads)
            losses_and_deltas(loss_code, work.loss, work.delta, work.x, out_at * B, work.targets, work.weight, O, B, first, last)
            mark_hits(loss_code, work.hit, work.x, out_at * B, work.targets, O, B, first, last)
            passed = barrier(counter, threads, passed)
            if thread == 0:
                for n in range(count):
                    totals[epoch, 0] += work.loss[n]
                    totals[epoch, 1] += work.weight[n]
                    totals[epoch, 2] += work.hit[n]

            rate = rates[taken]
            gradient_scale = work.shared[0]
            if plain:
                step = number(-rate * gradient_scale)
                passed = backward(net, work, w, B, step, thread, threads, counter, passed)
                products_into(ADD, w, net, work, B, step, thread, threads)
            else:
                passed = backward(net, work, w, B, number(gradient_scale), thread, threads, counter, passed)
                products_into(ASSIGN, g, net, work, B, number(gradient_scale), thread, threads)
                clipping = 1.0
                if optimizer.clip > 0:
                    passed = barrier(counter, threads, passed)
                    length = norm(g)
                    clipping = min(1.0, optimizer.clip / length) if length > 0 else 1.0
                if optimizer.code == ADAM:  # powers anew in every step: the same bits however epochs are grouped into calls
                    t = steps_before + taken + 1
                    corrected = rate * np.sqrt(1 - optimizer.beta2**t) / (1 - optimizer.beta1**t)
                else:
                    corrected = rate
                descend(net, w, g, m, v, optimizer, number(corrected), number(rate * optimizer.decay), number(clipping), thread, threads)
            passed = barrier(counter, threads, passed)
            taken += 1
    return E


@kernel
def gradient(net, work, w, g, X, Y, weights, scale, order, B, loss_code):
    """The mean loss of the samples `order` and its gradient g; no dropout, no penalty."""
    counter = np.zeros(1, np.int64)
    L = len(net.W_at)
    load_batch(net, work, X, Y, weights, order, 0, len(order), B, scale, 0, 1)
    forward(net, work, w, B, scale, 0, 1, counter, 0, 0)
    out_at, O = work.at[0, L] * B, net.sizes[L]
    losses_and_deltas(loss_code, work.loss, work.delta, work.x, out_at, work.targets, work.weight, O, B, 0, B)
    factor = w.dtype.type(work.shared[0])
    backward(net, work, w, B, factor, 0, 1, counter, 0)
    products_into(ASSIGN, g, net, work, B, factor, 0, 1)
    total = 0.0
    for n in range(len(order)):
        total += work.loss[n]
    return total * work.shared[0]


@kernel
def predict_rows(thread, threads, stop, net, work, w, X, scale, order, batch_size, layer, out):
    """out[n] = x[layer] of the samples `order`, which are 0, 1, ..., and whether all of them were finite.

    Threads take whole batches; each has its own workspace. Looking through a batch first brings it into the cache, line after line.
    """
    counter = np.zeros(1, np.int64)
    V, I = width(w), net.sizes[0]
    N = len(order)
    values = X.values.reshape(X.values.size)
    for at in range(thread * batch_size, N, threads * batch_size):
        if peek(stop):
            return True
        count = min(batch_size, N - at)
        if values.size > 0 and not all_finite(values, at * I, (at + count) * I):
            return False
        B = padded(count, V)
        gather(work.x, work.at[0, 0] * B, X, order, at, count, I, B, 0, scale)
        forward(net, work, w, B, scale, 0, 1, counter, 0, 0)
        to_rows(out, at, work.x, work.at[0, layer] * B, count, net.sizes[layer], B)
    return True
