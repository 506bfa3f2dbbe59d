"""Learning-rate schedules over a run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..engine.arguments import check_real, check_size, shown
from ..model.schedules import Schedule, as_schedule, checked_factors
from .curves import draw_curves
from .style import figure_of, panel

STEPS = 100  # of an epoch: enough for a smooth line
MOST_EPOCHS = 10_000


def schedule_curves(
    schedules: Mapping[str, Schedule | str | None], epochs: int = 10, learning_rate: float = 0.1, ax: Axes | None = None
) -> Figure:
    """The learning rate of every step of a run, by schedule.

    Parameters
    ----------
    schedules : mapping of str to Schedule, str or None
        What `Sequential.fit` takes, by the name that its line is to carry. One that follows the loss, as `Adaptive` does, is drawn as
        it is while the loss falls.
    epochs : int, default 10
        Of the run, at least 1; they have 100 steps each.
    learning_rate : float, default 0.1
        The optimizer's, which schedules multiply.
    ax : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If `schedules` is empty or has anything else, a number is out of its range, or a schedule gives a factor that is not finite or
        below 0.

    Examples
    --------
    >>> from fastmlp import OneCycle
    >>> figure = schedule_curves({"warm up first": OneCycle(warm_up=0.5), "cosine": "cosine"}, learning_rate=0.2)
    >>> [float(line.get_ydata()[0].round(3)) for line in figure.axes[0].lines]
    [0.008, 0.2]
    """
    if not isinstance(schedules, Mapping):
        raise TypeError(f"schedules: expected a mapping of names to schedules, got {shown(schedules)}")
    if not schedules:
        raise ValueError("schedules: expected one schedule or more, got none")
    epochs = check_size("epochs", epochs, 1, MOST_EPOCHS)
    learning_rate = check_real("learning_rate", learning_rate)
    if learning_rate <= 0:
        raise ValueError(f"learning_rate: expected a positive number, got {learning_rate:g}")
    steps = np.arange(epochs * STEPS)
    rates = {
        name: (steps / STEPS, learning_rate * checked_factors(as_schedule(schedule), steps, len(steps), STEPS))
        for name, schedule in schedules.items()
    }
    ax = panel(ax, "Learning rate", (6.5, 4))
    ax.set(xlabel="epoch", ylim=(0, 1.05 * max(values.max() for _, values in rates.values()) or 1), xlim=(0, epochs))
    draw_curves(rates, ax)
    return figure_of(ax)
