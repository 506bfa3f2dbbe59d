"""The house style: colours, panels, and a file that is there whole or not at all."""

from __future__ import annotations

import io
import os
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..files.atomic import check_writable, write_atomically

# Okabe and Ito's palette, which colour-blind people tell apart (orange darker, to be legible as text); markers and dashes differ too.
BLUE, GREEN, ORANGE, VERMILION, PURPLE, PINK = "#0072B2", "#009E73", "#C98300", "#D55E00", "#8A3F7D", "#CC79A7"
INK, FAINT = "#24292f", "#d0d7de"  # text and axes
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
        If the file cannot be written, or the path leads to anything but a regular file.
    """
    check_writable(Path(path))
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
