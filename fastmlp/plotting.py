"""Every picture of fastmlp. Each function returns a figure; given `axes` it draws there instead, as one panel of a larger one.

No window is opened and no global state of matplotlib is touched, so that these run anywhere, in any thread. Colours follow Okabe
and Ito, whose palette colour-blind people tell apart (orange darker, to be legible as text); markers and dashes differ too.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter
from numpy.typing import ArrayLike, NDArray

from .compare import CLIMBERS, Comparison, Competitor, Learnt, Rung
from .files import write_atomically
from .two_layer import TrainingRun, forward_pass, sigmoid, sigmoid_

BLUE, GREEN, ORANGE, VERMILION, PURPLE, PINK = "#0072B2", "#009E73", "#C98300", "#D55E00", "#8A3F7D", "#CC79A7"
INK, FAINT = "#24292f", "#d0d7de"  # text and axes
CLASSES = (ORANGE, BLUE)  # of the targets 0 and 1
CLASS_MARKERS = ("o", "s")
GRID = 20  # points a side of the decision grid, as in the document
# How each line of the ladder looks: NumPy warm and dashed, compiled matrix products purple (the broad
# line still shows where the other covers it), fused the boldest.
STYLES: dict[Competitor, dict[str, Any]] = {
    ("backward", "NumPy"): {"color": VERMILION, "linestyle": "--", "marker": "v", "zorder": 3},
    ("backward_pass", "NumPy"): {"color": ORANGE, "linestyle": "--", "marker": "^", "zorder": 3},
    ("backward", "compiled"): {"color": GREEN, "marker": "s"},
    ("backward_faster", "compiled"): {"color": PINK, "marker": "D", "linewidth": 4.5, "markersize": 8},
    ("backward_pass", "compiled"): {"color": PURPLE, "marker": "o"},
    ("fused", "compiled"): {"color": BLUE, "marker": "o", "linewidth": 3},
}
DPI = 160


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure in the format its name asks for; the file is there whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    path : path-like
        Ends in .png, .svg or .pdf.

    Raises
    ------
    ValueError
        If matplotlib knows no format of that name.
    OSError
        If the file cannot be written.
    """
    content = io.BytesIO()
    figure.savefig(content, format=Path(path).suffix.removeprefix("."), dpi=DPI)
    write_atomically(path, content.getvalue())


def panel(axes: Axes | None, title: str, size: tuple[float, float] = (5, 4)) -> Axes:
    """The axes themselves or those of a new figure, in the house style."""
    if axes is None:
        axes = Figure(figsize=size, layout="constrained", facecolor="white").subplots()
    axes.set_title(title, loc="left", fontweight="bold", color=INK, fontsize=11)
    axes.set_facecolor("white")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(which="both", color=FAINT, labelcolor=INK, labelsize=9)
    axes.grid(color=FAINT, linewidth=0.6, alpha=0.7)
    axes.set_axisbelow(True)
    return axes


def figure_of(axes: Axes) -> Figure:
    """The figure that axes belong to."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return figure


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


def comparison(result: Comparison) -> Figure:
    """`fastmlp compare` in one picture: the ladder of sizes, and how much faster XOR trains.

    Parameters
    ----------
    result : fastmlp.compare.Comparison

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Figure(figsize=(12, 5.6), layout="constrained", facecolor="white")
    ladder, bars = figure.subplots(1, 2, width_ratios=(2.1, 1))
    draw_ladder(result.ladder, ladder)
    draw_speed_ups(result.xor, bars)
    machine, versions = result.environment, result.environment["versions"]
    threads = "one thread" if machine["blas_threads"] == 1 else "one thread outside BLAS"
    libraries = ", ".join(f"{name} {versions[name]}" for name in ("fastmlp", "numpy", "numba"))
    caption = f"{machine['cpu']}, vectors of {machine['vector_bits']} bits, {threads}, float64. {libraries}"
    figure.supxlabel(caption, x=0.01, ha="left", fontsize=8.5, color=INK)
    return figure


def draw_ladder(ladder: Sequence[Rung], axes: Axes) -> None:
    """Seconds of a step over the operations it takes, both logarithmic, a line each."""
    panel(axes, "One step of gradient descent, from XOR to MNIST's size")
    axes.set(xscale="log", yscale="log", xlabel="samples · inputs · hidden units · outputs")
    ends = []
    for gradient, way in CLIMBERS:
        points = [(rung.operations, seconds) for rung in ladder if (seconds := rung.seconds(gradient, way)) is not None]
        style: dict[str, Any] = {"linewidth": 1.8, "markersize": 6, "markeredgecolor": "white"} | STYLES[gradient, way]
        axes.plot([x for x, _ in points], [y for _, y in points], **style)
        ends.append((*points[-1], "fused" if gradient == "fused" else f"{way} {gradient}", style["color"]))
    axes.set_xlim(right=axes.get_xlim()[1] * 200)  # room for the names
    axes.set_ylim(top=axes.get_ylim()[1] * 2)
    label_ends(ends, axes)
    names = [f"{rung.name.replace(' ', chr(10), 1)}\n{'·'.join(map(str, rung.sizes.values()))}" for rung in ladder]
    axes.set_xticks([rung.operations for rung in ladder], names)
    axes.tick_params(axis="x", labelsize=7.5)
    axes.xaxis.label.set_fontsize(9)
    axes.minorticks_off()
    axes.yaxis.set_major_formatter(EngFormatter(unit="s"))


def label_ends(ends: Sequence[tuple[float, float, str, str]], axes: Axes) -> None:
    """The name of each line at its end: to the right, moved apart where names would overlap; to the left of a line that ends early."""
    rightmost = max(x for x, *_ in ends)
    names = sorted((float(np.log10(y)), name, colour) for x, y, name, colour in ends if x == rightmost)
    low, high = np.log10(axes.get_ylim())
    heights = spread(np.array([height for height, *_ in names]), 0.05 * (high - low))
    text: dict[str, Any] = {"textcoords": "offset points", "fontsize": 9, "fontweight": "bold", "annotation_clip": False}
    for height, (_, name, colour) in zip(heights, names, strict=True):
        axes.annotate(name, (rightmost, 10**height), (12, 0), va="center", color=colour, **text)
    for x, y, name, colour in ends:
        if x < rightmost:
            axes.annotate(name, (x, y), (-8, 3), ha="right", color=colour, **text)


def spread(heights: NDArray[np.float64], gap: float) -> NDArray[np.float64]:
    """Ascending heights moved apart, pair by pair, until neighbours keep the gap.

    Examples
    --------
    >>> spread(np.array([0.0, 0.1, 3.0]), 1.0).round(2)
    array([-0.45,  0.55,  3.  ])
    """
    heights = heights.copy()
    for _ in range(100):
        missing = np.clip(gap - np.diff(heights), 0, None) / 2
        heights[:-1] -= missing
        heights[1:] += missing
    return heights


def draw_speed_ups(xor: Sequence[Learnt], axes: Axes) -> None:
    """A bar for each compiled way to train XOR, its speed-up written at its end."""
    panel(axes, "XOR: times as fast as NumPy")
    bars = [(row.gradient, row.speed_up, row.numpy_seconds_per_epoch) for row in xor if row.speed_up is not None]
    for place, (gradient, speed_up, _) in enumerate(bars):
        axes.barh(place, speed_up, 0.62, color=STYLES[gradient, "compiled"]["color"])
        axes.annotate(f"{speed_up:.0f} x", (speed_up, place), (5, 0), textcoords="offset points", va="center", fontweight="bold", color=INK)
    axes.set_yticks(range(len(bars)), [gradient if twin else f"{gradient}, against\nNumPy's fastest" for gradient, _, twin in bars])
    axes.invert_yaxis()
    axes.margins(x=0.18)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
