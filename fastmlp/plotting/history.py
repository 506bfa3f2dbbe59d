"""How the training of a `Sequential` went: losses and scores by epoch, and what the network makes of images."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from ..model.history import History
from .curves import has_lonely_point
from .images import image_sheet
from .style import BLUE, VERMILION, darker, figure_of, panel

CURVES = ((BLUE, "-"), (VERMILION, "--"))  # training; held out


def loss_curves(history: History, held_out: str = "validation", ax: Axes | None = None) -> Figure:
    """The training loss of each epoch, and that of the data held out, if there were any; on a logarithmic scale.

    Parameters
    ----------
    history : History
    held_out : str, default "validation"
        What to call the validation data.
    ax : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from fastmlp import History
    >>> figure = loss_curves(History(losses=[0.9, 0.5], validation_losses=[0.8, 0.6]))
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['training', 'validation']
    """
    ax = panel(ax, "Loss")
    _draw({"training": history.losses, held_out: history.validation_losses}, ax)
    ax.set(xlabel="epoch", yscale="log")
    return figure_of(ax)


def score_curves(history: History, held_out: str = "validation", ax: Axes | None = None) -> Figure:
    """The accuracy of each epoch in training and on the data held out; for losses without classes the latter's R². Arguments as above.

    Examples
    --------
    >>> from fastmlp import History
    >>> score_curves(History(losses=[0.9, 0.5], validation_scores=[0.1, 0.2])).axes[0].get_title(loc="left")
    'R²'
    """
    ax = panel(ax, "Accuracy" if history.scores else "R²")
    _draw({"training": history.scores, held_out: history.validation_scores}, ax)
    ax.set(xlabel="epoch")
    return figure_of(ax)


def _draw(curves: dict[str, list[float]], ax: Axes) -> None:
    """A line each over the epochs from 1 on."""
    for (name, values), (colour, dash) in zip(curves.items(), CURVES, strict=True):
        if values:
            marker = "o" if has_lonely_point(values) else None
            ax.plot(range(1, len(values) + 1), values, color=colour, linestyle=dash, linewidth=2.2, marker=marker, label=name)
    if ax.lines:
        ax.legend(frameon=False, labelcolor=[darker(line.get_color()) for line in ax.lines])
    ax.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))


def training_report(history: History, X: ArrayLike, y: ArrayLike, predicted: ArrayLike, names: Sequence[str] | None = None) -> Figure:
    """A training run in one picture: loss, accuracy, and a sheet of test images with what the network takes them for.

    Parameters
    ----------
    history : History
    X, y, predicted, names
        The test images, their classes, the predicted ones and the classes' names, as `image_sheet` takes them.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import History
    >>> len(training_report(History([0.9, 0.5], [0.5, 0.8]), np.eye(9), np.arange(9), np.arange(9)).axes)
    3
    """
    figure = Figure(figsize=(13, 7.5), layout="constrained", facecolor="white")
    panels = figure.subplot_mosaic([["loss", "sheet"], ["score", "sheet"]], width_ratios=(1, 1.3))
    loss_curves(history, "test", panels["loss"])
    score_curves(history, "test", panels["score"])
    image_sheet(X, y, predicted, names, ax=panels["sheet"])
    return figure
