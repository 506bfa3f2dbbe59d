"""Whole epochs of training in one compiled call."""

from __future__ import annotations

import numpy as np

from .barrier import barrier, share
from .dropout import drop
from .jit import kernel
from .losses import losses_and_deltas, mark_hits
from .network import padded
from .optimizers import ADAM, SGD
from .step import backward, descend, forward, load_batch, norm, products_into
from .tile import ADD, ASSIGN
from .vectors import peek, width


@kernel
def train_epochs(
    thread, threads, counter, stop, net, work, w, g, m, v, X, Y, weights, scale, orders, batch_size, rates, optimizer, steps_before, seed,
    loss_code, totals,
):  # fmt: skip
    """Train for len(orders) epochs. Returns the number of epochs that were finished.

    orders (E, N) : the samples of each epoch, in order. rates (E * steps,) : learning rates. totals (E, 3) : per epoch, sums over the
    samples of weight * loss, of weight, and of weight * hit. stop (1,) uint8 : non-zero ends the run at the next batch. All threads of the
    team call this with the same arguments but `thread`. X : Samples; Y : Targets.
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
                    totals[epoch, 2] += work.weight[n] * work.hit[n]

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
                    t = steps_before + taken + 1 - optimizer.begun
                    corrected = rate * np.sqrt(1 - optimizer.beta2**t) / (1 - optimizer.beta1**t)
                else:
                    corrected = rate
                descend(net, w, g, m, v, optimizer, number(corrected), number(rate * optimizer.decay), number(clipping), thread, threads)
            passed = barrier(counter, threads, passed)
            taken += 1
    return E
