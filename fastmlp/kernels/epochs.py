"""Whole epochs of training in one compiled call."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .access import width
from .clock import begin
from .denormals import flush_denormals, restore_mode
from .dropout import dropout_key
from .gather import Batch
from .jit import entry, kernel
from .losses import Loss
from .network import Rule, padded
from .step import Step, train_step


class Plan(NamedTuple):
    """The plan of a training run, which is the same for all threads."""

    orders: np.ndarray  # (E, N) int64: the order of the samples in each epoch
    batch_size: int
    rates: np.ndarray  # (E * steps,) float64: the learning rate of each step
    rule: Rule
    loss: Loss
    seed: int  # the seed of the dropout masks
    steps_before: int  # the number of updates in earlier calls


@entry(allocates=False)
def train_epochs(totals, net, work, state, data, plan, team):
    """Train for E epochs and return the number of epochs that were finished.

    totals (E, SUMS) : for each epoch, the sums over its samples of weight * loss, of weight, and of weight * hit, followed by the sums over
    its batches of size times mean loss and of size times penalty (that of `rule.alpha`), both before the update. All threads of the team
    call this function, with the same arguments except for `team`.
    """
    mode = flush_denormals()
    begin(team)
    finished = train(totals, net, work, state, data, plan, team)
    restore_mode(mode)
    return finished


@kernel
def train(totals, net, work, state, data, plan, team):
    """Train as `train_epochs` does, in the floating-point mode that the thread is in."""
    E, N = plan.orders.shape
    taken = 0
    for epoch in range(E):
        for at in range(0, N, plan.batch_size):
            count = min(plan.batch_size, N - at)
            batch = Batch(plan.orders[epoch], at, count, padded(count, width(state.w)))
            number = plan.steps_before + taken + 1
            step = Step(number, plan.rates[taken], dropout_key(plan.seed, number), totals[epoch])
            if not train_step(net, work, state, data, batch, step, plan, team):
                return epoch
            taken += 1
    return E
