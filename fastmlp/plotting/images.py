"""Pictures of images: a sheet of them with their classes, and one with the value of every pixel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from .style import FAINT, INK, VERMILION, figure_of, panel

INK_ON_PAPER = "gray_r"  # zero is white
GAP = 0.12  # between neighbours, where an image is 1 wide


def image_sheet(
    X: ArrayLike,
    y: ArrayLike,
    predicted: ArrayLike | None = None,
    names: Sequence[str] | None = None,
    columns: int = 10,
    rows: int = 10,
    ax: Axes | None = None,
) -> Figure:
    """The first images, row by row, each above its class; wrong predictions are framed, with the true class in parentheses.

    Parameters
    ----------
    X : array_like of shape (N, h, w), or (N, h * h) for square images
        Grey levels, 0 is white.
    y : array_like of shape (N,), integers
        Classes.
    predicted : array_like of shape (N,), integers, optional
        What a network takes them for.
    names : sequence of str, optional
        Of the classes, to be written instead of their numbers.
    columns, rows : int, default 10
        Images beside and below each other, at most.
    ax : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If X does not hold images, or y or predicted another number of classes.

    Examples
    --------
    >>> figure = image_sheet(np.eye(4).reshape(4, 4), [0, 1, 2, 3], predicted=[0, 1, 2, 2])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['0', '1', '2', '2 (3)']
    """
    images = as_images("X", X)[: columns * rows]
    N = len(images)
    truth = _as_classes("y", y, N)
    shown = truth if predicted is None else _as_classes("predicted", predicted, N)
    pitch = 1 + GAP + (0.2 if names is None or predicted is None else 0.4)  # a wrong class takes two lines if classes have names
    columns, rows = min(columns, N), math.ceil(N / columns)
    wrong = shown != truth
    what = "and their classes" if predicted is None else f"as the network sees them, {wrong.sum()} wrong: prediction (truth)"
    ax = panel(ax, f"{N} images {what}", size=(0.75 * (1 + GAP) * columns, 0.75 * pitch * rows + 0.4))
    darkest = max(float(images.max()), 1e-30)
    for n, image in enumerate(images):
        left, top = n % columns * (1 + GAP), n // columns * pitch
        ax.imshow(image, INK_ON_PAPER, vmin=0, vmax=darkest, extent=(left, left + 1, top + 1, top))
        colour, width = (VERMILION, 2) if wrong[n] else (FAINT, 0.6)
        ax.add_patch(Rectangle((left, top), 1, 1, fill=False, edgecolor=colour, linewidth=width))
        label = _name(shown[n], names)
        if wrong[n]:
            label += f"{' ' if names is None else chr(10)}({_name(truth[n], names)})"
        size = 8 if names is None else 6
        ax.text(left + 0.5, top + 1.05, label, ha="center", va="top", fontsize=size, linespacing=1, color=VERMILION if wrong[n] else INK)
    ax.set(xlim=(-GAP / 2, columns * (1 + GAP) - GAP / 2), ylim=(rows * pitch - GAP / 2, -GAP / 2), aspect="equal")
    ax.set_axis_off()
    return figure_of(ax)


def pixel_values(image: ArrayLike, ax: Axes | None = None) -> Figure:
    """One image with every pixel's value written in its cell.

    Parameters
    ----------
    image : array_like of shape (h, w), or (h * h,) for a square image
        Grey levels, 0 is white.
    ax : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If `image` is none.

    Examples
    --------
    >>> figure = pixel_values([[0, 255], [128, 7]])
    >>> [text.get_text() for text in figure.axes[0].texts]
    ['0', '255', '128', '7']
    """
    pixels = np.asarray(image)
    (pixels,) = as_images("image", pixels[np.newaxis])
    height, width = pixels.shape
    ax = panel(ax, f"{height} x {width} pixels and their values", size=(0.34 * width + 0.2, 0.34 * height + 0.5))
    ax.imshow(pixels, INK_ON_PAPER, vmin=0)
    whole = bool((pixels == np.floor(pixels)).all())
    written = [f"{value:.0f}" if whole else f"{value:.2f}" for value in pixels.ravel()]
    cell = ax.bbox.width * 72 / figure_of(ax).dpi / width  # in points
    size = min(9.0, 1.2 * cell / max(map(len, written)))
    for (row, column), value, text in zip(np.ndindex(pixels.shape), pixels.ravel(), written, strict=True):
        dark = value > pixels.max() / 2
        ax.text(column, row, text, ha="center", va="center", fontsize=size, color="white" if dark else INK)
    ax.set(xticks=np.arange(width + 1) - 0.5, yticks=np.arange(height + 1) - 0.5, xticklabels=[], yticklabels=[])
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    return figure_of(ax)


def as_images(name: str, X: ArrayLike) -> NDArray[np.floating | np.integer]:
    """X as (N, h, w): as it is, or from (N, h * h)."""
    images = np.asarray(X)
    if images.dtype.kind not in "iuf" or images.size == 0:
        raise ValueError(f"{name}: expected numbers, got shape {images.shape} of dtype {images.dtype}")
    side = math.isqrt(images.shape[-1])
    if images.ndim == 2 and side**2 == images.shape[1]:
        return images.reshape(-1, side, side)
    if images.ndim != 3:
        expected = "(N, h, w) or (N, h * h)" if name == "X" else "(h, w) or (h * h,)"
        raise ValueError(f"{name}: expected shape {expected}, got {images.shape if name == 'X' else images.shape[1:]}")
    return images


def _as_classes(name: str, y: ArrayLike, N: int) -> NDArray[np.integer]:
    """The first N of them."""
    classes = np.asarray(y)
    if classes.ndim != 1 or len(classes) < N or classes.dtype.kind not in "iu":
        raise ValueError(f"{name}: expected {N} classes or more, got shape {classes.shape} of dtype {classes.dtype}")
    return classes[:N]


def _name(place: int, names: Sequence[str] | None) -> str:
    return str(place) if names is None else names[place]
