"""The picture of `fastmlp compare`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from ..engine.arguments import shown
from ..measure.comparison import Comparison
from ..measure.gradients import Competitor
from ..measure.rungs import COMPETITORS
from ..measure.xor_training import Learnt
from .curves import spread
from .style import BLUE, GREEN, INK, ORANGE, PINK, PURPLE, VERMILION, darker, figure_of, panel

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


def comparison(result: Comparison) -> Figure:
    """`fastmlp compare` in one picture: the ladder of sizes, and how much faster XOR trains.

    Parameters
    ----------
    result : fastmlp.measure.comparison.Comparison

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = Figure(figsize=(12, 5.6), layout="constrained", facecolor="white")
    ladder, bars = figure.subplots(1, 2, width_ratios=(2.1, 1))
    gradient_sizes(result, ladder)
    draw_speed_ups(result.xor, bars)
    machine, versions = result.environment, result.environment["versions"]
    threads = "one thread" if machine["blas_threads"] == 1 else "one thread outside BLAS"
    libraries = ", ".join(f"{name} {versions[name]}" for name in ("fastmlp", "numpy", "numba"))
    caption = f"{machine['cpu']}, vectors of {machine['vector_bits']} bits, {threads}, float64. {libraries}"
    figure.supxlabel(caption, x=0.01, ha="left", fontsize=8.5, color=INK)
    return figure


def gradient_sizes(result: Comparison, ax: Axes | None = None) -> Figure:
    """Seconds of a step over the operations it takes, both logarithmic: one line for each gradient and way to run it.

    Parameters
    ----------
    result : fastmlp.measure.comparison.Comparison
        What ``fastmlp.measure.comparison.compare`` measured.
    ax : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If `result` is no comparison, or one without sizes.
    """
    if not isinstance(result, Comparison):
        raise TypeError(f"result: expected a fastmlp.measure.comparison.Comparison, got {shown(result)}")
    if not result.ladder:
        raise ValueError("result: expected a comparison of one size or more, got none")
    ladder = result.ladder
    ax = panel(ax, "One step of gradient descent, from XOR to MNIST's size", (8, 5.6))
    ax.set(xscale="log", yscale="log", xlabel="samples · inputs · hidden units · outputs")
    ends = []
    for gradient, way in COMPETITORS:
        points = [(rung.operations, seconds) for rung in ladder if (seconds := rung.seconds(gradient, way)) is not None]
        if not points:
            continue
        style: dict[str, Any] = {"linewidth": 1.8, "markersize": 6, "markeredgecolor": "white"} | STYLES[gradient, way]
        ax.plot([x for x, _ in points], [y for _, y in points], **style)
        ends.append((*points[-1], "fused" if gradient == "fused" else f"{way} {gradient}", style["color"]))
    ax.set_xlim(right=ax.get_xlim()[1] * 200)  # room for the names
    ax.set_ylim(top=ax.get_ylim()[1] * 2)
    label_ends(ends, ax)
    names = [f"{rung.name.replace(' ', chr(10), 1)}\n{'·'.join(map(str, rung.sizes.values()))}" for rung in ladder]
    ax.set_xticks([rung.operations for rung in ladder], names)
    ax.tick_params(axis="x", labelsize=7.5)
    ax.xaxis.label.set_fontsize(9)
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(EngFormatter(unit="s"))
    return figure_of(ax)


def label_ends(ends: Sequence[tuple[float, float, str, str]], ax: Axes) -> None:
    """The name of each line at its end: to the right, moved apart where names would overlap; to the left of a line that ends early."""
    rightmost = max(x for x, *_ in ends)
    names = sorted((float(np.log10(y)), name, colour) for x, y, name, colour in ends if x == rightmost)
    low, high = np.log10(ax.get_ylim())
    heights = spread(np.array([height for height, *_ in names]), 0.05 * (high - low))
    text: dict[str, Any] = {"textcoords": "offset points", "fontsize": 9, "fontweight": "bold", "annotation_clip": False}
    for height, (_, name, colour) in zip(heights, names, strict=True):
        ax.annotate(name, (rightmost, 10**height), (12, 0), va="center", color=darker(colour), **text)
    for x, y, name, colour in ends:
        if x < rightmost:
            ax.annotate(name, (x, y), (-8, 3), ha="right", color=darker(colour), **text)


def draw_speed_ups(xor: Sequence[Learnt], ax: Axes) -> None:
    """A bar for each compiled way to train XOR, its speed-up written at its end."""
    panel(ax, "XOR: times as fast as NumPy")
    bars = [(row.gradient, row.speed_up, row.numpy_seconds_per_epoch) for row in xor if row.speed_up is not None]
    for place, (gradient, speed_up, _) in enumerate(bars):
        ax.barh(place, speed_up, 0.62, color=STYLES[gradient, "compiled"]["color"])
        ax.annotate(f"{speed_up:.0f} x", (speed_up, place), (5, 0), textcoords="offset points", va="center", fontweight="bold", color=INK)
    ax.set_yticks(range(len(bars)), [gradient if twin else f"{gradient}, against\nNumPy's fastest" for gradient, _, twin in bars])
    ax.invert_yaxis()
    ax.margins(x=0.18)
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0)
