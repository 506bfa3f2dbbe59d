"""The registry of what is compared: for each gradient of the document, the NumPy version and the compiled one.

`GRADIENTS` and `TRAINING` hold them with one signature each; `fastmlp compare`, its tests and the benchmarks read them here. A competitor
is named by its gradient and its way, "NumPy" or "compiled".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from .. import two_layer
from ..two_layer import TrainingRun, network
from ..two_layer.as_published import backward_as_published
from ..two_layer.network import Array, Gradient

Competitor = tuple[str, str]  # gradient, way
Training = Callable[..., TrainingRun]

# name -> way -> gradient(X, y, y_hat, act_hidden, w2) -> (dL_dw2, dL_dw1, error)
GRADIENTS: dict[str, dict[str, Gradient]] = {
    "backward": {"NumPy": network.backward, "compiled": two_layer.backward},
    "backward_faster": {"NumPy": network.backward_faster, "compiled": two_layer.backward_faster},
    "backward_pass": {"NumPy": network.backward_pass, "compiled": two_layer.backward_pass},
}


def train_numpy(
    gradient: Gradient, X: Array, y: Array, w1: Array, w2: Array, epochs: int, learning_rate: float, record_every: int
) -> TrainingRun:
    """Run the document's loop with one of its gradients."""
    return TrainingRun(*network.train(X, y, w1, w2, epochs, learning_rate, gradient, record_every))


def train_compiled(
    gradient: str, X: Array, y: Array, w1: Array, w2: Array, epochs: int, learning_rate: float, record_every: int
) -> TrainingRun:
    """Run the compiled loop with the gradient of that name."""
    return two_layer.train(X, y, epochs=epochs, learning_rate=learning_rate, gradient=gradient, w1=w1, w2=w2, record_every=record_every)


# name -> way -> training(X, y, w1, w2, epochs, learning_rate, record_every) -> TrainingRun
TRAINING: dict[str, dict[str, Training]] = {
    name: {"NumPy": partial(train_numpy, ways["NumPy"]), "compiled": partial(train_compiled, name)} for name, ways in GRADIENTS.items()
} | {"fused": {"compiled": partial(train_compiled, "fused")}}

# The published formula is not a gradient and hence not in the registry. It is kept to show that the checks find its errors.
AS_PUBLISHED: Competitor = ("backward_as_published", "NumPy")
PUBLISHED: Gradient = backward_as_published
TRAINING_AS_PUBLISHED: Training = partial(train_numpy, backward_as_published)
