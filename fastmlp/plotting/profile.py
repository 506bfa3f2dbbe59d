"""The picture of a profile: the machine's roofs with a point for each phase that computes, and a step with the time of every phase."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from ..measure.durations import duration
from ..measure.profile import Phase, Profile
from .curves import spread
from .style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, VERMILION, darker, figure_of, panel

STYLES: dict[str, dict[str, Any]] = {  # of the phases that compute
    "product": {"color": BLUE, "marker": "o"},
    "delta": {"color": PURPLE, "marker": "s"},
    "update": {"color": VERMILION, "marker": "^"},
    "validation": {"color": GREEN, "marker": "D"},
}
OTHERS = {"barrier": ORANGE}
MOST_NAMED = 18  # points, and
SMALLEST = 0.004  # of the step: what takes less has no row of its own
ROW_INCHES, NAME_INCHES, FRAME_INCHES = 0.2, 0.2, 1.1
WHOLE = 2500.0  # square points: the area of a marker that stands for the whole step


def profile_report(taken: Profile) -> Figure:
    """A profile in one picture: `roofline`, and beside it `step_bar`.

    Parameters
    ----------
    taken : Profile

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = len(_rows(taken))
    figure = Figure(figsize=(13, max(5.6, FRAME_INCHES + ROW_INCHES * rows)), layout="constrained", facecolor="white")
    roofs, step = figure.subplots(1, 2, width_ratios=(1.35, 1))
    roofline(taken, roofs)
    step_bar(taken, step)
    sizes, machine = "-".join(map(str, taken.sizes)), taken.machine
    cores = f"{taken.threads} of {machine['cores']} cores"
    caption = f"{sizes}, batches of {taken.batch_size}, {taken.optimizer}, {taken.dtype}. {machine['cpu']}, {cores}"
    figure.supxlabel(caption, x=0.01, ha="left", fontsize=8.5, color=INK)
    return figure


def roofline(taken: Profile, ax: Axes | None = None) -> Figure:
    """How fast each phase computes, below what the machine can do with as many operations for each byte.

    The flat roof is what as many cores as threads multiply and add, a slanted one what they read from a level of memory, as measured.
    The area of a marker is the phase's share of the step; the largest have names. Phases without operations have no place here.

    Parameters
    ----------
    taken : Profile
    ax : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    References
    ----------
    S. Williams, A. Waterman, D. Patterson, "Roofline: an insightful visual performance model for multicore architectures",
    Communications of the ACM 52 (2009).
    """
    ax = panel(ax, "Arithmetic below the machine's roofs", (8, 5.6))
    points = sorted((phase for phase in taken.phases if phase.operations and phase.bytes), key=taken.share, reverse=True)
    peak, slopes = taken.peak_gflops * taken.threads, taken.bandwidth.values()
    intensities = [phase.intensity for phase in points] + [peak / slope for slope in slopes]
    lowest = min([phase.gflops for phase in points] + [peak / 8]) / 1.6
    left, last = max(min(intensities) / 2, lowest / max(slopes)), max(intensities) * 1.6
    right = last * (last / left) ** 0.42  # room for the names
    ax.set(xscale="log", yscale="log", xlabel="operations per byte", ylabel="GFLOP/s", xlim=(left, right), ylim=(lowest, 1.3 * peak))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_locator(NullLocator())
    _draw_roofs(taken, ax)
    for phase in points:  # the smallest last, on top of the others
        area = max(16.0, WHOLE * taken.share(phase))
        ax.scatter(phase.intensity, phase.gflops, area, alpha=0.8, edgecolors="white", zorder=3, **STYLES[phase.kind])
    _name(points[:MOST_NAMED], taken, ax, last)
    return figure_of(ax)


def _draw_roofs(taken: Profile, ax: Axes) -> None:
    """The flat roof and the slanted ones, each with what it stands for: half of the names above, half below, as two may be close."""
    (left, right), (lowest, _) = ax.get_xlim(), ax.get_ylim()
    peak, cores = taken.peak_gflops * taken.threads, "1 core" if taken.threads == 1 else f"{taken.threads} cores"
    ax.plot([peak / max(taken.bandwidth.values()), right], [peak, peak], color=INK, linewidth=2)
    name: dict[str, Any] = {"fontsize": 8.5, "color": INK}
    ax.annotate(f"{cores}: {peak:.0f} GFLOP/s", (right, peak), (-2, 4), textcoords="offset points", ha="right", **name)
    for place, (level, slope) in enumerate(taken.bandwidth.items()):
        start = max(left, lowest / slope)
        ax.plot([start, peak / slope], [start * slope, peak], color=INK, linewidth=1.2, alpha=0.75)
        side, beside = ("bottom", 1.06) if place < len(taken.bandwidth) / 2 else ("top", 1.16)
        along: dict[str, Any] = {"rotation": np.degrees(np.arctan(slope)), "rotation_mode": "anchor", "transform_rotates_text": True}
        ax.text(beside * start, 1.1 * start * slope, f" {level}: {slope:.0f} GB/s", va=side, **along, **name)


def _name(points: list[Phase], taken: Profile, ax: Axes, x: float) -> None:
    """The names of points in a column to their right, in the order of their heights, each at the end of a thin line."""
    low, high = np.log10(ax.get_ylim())
    gap = (high - low) * NAME_INCHES / (figure_of(ax).get_figheight() - FRAME_INCHES)
    ordered = sorted(points, key=lambda phase: phase.gflops)
    heights = spread(np.array([np.log10(phase.gflops) for phase in ordered]), gap)
    top = np.log10(taken.peak_gflops * taken.threads) - gap / 2
    heights -= max(0.0, float(heights.max(initial=-np.inf)) - top)
    for phase, height in zip(ordered, heights, strict=True):
        colour = STYLES[phase.kind]["color"]
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "alpha": 0.6, "shrinkA": 1, "shrinkB": 0, "relpos": (0, 0.5)}
        text = f"{phase.name}, {taken.share_of_roof(phase):.0%} of its roof"
        ax.annotate(
            text, (phase.intensity, phase.gflops), (x, 10**height), va="center", fontsize=8.5, color=darker(colour), arrowprops=line
        )


def step_bar(taken: Profile, ax: Axes | None = None) -> Figure:
    """A step from its first phase to its last: what each takes, and how large a share that is.

    Each phase begins where the one above it ends; times are means over the steps and the threads. Arguments as above.
    """
    rows = _rows(taken)
    ax = panel(ax, f"A step: {duration(taken.phase_seconds / taken.steps)}, phase by phase", (6, FRAME_INCHES + ROW_INCHES * len(rows)))
    begun = 0.0
    for place, (_, kind, share) in enumerate(rows):
        colour = STYLES[kind]["color"] if kind in STYLES else OTHERS.get(kind, GREY)
        ax.barh(place, share, 0.75, left=begun, color=colour)
        begun += share
        text: dict[str, Any] = {"textcoords": "offset points", "va": "center", "fontsize": 8, "color": INK}
        left = begun > 0.8
        where = (begun - share, place) if left else (begun, place)
        ax.annotate(f"{share:.1%}", where, (-4 if left else 4, 0), ha="right" if left else "left", **text)
    ax.set_yticks(range(len(rows)), [name for name, *_ in rows])
    ax.set(xlim=(0, 1), ylim=(len(rows) - 0.4, -0.6))
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    ax.grid(visible=False, axis="y")
    ax.tick_params(axis="y", length=0, labelsize=8)
    return figure_of(ax)


def _rows(taken: Profile) -> list[tuple[str, str, float]]:
    """Name, kind and share of each phase; of all small ones together, last."""
    small = [phase for phase in taken.phases if taken.share(phase) < SMALLEST]
    small = small if len(small) > 1 else []
    rows = [(phase.name, phase.kind, taken.share(phase)) for phase in taken.phases if phase not in small]
    return rows + ([(f"{len(small)} others", "", sum(map(taken.share, small)))] if small else [])
