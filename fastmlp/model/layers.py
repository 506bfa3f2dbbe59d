"""The layers a `Sequential` is made of: Dense, the activations, Dropout. Each is a description that can also be called on an array.

Calling a layer is for looking inside (`Sequential.forward(X, all_layers=True)`); training and prediction run compiled as a whole.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..engine.arguments import check_choice, check_real, check_size, largest_size
from ..engine.arrays import as_arrays, as_float_array
from ..kernels import activations
from ..kernels.vectors import lanes
from .initializers import INITIALIZERS


class Dense:
    """A fully connected layer: x W + b.

    Parameters
    ----------
    n_inputs, n_outputs : int
        I and O, at least 1.
    bias : bool, default True
        Whether there is a b. It starts at zero.
    initializer : {"glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "uniform"}
        How W is drawn.

    Attributes
    ----------
    W : ndarray of shape (I, O)
        Once the layer belongs to a model: a view into the model's parameters. Assigning to it, whole or in part, changes the model.
    b : ndarray of shape (O,), or None without bias
        Likewise.

    Raises
    ------
    ValueError, TypeError
        If a size is not a positive integer, or the initializer is unknown.

    Examples
    --------
    >>> from fastmlp import Dense
    >>> Dense(784, 100)
    Dense(784, 100)
    """

    def __init__(self, n_inputs: int, n_outputs: int, bias: bool = True, initializer: str = "glorot_uniform") -> None:
        self.n_inputs = check_size("n_inputs", n_inputs, 1, largest_size())
        self.n_outputs = check_size("n_outputs", n_outputs, 1, largest_size(self.n_inputs))
        self.bias = bool(bias)
        self.initializer = check_choice("initializer", initializer, INITIALIZERS)
        self.attach(None, None)

    def __repr__(self) -> str:
        return f"Dense({self.n_inputs}, {self.n_outputs}{'' if self.bias else ', bias=False'})"

    def attach(self, W: np.ndarray | None, b: np.ndarray | None) -> None:
        """Make these views into a model's parameters the layer's own."""
        self._W, self._b = W, b

    @property
    def W(self) -> np.ndarray | None:
        """The weights (I, O)."""
        return self._W

    @W.setter
    def W(self, values: ArrayLike) -> None:
        self._assign("W", self._W, values)

    @property
    def b(self) -> np.ndarray | None:
        """The biases (O,)."""
        return self._b

    @b.setter
    def b(self, values: ArrayLike) -> None:
        self._assign("b", self._b, values)

    def _assign(self, name: str, own: np.ndarray | None, values: ArrayLike) -> None:
        """Copy the values into the layer's own, which lie where the model computes with them."""
        if own is None:
            raise ValueError(f"{name}: {self!r} has none; it comes with a model, and b with bias=True")
        array = as_float_array(name, values)
        if array.shape != own.shape:
            raise ValueError(f"{name}: expected shape {own.shape}, got {array.shape}")
        own[...] = array

    @property
    def n_parameters(self) -> int:
        """Numbers in W and b together."""
        return self.n_inputs * self.n_outputs + (self.n_outputs if self.bias else 0)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """X W + b for x (N, I)."""
        if self.W is None:
            raise ValueError(f"{self!r} has no weights: it belongs to no model")
        z = x @ self.W
        return z if self.b is None else z + self.b


class Activation:
    """What the activation layers share: a name in `fastmlp.kernels.activations.ACTIVATIONS`."""

    name: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """g(x), element by element."""
        (x,) = as_arrays(x=x)
        V = lanes(x.dtype)
        padded = np.zeros((x.size + V - 1) // V * V, x.dtype)
        padded[: x.size] = x.ravel()
        activations.activate(activations.ACTIVATIONS[self.name], padded, np.empty_like(padded), 0, padded.size)
        return padded[: x.size].reshape(x.shape)


class ReLU(Activation):
    """max(0, x); NaN for -inf."""

    name = "relu"


class Sigmoid(Activation):
    """1 / (1 + exp(-x))."""

    name = "logistic"


class Tanh(Activation):
    """Hyperbolic tangent."""

    name = "tanh"


class LeakyReLU(Activation):
    """max(0.01 x, x)."""

    name = "leaky_relu"


class ELU(Activation):
    """X for x > 0, exp(x) - 1 below."""

    name = "elu"


class SELU(Activation):
    """1.0507 x for x > 0, 1.7581 (exp(x) - 1) below (Klambauer et al. 2017)."""

    name = "selu"


class GELU(Activation):
    """0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), the tanh form (Hendrycks and Gimpel 2016)."""

    name = "gelu"


class SiLU(Activation):
    """X sigmoid(x)."""

    name = "silu"


class Softplus(Activation):
    """log(1 + exp(x))."""

    name = "softplus"


class Mish(Activation):
    """X tanh(log(1 + exp(x))) (Misra 2020)."""

    name = "mish"


class Dropout:
    """In training each value is dropped with probability `rate`, the others divided by 1 - rate; in prediction nothing happens.

    Parameters
    ----------
    rate : float
        In [0, 1).

    Raises
    ------
    ValueError, TypeError
        If the rate is no such number.

    Examples
    --------
    >>> from fastmlp import Dense, Dropout, ReLU, Sequential
    >>> Sequential([Dense(4, 8), ReLU(), Dropout(0.5), Dense(8, 2)])
    Sequential([Dense(4, 8), ReLU(), Dropout(0.5), Dense(8, 2)], loss='squared_error')
    """

    def __init__(self, rate: float) -> None:
        self.rate = check_real("rate", rate)
        if not 0 <= self.rate < 1:
            raise ValueError(f"rate: expected a number in [0, 1), got {rate}")

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """X itself."""
        return x


Layer = Dense | Activation | Dropout


# Activations by the names that the command line takes.
ACTIVATION_LAYERS: dict[str, type[Activation]] = {
    "relu": ReLU,
    "sigmoid": Sigmoid,
    "tanh": Tanh,
    "leaky_relu": LeakyReLU,
    "elu": ELU,
    "selu": SELU,
    "gelu": GELU,
    "silu": SiLU,
    "softplus": Softplus,
    "mish": Mish,
}
# What a model may be made of, and nothing derived from these.
LAYERS: dict[str, type[Layer]] = {kind.__name__: kind for kind in (Dense, Dropout, *ACTIVATION_LAYERS.values())}


def describe(layer: Any) -> str:
    """A layer as an error message names it."""
    return repr(layer) if isinstance(layer, Dense | Activation | Dropout) else f"{type(layer).__name__} {layer!r}"
