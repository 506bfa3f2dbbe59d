"""The network that an estimator's parameters describe."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from itertools import pairwise
from numbers import Integral, Real
from typing import Any, Protocol

from ..engine.losses import Loss
from ..kernels.activations import ACTIVATIONS
from ..model.layers import ACTIVATION_LAYERS, Dense, Dropout, Layer
from ..model.sequential import Sequential

LAYER_OF = {kind.name: kind for kind in ACTIVATION_LAYERS.values()}


LARGEST = sys.maxsize // 64  # parameters: more than any memory holds, and few enough for the addresses of padded rows of 8-byte numbers


class Settings(Protocol):
    """The parameters that describe the hidden layers, and the solver."""

    activation: Any
    dropout: Any
    solver: str


def hidden_sizes(value: Any) -> list[int]:
    """The units of each hidden layer. Raises TypeError if one is not an integer, and ValueError if one is not positive."""
    sizes = list(value) if hasattr(value, "__iter__") else [value]
    for size in sizes:
        if not isinstance(size, Integral) or isinstance(size, bool):
            raise TypeError(f"hidden_layer_sizes: expected integers, got {size!r} in {value!r}")
    if any(size <= 0 for size in sizes):
        raise ValueError(f"hidden_layer_sizes must be > 0, got {sizes}.")
    return [int(size) for size in sizes]


def check_memory(sizes: Sequence[int]) -> None:
    """Raise MemoryError if a network of so many units has more parameters than an array can have at all."""
    parameters = sum((before + 1) * after for before, after in pairwise(sizes))
    if parameters > LARGEST:
        raise MemoryError(f"hidden_layer_sizes: expected a network that fits into memory, got {parameters} parameters for {sizes[1:-1]}")


def per_layer(name: str, value: Any, layers: int) -> list[Any]:
    """One value for each hidden layer; ValueError if a list has another length or an element that is none."""
    values: list[Any] = list(value) if isinstance(value, list | tuple) else [value] * layers
    if len(values) != layers:
        raise ValueError(f"{name}: expected one value, or one for each of {layers} hidden layers, got {len(values)}")
    for each in values:
        if name == "activation" and not (isinstance(each, str) and each in ACTIVATIONS):
            raise ValueError(f"activation: expected names among {', '.join(ACTIVATIONS)}, got {each!r}")
        if name == "dropout" and (not isinstance(each, Real) or isinstance(each, bool) or not 0 <= float(each) < 1):
            raise ValueError(f"dropout: expected rates in [0, 1), got {each!r}")
    return values


def layers_of(settings: Settings, sizes: Sequence[int]) -> list[Layer]:
    """The layers of a network with so many units, inputs and outputs included."""
    check_memory(sizes)
    hidden = len(sizes) - 2
    names, rates = per_layer("activation", settings.activation, hidden), per_layer("dropout", settings.dropout, hidden)
    layers: list[Layer] = []
    for l in range(hidden + 1):
        layers.append(Dense(sizes[l], sizes[l + 1]))
        if l < hidden and names[l] != "identity":
            layers.append(LAYER_OF[names[l]]())
        if l < hidden and rates[l]:
            layers.append(Dropout(rates[l]))
    return layers


def has_dropout(layers: Sequence[Layer]) -> bool:
    """Whether any of the layers is `Dropout`."""
    return any(isinstance(layer, Dropout) for layer in layers)


def check_kept(network: Sequential, settings: Settings, hidden: Sequence[int], loss: Loss, what: str) -> None:
    """Warn if a network with which training goes on is not the one that the parameters describe by now.

    Parameters
    ----------
    hidden : sequence of int
        Units of the hidden layers that the parameters describe.
    what : str
        Why the network is kept.

    Raises
    ------
    ValueError
        If L-BFGS is to go on with a network that has dropout.
    """
    wanted = layers_of(settings, [network.n_inputs, *hidden, network.n_outputs])
    pairs = (network.layers, network.loss), (wanted, loss)
    kept, described = (f"{', '.join(map(repr, layers))} with loss {of!r}" for layers, of in pairs)
    if settings.solver == "lbfgs" and has_dropout(network.layers):
        raise ValueError(f"solver: expected one that trains by mini-batches, since {what} keeps a network with dropout: {kept}")
    if kept != described:
        warnings.warn(
            f"{what} goes on with the network that there is, {kept}, although the parameters now describe {described}. "
            f"To start anew, fit a copy made by sklearn.base.clone, or call fit with warm_start=False.",
            stacklevel=6,  # the user's line: fit, its wrapper by scikit-learn and two of ours are in between
        )
