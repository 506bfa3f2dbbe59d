"""Which classes a model confuses."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from ..engine.arguments import shown
from .curves import LONGEST
from .style import INK, figure_of, panel

SHARES = "Blues"
MOST_WRITTEN = 25  # classes for which there is room to write the cells
LONGEST_UPRIGHT = 3  # characters of the names below the columns; longer ones are turned


def confusion_matrix(y: ArrayLike, predicted: ArrayLike, names: Sequence[str] | None = None, ax: Axes | None = None) -> Figure:
    """How often each class, a row, was predicted as each class, a column.

    Each cell has its count and, from 1 % on, its share of the row; the colour is the square root of that share, so that rare mistakes
    are seen. Cells without samples are empty, and from 26 classes on none is written.

    Parameters
    ----------
    y, predicted : array_like of shape (N,) or (N, 1)
        The true and the predicted classes: integers, or names as strings.
    names : sequence of str, optional
        Of the classes 0, 1, ..., which are then all shown. Without them the classes that occur are.
    ax : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no samples, y and predicted differ in length, are not classes, or have one without a name.

    Examples
    --------
    >>> figure = confusion_matrix([0, 0, 1, 1], [0, 1, 1, 1], names=["cat", "dog"])
    >>> figure.axes[0].get_title(loc="left")
    '3 of 4 right, 75.0 %'
    >>> [text.get_text().split() for text in figure.axes[0].texts]
    [['1', '50', '%'], ['1', '50', '%'], ['2', '100', '%']]
    """
    truth, taken_for = _as_classes("y", y), _as_classes("predicted", predicted)
    if len(truth) != len(taken_for):
        raise ValueError(f"predicted: expected {len(truth)} classes, as many as y has, got {len(taken_for)}")
    labels, rows, columns = _in_order(truth, taken_for, names)
    K = len(labels)
    counts = np.bincount(rows * K + columns, minlength=K * K).reshape(K, K)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    right = int(np.trace(counts))
    cell = 0.62 if K <= 12 else 0.45 if K <= MOST_WRITTEN else 6 / K  # inches
    labels = [fill(label, LONGEST) for label in labels]
    longest = max(len(line) for label in labels for line in label.split("\n"))
    names_inches = 0.075 * longest + 0.6
    size = (max(cell * K, 2.8) + names_inches, max(cell * K, 2.0) + 0.7 * names_inches + 0.4)
    ax = panel(ax, f"{right:,} of {len(rows):,} right, {100 * right / len(rows):.1f} %", size)
    ax.imshow(shares, SHARES, norm=PowerNorm(0.5, 0, 1))
    if K <= MOST_WRITTEN:
        _write(counts, shares, ax)
    step = 1 if K <= MOST_WRITTEN else -(-K // MOST_WRITTEN)
    turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if longest > LONGEST_UPRIGHT else {}
    ax.set_xticks(range(0, K, step), labels[::step], **turned)
    ax.set_yticks(range(0, K, step), labels[::step])
    ax.set(xlabel="predicted", ylabel="true class")
    ax.grid(visible=False)
    ax.tick_params(length=0)
    ax.spines[["left", "bottom"]].set_visible(False)
    return figure_of(ax)


def _write(counts: NDArray[np.int64], shares: NDArray[np.float64], ax: Axes) -> None:
    """Count and share in each cell, dark on light or light on dark."""
    cell = ax.get_position().width * figure_of(ax).get_figwidth() * 72 / len(counts)  # points
    with_share = len(counts) <= 12
    size = float(np.clip(cell / (0.72 * max(4, len(f"{counts.max()}"))), 4.5, 9))
    for (row, column), count in np.ndenumerate(counts):
        if count:
            share = shares[row, column]
            red, green, blue, _ = colormaps[SHARES](np.sqrt(share))
            light = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.55
            text = f"{count}\n{100 * share:.0f} %" if with_share and share >= 0.01 else f"{count}"
            ax.text(column, row, text, ha="center", va="center", fontsize=size, linespacing=1.1, color="white" if light else INK)


def _as_classes(name: str, values: ArrayLike) -> NDArray[Any]:
    """(N,) of integers or strings."""
    classes = np.asarray(values)
    if classes.ndim == 2 and classes.shape[1] == 1:
        classes = classes[:, 0]
    if classes.ndim != 1 or not len(classes):
        raise ValueError(f"{name}: expected shape (N,), a class for each sample, got {classes.shape}")
    if classes.dtype.kind in "fb":
        whole = classes == np.floor(classes)
        if not whole.all():
            raise ValueError(f"{name}: expected classes, as integers or strings, got {classes[~whole][0]}")
        classes = classes.astype(np.int64)
    if classes.dtype.kind not in "iuUSO":
        raise ValueError(f"{name}: expected classes, as integers or strings, got dtype {classes.dtype}")
    return classes


def _in_order(
    truth: NDArray[Any], taken_for: NDArray[Any], names: Sequence[str] | None
) -> tuple[list[str], NDArray[np.intp], NDArray[np.intp]]:
    """What to call the classes, and the place of each sample's true and predicted one among them."""
    if names is None:
        if (truth.dtype.kind in "iu") != (taken_for.dtype.kind in "iu"):
            raise ValueError(f"predicted: expected classes of y's kind, {truth.dtype}, got {taken_for.dtype}")
        classes, places = np.unique(np.concatenate([truth, taken_for]), return_inverse=True)
        return [str(each) for each in classes], places[: len(truth)], places[len(truth) :]
    for name, classes in (("y", truth), ("predicted", taken_for)):
        if classes.dtype.kind not in "iu":
            raise ValueError(f"{name}: expected integers, as names are given for 0, 1, ...; got dtype {classes.dtype}")
        unknown = classes[(classes < 0) | (classes >= len(names))]
        if len(unknown):
            raise ValueError(
                f"names: expected a name for each class, got {len(names)} names, and class {unknown[0]} in {name}: {shown(names)}"
            )
    return list(map(str, names)), truth.astype(np.intp), taken_for.astype(np.intp)
