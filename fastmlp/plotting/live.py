"""XOR's training while its settings change: a run with its time, and a picture of it that is redrawn in a few milliseconds."""

from __future__ import annotations

import io
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from contourpy import contour_generator
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter
from PIL import Image

from ..datasets import load_xor
from ..measure.durations import duration
from ..two_layer import TrainingRun, forward_pass, mse, train
from .decisions import GRID, decision_grid, draw_samples
from .style import BLUE, INK, class_colours, panel

EPOCHS, RECORD_EVERY = 10_000, 50
SIZE, DPI = (9, 3.9), 80  # 720 x 312 pixels, the width of a notebook's page
LOWEST, HIGHEST = 1e-6, 10.0  # of the errors on the axis, which stays as it is, so that runs are compared by eye
BORDER = 60  # points a side of the grid on which the border is found: five pixels from one to the next


class Settings(NamedTuple):
    """What a reader changes; first the document's."""

    hidden_size: int = 3
    learning_rate: float = 0.12
    gradient: str = "fused"
    seed: int = 56


def timed_run(settings: Settings) -> tuple[TrainingRun, float]:
    """XOR trained with these settings for 10,000 epochs, and the seconds that took, compilation not among them.

    Raises
    ------
    FloatingPointError
        If the run diverged.

    Examples
    --------
    >>> run, seconds = timed_run(Settings(hidden_size=4))
    >>> run.w1.shape, seconds > 0
    ((2, 4), True)
    """
    X, y = load_xor()
    train(X, y, epochs=1, **settings._asdict())  # compiles, or loads what was compiled
    start = perf_counter()
    run = train(X, y, epochs=EPOCHS, record_every=RECORD_EVERY, **settings._asdict())
    return run, perf_counter() - start


def result_of(settings: Settings, run: TrainingRun, seconds: float) -> str:
    """What a run came to, as a sentence.

    Examples
    --------
    >>> from fastmlp import train
    >>> from fastmlp.datasets import load_xor
    >>> result_of(Settings(), train(*load_xor()), 0.0005)
    'Error 0.000802 after 10,000 epochs in 500 µs, 4 of 4 samples right (3 hidden units, learning rate 0.12, fused, seed 56).'
    """
    X, y = load_xor()
    _, y_hat = forward_pass(X, run.w1, run.w2)
    right = int(((y_hat > 0.5) == (y > 0.5)).sum())
    units = f"{settings.hidden_size} hidden unit{'s' if settings.hidden_size > 1 else ''}"
    how = f"{units}, learning rate {settings.learning_rate:.3g}, {settings.gradient}, seed {settings.seed}"
    return f"Error {mse(y_hat, y)[1]:.3g} after {EPOCHS:,} epochs in {duration(seconds)}, {right} of {len(X)} samples right ({how})."


class LivePicture:
    """XOR's decision regions and error curve. What stays is drawn once, what moves is drawn over a copy of that.

    Examples
    --------
    >>> run, _ = timed_run(Settings())
    >>> LivePicture().png(run)[1:4]
    b'PNG'
    """

    def __init__(self) -> None:
        self._figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained", facecolor="white")
        self._canvas = FigureCanvasAgg(self._figure)
        regions, errors = self._figure.subplots(1, 2, width_ratios=(1, 1.3))
        half = 0.5 / (GRID - 1)
        around = (-half, 1 + half, -half, 1 + half)
        cells: dict[str, Any] = {"vmin": 0, "vmax": 1, "alpha": 0.25, "extent": around, "interpolation": "nearest"}
        self._cells = regions.imshow(np.zeros((GRID, GRID)), ListedColormap(class_colours(2)), origin="lower", **cells)
        self._border = LineCollection([], colors=INK, linewidths=1.5)
        regions.add_collection(self._border)
        X, y = load_xor()
        draw_samples(X, y.reshape(-1).astype(np.intp), np.arange(2), regions)
        panel(regions, f"Decisions on a {GRID} x {GRID} grid").grid(visible=False)
        regions.set(xlim=(-0.16, 1.16), ylim=(-0.16, 1.16), xlabel="x1", ylabel="x2")
        errors.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        (self._errors,) = errors.plot([], [], color=BLUE, linewidth=2.2)
        panel(errors, "Error")
        errors.set(xlim=(0, EPOCHS), yscale="log", ylim=(LOWEST, HIGHEST), xlabel="epoch", ylabel="half the squared error")
        samples = [artist for artist in (*regions.collections, *regions.texts) if artist is not self._border]
        self._moving: list[tuple[Axes, Artist]] = [(regions, self._cells), (regions, self._border)]
        self._moving += [(regions, artist) for artist in samples] + [(errors, self._errors)]  # samples stay on top of what moves
        for _, artist in self._moving:
            artist.set_animated(True)
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(self._figure.bbox)

    def png(self, run: TrainingRun) -> bytes:
        """The picture of a run of `timed_run`, as a PNG of 720 x 312 pixels."""
        _, y_hat = decision_grid(run.w1, run.w2)
        self._cells.set_data(y_hat > 0.5)
        ticks, smooth = decision_grid(run.w1, run.w2, BORDER)
        self._border.set_segments(contour_generator(ticks, ticks, smooth).lines(0.5))  # type: ignore[arg-type]
        self._errors.set_data(run.epochs, np.maximum(run.errors, LOWEST / 10))  # below the axis, where no logarithm is infinite
        self._canvas.restore_region(self._background)
        for axes, artist in self._moving:
            axes.draw_artist(artist)
        content = io.BytesIO()
        Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB").save(content, "png", compress_level=1)
        return content.getvalue()
