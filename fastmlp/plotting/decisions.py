"""Decision regions: which class a model with two inputs gives to each point of a grid."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike, NDArray

from ..engine.arguments import check_size, shown
from ..engine.numeric import as_numbers
from ..model.losses import CLASSIFYING
from ..model.sequential import Sequential
from ..two_layer import TrainingRun, forward_pass
from .curves import LONGEST
from .style import CLASS_MARKERS, INK, class_colours, figure_of, panel

Model = TrainingRun | tuple[ArrayLike, ArrayLike] | Sequential | Callable[[NDArray[np.float64]], ArrayLike] | Any
Floats = NDArray[np.float64]

GRID = 20  # points a side, as in the document
FINE = 200  # points a side of the grid on which the border is found: a fifth of a millimetre in print
LARGEST, LEGIBLE, SMALLEST = 420.0, 80.0, 14.0  # square points: the area of a marker with its class written in it, and without
FEW = 20  # samples whose class is written in their marker
MOST_CLASSES = 30  # more are rather numbers to be predicted


def decision_regions(model: Model, X: ArrayLike, y: ArrayLike, points: int = GRID, ax: Axes | None = None) -> Figure:
    """The class that a model gives to each point of a grid over the data, the border between the classes, and the samples.

    Parameters
    ----------
    model : TrainingRun, (w1, w2), Sequential, estimator or callable
        What maps points (M, 2) to outputs: what `train` returned, or its weights; a network with two inputs; an object with
        ``predict_proba`` or ``predict``, as scikit-learn's are; or a function. A single output means class 1 where it is above 1/2;
        of several the largest wins; integers or strings of shape (M,) are the classes themselves.
    X : array_like of shape (N, 2)
        The samples. The grid reaches from the smallest to the largest value of each input, both included.
    y : array_like of shape (N,) or (N, 1)
        Their classes, as the model names them: 0, 1, ... unless it has ``classes_`` or returns classes.
    points : int, default 20
        A side of the grid, at least 2.
    ax : matplotlib.axes.Axes, optional
        Draw here instead of in a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError, TypeError
        If X does not have two columns of finite numbers, y another number of classes or one that the model does not know, or if the
        model is none of the above or returns anything but one row of finite outputs for each point.

    Examples
    --------
    >>> from fastmlp import train
    >>> from fastmlp.datasets import load_xor
    >>> X, y = load_xor()
    >>> decision_regions(train(X, y, epochs=100), X, y).axes[0].get_title(loc="left")
    'Decisions on a 20 x 20 grid'

    Any function of points will do, here the exclusive or itself:

    >>> figure = decision_regions(lambda points: (points[:, 0] > 0.5) ^ (points[:, 1] > 0.5), X, y)
    """
    X, y = check_samples(X, y)
    points = check_size("points", points, 2, 2000)
    span = np.stack([X.min(axis=0), X.max(axis=0)])
    if len(X) == 1 or (span[0] == span[1]).any():
        raise ValueError(f"X: expected samples that differ in both inputs, got values from {span[0].tolist()} to {span[1].tolist()}")
    coarse, fine = _grid(span, points), _grid(span, FINE)
    scores, classes = scores_of(model, np.concatenate([_points(*coarse), _points(*fine)]), y)
    places = _places(y, classes)
    chosen = scores[: points**2].argmax(axis=1).reshape(points, points)

    title = f"Decisions on a {points} x {points} grid"
    ax = panel(ax, title)
    colours = class_colours(len(classes))
    lines: dict[str, Any] = {"edgecolor": "white", "linewidth": 0.5} if points <= 2 * GRID else {}
    ax.pcolormesh(*coarse, chosen, cmap=ListedColormap(colours), vmin=-0.5, vmax=len(classes) - 0.5, alpha=0.22, **lines)
    for margin in _margins(scores[points**2 :]):
        ax.contour(*fine, margin.reshape(FINE, FINE), levels=[0], colors=INK, linewidths=1.5)
    draw_samples(X, places, classes, ax)
    panel(ax, title).grid(visible=False)
    (left, bottom), (right, top) = span - [[0.16], [-0.16]] * (span[1] - span[0])
    ax.set(xlim=(left, right), ylim=(bottom, top), xlabel="x1", ylabel="x2", box_aspect=1)
    return figure_of(ax)


def check_samples(X: ArrayLike, y: ArrayLike) -> tuple[Floats, NDArray[Any]]:
    """X as (N, 2) finite float64, y as (N,) of any type, whole numbers as integers; ValueError or TypeError if they are not."""
    samples = as_numbers("X", X).astype(np.float64)
    if samples.ndim != 2 or samples.shape[1] != 2 or not len(samples):
        raise ValueError(f"X: expected shape (N, 2), samples with two inputs, got {samples.shape}")
    if not np.isfinite(samples).all():
        raise ValueError(f"X: expected finite numbers, got {samples[~np.isfinite(samples)][0]}")
    classes = np.asarray(y)
    if classes.shape not in ((len(samples),), (len(samples), 1)):
        raise ValueError(f"y: expected shape ({len(samples)},) or ({len(samples)}, 1), a class for each sample, got {classes.shape}")
    classes = classes.reshape(-1)
    if classes.dtype.kind in "fb":
        if not np.isfinite(classes).all() or (classes != np.floor(classes)).any():
            raise ValueError(f"y: expected classes, as integers or names, got {classes[classes != np.floor(classes)][0]}")
        classes = classes.astype(np.int64)
    if len(np.unique(classes)) > MOST_CLASSES:
        raise ValueError(f"y: expected at most {MOST_CLASSES} classes, got {len(np.unique(classes))} different values")
    return samples, classes


def scores_of(model: Model, points: Floats, y: NDArray[Any]) -> tuple[Floats, NDArray[Any]]:
    """What a model makes of points (M, 2): a score for each class, (M, K) with K > 1, and the classes, (K,)."""
    outputs = _outputs(model, points)
    classes = getattr(model, "classes_", None)
    if outputs.ndim == 0 or len(outputs) != len(points) or outputs.ndim > 2 or not outputs.size:
        raise ValueError(f"model: expected outputs of shape ({len(points)},) or ({len(points)}, K) for as many points, got {outputs.shape}")
    if outputs.ndim == 2 and outputs.shape[1] == 1:
        outputs = outputs[:, 0]
    if outputs.ndim == 1 and (classes is not None or outputs.dtype.kind in "iuUSO"):  # classes, not outputs
        known = np.unique(np.concatenate([outputs, y])) if classes is None else np.asarray(classes)
        return (outputs[:, None] == known).astype(np.float64), known
    numbers = as_numbers("model", outputs).astype(np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError(f"model: expected finite outputs, got {numbers[~np.isfinite(numbers)][0]}")
    numbers = np.column_stack([1 - numbers, numbers]) if numbers.ndim == 1 else numbers
    return numbers, np.arange(numbers.shape[1]) if classes is None else np.asarray(classes)


def _outputs(model: Model, points: Floats) -> NDArray[Any]:
    if isinstance(model, TrainingRun):
        model = (model.w1, model.w2)
    if isinstance(model, Sequential):
        return model.predict_proba(points) if model.loss in CLASSIFYING else model.predict(points)
    if isinstance(model, tuple | list) and len(model) == 2:
        return np.asarray(forward_pass(points, *model)[1])
    for method in ("predict_proba", "predict"):
        if hasattr(model, method):
            return np.asarray(getattr(model, method)(points))
    if callable(model):
        return np.asarray(model(points))
    raise TypeError(
        "model: expected a TrainingRun, a pair (w1, w2), a Sequential, an estimator with predict_proba or predict, "
        f"or a function of points, got {shown(model)}"
    )


def _places(y: NDArray[Any], classes: NDArray[Any]) -> NDArray[np.intp]:
    """Where each of y stands in the classes."""
    same = y[:, None] == classes
    if not same.any(axis=1).all():
        unknown = y[~same.any(axis=1)][0]
        raise ValueError(f"y: expected classes that the model knows, {shown(classes.tolist())}, got {shown(unknown.item())}")
    return same.argmax(axis=1)


def _grid(span: Floats, points: int) -> tuple[Floats, Floats]:
    """Coordinates along either side."""
    x1, x2 = np.linspace(span[0], span[1], points).T
    return x1, x2


def _points(x1: Floats, x2: Floats) -> Floats:
    """The grid's points, row by row: x2 is the row, x1 the column."""
    return np.stack(np.meshgrid(x1, x2), axis=-1).reshape(-1, 2)


def _margins(scores: Floats) -> list[Floats]:
    """By how much each class leads, where that changes its sign; of two classes the second alone."""
    places = range(1, 2) if scores.shape[1] == 2 else range(scores.shape[1])
    margins = [scores[:, place] - np.delete(scores, place, axis=1).max(axis=1) for place in places]
    return [margin for margin in margins if (margin > 0).any() and (margin <= 0).any()]


def draw_samples(X: Floats, places: NDArray[np.intp], classes: NDArray[Any], ax: Axes) -> None:
    """A colour and a marker for each class, which is written in the markers of few samples and in a legend beside many."""
    written = len(X) <= FEW and all(len(str(name)) == 1 for name in classes)
    area = LARGEST if written else float(np.clip(LEGIBLE * FEW / len(X), SMALLEST, LEGIBLE))
    looks = []
    for place, (name, colour) in enumerate(zip(classes, class_colours(len(classes)), strict=True)):
        marker, label = CLASS_MARKERS[place % len(CLASS_MARKERS)], str(name) if isinstance(name, str) else f"class {name}"
        look: dict[str, Any] = {"color": colour, "marker": marker, "label": fill(label, LONGEST)}
        chosen = X[places == place]
        ax.scatter(chosen[:, 0], chosen[:, 1], area, edgecolor="white", linewidth=1.5 if written else 0.5, zorder=3, **look)
        looks.append(Line2D([], [], linestyle="none", markersize=8, markeredgecolor="white", **look))
    if written:
        for point, place in zip(X, places, strict=True):
            ax.annotate(str(classes[place]), point, color="white", fontweight="bold", ha="center", va="center", zorder=4)
    else:
        beside: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1, 1), "ncols": -(-len(classes) // 14)}
        ax.legend(handles=looks, frameon=False, fontsize=9, labelcolor=INK, **beside)


def decision_grid(w1: ArrayLike, w2: ArrayLike, points: int = GRID) -> tuple[Floats, Floats]:
    """The two-layer network's output over the unit square.

    Parameters
    ----------
    w1, w2 : array_like of shape (2, H), (H, 1)
    points : int, default 20
        A side of the grid, both ends included.

    Returns
    -------
    ticks : ndarray of shape (points,)
        Coordinates along either side.
    y_hat : ndarray of shape (points, points)
        Output; x2 is the row, x1 the column.

    Examples
    --------
    >>> ticks, y_hat = decision_grid([[0.0], [0.0]], [[2.0]], points=3)
    >>> ticks, y_hat[0]
    (array([0. , 0.5, 1. ]), array([1., 1., 1.]))
    """
    ticks, _ = grid = _grid(np.array([[0.0, 0.0], [1.0, 1.0]]), points)
    _, y_hat = forward_pass(_points(*grid), w1, w2)
    return ticks, y_hat.reshape(points, points)
