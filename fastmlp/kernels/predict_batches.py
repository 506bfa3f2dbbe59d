"""Prediction of many rows, batch by batch, with samples in lanes."""

from __future__ import annotations

import numpy as np

from .gather import all_finite, gather
from .jit import kernel
from .network import padded
from .rows import to_rows
from .step import forward
from .vectors import peek, width


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
