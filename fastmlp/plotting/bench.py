"""`fastmlp bench` as a picture: a panel of bars for each comparison."""

from __future__ import annotations

from statistics import median
from textwrap import wrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ..measure.bench.results import Bench, Entry, Outcome, ranked
from ..measure.durations import duration
from .style import BLUE, INK, ORANGE, panel

COLUMNS = 2
BAR_INCHES, FRAME_INCHES = 0.3, 0.7  # height of a bar, and of what is around the bars of a panel


def picture(bench: Bench) -> Figure:
    """Every section that compares: a bar for each of those measured, fastmlp's in blue, the time and its ratio to fastmlp's at its end.

    Parameters
    ----------
    bench : fastmlp.measure.bench.results.Bench

    Returns
    -------
    matplotlib.figure.Figure
    """
    shown = [outcome for outcome in bench.outcomes if outcome.parts or sum(entry.measured for entry in outcome.entries) > 1]
    rows = [shown[at : at + COLUMNS] for at in range(0, len(shown), COLUMNS)] or [[]]
    heights = [FRAME_INCHES + BAR_INCHES * max(map(bars_of, row), default=1) for row in rows]
    figure = Figure(figsize=(14, sum(heights) + 0.4), layout="constrained", facecolor="white")
    grid = figure.subplots(len(rows), COLUMNS, squeeze=False, height_ratios=heights)
    for axes_row, row in zip(grid, rows, strict=True):
        for place, ax in enumerate(axes_row):
            if place < len(row):
                (draw_parts if row[place].parts else draw)(row[place], ax, max(map(bars_of, row)))
            else:
                ax.set_axis_off()
    machine, versions = bench.environment, bench.environment["versions"]
    libraries = ", ".join(f"{name} {version}" for name, version in versions.items() if name not in ("python", "llvmlite", "scipy"))
    caption = f"{machine['cpu']}, vectors of {machine['vector_bits']} bits. {libraries}"
    figure.supxlabel(caption, x=0.01, ha="left", fontsize=8.5, color=INK)
    return figure


def bars_of(outcome: Outcome) -> int:
    """How many bars the panel of a section has."""
    return len(outcome.parts or outcome.entries)


def draw(outcome: Outcome, ax: Axes, bars: int) -> None:
    """One section, the fastest on top, with room for so many bars; what was not measured has a reason instead of a bar."""
    entries = ranked(outcome)
    for place, entry in enumerate(entries):
        seconds = median(entry.seconds) if entry.measured else 0.0
        ax.barh(place, seconds, 0.7, color=BLUE if entry.who == "fastmlp" else ORANGE)
        ax.annotate(text(outcome, entry), (seconds, place), (5, 0), textcoords="offset points", va="center", fontsize=8.5, color=INK)
    frame(ax, outcome.title, [entry.label for entry in entries], bars)


def draw_parts(outcome: Outcome, ax: Axes, bars: int) -> None:
    """One section of many tasks: for each task how many times as fast as the peer fastmlp is, beside a line at 1."""
    for place, part in enumerate(outcome.parts):
        (peer,) = (entry for entry in part.entries if entry is not part.own)
        measured = part.own.measured and peer.measured
        ratio = peer.times(part.own) if measured else 0.0
        ax.barh(place, ratio, 0.7, color=BLUE if ratio >= 1 else ORANGE)
        label = f"{ratio:.2f} x as fast as {peer.who}" if measured else part.own.missing or peer.missing
        ax.annotate(label, (ratio, place), (5, 0), textcoords="offset points", va="center", fontsize=8.5, color=INK)
    ax.axvline(1, color=INK, linewidth=0.8)
    frame(ax, outcome.title, [part.title for part in outcome.parts], bars)


def frame(ax: Axes, title: str, labels: list[str], bars: int) -> None:
    """Set the title and the labels of the bars, with room for so many bars."""
    panel(ax, "")
    ax.set_title("\n".join(wrap(title, 64)), loc="left", fontsize=9.5, fontweight="bold", color=INK)
    ax.set_yticks(range(len(labels)), labels)
    ax.set_ylim(bars - 0.5, -0.5)
    ax.set_xlim(0, 1.45 * ax.get_xlim()[1])
    ax.set_xticks([])
    ax.grid(visible=False)
    ax.spines["bottom"].set_visible(False)
    ax.tick_params(axis="y", length=0)


def text(outcome: Outcome, entry: Entry) -> str:
    """What stands at the end of a bar."""
    if not entry.measured:
        return entry.missing
    time = f"{duration(median(entry.seconds))} / {outcome.unit}"
    return time if entry is outcome.own or not outcome.own.measured else f"{time}, {entry.times(outcome.own):.2f} x fastmlp's"
