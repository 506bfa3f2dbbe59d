"""The pictures of the document's first notebook: XOR's data, the sigmoid, errors, predictions and decision regions."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import EngFormatter, MaxNLocator, StrMethodFormatter
from numpy.typing import ArrayLike

from ..datasets import load_xor
from ..engine.arguments import check_real, shown
from ..engine.numeric import as_numbers
from ..measure.durations import duration
from ..two_layer import TrainingRun, forward_pass, sigmoid, sigmoid_
from .curves import LONGEST, draw_curves
from .decisions import check_samples, decision_regions, draw_samples
from .style import BLUE, CLASS_MARKERS, INK, VERMILION, class_colours, curve_style, figure_of, panel

MOST_WRITTEN = 12  # samples whose output is written on their bar
CLASSES = class_colours(2)  # of the targets 0 and 1


def xor_data(X: ArrayLike, y: ArrayLike, ax: Axes | None = None) -> Figure:
    """Samples with two inputs as points, a colour and a marker for each class.

    Parameters
    ----------
    X : array_like of shape (N, 2)
    y : array_like of shape (N,) or (N, 1)
        Their classes, 0 and 1 for XOR: at most 30 integers or names.
    ax : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError, TypeError
        If X does not have two columns of finite numbers, or y does not have one class for each sample.

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
    ax.set(xlabel="x1", ylabel="x2", box_aspect=1)
    ax.margins(0.2)
    return figure_of(ax)


def sigmoid_curves(ax: Axes | None = None) -> Figure:
    """The sigmoid and its derivative over [-10, 10].

    Parameters
    ----------
    ax : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

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

    Raises
    ------
    TypeError, ValueError
        If `runs` is no mapping of names to runs, or an empty one.

    Examples
    --------
    >>> from fastmlp import train
    >>> from fastmlp.datasets import load_xor
    >>> figure = error_curves({"fused": train(*load_xor(), epochs=1000)})
    >>> figure.axes[0].get_yscale()
    'log'
    """
    check_runs(runs)
    ax = panel(ax, "Error")
    ax.set(xlabel="epoch", ylabel="half the squared error", yscale="log")
    draw_curves({name: (run.epochs, run.errors) for name, run in runs.items()}, ax)
    ax.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    ax.xaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
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

    Raises
    ------
    TypeError, ValueError
        If they are not as many numbers.

    Examples
    --------
    >>> figure = predictions([[0], [1]], [[0.1], [0.8]])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['0.10', '0.80']
    """
    y, y_hat = as_numbers("y", y).astype(float), as_numbers("y_hat", y_hat).astype(float)
    if not y.size or y.size != max(y.shape) or y_hat.size != y.size:
        raise ValueError(f"y, y_hat: expected one target and one output for each sample, (N, 1), got {y.shape} and {y_hat.shape}")
    y, y_hat = y.reshape(-1), y_hat.reshape(-1)
    ax = panel(ax, "Predictions, and the targets as lines")
    place = np.arange(len(y))
    ax.bar(place, y_hat, 0.6, color=[CLASSES[int(target > 0.5)] for target in y])
    ax.hlines(y, place - 0.38, place + 0.38, color=INK, linewidth=2)
    for n, value in enumerate(y_hat if len(y) <= MOST_WRITTEN else ()):
        ax.annotate(f"{value:.2f}", (n, max(value, 0)), (0, 5), textcoords="offset points", ha="center", color=INK, fontsize=9)
    ax.axhline(0.5, color=INK, linewidth=0.8, linestyle=":")
    ax.set(xlabel="sample", ylabel="output")
    ax.xaxis.set_major_locator(MaxNLocator(10, integer=True))
    ax.set_ylim(min(0.0, float(y_hat.min())) - 0.06, max(1.0, float(y_hat.max())) + 0.12)
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


def three_gradients(runs: Mapping[str, TrainingRun], seconds: Mapping[str, float]) -> Figure:
    """Trainings of XOR with several gradients in one picture: the errors, the outputs for the four samples, and the times.

    Parameters
    ----------
    runs : mapping of str to TrainingRun
        What each gradient came to, by its name, on the data of `load_xor`.
    seconds : mapping of str to float
        What each training took, by the same names.

    Returns
    -------
    matplotlib.figure.Figure
        With three panels.

    Raises
    ------
    TypeError, ValueError
        If `runs` is empty, a network does not have two inputs and one output, or `seconds` lacks a name or has a time that is
        not positive.

    Examples
    --------
    >>> from fastmlp import train
    >>> from fastmlp.datasets import load_xor
    >>> runs = {name: train(*load_xor(), epochs=100, gradient=name) for name in ("backward", "fused")}
    >>> figure = three_gradients(runs, {"backward": 2e-3, "fused": 1e-5})
    >>> [text.get_text() for text in figure.axes[2].texts]
    ['2.00 ms', '10.0 µs']
    """
    check_runs(runs)
    for name, run in runs.items():
        if len(run.w1) != 2 or run.w2.shape[1] != 1:
            raise ValueError(f"runs: expected networks of two inputs and one output, got w1 {run.w1.shape}, w2 {run.w2.shape} for {name!r}")
    if not isinstance(seconds, Mapping) or set(seconds) != set(runs):
        raise ValueError(f"seconds: expected the time of each of {shown(list(runs))}, got {shown(seconds)}")
    times = {name: check_real("seconds", seconds[name]) for name in runs}
    if min(times.values()) <= 0:
        raise ValueError(f"seconds: expected positive times, got {min(times.values()):g}")
    figure = Figure(figsize=(13, 4.2), layout=ConstrainedLayoutEngine(w_pad=0.12), facecolor="white")
    errors, outputs, durations = figure.subplots(1, 3, width_ratios=(1.15, 1.1, 1))
    error_curves(runs, errors)
    _draw_outputs(runs, outputs)
    _draw_seconds(times, durations)
    return figure


def _draw_outputs(runs: Mapping[str, TrainingRun], ax: Axes) -> None:
    """For each sample of XOR a marker at the output of every run, beside each other, and its target as a line."""
    X, y = load_xor()
    panel(ax, "Outputs, and the targets as lines")
    place = np.arange(len(X))
    ax.hlines(y.reshape(-1), place - 0.42, place + 0.42, color=INK, linewidth=2)
    for nth, run in enumerate(runs.values()):
        beside = place + 0.84 * ((nth + 0.5) / len(runs) - 0.5)
        y_hat = forward_pass(X, run.w1, run.w2)[1].reshape(-1)
        style = {"color": curve_style(nth)["color"], "marker": CLASS_MARKERS[nth % len(CLASS_MARKERS)]}
        ax.plot(beside, y_hat, linestyle="none", markersize=min(8, 36 / len(runs)), markeredgecolor="white", **style)
    ax.axhline(0.5, color=INK, linewidth=0.8, linestyle=":")
    ax.set(xlabel="x1, x2", ylabel="output")
    ax.margins(y=0.08)
    ax.set_xticks(place, [f"{x1:.0f}, {x2:.0f}" for x1, x2 in X])
    ax.grid(visible=False, axis="x")


def _draw_seconds(seconds: Mapping[str, float], ax: Axes) -> None:
    """A bar for each training in the colour of its curve, the time written at its end."""
    panel(ax, "Time of the training")
    for place, (name, time) in enumerate(seconds.items()):
        ax.barh(place, time, 0.62, color=curve_style(place)["color"], label=name)
        ax.annotate(
            duration(time), (time, place), (5, 0), textcoords="offset points", va="center", fontweight="bold", fontsize=9, color=INK
        )
    ax.set_yticks(range(len(seconds)), [fill(name, LONGEST) for name in seconds])
    ax.set_ylim(max(len(seconds), 3) - 0.4, -0.6)
    ax.set_xlim(0, 1.25 * max(seconds.values()))
    ax.xaxis.set_major_formatter(EngFormatter(unit="s"))
    ax.locator_params(axis="x", nbins=4)
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0)


def check_runs(runs: Mapping[str, TrainingRun]) -> None:
    """TypeError or ValueError if they are not one run or more by name."""
    if not isinstance(runs, Mapping):
        raise TypeError(f"runs: expected a mapping of names to runs of `train`, got {shown(runs)}")
    if not runs:
        raise ValueError("runs: expected one run or more, got none")
    for name, run in runs.items():
        if not isinstance(run, TrainingRun):
            raise TypeError(f"runs: expected what `train` returns for {name!r}, got {shown(run)}")
