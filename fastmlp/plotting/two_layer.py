"""The pictures of the document's first notebook: XOR's data, the sigmoid, errors, predictions and decision regions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike

from ..two_layer import TrainingRun, sigmoid, sigmoid_
from .decisions import check_samples, decision_regions, draw_samples
from .style import BLUE, GREEN, INK, ORANGE, VERMILION, class_colours, figure_of, panel

CLASSES = class_colours(2)  # of the targets 0 and 1


def xor_data(X: ArrayLike, y: ArrayLike, ax: Axes | None = None) -> Figure:
    """Samples with two inputs as points, a colour and a marker for each class.

    Parameters
    ----------
    X : array_like of shape (N, 2)
    y : array_like of shape (N, 1)
        0 or 1.
    ax : matplotlib.axes.Axes, optional
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
    ax = panel(ax, "Data: one colour per class")
    X, y = check_samples(X, y)
    classes, places = np.unique(y, return_inverse=True)
    draw_samples(X, places, classes, ax)
    ax.set(xlabel="x1", ylabel="x2", aspect="equal")
    ax.margins(0.2)
    return figure_of(ax)


def sigmoid_curves(ax: Axes | None = None) -> Figure:
    """The sigmoid and its derivative over [-10, 10].

    Examples
    --------
    >>> len(sigmoid_curves().axes[0].lines)
    2
    """
    ax = panel(ax, "The sigmoid and its derivative")
    x = np.linspace(-10, 10, 401)
    s = sigmoid(x)
    ax.plot(x, s, color=BLUE, linewidth=2.5)
    ax.plot(x, sigmoid_(s), color=VERMILION, linewidth=2.5, linestyle="--")
    ax.annotate("sigmoid(x)", (2, sigmoid(2.0)), (8, -10), textcoords="offset points", color=BLUE, fontweight="bold")
    ax.annotate("sigmoid_(s) = s (1 - s)", (1.2, 0.18), (10, 4), textcoords="offset points", color=VERMILION, fontweight="bold")
    ax.set(xlabel="x", xlim=(-10, 10))
    return figure_of(ax)


def error_curves(runs: Mapping[str, TrainingRun], ax: Axes | None = None) -> Figure:
    """The recorded errors of one run or several, on a logarithmic scale.

    Parameters
    ----------
    runs : mapping of str to TrainingRun
        By the name each line is to carry; a single run carries none.
    ax : matplotlib.axes.Axes, optional
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
    ax = panel(ax, "Error")
    for (name, run), colour, dash in zip(
        runs.items(), cycle((BLUE, VERMILION, GREEN, ORANGE)), cycle(("-", "--", ":", "-.")), strict=False
    ):
        marker = "o" if len(run.epochs) == 1 else None
        ax.plot(run.epochs, run.errors, color=colour, linestyle=dash, linewidth=2.5, marker=marker)
        if len(runs) > 1 and len(run.epochs):
            ax.annotate(name, (run.epochs[-1], run.errors[-1]), (6, 0), textcoords="offset points", color=colour, va="center")
    ax.set(xlabel="epoch", ylabel="half the mean squared error", yscale="log")
    ax.xaxis.set_major_formatter(FuncFormatter(lambda epoch, _: f"{epoch:,.0f}"))
    ax.locator_params(axis="x", nbins=5)
    return figure_of(ax)


def predictions(y: ArrayLike, y_hat: ArrayLike, ax: Axes | None = None) -> Figure:
    """The output for each sample as a bar, with its target as a line and the value written at its end.

    Parameters
    ----------
    y, y_hat : array_like of shape (N, 1)
    ax : matplotlib.axes.Axes, optional
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
    ax = panel(ax, "Predictions, and the targets as lines")
    place = np.arange(len(y))
    ax.bar(place, y_hat, 0.6, color=[CLASSES[int(target > 0.5)] for target in y])
    ax.hlines(y, place - 0.38, place + 0.38, color=INK, linewidth=2)
    for n, value in enumerate(y_hat):
        ax.annotate(f"{value:.2f}", (n, max(value, 0)), (0, 5), textcoords="offset points", ha="center", color=INK)
    ax.axhline(0.5, color=INK, linewidth=0.8, linestyle=":")
    ax.set(xlabel="sample", ylabel="output", xticks=place)
    ax.margins(y=0.12)
    return figure_of(ax)


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
    decision_regions(run, X, y, ax=decisions)
    return figure
