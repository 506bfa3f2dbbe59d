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
MARKERS = 5  # of a line


def draw_curves(curves: Mapping[str, tuple[ArrayLike, ArrayLike]], ax: Axes) -> None:
    """Draw a line through the points of each name, (x, y); name them if there are several. The axes have their scale by then.

    Markers are staggered, so that of lines that coincide none hides another.
    """
    ends = []
    for place, (name, (x, y)) in enumerate(curves.items()):
        style, values = curve_style(place), np.asarray(y, float)
        if len(curves) > 1 or has_lonely_point(values):
            style |= {"marker": CLASS_MARKERS[place % len(CLASS_MARKERS)], "markersize": 6, "markeredgecolor": "white"}
        if not has_lonely_point(values):
            step = max(len(values) // MARKERS, len(curves))
            style["markevery"] = (int(step * (place + 0.5) / len(curves)), step)
        ax.plot(x, values, label=name, **style)
        finite = values[np.isfinite(values)]
        ends.append((float(finite[-1]) if len(finite) else np.nan, name, style["color"]))
    if len(curves) > 1:
        name_lines(ends, ax)


def has_lonely_point(values: ArrayLike) -> bool:
    """Whether a finite value has no finite neighbour: of a line without markers, nothing would be seen of it.

    Examples
    --------
    >>> [has_lonely_point(values) for values in ([0.5], [0.5, 0.4], [0.5, np.nan, 0.3, 0.2], [])]
    [True, False, True, False]
    """
    finite = np.concatenate([[False], np.isfinite(np.asarray(values, float)), [False]])
    return bool((finite[1:-1] & ~finite[:-2] & ~finite[2:]).any())


def name_lines(ends: list[tuple[float, str, Any]], ax: Axes) -> None:
    """Write names to the right of the axes, each as near as it can be to the height where its line ends: (last value, name, colour).

    Values that are not finite, or beyond the axes, are named at the nearer edge. More names than there is room for are smaller.
    """
    height = ax.get_position().height * figure_of(ax).get_figheight() * 72
    ordered = sorted(((_height(value, ax), fill(name, LONGEST), colour) for value, name, colour in ends), key=lambda end: end[0])
    rows = np.array([1 + name.count("\n") for _, name, _ in ordered]) * FONT_SIZE * LINE / height
    scale = min(1.0, 1 / rows.sum())
    rows *= scale
    heights = spread(np.array([height for height, *_ in ordered]), (rows[:-1] + rows[1:]) / 2)
    below = np.cumsum(rows) - rows / 2  # where a name would be on top of those below it, all pushed to the bottom
    heights = below + np.maximum.accumulate(np.clip(heights - below, 0, 1 - rows.sum()))
    font: dict[str, Any] = {"fontsize": FONT_SIZE * scale, "fontweight": "bold", "linespacing": 1.1}
    for height, (_, name, colour) in zip(heights, ordered, strict=True):
        ax.text(1.02, height, name, transform=ax.transAxes, va="center", color=darker(colour), **font)


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
