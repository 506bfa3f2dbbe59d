"""The layers of a `Sequential`: Dense, the activations, and Dropout.

A layer is a description that can also be called on an array. Such calls serve to look inside a model, as
``Sequential.forward(X, all_layers=True)`` does; training and prediction run as compiled code for the whole model.
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
    """A fully connected layer, which computes x W + b.

    Parameters
    ----------
    n_inputs, n_outputs : int
        Number of inputs I and of outputs O, each at least 1.
    bias : bool, default True
        Whether the layer has a bias b, whose initial value is zero.
    initializer : {"glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "uniform"}
        Distribution from which the initial W is drawn.

    Attributes
    ----------
    W : ndarray of shape (I, O), or None
        The weights, a view into the parameters of the model that the layer belongs to. Assigning to W or to a part of it changes the model.
        W is None until the layer is added to a model.
    b : ndarray of shape (O,), or None
        The biases, a view in the same way. b is also None if the layer has no bias.

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
        """Use W and b, which are views into a model's parameters, as the parameters of this layer."""
        self._W, self._b = W, b

    @property
    def W(self) -> np.ndarray | None:
        """The weights (I, O), or None before the layer is added to a model."""
        return self._W

    @W.setter
    def W(self, values: ArrayLike) -> None:
        self._assign("W", self._W, values)

    @property
    def b(self) -> np.ndarray | None:
        """The biases (O,), or None without bias or before the layer is added to a model."""
        return self._b

    @b.setter
    def b(self, values: ArrayLike) -> None:
        self._assign("b", self._b, values)

    def _assign(self, name: str, own: np.ndarray | None, values: ArrayLike) -> None:
        """Copy the values into the layer's array, which is a view into the model's parameters."""
        if own is None:
            raise ValueError(f"{name}: {self!r} has none; a layer gets W when it is added to a model, and b only with bias=True")
        array = as_float_array(name, values)
        if array.shape != own.shape:
            raise ValueError(f"{name}: expected shape {own.shape}, got {array.shape}")
        own[...] = array

    @property
    def n_parameters(self) -> int:
        """Number of elements in W and b together."""
        return self.n_inputs * self.n_outputs + (self.n_outputs if self.bias else 0)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Compute x W + b for x (N, I)."""
        if self.W is None:
            raise ValueError(f"{self!r} has no weights until it is added to a model")
        z = x @ self.W
        return z if self.b is None else z + self.b


class Activation:
    """Base class of the activation layers; `name` is a key of `fastmlp.kernels.activations.ACTIVATIONS`."""

    name: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __call__(self, x: ArrayLike) -> np.ndarray:
        """Apply the activation function to every element of x."""
        (x,) = as_arrays(x=x)
        V = lanes(x.dtype)
        padded = np.zeros((x.size + V - 1) // V * V, x.dtype)
        padded[: x.size] = x.ravel()
        activations.activate(activations.ACTIVATIONS[self.name], padded, np.empty_like(padded), 0, padded.size)
        return padded[: x.size].reshape(x.shape)


class ReLU(Activation):
    """Rectified linear unit, max(0, x). For -inf the result is NaN."""

    name = "relu"


class Sigmoid(Activation):
    """Logistic sigmoid, 1 / (1 + exp(-x))."""

    name = "logistic"


class Tanh(Activation):
    """Hyperbolic tangent, tanh(x)."""

    name = "tanh"


class LeakyReLU(Activation):
    """Leaky rectified linear unit, max(0.01 x, x)."""

    name = "leaky_relu"


class ELU(Activation):
    """Exponential linear unit: x if x > 0, else exp(x) - 1."""

    name = "elu"


class SELU(Activation):
    """Scaled exponential linear unit: 1.0507 x if x > 0, else 1.7581 (exp(x) - 1) (Klambauer et al. 2017)."""

    name = "selu"


class GELU(Activation):
    """Gaussian error linear unit in its tanh form, 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) (Hendrycks and Gimpel 2016)."""

    name = "gelu"


class SiLU(Activation):
    """Sigmoid linear unit, x sigmoid(x), also called swish."""

    name = "silu"


class Softplus(Activation):
    """Softplus, log(1 + exp(x)): a smooth form of ReLU."""

    name = "softplus"


class Mish(Activation):
    """X tanh(log(1 + exp(x))) (Misra 2020)."""

    name = "mish"


class Dropout:
    """Set randomly chosen values to zero during training.

    In training each value becomes zero with probability `rate`, and the remaining values are divided by 1 - rate. In prediction the layer
    has no effect.

    Parameters
    ----------
    rate : float
        Probability that a value is dropped, in [0, 1).

    Raises
    ------
    ValueError, TypeError
        If the rate is not a number in [0, 1).

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
        """Return x unchanged."""
        return x


Layer = Dense | Activation | Dropout


# Activations by their names on the command line.
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
# The classes that a model may contain. Subclasses of these are not allowed.
LAYERS: dict[str, type[Layer]] = {kind.__name__: kind for kind in (Dense, Dropout, *ACTIVATION_LAYERS.values())}


def describe(layer: Any) -> str:
    """Return the text by which error messages refer to a layer."""
    return repr(layer) if isinstance(layer, Dense | Activation | Dropout) else f"{type(layer).__name__} {layer!r}"
