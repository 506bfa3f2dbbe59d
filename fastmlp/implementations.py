"""Who is compared with whom, and on what: the one registry of `fastmlp compare`, its tests and the benchmarks.

`GRADIENTS` and `TRAINING` hold, for each gradient of the document, the NumPy way (the notebook's) and the compiled one, behind one
signature; `LADDER` is the row of problem sizes on which they are timed.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from . import notebook, two_layer
from .datasets import load_xor
from .notebook import Array, Gradient
from .two_layer import TrainingRun, initialize_weights

Training = Callable[..., TrainingRun]

# name -> way -> gradient(X, y, y_hat, act_hidden, w2) -> (dL_dw2, dL_dw1, error)
GRADIENTS: dict[str, dict[str, Gradient]] = {
    "backward": {"NumPy": notebook.backward, "compiled": two_layer.backward},
    "backward_faster": {"NumPy": notebook.backward_faster, "compiled": two_layer.backward_faster},
    "backward_pass": {"NumPy": notebook.backward_pass, "compiled": two_layer.backward_pass},
}


def train_numpy(
    gradient: Gradient, X: Array, y: Array, w1: Array, w2: Array, epochs: int, learning_rate: float, record_every: int
) -> TrainingRun:
    """The notebook's loop with one of its gradients."""
    return TrainingRun(*notebook.train(X, y, w1, w2, epochs, learning_rate, gradient, record_every))


def train_compiled(
    gradient: str, X: Array, y: Array, w1: Array, w2: Array, epochs: int, learning_rate: float, record_every: int
) -> TrainingRun:
    """The compiled loop with the gradient of that name."""
    return two_layer.train(X, y, epochs=epochs, learning_rate=learning_rate, gradient=gradient, w1=w1, w2=w2, record_every=record_every)


# name -> way -> training(X, y, w1, w2, epochs, learning_rate, record_every) -> TrainingRun
TRAINING: dict[str, dict[str, Training]] = {
    name: {"NumPy": partial(train_numpy, ways["NumPy"]), "compiled": partial(train_compiled, name)} for name, ways in GRADIENTS.items()
} | {"fused": {"compiled": partial(train_compiled, "fused")}}

# Not a gradient, hence not among them: kept to show that the checks find what is wrong with it.
PUBLISHED: Gradient = notebook.backward_as_published
TRAINING_AS_PUBLISHED: Training = partial(train_numpy, notebook.backward_as_published)


class Sizes(NamedTuple):
    """N samples, I inputs, H hidden units, O outputs."""

    N: int
    I: int
    H: int
    O: int


# Each rung costs about ten to a hundred times the one before it. All but the first are random data of a familiar data set's size.
LADDER: dict[str, Sizes] = {
    "XOR": Sizes(4, 2, 3, 1),
    "two moons": Sizes(64, 2, 8, 1),
    "iris": Sizes(150, 4, 10, 3),
    "breast cancer": Sizes(569, 30, 30, 1),
    "digits": Sizes(1797, 64, 64, 10),
    "4096 of MNIST": Sizes(4096, 784, 256, 10),
}
LADDER_LEARNING_RATE = 0.01  # small enough for every rung to converge; the document's 0.12 is too large for 256 hidden units


def document_weights(hidden_size: int = 3) -> tuple[Array, Array]:
    """The weights the document's training runs start from: the second draw after the seed 56.

    Parameters
    ----------
    hidden_size : int, default 3
        H.

    Returns
    -------
    w1, w2 : ndarray of shape (2, H), (H, 1)

    Examples
    --------
    >>> document_weights()[0].round(3)
    array([[0.392, 0.326, 0.09 ],
           [0.834, 0.096, 0.648]])
    """
    generator = np.random.RandomState(56)
    initialize_weights(2, hidden_size, 1, generator)
    return initialize_weights(2, hidden_size, 1, generator)


def problem(sizes: Sizes, seed: int = 0) -> tuple[Array, Array, Array, Array]:
    """Data and initial weights of the given sizes: the document's own for XOR's, else seeded normal ones with sums of order one.

    Parameters
    ----------
    sizes : Sizes
        N, I, H, O.
    seed : int, default 0

    Returns
    -------
    X, y, w1, w2 : ndarray of shape (N, I), (N, O), (I, H), (H, O), float64

    Examples
    --------
    >>> X, y, w1, w2 = problem(LADDER["iris"])
    >>> X.shape, y.shape, w1.shape, w2.shape
    ((150, 4), (150, 3), (4, 10), (10, 3))
    """
    N, I, H, O = sizes
    if sizes == LADDER["XOR"]:
        return *load_xor(), *document_weights()
    rng = np.random.default_rng([seed, *sizes])
    X, y = rng.normal(size=(N, I)), rng.normal(size=(N, O))
    return X, y, rng.normal(size=(I, H)) / np.sqrt(I), rng.normal(size=(H, O)) / np.sqrt(H)
