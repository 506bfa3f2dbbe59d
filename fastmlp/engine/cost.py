"""What a network costs: the additions and multiplications of its matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def forward_operations(sizes: Sequence[int] | np.ndarray) -> int:
    """Additions and multiplications of the forward pass of one sample: two for each weight.

    Biases and activations do not count.

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
    """Additions and multiplications that training on one sample cannot do without: the products of the forward pass and of the gradients.

    Two for each weight forward, two for its gradient, and two to pass the delta back, which the first layer need not do. Biases,
    activations, updates and padding do not count; products with zero do, although the engine skips some of them.

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
