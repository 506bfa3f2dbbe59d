"""Predict many rows, batch by batch, with samples in lanes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .access import peek, width
from .activations import activate
from .barrier import Team
from .clock import begin, lap_of_rows
from .gather import Batch, Samples, all_finite, gather
from .jit import entry, kernel
from .network import biases_of, features, padded, scratch_of, weights_of
from .products import affine
from .rows import to_rows
from .views import Span
from .zeros import NEARLY_ALL, find_active


class Rows(NamedTuple):
    """The rows to predict, `batch_size` of them at a time."""

    samples: Samples
    scale: float
    order: np.ndarray  # 0, 1, 2, ..., N - 1
    batch_size: int


@entry
def predict_batches(out, layer, net, work, w, rows, team):
    """Set out[n] = x[layer] of every row, and return whether all rows were finite.

    Each thread takes whole batches and has its own workspace. The search for values that are not finite comes first, and brings a batch
    into the cache line by line. The search for zeros ends with the first batch that has too few of them.
    """
    alone = Team(0, 1, np.zeros(1, np.int64), np.zeros((1, 8), np.int64), team.stop, None)
    V, I, N, size = width(w), net.sizes[0], len(rows.order), rows.batch_size
    values = rows.samples.values.reshape(rows.samples.values.size)
    looking = True
    begin(team)
    for at in range(team.thread * size, N, team.threads * size):
        if peek(team.stop):
            return True
        count = min(size, N - at)
        if values.size > 0 and not all_finite(values, at * I, (at + count) * I):
            return False
        B = padded(count, V)
        x = features(work.x, work, 0, alone, B)
        gather(x, rows.samples, Batch(rows.order, at, count, B), (0, I), 0, rows.scale, team.stop)
        inputs = Span(work.every, 0, I)
        if looking:
            active, _ = find_active(work.active[0, 0], work.bits[0, 0], x, I, team.stop)
            looking = active < NEARLY_ALL * I
            if looking:
                inputs = Span(work.active[0, 0], 0, active)
        values_of(net, work, w, layer, B, inputs, alone)
        to_rows(out, at, features(work.x, work, layer, alone, B), count, net.sizes[layer])
        lap_of_rows(team, net, layer, inputs, B)
    return True


@kernel
def values_of(net, work, w, layer, B, inputs, team):
    """Compute x[1] to x[layer] from x[0], as `forward` does, but without slopes. inputs : those of the first layer, a span."""
    for l in range(layer):
        z, outputs = features(work.x, work, l + 1, team, B), Span(work.every, 0, net.sizes[l + 1])
        x = features(work.x, work, l, team, B)
        affine(z, weights_of(net, w, l), biases_of(net, w, l), x, inputs, outputs, scratch_of(work, team), team.stop)
        activate(net.activation[l], work.x, None, z.at, z.at + net.sizes[l + 1] * B)
        inputs = outputs
