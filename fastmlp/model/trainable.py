"""A model with the state of its training: how many steps it took, and what the optimizer remembers of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.run import Run, Snapshot
from .optimizers import Optimizer
from .predictor import Predictor

DROPOUT = 1  # which of the seed's children dropout draws from; the weights and the shuffling draw from the seed itself


class Trainable(Predictor):
    """A `Predictor` that counts its steps, keeps the optimizer's memory between trainings, and can return to a snapshot of both.

    It is what callbacks are given: `Sequential` adds the training itself.
    """

    _run: Run | None = None  # the optimizer's memory and more, from the first training on; then it counts the steps

    @property
    def steps(self) -> int:
        """Updates of the parameters so far."""
        return self._run.steps if self._run is not None else self._steps

    def _forget(self) -> None:
        """What an optimizer remembers does not fit other parameters; the count of steps goes on."""
        super()._forget()
        self._steps, self._run = self.steps, None

    def __setstate__(self, state: dict[str, Any]) -> None:
        """A copy goes on as the original would: it has the optimizer's memory too."""
        super().__setstate__(state)
        self._run = state.get("_run")
        if self._run is not None:
            self._run.attach(self.parameters)

    def resume(self, steps: int, column_targets: bool | None) -> None:
        """Count from so many steps, and predict in that shape of targets, as the model did that was saved."""
        self._steps, self.column_targets = steps, column_targets

    def _training(self, optimizer: Optimizer, y: Any, dtype: np.dtype) -> Run:
        """Ready to be trained: dtype and shape of the targets are settled, and the optimizer goes on with what it remembers."""
        self.column_targets = np.ndim(y) == 2 and np.shape(y)[1] == 1
        if self.dtype is None:
            self.dtype = np.dtype(dtype)
            self._adopt(self.parameters.astype(self.dtype))
        run = self.run()
        run.use(optimizer.settings())
        return run

    def run(self) -> Run:
        """The state of the training, which the engine works on; made when it is first asked for."""
        if self._run is None:
            key = int(np.random.SeedSequence(self.seed, spawn_key=(DROPOUT,)).generate_state(1)[0])
            self._run = Run(self.network(), self.parameters, self.loss, key, self._steps)
        return self._run

    def snapshot(self) -> Snapshot:
        """What training changes: the parameters, the optimizer's memory, the count of steps; a copy of them, for `restore`.

        Returns
        -------
        Snapshot

        Examples
        --------
        >>> from fastmlp import Dense, Sequential
        >>> model = Sequential([Dense(1, 1)])
        >>> before, W = model.snapshot(), model.layers[0].W.copy()
        >>> history = model.fit([[0.0], [1.0]], [1.0, 3.0])
        >>> model.restore(before)
        >>> bool(model.layers[0].W == W), model.steps
        (True, 0)
        """
        return self.run().state()

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot.

        Parameters
        ----------
        snapshot : Snapshot
            Of this model, or of one with the same layers.

        Raises
        ------
        ValueError, TypeError
            If it is of a model with other layers, or no snapshot.
        """
        if not isinstance(snapshot, Snapshot):
            raise TypeError(f"snapshot: expected what `snapshot` returned, got {type(snapshot).__name__}")
        if snapshot.w.size != self.parameters.size:
            raise ValueError(f"snapshot: expected {self.parameters.size} parameters, got {snapshot.w.size}")
        self.run().restore(snapshot)
