"""A model together with the state of its training: the number of steps and the optimizer's state."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.run import Run, Snapshot
from .predictor import Predictor

DROPOUT = 1  # spawn key of the seed for dropout; initial weights and shuffling use the seed itself


class Trainable(Predictor):
    """A `Predictor` that counts its steps, keeps the optimizer's state between trainings, and can save and restore both.

    `Sequential` adds the training itself. Callbacks receive the model as a `Trainable`.
    """

    _run: Run | None = None  # created by the first training; holds the optimizer's state and the number of steps

    @property
    def steps(self) -> int:
        """Number of updates of the parameters so far."""
        return self._run.steps if self._run is not None else self._steps

    def _forget(self) -> None:
        """Discard the optimizer's state, which does not fit the changed parameters, but keep the number of steps."""
        super()._forget()
        self._steps, self._run = self.steps, None

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copy with the optimizer's state, so that it continues as the original would."""
        super().__setstate__(state)
        self._run = state.get("_run")
        if self._run is not None:
            self._run.attach(self.parameters)

    def resume(self, steps: int, column_targets: bool | None) -> None:
        """Continue from the number of steps and the shape of targets of a saved model."""
        self._steps, self.column_targets = steps, column_targets

    def _training(self, y: Any, dtype: np.dtype) -> Run:
        """Prepare for training: fix the dtype and the shape of the targets."""
        self.column_targets = np.ndim(y) == 2 and np.shape(y)[1] == 1
        if self.dtype is None:
            self.dtype = np.dtype(dtype)
            self._adopt(self.parameters.astype(self.dtype))
        return self.run()

    def run(self) -> Run:
        """Return the state of the training, creating it if there is none yet."""
        if self._run is None:
            key = int(np.random.SeedSequence(self.seed, spawn_key=(DROPOUT,)).generate_state(1)[0])
            self._run = Run(self.network(), self.parameters, self.loss, key, self._steps)
        return self._run

    def snapshot(self) -> Snapshot:
        """Copy everything that training changes: the parameters, the optimizer's state and the number of steps.

        Returns
        -------
        Snapshot
            The copy, which `restore` accepts.

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
        """Restore the parameters, the optimizer's state and the number of steps from a snapshot.

        Parameters
        ----------
        snapshot : Snapshot
            A snapshot of this model, or of a model with the same layers.

        Raises
        ------
        ValueError, TypeError
            If the argument is not a snapshot, or is a snapshot of a model with another number of parameters.
        """
        if not isinstance(snapshot, Snapshot):
            raise TypeError(f"snapshot: expected a Snapshot returned by `snapshot`, got {type(snapshot).__name__}")
        if snapshot.w.size != self.parameters.size:
            raise ValueError(f"snapshot: expected {self.parameters.size} parameters, got {snapshot.w.size}")
        self.run().restore(snapshot)
