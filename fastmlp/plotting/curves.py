"""Lines that are compared: each has a colour, dashes and a marker, and its name where it ends."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike, NDArray

from .style import CLASS_MARKERS, curve_style, darker, figure_of

FONT_SIZE, LINE = 9, 1.25  # points, and lines of text in multiples of them
LONGEST = 24  # characters: a longer name is broken
FEW = 20  # points of a line, each of which has its marker: a point between two NaN is seen too
MARKERS = 0.25  # of a diagonal of the axes from one marker of a line to its next


def draw_curves(curves: Mapping[str, tuple[ArrayLike, ArrayLike]], ax: Axes) -> None:
    """Draw a line through the points of each name, (x, y); name them if there are several. The axes have their scale by then.

    Markers are staggered, so that of lines that coincide none hides another.
    """
    ends = []
    for place, (name, (x, y)) in enumerate(curves.items()):
        style, values = curve_style(place), np.asarray(y, float)
        if len(values) <= FEW or len(curves) > 1:
            style |= {"marker": CLASS_MARKERS[place % len(CLASS_MARKERS)], "markersize": 6, "markeredgecolor": "white"}
        if len(values) > FEW and len(curves) > 1:
            style["markevery"] = (MARKERS * (place + 0.5) / len(curves), MARKERS)
        ax.plot(x, values, label=name, **style)
        finite = values[np.isfinite(values)]
        ends.append((float(finite[-1]) if len(finite) else np.nan, name, style["color"]))
    if len(curves) > 1:
        name_lines(ends, ax)


def name_lines(ends: list[tuple[float, str, Any]], ax: Axes) -> None:
    """Write names to the right of the axes, each as near as it can be to the height where its line ends: (last value, name, colour).

    Values that are not finite, or beyond the axes, are named at the nearer edge.
    """
    height = ax.get_position().height * figure_of(ax).get_figheight() * 72
    ordered = sorted(((_height(value, ax), fill(name, LONGEST), colour) for value, name, colour in ends), key=lambda end: end[0])
    rows = np.array([1 + name.count("\n") for _, name, _ in ordered]) * FONT_SIZE * LINE / height
    heights = spread(np.array([height for height, *_ in ordered]), (rows[:-1] + rows[1:]) / 2)
    for height, (_, name, colour) in zip(heights, ordered, strict=True):
        ax.text(1.02, height, name, transform=ax.transAxes, va="center", fontsize=FONT_SIZE, fontweight="bold", color=darker(colour))


def _height(value: float, ax: Axes) -> float:
    """As a share of the axes' height, from below."""
    x, _ = ax.get_xlim()
    if not np.isfinite(value) or (value <= 0 and ax.get_yscale() == "log"):
        return 0.0
    return float(np.clip(ax.transAxes.inverted().transform(ax.transData.transform((x, value)))[1], 0, 1))


def spread(heights: NDArray[np.float64], gap: float | NDArray[np.float64]) -> NDArray[np.float64]:
    """Ascending heights moved apart, pair by pair, until neighbours keep the gap: one for all pairs, or one for each.

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
