"""Activation functions and their slopes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..model.layers import Activation, describe
from .curves import name_lines
from .style import INK, curve_style, figure_of, panel

REACH = 4.0  # of the inputs, to either side of 0
POINTS = 800  # an even number: none at 0, where several have a kink and hence no slope
STEP = 1e-5  # of the central differences: their error is 1e-10 or so in float64


def activation_curves(layers: Activation | Sequence[Activation], ax: Axes | None = None) -> Figure:
    """Activation functions over [-4, 4] as full lines, and their slopes as dashed ones.

    Parameters
    ----------
    layers : activation layer, or sequence of them
        Such as ``[ReLU(), Tanh(), GELU()]``; beyond five the lines are hard to tell apart.
    ax : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    TypeError, ValueError
        If `layers` is empty or has anything but activation layers.

    Notes
    -----
    The slopes are central differences of what the layers compute, not the formulas that training uses.

    Examples
    --------
    >>> from fastmlp import ReLU, Tanh
    >>> figure = activation_curves([ReLU(), Tanh()])
    >>> [line.get_label() for line in figure.axes[0].lines]
    ['ReLU', 'slope of ReLU', 'Tanh', 'slope of Tanh']
    """
    layers = [layers] if isinstance(layers, Activation) else layers
    if not isinstance(layers, Sequence):
        raise TypeError(f"layers: expected a list of activation layers, got {describe(layers)}")
    if not layers:
        raise ValueError("layers: expected one activation layer or more, got none")
    for layer in layers:
        if not isinstance(layer, Activation):
            raise TypeError(f"layers: expected activation layers, such as ReLU(), got {describe(layer)}")
    ax = panel(ax, "Activation functions and their slopes", (6.5, 4.5))
    x = np.linspace(-REACH, REACH, POINTS)
    ends = []
    for place, layer in enumerate(layers):
        name, colour = type(layer).__name__, curve_style(place)["color"]
        values = layer(x)
        ax.plot(x, values, color=colour, linewidth=2.2, label=name)
        slopes = (layer(x + STEP) - layer(x - STEP)) / (2 * STEP)
        ax.plot(x, slopes, color=colour, linewidth=1.6, linestyle=(0, (3, 2)), label=f"slope of {name}")
        ends.append((float(values[-1]), name, colour))
    ax.set(xlabel="x", xlim=(-REACH, REACH))
    name_lines(ends, ax)
    keys = [Line2D([], [], color=INK, linewidth=2.2, label="g(x)"), Line2D([], [], color=INK, linestyle=(0, (3, 2)), label="dg/dx")]
    ax.legend(handles=keys, loc="upper left", frameon=False, labelcolor=INK)
    return figure_of(ax)
