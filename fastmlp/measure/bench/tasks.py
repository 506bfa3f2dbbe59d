"""What has to be trained: data, network and optimizer, and which of the operations fastmlp skips."""

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
    """A classifier to train: ReLU between the layers, cross-entropy, and mini-batches in a new order in every epoch."""

    data: str  # a key of DATA
    hidden: tuple[int, ...]
    batch_size: int
    epochs: int
    optimizer: str  # "sgd" or "adam"
    learning_rate: float
    dtype: str = "float32"
    alpha: float = 0.0  # as in scikit-learn: the penalty alpha / 2 |W|^2, divided by the batch size
    schedule: str = "constant"
    samples: int | None = None  # how many of the training samples to use; None for all
    centred: bool = False  # whether the mean of all inputs is subtracted
    raw: bool = False  # whether images stay uint8, as they are stored, instead of being scaled to [0, 1]

    def smaller(self) -> Task:
        """Return a smaller task for a smoke run."""
        return replace(self, samples=min(self.samples or 2560, 2560), epochs=3)


class Data(NamedTuple):
    """Training data X (N, I) and class indices y (N,), then the same for testing."""

    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray


def images(load: Callable[[], Any]) -> Callable[[], Data]:
    """Return a loader for one of fastmlp's own data sets."""

    def loaded() -> Data:
        (X, y), (X_test, y_test) = load()
        return Data(X, y, X_test, y_test)

    return loaded


def table(name: str) -> Callable[[], Data]:
    """Return a loader for one of scikit-learn's data sets: columns standardized, a fifth of the rows kept for testing."""

    def loaded() -> Data:
        X, y = getattr(importlib.import_module("sklearn.datasets"), f"load_{name}")(return_X_y=True)
        X = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
        test, train = np.split(np.random.default_rng(0).permutation(len(X)), [len(X) // 5])
        return Data(X[train], y[train], X[test], y[test])

    return loaded


def columns() -> Data:
    """Make 17,000 training rows of 100 numbers, with ten classes that a random two-layer network distinguishes."""
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
    """Load the task's data in its dtype."""
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
    """Return the numbers of inputs, hidden units and outputs; two classes need one output."""
    classes = int(data.y.max()) + 1
    return [data.X.shape[1], *task.hidden, classes if classes > 2 else 1]


def batch_size(task: Task, data: Data) -> int:
    """Return the task's batch size, or the number of samples if that is smaller."""
    return min(task.batch_size, len(data.X))


def steps(task: Task, data: Data) -> int:
    """Return the number of updates per epoch."""
    return -(-len(data.X) // batch_size(task, data))


def initial_layers(widths: list[int], seed: int, dtype: str = "float32") -> Layers:
    """Draw the initial weights of every peer that does not draw its own: Glorot-normal as in the document, with biases of zero.

    Examples
    --------
    >>> [W.shape for W, b in initial_layers([784, 100, 10], seed=0)]
    [(784, 100), (100, 10)]
    """
    rng = np.random.default_rng([7, seed])
    return [(rng.normal(0, np.sqrt(2 / (I + O)), (I, O)).astype(dtype), np.zeros(O, dtype)) for I, O in pairwise(widths)]


def skipped(X: np.ndarray, units: int, batch_size: int) -> float:
    """Count the operations per sample that fastmlp skips because inputs are zero, out of `training_operations`: a mean over batches of X.

    The forward pass skips inputs that are zero in the whole batch, if there are enough of them for a list. The gradient skips, for each
    tile of inputs, the samples in which the whole tile is zero.

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
