"""The problems on which the gradients are timed: a ladder of sizes, from XOR to MNIST."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..datasets import load_xor
from ..two_layer import initialize_weights
from ..two_layer.network import Array


class Sizes(NamedTuple):
    """N samples, I inputs, H hidden units, O outputs."""

    N: int
    I: int
    H: int
    O: int


class Problem(NamedTuple):
    """Data and initial weights."""

    X: Array  # (N, I)
    y: Array  # (N, O)
    w1: Array  # (I, H)
    w2: Array  # (H, O)

    @property
    def sizes(self) -> Sizes:
        """Sizes of these arrays."""
        return Sizes(*self.X.shape, *self.w2.shape)


# Each rung costs about 10 to 100 times as much as the one before it. All but the first are random data of a familiar data set's size.
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
    """Return the weights from which the document's training runs start: the second draw after the seed 56.

    Parameters
    ----------
    hidden_size : int, default 3
        Number of hidden units H.

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


def problem(sizes: Sizes, seed: int = 0) -> Problem:
    """Make data and initial weights: the document's own for the sizes of XOR, otherwise seeded normal numbers with sums of order one.

    Parameters
    ----------
    sizes : Sizes
        Number of samples N, inputs I, hidden units H and outputs O.
    seed : int, default 0

    Returns
    -------
    Problem
        X, y, w1, w2 in float64.

    Examples
    --------
    >>> X, y, w1, w2 = problem(LADDER["iris"])
    >>> X.shape, y.shape, w1.shape, w2.shape
    ((150, 4), (150, 3), (4, 10), (10, 3))
    """
    N, I, H, O = sizes
    if sizes == LADDER["XOR"]:
        return Problem(*load_xor(), *document_weights())
    rng = np.random.default_rng([seed, *sizes])
    X, y = rng.normal(size=(N, I)), rng.normal(size=(N, O))
    return Problem(X, y, rng.normal(size=(I, H)) / np.sqrt(I), rng.normal(size=(H, O)) / np.sqrt(H))
