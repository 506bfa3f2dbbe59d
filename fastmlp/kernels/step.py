"""A step of mini-batch training in its phases, by one thread or a team.

Between two barriers a thread writes only what is its own: units of a layer in the products, lanes in the loss, rows of W in the update.
Each thread gathers the inputs for itself: fetching a line of memory that another core has just written costs more than gathering it.
"""

from __future__ import annotations

import numpy as np

from .activations import activate
from .barrier import barrier, share
from .dropout import drop
from .gather import gather, gather_targets
from .jit import kernel
from .losses import losses_and_deltas
from .network import panel_size, row_stride
from .optimizers import update
from .products import NARROW, affine, backproject, outer, outer_narrow
from .rows import by_sample, sum_rows
from .tile import ADD, ASSIGN, MR
from .vectors import width
from .zeros import find_active, find_used, list_step

LISTED = 0.75  # of the inputs of a batch may be non-zero for a list of samples to pay: a tile's inputs rarely vanish together


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
