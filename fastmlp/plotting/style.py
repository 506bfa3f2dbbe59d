"""The house style: colours, panels, and a file that is there whole or not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from ..files.atomic import check_writable, write_atomically

# Okabe and Ito's palette, which colour-blind people tell apart (orange darker, to be legible as text); markers and dashes differ too.
BLUE, GREEN, ORANGE, VERMILION, PURPLE, PINK = "#0072B2", "#009E73", "#C98300", "#D55E00", "#8A3F7D", "#CC79A7"
SKY, GREY = "#56B4E9", "#6E7781"
INK, FAINT = "#24292f", "#d0d7de"  # text and axes
DPI = 160
CLASS_COLOURS = (ORANGE, BLUE, GREEN, PURPLE, SKY, VERMILION, GREY, PINK)
CURVE_COLOURS = (BLUE, VERMILION, GREEN, ORANGE, PURPLE, GREY, PINK, SKY)
DASHES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1.2, 1.4)), (0, (6, 2, 1.2, 2)), (0, (3, 1.5)))
CLASS_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "*", "h")


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
        If the file cannot be written, or the path leads to anything but a regular file.
    """
    check_writable(Path(path))
    content = io.BytesIO()
    figure.savefig(content, format=Path(path).suffix.removeprefix("."), dpi=DPI)
    write_atomically(path, content.getvalue())


def panel(ax: Axes | None, title: str, size: tuple[float, float] = (5, 4)) -> Axes:
    """The axes given, or those of a new figure, in the house style."""
    if ax is None:
        ax = Figure(figsize=size, layout="constrained", facecolor="white").subplots()
    ax.set_title(title, loc="left", fontweight="bold", color=INK, fontsize=11)
    ax.set_facecolor("white")
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(FAINT)
    ax.tick_params(which="both", color=FAINT, labelcolor=INK, labelsize=9)
    ax.grid(color=FAINT, linewidth=0.6, alpha=0.7)
    ax.set_axisbelow(True)
    return ax


def curve_style(place: int) -> dict[str, Any]:
    """Colour and dashes of a line that is drawn beside others: 40 before the first comes again."""
    return {"color": CURVE_COLOURS[place % len(CURVE_COLOURS)], "linestyle": DASHES[place % len(DASHES)], "linewidth": 2.2}


def darker(colour: Any) -> tuple[float, ...]:
    """The colour as legible text on white: with a contrast of 4.5 or more for each of this palette, as WCAG 2 asks for."""
    return tuple(0.65 * part for part in to_rgb(colour))


def class_colours(count: int) -> list[str]:
    """A colour for each class; beyond eight, steps along a scale from dark to light, which markers have to tell apart."""
    if count <= len(CLASS_COLOURS):
        return list(CLASS_COLOURS[:count])
    return [to_hex(colormaps["viridis"](place / count)) for place in range(count)]  # viridis ends in a yellow too light for a point


def figure_of(ax: Axes) -> Figure:
    """The figure that axes belong to."""
    figure = ax.get_figure(root=True)
    assert figure is not None
    return figure
