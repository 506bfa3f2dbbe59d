"""Train a network: its parameters, the state that lasts from step to step, and compiled epochs by a team of threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..kernels.barrier import Team
from ..kernels.clock import Clock, timed
from ..kernels.epochs import Plan, train_epochs
from ..kernels.gather import targets as as_kernel_targets
from ..kernels.network import Data, Network, Rule, State, Workspace
from ..kernels.step import SUMS
from .cost import forward_operations
from .inputs import Inputs
from .losses import Loss, as_kernel_loss
from .memory import empty, samples_at_once, workspace
from .threads import as_team, cpu_count

SHORT = 6e8  # additions and multiplications, some 10 ms, for which Ctrl-C may wait; longer compiled calls run in threads of their own


def no_totals(epochs: int) -> np.ndarray:
    """Return the sums (E, SUMS) of `epochs` epochs before their first batch: zeros."""
    return np.zeros((epochs, SUMS))


class Snapshot(NamedTuple):
    """The state of a training run at one point in time."""

    w: np.ndarray
    m: np.ndarray
    v: np.ndarray
    settings: Rule | None
    begun: int
    steps: int


class Run:
    """A network being trained: its parameters, and the state that lasts from step to step.

    Attributes
    ----------
    w, gradient, m, v : ndarray of shape (P,)
        The parameters, their gradient, and the state of the optimizer.
    settings : Rule or None
        The settings of the optimizer to which m and v belong; None before the first.
    steps : int
        The number of steps of the model so far, with any optimizer. Together with `seed` it determines the dropout masks, so that they
        differ from step to step.
    begun : int
        The value of `steps` when m and v were last zero, from which Adam's bias correction counts.
    """

    def __init__(self, net: Network, w: np.ndarray, loss: Loss, seed: int, steps: int = 0) -> None:
        self.net, self.w, self.loss, self.seed, self.steps = net, w, loss, seed, steps
        self.gradient, self.m, self.v = (empty(w.size, w.dtype) for _ in range(3))
        self.settings: Rule | None = None
        self.begun = steps
        self.clocks: Sequence[Clock] = ()  # one for each thread, while a profile is made
        self._workspace: tuple[int, Workspace] | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for a copy, without scratch or zeros. The parameters belong to the copied model, which attaches its own."""
        full = bool(self.m.any() or self.v.any())
        memory = {"m": self.m, "v": self.v} if full else {"m": None, "v": None}
        return self.__dict__ | memory | {"w": None, "gradient": None, "_workspace": None, "clocks": ()}

    def attach(self, w: np.ndarray) -> None:
        """Train these parameters from now on, with the copied state of the optimizer."""
        self.w, self.gradient = w, empty(w.size, w.dtype)
        if self.m is None:
            self.m, self.v = empty(w.size, w.dtype), empty(w.size, w.dtype)

    def use(self, settings: Rule) -> None:
        """Continue with this optimizer. Its state is kept if nothing but the learning rate has changed, and is reset otherwise."""
        if settings != self.settings:
            self.settings, self.begun = settings, self.steps
            self.m, self.v = empty(self.w.size, self.w.dtype), empty(self.w.size, self.w.dtype)

    def forget(self) -> None:
        """Reset the state of the optimizer at the next `use`, even if the settings are the same."""
        self.settings = None

    def state(self) -> Snapshot:
        """Return a snapshot with which `restore` returns to this point."""
        return Snapshot(self.w.copy(), self.m.copy(), self.v.copy(), self.settings, self.begun, self.steps)

    def restore(self, state: Snapshot) -> None:
        """Return to the state of an earlier snapshot."""
        self.w[:], self.m[:], self.v[:] = state.w, state.m, state.v
        self.settings, self.begun, self.steps = state.settings, state.begun, state.steps

    def epochs(
        self, inputs: Inputs, targets: np.ndarray, weights: np.ndarray, orders: np.ndarray, batch_size: int, rates: np.ndarray,
        threads: int, totals: np.ndarray | None = None,
    ) -> np.ndarray:  # fmt: skip
        """Train for len(orders) epochs, or part of one epoch, in one compiled call.

        Returns (E, SUMS), the sums that `train_epochs` describes; if `totals` is given, they are added to it. After an interrupt, all steps
        count as taken, so that none of their dropout masks is used again.
        """
        samples = samples_at_once(batch_size)
        if self._workspace is None or self._workspace[0] != samples or len(self._workspace[1].active) < threads:
            self._workspace = samples, workspace(self.net, samples, max(threads, cpu_count()), self.w.dtype)
        if self.settings is None:
            raise ValueError("settings: expected the rule of an optimizer, given to `use` before the first epoch; got none")
        work, dtype = self._workspace[1], self.w.dtype
        arrivals, passed, stop = np.zeros(1, np.int64), np.zeros((threads, 8), np.int64), np.zeros(1, np.uint8)
        totals = no_totals(len(orders)) if totals is None else totals
        state = State(self.w, self.gradient, self.m, self.v)
        data = Data(inputs.samples, dtype.type(inputs.scale), as_kernel_targets(targets, dtype), weights)
        rule = self.settings._replace(begun=self.begun)
        plan = Plan(orders, batch_size, rates, rule, as_kernel_loss(self.loss, int(self.net.sizes[-1])), self.seed, self.steps)

        def part(thread: int) -> int:
            clock = self.clocks[thread] if self.clocks else None
            team = Team(thread, threads, arrivals, passed, stop, clock)
            finished: int = timed(clock, lambda: train_epochs(totals, self.net, work, state, data, plan, team))
            return finished

        short = forward_operations(self.net.sizes) * 3 * orders.size < SHORT
        try:
            part(0) if threads == 1 and short else as_team(threads, part, stop)
        finally:
            self.steps += len(rates)
        return totals
