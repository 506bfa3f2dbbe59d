"""Count the additions and multiplications in the matrix products of a network."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def forward_operations(sizes: Sequence[int] | np.ndarray) -> int:
    """Return the additions and multiplications of one sample's forward pass: two for each weight.

    Biases and activations are not counted.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, hidden units, outputs.

    Examples
    --------
    >>> forward_operations([784, 100, 200, 10])
    200800
    """
    return 2 * sum(int(I) * int(O) for I, O in pairwise(sizes))


def training_operations(sizes: Sequence[int] | np.ndarray) -> int:
    """Return the additions and multiplications that training on one sample requires, in the forward pass and for the gradients.

    Each weight requires two in the forward pass, two for its gradient and, except in the first layer, two to propagate the delta back.
    Biases, activations, updates and padding are not counted. Products with zero are counted, although the engine skips some of them.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, hidden units, outputs.

    Examples
    --------
    >>> training_operations([784, 100, 200, 10])
    445600
    """
    return 3 * forward_operations(sizes) - forward_operations(sizes[:2])
