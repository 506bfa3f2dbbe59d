"""Predict the outputs of a trained network, for many rows or for a few."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..kernels import predict_rows as few
from ..kernels.barrier import Team
from ..kernels.clock import Clock, timed
from ..kernels.network import Network, Workspace
from ..kernels.predict_batches import Rows, predict_batches
from ..kernels.vectors import lanes
from .cost import forward_operations
from .inputs import Inputs, check_rows
from .memory import workspace
from .threads import as_team, choose_threads

PREDICT_BATCH = 64


class Many:
    """Predict many rows, batch by batch. What each call needs again, the network's description and scratch memory, is kept."""

    def __init__(self, net: Network) -> None:
        self.net, self.operations = net, forward_operations(net.sizes)
        self.spare: list[Workspace] = []  # not in use by any call; calls may run in several threads at a time

    def predict(self, w: np.ndarray, inputs: Inputs, n_threads: int | None = None, clocks: Sequence[Clock] = ()) -> np.ndarray:
        """Return the outputs (N, O) of the last layer, before any link function. Raise ValueError if the inputs are not finite.

        clocks : one for each thread, if the prediction is profiled.
        """
        net, N = self.net, inputs.n_samples
        operations = self.operations * N
        threads = min(choose_threads(n_threads, operations // 16), -(-N // PREDICT_BATCH))
        out = np.empty((N, int(net.sizes[-1])), w.dtype)
        stop, passed = np.zeros(1, np.uint8), np.zeros((threads, 8), np.int64)
        rows = Rows(inputs.samples, w.dtype.type(inputs.scale), np.arange(N), min(PREDICT_BATCH, N))
        works = [self._workspace(w.dtype) for _ in range(threads)]

        def part(thread: int) -> bool:
            clock = clocks[thread] if clocks else None
            team = Team(thread, threads, np.zeros(1, np.int64), passed, stop, clock)
            finite: bool = timed(clock, lambda: predict_batches(out, len(net.sizes) - 1, net, works[thread], w, rows, team))
            return finite

        finite = [part(0)] if threads == 1 and operations < 4e9 else as_team(threads, part, stop)
        self.spare = works
        if not all(finite):
            check_rows("X", inputs.samples.values)
        return out

    def _workspace(self, dtype: np.dtype) -> Workspace:
        """Return scratch memory for one thread."""
        try:
            work = self.spare.pop()
        except IndexError:
            work = None
        if work is None or work.x.dtype != dtype:
            work = workspace(self.net, PREDICT_BATCH, 1, dtype, training=False)
        return work


class Few:
    """Predict a few rows at a time with little overhead: the description of the network is kept from call to call."""

    def __init__(self, net: Network, w: np.ndarray, rows: int) -> None:
        self.w, self.n_inputs = w, int(net.sizes[0])
        self.code = few.pack(net.sizes, net.W_at, net.b_at, net.activation, rows, lanes(w.dtype))

    def predict(self, X: Any) -> np.ndarray:
        """Return the outputs of the last layer. X (N, I) : C-contiguous, of the model's dtype; N is at most `rows`."""
        out: np.ndarray = few.predict_few(self.code, self.w, X)
        return out

    def classify(self, X: Any) -> np.ndarray:
        """Return the index of the largest output of each row, int64."""
        classes: np.ndarray = few.classify_few(self.code, self.w, X)
        return classes
