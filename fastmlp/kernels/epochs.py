"""Whole epochs of training in one compiled call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .access import peek, width
from .barrier import ABANDONED, barrier
from .denormals import flush_denormals, restore_mode
from .dropout import dropout_key
from .gather import Batch
from .jit import entry, kernel
from .network import Rule, padded
from .step import Step, load_batch, train_step


class Plan(NamedTuple):
    """How to train."""

    orders: np.ndarray  # (E, N) int64: the samples of each epoch, in order
    batch_size: int
    rates: np.ndarray  # (E * steps,) float64: the learning rate of each step
    rule: Rule
    loss: int  # its code
    seed: int  # of the dropout
    steps_before: int  # updates in earlier calls


@entry(allocates=False)
def train_epochs(totals, net, work, state, data, plan, team):
    """Train for E epochs. Returns the number of epochs that were finished.

    totals (E, 3) : per epoch, the sums over the samples of weight * loss, of weight, and of weight * hit. All threads of the team call this
    with the same arguments but `team`.
    """
    mode = flush_denormals()
    finished = train(totals, net, work, state, data, plan, team)
    restore_mode(mode)
    return finished


@kernel
def train(totals, net, work, state, data, plan, team):
    """What `train_epochs` does, in whichever mode of floating-point numbers."""
    E, N = plan.orders.shape
    taken = 0
    for epoch in range(E):
        for at in range(0, N, plan.batch_size):
            count = min(plan.batch_size, N - at)
            batch = Batch(plan.orders[epoch], at, count, padded(count, width(state.w)))
            if team.thread == 0:
                work.shared[1] = peek(team.stop)
            load_batch(net, work, data, batch, team)
            barrier(team)
            if work.shared[1] != 0 or peek(team.stop) == ABANDONED:
                return epoch
            number = plan.steps_before + taken + 1
            step = Step(number, plan.rates[taken], dropout_key(plan.seed, number))
            train_step(net, work, state, batch.B, step, plan.rule, plan.loss, team)
            if team.thread == 0:
                tally(totals[epoch], work.scores, count)
            taken += 1
    return E


@kernel
def tally(sums, scores, count):
    """Add a batch's losses, weights and hits."""
    loss, weight, hit = scores.loss[:count], scores.weight[:count], scores.hit[:count]
    losses = weights = hits = 0.0
    for n in range(count):
        losses += loss[n]
        weights += weight[n]
        hits += hit[n]
    sums[0] += losses
    sums[1] += weights
    sums[2] += hits
