"""What the units of a first layer look for: the weights of each, laid out as the inputs are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from ..engine.arguments import check_size, shown
from ..engine.numeric import as_numbers
from ..model.layers import Dense
from ..model.sequential import Sequential
from ..two_layer import TrainingRun
from .images import GAP
from .style import FAINT, INK, figure_of, panel

SIGNS = "PuOr_r"  # negative purple, zero white, positive orange: told apart by colour-blind people too
MOST = 400
WIDEST = 12.0  # inches


def first_layer_weights(model: Any, shape: tuple[int, int] | None = None, count: int = 25, ax: Axes | None = None) -> Figure:
    """The weights that lead to each of the first units of the first layer, as an image on one scale for all.

    Parameters
    ----------
    model : Sequential, TrainingRun, (w1, w2), or fitted estimator with ``coefs_``
    shape : (h, w), optional
        Height and width of the inputs' images in pixels; by default they are square.
    count : int, default 25
        Units to show, at most 400.
    ax : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If the model has no first layer of weights, these are not finite, or its inputs are not h * w pixels: those of a model whose
        inputs are no image can be shown in a row, ``shape=(1, n_inputs)``.

    Examples
    --------
    >>> from fastmlp import Dense, ReLU, Sequential
    >>> model = Sequential([Dense(784, 100), ReLU(), Dense(100, 10)])
    >>> first_layer_weights(model, count=9).axes[0].get_title(loc="left")
    'First-layer weights, 9 of 100 units'
    """
    W = _first_weights(model)
    inputs, units = W.shape
    height, width = _as_shape(shape, inputs)
    shown_units = min(check_size("count", count, 1, MOST), units)
    tall = height / width  # as all lengths below, in widths of an image
    gap = GAP * math.sqrt(tall)
    columns = min(shown_units, math.ceil(math.sqrt(shown_units * (tall + gap) / (1 + gap))))
    rows = math.ceil(shown_units / columns)
    inches = min(max(1.0, 0.25 / tall), 3.0, 3.0 / tall, WIDEST / (columns * (1 + gap)), WIDEST / (rows * (tall + gap)))
    which = f"{shown_units} of {units} units" if shown_units < units else f"{units} unit{'s' if units > 1 else ''}"
    size = (max(3.6, inches * (1 + gap) * columns + 1.0), max(1.4, inches * (tall + gap) * rows + 0.5))
    ax = panel(ax, f"First-layer weights, {which}", size)
    reach = max(float(np.abs(W[:, :shown_units]).max()), 1e-30)
    for unit in range(shown_units):
        left, top = unit % columns * (1 + gap), unit // columns * (tall + gap)
        pixels, extent = W[:, unit].reshape(height, width), (left, left + 1, top + tall, top)
        image = ax.imshow(pixels, SIGNS, vmin=-reach, vmax=reach, extent=extent, interpolation="nearest")
        ax.add_patch(Rectangle((left, top), 1, tall, fill=False, edgecolor=FAINT, linewidth=0.6))
    ax.set(xlim=(-gap / 2, columns * (1 + gap) - gap / 2), ylim=(rows * (tall + gap) - gap / 2, -gap / 2), aspect="equal", anchor="W")
    ax.set_axis_off()
    bar = figure_of(ax).colorbar(image, ax=ax, shrink=0.9, aspect=25, pad=0.02, panchor=False)
    bar.outline.set_visible(False)
    bar.ax.tick_params(color=FAINT, labelcolor=INK, labelsize=8)
    return figure_of(ax)


def _first_weights(model: Any) -> NDArray[np.float64]:
    """W (I, H) of the first layer that has weights."""
    if isinstance(model, Sequential):
        dense = [layer for layer in model.layers if isinstance(layer, Dense)]
        if not dense:
            raise ValueError(f"model: expected a Dense layer or more, got {shown(model)}")
        W: Any = dense[0].W
    elif isinstance(model, TrainingRun):
        W = model.w1
    elif isinstance(model, tuple | list) and len(model) == 2:
        W = model[0]
    elif hasattr(model, "coefs_"):
        W = model.coefs_[0]
    else:
        raise TypeError(
            f"model: expected a Sequential, a TrainingRun, a pair (w1, w2) or a fitted estimator with coefs_, got {shown(model)}"
        )
    weights = as_numbers("model", W).astype(np.float64)
    if weights.ndim != 2 or not weights.size:
        raise ValueError(f"model: expected first weights of shape (n_inputs, n_units), got {weights.shape}")
    if not np.isfinite(weights).all():
        raise ValueError(f"model: expected finite weights, got {weights[~np.isfinite(weights)][0]}")
    return weights


def _as_shape(shape: tuple[int, int] | None, inputs: int) -> tuple[int, int]:
    """Height and width of an image with so many pixels."""
    if shape is None:
        side = math.isqrt(inputs)
        if side**2 != inputs:
            raise ValueError(f"shape: expected height and width (h, w) of the images, as {inputs} inputs make no square; got None")
        return side, side
    if not isinstance(shape, tuple | list) or len(shape) != 2:
        raise TypeError(f"shape: expected height and width (h, w), got {shown(shape)}")
    height, width = (check_size("shape", side, 1) for side in shape)
    if height * width != inputs:
        raise ValueError(f"shape: expected h * w = {inputs}, the inputs of the first layer, got {height} * {width} = {height * width}")
    return height, width
