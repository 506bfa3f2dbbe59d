"""Prediction of many rows, batch by batch, with samples in lanes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .access import peek, width
from .barrier import Team
from .dropout import NO_DROPOUT
from .gather import Batch, Samples, all_finite, gather
from .jit import entry
from .network import features, padded
from .rows import to_rows
from .step import forward


class Rows(NamedTuple):
    """The rows to predict, batch_size at a time."""

    samples: Samples
    scale: float
    order: np.ndarray  # 0, 1, 2, ..., N - 1
    batch_size: int


@entry
def predict_batches(out, layer, net, work, w, rows, team):
    """out[n] = x[layer] of every row, and whether all of them were finite.

    Threads take whole batches; each has its own workspace. Looking through a batch first brings it into the cache, line after line.
    """
    alone = Team(0, 1, np.zeros(1, np.int64), np.zeros((1, 8), np.int64), team.stop)
    V, I, N, size = width(w), net.sizes[0], len(rows.order), rows.batch_size
    values = rows.samples.values.reshape(rows.samples.values.size)
    for at in range(team.thread * size, N, team.threads * size):
        if peek(team.stop):
            return True
        count = min(size, N - at)
        if values.size > 0 and not all_finite(values, at * I, (at + count) * I):
            return False
        B = padded(count, V)
        gather(features(work.x, work, 0, alone, B), rows.samples, Batch(rows.order, at, count, B), I, 0, rows.scale, team.stop)
        forward(net, work, w, B, NO_DROPOUT, alone)
        to_rows(out, at, features(work.x, work, layer, alone, B), count, net.sizes[layer])
    return True
