"""Learning-rate schedules: factors that multiply the optimizer's learning rate in the course of a training run."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import numpy as np

from ..engine.arguments import check_choice, check_range, check_size


@dataclass
class Schedule:
    """The constant schedule, and the base class of all schedules.

    A subclass overrides `factors`. A schedule that depends on the training loss also overrides `observe`.

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import Dense, Schedule, Sequential
    >>> class Triangle(Schedule):
    ...     def factors(self, steps, n_steps, steps_per_epoch):
    ...         return np.minimum(steps, n_steps - steps) / n_steps
    >>> history = Sequential([Dense(1, 1)]).fit([[0.0], [1.0]], [1.0, 3.0], epochs=4, optimizer="sgd", schedule=Triangle())
    >>> history.learning_rates
    [0.0, 0.0125, 0.025, 0.0125]
    """

    def factors(self, steps: np.ndarray, n_steps: int, steps_per_epoch: int) -> np.ndarray:
        """Return the factor of the learning rate for each step.

        Parameters
        ----------
        steps : ndarray of shape (S,), int64
            Indices of the steps, counted from 0 over the whole run.
        n_steps : int
            Number of steps in the whole run.
        steps_per_epoch : int
            Number of steps in each epoch.

        Returns
        -------
        ndarray of shape (S,)
            The factors, which must be finite and at least 0.
        """
        return np.ones(len(steps))

    def observe(self, loss: float) -> None:
        """Receive the training loss of an epoch. This is called before `factors` is called for the next epoch."""

    @property
    def follows_loss(self) -> bool:
        """Whether the schedule overrides `observe`, which then has to be called after every epoch."""
        return type(self).observe is not Schedule.observe


@dataclass
class InverseScaling(Schedule):
    """Multiply the learning rate by (1 + step)^-power, with steps counted from 0.

    Parameters
    ----------
    power : float, default 0.5
        Exponent, at least 0.

    Raises
    ------
    ValueError, TypeError
        If a setting is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import InverseScaling
    >>> InverseScaling(power=1).factors(np.arange(4), n_steps=4, steps_per_epoch=2)
    array([1.   , 0.5  , 0.333, 0.25 ])
    """

    power: float = 0.5

    def __post_init__(self) -> None:
        self.power = check_range("power", self.power, 0)

    def factors(self, steps: np.ndarray, n_steps: int, steps_per_epoch: int) -> np.ndarray:
        """Return (1 + step)^-power for each step."""
        return (1.0 + steps) ** -self.power


@dataclass
class StepDecay(Schedule):
    """Multiply the learning rate by `factor` after every `epochs` epochs.

    Parameters
    ----------
    epochs : int, default 10
        Number of epochs between two changes, at least 1.
    factor : float, default 0.1
        Factor of each change, at least 0.

    Raises
    ------
    ValueError, TypeError
        If a setting is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import StepDecay
    >>> StepDecay(epochs=1, factor=0.5).factors(np.arange(6), n_steps=6, steps_per_epoch=2)
    array([1.  , 1.  , 0.5 , 0.5 , 0.25, 0.25])
    """

    epochs: int = 10
    factor: float = 0.1

    def __post_init__(self) -> None:
        self.epochs = check_size("epochs", self.epochs, 1)
        self.factor = check_range("factor", self.factor, 0)

    def factors(self, steps: np.ndarray, n_steps: int, steps_per_epoch: int) -> np.ndarray:
        """Return `factor` raised to the number of periods of `epochs` epochs that are complete."""
        return self.factor ** (steps // steps_per_epoch // self.epochs)


@dataclass
class Cosine(Schedule):
    """Lower the factor from 1 to `final` along half a cosine wave (Loshchilov and Hutter 2017, without restarts).

    Parameters
    ----------
    final : float, default 0
        Factor at the end of the run, at least 0.

    Raises
    ------
    ValueError, TypeError
        If a setting is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import Cosine
    >>> Cosine().factors(np.arange(4), n_steps=4, steps_per_epoch=2)
    array([1.  , 0.85, 0.5 , 0.15])
    """

    final: float = 0.0

    def __post_init__(self) -> None:
        self.final = check_range("final", self.final, 0)

    def factors(self, steps: np.ndarray, n_steps: int, steps_per_epoch: int) -> np.ndarray:
        """Return factors that fall from 1 at the first step towards `final` at the end of the run."""
        return self.final + (1 - self.final) * 0.5 * (1 + np.cos(np.pi * steps / n_steps))


@dataclass
class OneCycle(Schedule):
    """Raise the factor from `initial` to 1 along half a cosine wave, then lower it to `final` along another (Smith 2018).

    Parameters
    ----------
    warm_up : float, default 0.3
        Share of the run in which the learning rate rises, in [0, 1).
    initial, final : float, default 0.04, 0.0001
        Factors at the beginning and at the end of the run, at least 0.

    Raises
    ------
    ValueError, TypeError
        If a setting is out of its range.

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import OneCycle
    >>> OneCycle(warm_up=0.5, initial=0.2, final=0).factors(np.arange(4), n_steps=4, steps_per_epoch=2)
    array([0.2, 0.6, 1. , 0.5])
    """

    warm_up: float = 0.3
    initial: float = 0.04
    final: float = 0.0001

    def __post_init__(self) -> None:
        self.warm_up = check_range("warm_up", self.warm_up, 0, 1)
        self.initial = check_range("initial", self.initial, 0)
        self.final = check_range("final", self.final, 0)

    def factors(self, steps: np.ndarray, n_steps: int, steps_per_epoch: int) -> np.ndarray:
        """Return factors that rise during the warm-up and fall afterwards."""
        peak = max(1.0, self.warm_up * n_steps)
        up = np.minimum(steps / peak, 1)
        down = np.clip((steps - peak) / max(1.0, n_steps - peak), 0, 1)
        rising = self.initial + (1 - self.initial) * 0.5 * (1 - np.cos(np.pi * up))
        falling = self.final + (1 - self.final) * 0.5 * (1 + np.cos(np.pi * down))
        return np.where(steps < peak, rising, falling)


@dataclass
class Adaptive(Schedule):
    """Divide the learning rate by `divisor` when the training loss has not improved by more than `tolerance` for `patience` epochs.

    Parameters
    ----------
    patience : int, default 2
        Number of successive epochs without improvement, at least 1.
    tolerance : float, default 1e-4
        An epoch counts as an improvement if its loss is below the lowest so far by more than this; at least 0.
    divisor : float, default 5
        Divisor of the learning rate, at least 1.

    Raises
    ------
    ValueError, TypeError
        If a setting is out of its range.

    Examples
    --------
    >>> from fastmlp import SGD, Adaptive, Dense, Sequential
    >>> model, schedule = Sequential([Dense(1, 1)]), Adaptive(patience=1, tolerance=1e9)  # no loss falls that much
    >>> model.fit([[0.0], [1.0]], [1.0, 3.0], epochs=4, optimizer=SGD(0.5), schedule=schedule).learning_rates
    [0.5, 0.5, 0.1, 0.02]
    """

    patience: int = 2
    tolerance: float = 1e-4
    divisor: float = 5.0
    _factor: float = field(default=1.0, init=False, repr=False)
    _best: float = field(default=float("inf"), init=False, repr=False)
    _waited: int = field(default=0, init=False, repr=False)

    def __post_init__(self) -> None:
        self.patience = check_size("patience", self.patience, 1)
        self.tolerance = check_range("tolerance", self.tolerance, 0)
        self.divisor = check_range("divisor", self.divisor, 1)

    def factors(self, steps: np.ndarray, n_steps: int, steps_per_epoch: int) -> np.ndarray:
        """Return the present factor for every step."""
        return np.full(len(steps), self._factor)

    def observe(self, loss: float) -> None:
        """Count the epochs without improvement, and reduce the factor when their number reaches `patience`."""
        self._waited = 0 if loss < self._best - self.tolerance else self._waited + 1
        self._best = min(self._best, loss)
        if self._waited >= self.patience:
            self._factor /= self.divisor
            self._waited = 0


SCHEDULES: dict[str, type[Schedule]] = {
    "constant": Schedule,
    "inverse_scaling": InverseScaling,
    "adaptive": Adaptive,
    "step": StepDecay,
    "cosine": Cosine,
    "one_cycle": OneCycle,
}


def checked_factors(schedule: Schedule, steps: np.ndarray, n_steps: int, steps_per_epoch: int) -> np.ndarray:
    """Ask the schedule for its factors and return them as a float64 array of the same length as `steps`.

    Raise ValueError or TypeError if the schedule returns anything but finite numbers of at least 0.
    """
    given = schedule.factors(steps.copy(), n_steps, steps_per_epoch)
    factors = np.asarray(given)
    expected = f"{type(schedule).__name__}.factors: expected {len(steps)} finite numbers of at least 0, one for each step"
    if factors.dtype.kind not in "iuf":
        raise TypeError(f"{expected}, got {given!r}")
    if factors.shape != steps.shape:
        raise ValueError(f"{expected}, got shape {factors.shape}")
    factors = factors.astype(np.float64)
    wrong = ~(np.isfinite(factors) & (factors >= 0))
    if wrong.any():
        raise ValueError(f"{expected}, got {factors[wrong][0]} for step {steps[wrong][0]}")
    return factors


def as_schedule(schedule: Schedule | str | None) -> Schedule:
    """Return a copy of a schedule for one run, or a new schedule of that name with default settings. None stands for "constant"."""
    if isinstance(schedule, Schedule):
        return copy.copy(schedule)
    return SCHEDULES[check_choice("schedule", "constant" if schedule is None else schedule, SCHEDULES)]()
