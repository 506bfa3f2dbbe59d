"""A network being trained: its parameters, the optimiser's memory, and compiled epochs by a team of threads."""

from __future__ import annotations

import numpy as np

from ..kernels.epochs import train_epochs
from ..kernels.gather import targets as as_kernel_targets
from ..kernels.losses import LOSSES
from ..kernels.network import Network, Workspace
from ..model.optimizers import Optimizer
from .cost import forward_operations
from .inputs import Inputs
from .memory import workspace
from .threads import as_team, cpu_count

SHORT = 6e8  # additions and multiplications of a compiled call that Ctrl-C can wait for: some 10 ms. Longer ones have a thread of their own


class Run:
    """A network being trained: its parameters, and the optimiser's memory of them."""

    def __init__(self, net: Network, w: np.ndarray, loss: str, optimizer: Optimizer, seed: int) -> None:
        self.net, self.w, self.loss, self.optimizer, self.seed = net, w, loss, optimizer, seed
        self.gradient, self.m, self.v = (np.zeros_like(w) for _ in range(3))
        self.steps = 0
        self.finished = 0
        self._workspace: tuple[int, Workspace] | None = None

    def state(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        """What `restore` takes to come back to this point."""
        return self.w.copy(), self.m.copy(), self.v.copy(), self.steps

    def restore(self, state: tuple[np.ndarray, np.ndarray, np.ndarray, int]) -> None:
        """Come back to an earlier state."""
        self.w[:], self.m[:], self.v[:], self.steps = state

    def epochs(
        self, inputs: Inputs, targets: np.ndarray, weights: np.ndarray, orders: np.ndarray, batch_size: int, rates: np.ndarray, threads: int
    ) -> np.ndarray:
        """Train len(orders) epochs in one compiled call; `finished` counts those that were not interrupted.

        Returns (E, 3): per epoch the sums of weight * loss, of weight, and of hits.
        """
        if self._workspace is None or self._workspace[0] != batch_size or len(self._workspace[1].active) < threads:
            self._workspace = batch_size, workspace(self.net, batch_size, max(threads, cpu_count()), self.w.dtype)
        work = self._workspace[1]
        counter, stop, totals = np.zeros(1, np.int64), np.zeros(1, np.uint8), np.zeros((len(orders), 3))
        settings = self.optimizer.settings()
        scale = self.w.dtype.type(inputs.scale)
        Y = as_kernel_targets(targets, self.w.dtype)

        def part(thread: int) -> int:
            finished: int = train_epochs(
                thread, threads, counter, stop, self.net, work, self.w, self.gradient, self.m, self.v, inputs.samples, Y, weights,
                scale, orders, batch_size, rates, settings, self.steps, self.seed, LOSSES[self.loss], totals,
            )  # fmt: skip
            return finished

        short = forward_operations(self.net.sizes) * 3 * orders.size < SHORT
        self.finished = part(0) if threads == 1 and short else min(as_team(threads, part, stop))
        self.steps += len(rates)
        return totals
