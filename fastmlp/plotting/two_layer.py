"""The pictures of the document's first notebook: XOR's data, the sigmoid, errors, predictions and decision regions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike, NDArray

from ..two_layer import TrainingRun, forward_pass, sigmoid, sigmoid_
from .style import BLUE, GREEN, INK, ORANGE, VERMILION, figure_of, panel

CLASSES = (ORANGE, BLUE)  # of the targets 0 and 1
CLASS_MARKERS = ("o", "s")
GRID = 20  # points a side of the decision grid, as in the document


def xor_data(X: ArrayLike, y: ArrayLike, axes: Axes | None = None) -> Figure:
    """Samples with two inputs as points, a colour and a marker for each class.

    Parameters
    ----------
    X : array_like of shape (N, 2)
    y : array_like of shape (N, 1)
        0 or 1.
    axes : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from fastmlp.datasets import load_xor
    >>> [text.get_text() for text in xor_data(*load_xor()).axes[0].texts]
    ['0', '1', '1', '0']
    """
    axes = panel(axes, "Data: one colour per class")
    X, y = np.asarray(X, float), np.asarray(y, float).reshape(-1)
    for target, colour, marker in zip((0, 1), CLASSES, CLASS_MARKERS, strict=True):
        chosen = X[y == target]
        axes.scatter(
            chosen[:, 0],
            chosen[:, 1],
            s=420,
            color=colour,
            marker=marker,
            edgecolor="white",
            linewidth=1.5,
            label=f"class {target}",
            zorder=3,
        )
    for point, target in zip(X, y, strict=True):
        axes.annotate(f"{target:.0f}", point, color="white", fontweight="bold", ha="center", va="center", zorder=4)
    axes.set(xlabel="x1", ylabel="x2", aspect="equal")
    axes.margins(0.2)
    return figure_of(axes)


def sigmoid_curves(axes: Axes | None = None) -> Figure:
    """The sigmoid and its derivative over [-10, 10].

    Examples
    --------
    >>> len(sigmoid_curves().axes[0].lines)
    2
    """
    axes = panel(axes, "The sigmoid and its derivative")
    x = np.linspace(-10, 10, 401)
    s = sigmoid(x)
    axes.plot(x, s, color=BLUE, linewidth=2.5)
    axes.plot(x, sigmoid_(s), color=VERMILION, linewidth=2.5, linestyle="--")
    axes.annotate("sigmoid(x)", (2, sigmoid(2.0)), (8, -10), textcoords="offset points", color=BLUE, fontweight="bold")
    axes.annotate("sigmoid_(s) = s (1 - s)", (1.2, 0.18), (10, 4), textcoords="offset points", color=VERMILION, fontweight="bold")
    axes.set(xlabel="x", xlim=(-10, 10))
    return figure_of(axes)


def error_curves(runs: Mapping[str, TrainingRun], axes: Axes | None = None) -> Figure:
    """The recorded errors of one run or several, on a logarithmic scale.

    Parameters
    ----------
    runs : mapping of str to TrainingRun
        By the name each line is to carry; a single run carries none.
    axes : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from fastmlp import train
    >>> from fastmlp.datasets import load_xor
    >>> figure = error_curves({"fused": train(*load_xor(), epochs=1000)})
    >>> figure.axes[0].get_yscale()
    'log'
    """
    axes = panel(axes, "Error")
    for (name, run), colour, dash in zip(
        runs.items(), cycle((BLUE, VERMILION, GREEN, ORANGE)), cycle(("-", "--", ":", "-.")), strict=False
    ):
        marker = "o" if len(run.epochs) == 1 else None
        axes.plot(run.epochs, run.errors, color=colour, linestyle=dash, linewidth=2.5, marker=marker)
        if len(runs) > 1 and len(run.epochs):
            axes.annotate(name, (run.epochs[-1], run.errors[-1]), (6, 0), textcoords="offset points", color=colour, va="center")
    axes.set(xlabel="epoch", ylabel="half the mean squared error", yscale="log")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda epoch, _: f"{epoch:,.0f}"))
    axes.locator_params(axis="x", nbins=5)
    return figure_of(axes)


def decision_grid(w1: ArrayLike, w2: ArrayLike, points: int = GRID) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The network's output over the unit square.

    Parameters
    ----------
    w1, w2 : array_like of shape (2, H), (H, 1)
    points : int, default 20
        A side of the grid, both ends included.

    Returns
    -------
    ticks : ndarray of shape (points,)
        Coordinates along either side.
    y_hat : ndarray of shape (points, points)
        Output; x2 is the row, x1 the column.

    Examples
    --------
    >>> ticks, y_hat = decision_grid([[0.0], [0.0]], [[2.0]], points=3)
    >>> ticks, y_hat[0]
    (array([0. , 0.5, 1. ]), array([1., 1., 1.]))
    """
    ticks = np.linspace(0, 1, points)
    x1, x2 = np.meshgrid(ticks, ticks)
    _, y_hat = forward_pass(np.column_stack([x1.ravel(), x2.ravel()]), w1, w2)
    return ticks, y_hat.reshape(points, points)


def decision_regions(X: ArrayLike, y: ArrayLike, w1: ArrayLike, w2: ArrayLike, axes: Axes | None = None) -> Figure:
    """The class of each point of the 20 x 20 grid over the unit square, the line between the classes, and the samples.

    Parameters
    ----------
    X, y : array_like of shape (N, 2), (N, 1)
    w1, w2 : array_like of shape (2, H), (H, 1)
    axes : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from fastmlp import train
    >>> from fastmlp.datasets import load_xor
    >>> run = train(*load_xor(), epochs=100)
    >>> decision_regions(*load_xor(), run.w1, run.w2).axes[0].get_xlabel()
    'x1'
    """
    ticks, y_hat = decision_grid(w1, w2)
    axes = panel(axes, f"Decisions on a {GRID} x {GRID} grid")
    positive = y_hat > 0.5
    axes.pcolormesh(ticks, ticks, positive, cmap=ListedColormap(CLASSES), vmin=0, vmax=1, alpha=0.22, edgecolor="white", linewidth=0.5)
    if positive.any() and not positive.all():
        fine, smooth = decision_grid(w1, w2, 10 * GRID)
        axes.contour(fine, fine, smooth, levels=[0.5], colors=INK, linewidths=1.5)
    xor_data(X, y, axes)
    panel(axes, f"Decisions on a {GRID} x {GRID} grid").grid(visible=False)
    axes.set(xlim=(-0.16, 1.16), ylim=(-0.16, 1.16))
    return figure_of(axes)


def predictions(y: ArrayLike, y_hat: ArrayLike, axes: Axes | None = None) -> Figure:
    """The output for each sample as a bar, with its target as a line and the value written at its end.

    Parameters
    ----------
    y, y_hat : array_like of shape (N, 1)
    axes : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> figure = predictions([[0], [1]], [[0.1], [0.8]])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['0.10', '0.80']
    """
    y, y_hat = np.asarray(y, float).reshape(-1), np.asarray(y_hat, float).reshape(-1)
    axes = panel(axes, "Predictions, and the targets as lines")
    place = np.arange(len(y))
    axes.bar(place, y_hat, 0.6, color=[CLASSES[int(target > 0.5)] for target in y])
    axes.hlines(y, place - 0.38, place + 0.38, color=INK, linewidth=2)
    for n, value in enumerate(y_hat):
        axes.annotate(f"{value:.2f}", (n, max(value, 0)), (0, 5), textcoords="offset points", ha="center", color=INK)
    axes.axhline(0.5, color=INK, linewidth=0.8, linestyle=":")
    axes.set(xlabel="sample", ylabel="output", xticks=place)
    axes.margins(y=0.12)
    return figure_of(axes)


def xor_training(X: ArrayLike, y: ArrayLike, run: TrainingRun) -> Figure:
    """What a run of `train` saw, how it went and what it came to: data, error curve, decision regions.

    Parameters
    ----------
    X, y : array_like of shape (N, 2), (N, 1)
    run : TrainingRun

    Returns
    -------
    matplotlib.figure.Figure

    Examples
    --------
    >>> from fastmlp import train
    >>> from fastmlp.datasets import load_xor
    >>> len(xor_training(*load_xor(), train(*load_xor(), epochs=100)).axes)
    3
    """
    figure = Figure(figsize=(12, 4), layout="constrained", facecolor="white")
    data, error, decisions = figure.subplots(1, 3)
    xor_data(X, y, data)
    error_curves({"": run}, error)
    decision_regions(X, y, run.w1, run.w2, decisions)
    return figure
