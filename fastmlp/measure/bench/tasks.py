"""What has to be trained: data, network, optimiser, and which of the operations fastmlp skips."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from ...datasets import load_fashion_mnist, load_mnist, normalize
from ...kernels.step import LISTED
from ...kernels.tile import MR
from ...kernels.zeros import NEARLY_ALL

Layers = list[tuple[np.ndarray, np.ndarray]]  # W (I, O) and b (O,) of each layer


@dataclass(frozen=True)
class Task:
    """A classifier to train: ReLU between the layers, cross-entropy, mini-batches in a new order every epoch."""

    data: str  # in DATA
    hidden: tuple[int, ...]
    batch_size: int
    epochs: int
    optimizer: str  # "sgd" or "adam"
    learning_rate: float
    dtype: str = "float32"
    alpha: float = 0.0  # scikit-learn's: the penalty alpha / 2 |W|^2, divided by the batch size
    schedule: str = "constant"
    samples: int | None = None  # the first so many of the training data; None for all
    centred: bool = False  # the mean of all inputs subtracted
    raw: bool = False  # images as they are stored, uint8, instead of scaled to [0, 1]

    def smaller(self) -> Task:
        """The same for a smoke run."""
        return replace(self, samples=min(self.samples or 2560, 2560), epochs=3)


class Data(NamedTuple):
    """X (N, I), y (N,) class indices; then the same for testing."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def images(load: Callable[[], Any]) -> Callable[[], Data]:
    """A data set of fastmlp's own."""

    def loaded() -> Data:
        (X, y), (X_test, y_test) = load()
        return Data(X, y, X_test, y_test)

    return loaded


def table(name: str) -> Callable[[], Data]:
    """A data set that comes with scikit-learn: columns standardised, a fifth of the rows kept for testing."""

    def loaded() -> Data:
        X, y = getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")(return_X_y=True)
        X = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
        test, train = np.split(np.random.default_rng(0).permutation(len(X)), [len(X) // 5])
        return Data(X[train], y[train], X[test], y[test])

    return loaded


def columns() -> Data:
    """17,000 rows of 100 numbers to train on, and ten classes that a random two-layer network tells apart."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20_000, 100))
    y = (np.tanh(X @ rng.normal(size=(100, 30)) / 10) @ rng.normal(size=(30, 10))).argmax(axis=1)
    return Data(X[:17_000], y[:17_000], X[17_000:], y[17_000:])


DATA: dict[str, Callable[[], Data]] = {
    "table": columns,
    "fashion-mnist": images(load_fashion_mnist),
    "mnist": images(load_mnist),
    **{name: table(name) for name in ("iris", "breast_cancer", "digits")},
}


def load(task: Task) -> Data:
    """The task's data, in its dtype."""
    X, y, X_test, y_test = DATA[task.data]()
    X, y = X[: task.samples], y[: task.samples]
    if task.raw:
        return Data(X, y, X_test, y_test)
    scale = normalize if X.dtype == np.uint8 else np.asarray
    X, X_test = scale(X, task.dtype), scale(X_test, task.dtype)
    if task.centred:
        X, X_test = X - X.mean(), X_test - X.mean()
    return Data(X, y, X_test, y_test)


def sizes(task: Task, data: Data) -> list[int]:
    """Inputs, hidden units, outputs. Two classes take one output."""
    classes = int(data.y.max()) + 1
    return [data.X.shape[1], *task.hidden, classes if classes > 2 else 1]


def batch_size(task: Task, data: Data) -> int:
    """The task's, or all samples if they are fewer."""
    return min(task.batch_size, len(data.X))


def steps(task: Task, data: Data) -> int:
    """Updates an epoch."""
    return -(-len(data.X) // batch_size(task, data))


def initial_layers(widths: list[int], seed: int, dtype: str = "float32") -> Layers:
    """The weights that every peer starts from, except those that draw their own: Glorot-normal as in the document; biases zero.

    Examples
    --------
    >>> [W.shape for W, b in initial_layers([784, 100, 10], seed=0)]
    [(784, 100), (100, 10)]
    """
    rng = np.random.default_rng([7, seed])
    return [(rng.normal(0, np.sqrt(2 / (I + O)), (I, O)).astype(dtype), np.zeros(O, dtype)) for I, O in pairwise(widths)]


def skipped(X: np.ndarray, units: int, batch_size: int) -> float:
    """Of the `training_operations` of one sample, how many fastmlp leaves out because inputs are zero: the mean over some batches of X.

    Forward, inputs that are zero in the whole batch, where they are enough to be listed; in the gradient, for each tile of inputs, samples
    in which all of it is zero.

    Examples
    --------
    >>> skipped(np.ones((64, 784)), units=100, batch_size=64), skipped(np.zeros((64, 784)), units=100, batch_size=64)
    (0.0, 313600.0)
    """
    order = np.random.default_rng(0).permutation(len(X))[: 20 * batch_size]
    left_out = []
    for first in range(0, len(order), batch_size):
        nonzero = X[order[first : first + batch_size]] != 0
        active = nonzero[:, nonzero.any(axis=0)]
        multiplied = active.size
        if nonzero.sum() < LISTED * active.size:
            tiles = [active[:, i : i + MR] for i in range(0, active.shape[1], MR)]
            multiplied = sum(int(tile.any(axis=1).sum()) * tile.shape[1] for tile in tiles)
        forward = active.size if active.size < NEARLY_ALL * nonzero.size else nonzero.size
        left_out.append((2 * nonzero.size - forward - multiplied) / len(nonzero))
    return 2.0 * units * float(np.mean(left_out))
