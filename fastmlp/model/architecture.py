"""Check a list of layers and translate it into sizes, codes and one flat parameter vector."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..engine.arguments import check_size
from ..engine.arrays import check_dtype
from ..engine.losses import Loss, Quantile, as_loss
from ..engine.memory import aligned
from ..kernels.activations import ACTIVATIONS, IDENTITY, LOGISTIC
from ..kernels.network import Network
from .initializers import INITIALIZERS
from .layers import LAYERS, Activation, Dense, Dropout, Layer, describe
from .losses import LINKS
from .summary import table


class Architecture:
    """The layers of a model and their parameters. `Predictor` adds prediction and `Sequential` adds training."""

    column_targets: bool | None = None  # whether the training targets had shape (N, 1); None before any training
    _steps = 0
    _in_training = False

    @property
    def steps(self) -> int:
        """Number of updates of the parameters so far."""
        return self._steps

    def __init__(self, layers: Iterable[Layer] = (), loss: Loss = "squared_error", seed: int = 0, dtype: DTypeLike | None = None) -> None:
        self.loss = as_loss(loss)
        self.seed = check_size("seed", seed, 0)
        self.rng = np.random.default_rng(self.seed)
        self.layers: list[Layer] = []
        self.dtype = None if dtype is None else check_dtype(dtype)
        self.parameters: np.ndarray = np.zeros(0, self.dtype or np.float64)
        if not isinstance(layers, Iterable):
            raise TypeError(f"layers: expected a list of layers, got {describe(layers)}")
        for layer in layers:
            self.add_layer(layer)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copy: its layers hold copied arrays as W and b, which become views into its parameters again."""
        self.__dict__.update(state)
        self._adopt(self.parameters)

    def __copy__(self) -> Architecture:
        """Return a deep copy, since two models cannot share layers."""
        return copy.deepcopy(self)

    def add_layer(self, layer: Layer) -> None:
        """Append a layer. The weights of a Dense layer are drawn at this moment.

        Parameters
        ----------
        layer : layer
            A layer that is allowed to follow the present layers.

        Raises
        ------
        ValueError, TypeError
            If the layer is not allowed to follow the present layers. Subclasses of the layers are never allowed, because the compiled
            code does not know the methods that they override.
        RuntimeError
            If the model is being trained, as in a callback of `fit`.

        Examples
        --------
        >>> from fastmlp import Dense, Sequential, Tanh
        >>> model = Sequential()
        >>> for layer in (Dense(2, 3), Tanh(), Dense(3, 1)):
        ...     model.add_layer(layer)
        >>> model
        Sequential([Dense(2, 3), Tanh(), Dense(3, 1)], loss='squared_error')
        """
        self._refuse_in_training("add_layer")
        if type(layer) not in LAYERS.values():
            known = next((kind.__name__ for kind in LAYERS.values() if isinstance(layer, kind)), None)
            why = f", a subclass of {known}; its overrides would not be compiled" if known else ""
            raise TypeError(f"layer: expected Dense, Dropout or an activation such as ReLU, got {describe(layer)}{why}")
        if isinstance(layer, Dense):
            if layer.W is not None:
                raise ValueError(f"layer: expected a new layer, got {layer!r}, which belongs to a model already; weights cannot be shared")
            dense = self.dense_layers
            if dense and dense[-1].n_outputs != layer.n_inputs:
                raise ValueError(f"layer: {layer!r} expects {layer.n_inputs} inputs, got {dense[-1].n_outputs} outputs of {dense[-1]!r}")
            fresh = np.zeros(layer.n_parameters, self.parameters.dtype)
            fresh[: layer.n_inputs * layer.n_outputs] = INITIALIZERS[layer.initializer](self.rng, layer.n_inputs, layer.n_outputs).ravel()
            self.layers.append(layer)
            self._adopt(np.concatenate([self.parameters, fresh]))
        else:
            previous = self.layers[-1] if self.layers else None
            if isinstance(layer, Activation) and not isinstance(previous, Dense):
                raise ValueError(f"layer: {layer!r} must follow a Dense layer, got {'nothing' if previous is None else previous} before it")
            if isinstance(layer, Dropout) and isinstance(previous, Dropout):
                raise ValueError(f"layer: {layer!r} must not follow {previous!r}")
            self.layers.append(layer)
            self._forget()

    @property
    def dense_layers(self) -> list[Dense]:
        """The Dense layers, which are the layers that have parameters."""
        return [layer for layer in self.layers if isinstance(layer, Dense)]

    @property
    def n_inputs(self) -> int:
        """Number of features of a sample."""
        return self._dense_or_error()[0].n_inputs

    @property
    def n_outputs(self) -> int:
        """Number of outputs for a sample."""
        return self._dense_or_error()[-1].n_outputs

    def _dense_or_error(self) -> list[Dense]:
        if not self.dense_layers:
            raise ValueError("layers: expected at least one Dense layer, got none")
        return self.dense_layers

    def _adopt(self, parameters: np.ndarray) -> None:
        """Use `parameters` as the model's parameter vector, and make W and b of every layer views into it."""
        self.parameters = parameters = aligned(parameters)
        self._forget()
        at = 0
        for layer in self.dense_layers:
            size = layer.n_inputs * layer.n_outputs
            end = at + layer.n_parameters
            W = parameters[at : at + size].reshape(layer.n_inputs, layer.n_outputs)
            layer.attach(W, parameters[at + size : end] if layer.bias else None)
            at = end

    def _forget(self) -> None:
        """Discard prepared data that depend on layers or parameters, because these have just changed."""

    def _refuse_in_training(self, method: str) -> None:
        if self._in_training:
            raise RuntimeError(f"{method}: cannot be called while `fit` trains the model; call it before or after")

    def network(self) -> Network:
        """Describe the layers in the form that the kernels use."""
        dense = self._dense_or_error()
        sizes = [dense[0].n_inputs, *(layer.n_outputs for layer in dense)]
        ends = np.cumsum([layer.n_parameters for layer in dense])
        W_at = ends - [layer.n_parameters for layer in dense]
        b_at = [end - layer.n_outputs if layer.bias else -1 for end, layer in zip(ends, dense, strict=True)]
        codes, dropout = [], np.zeros(len(dense))
        for layer in self.layers:
            if isinstance(layer, Dense):
                codes.append(IDENTITY)
            elif isinstance(layer, Activation):
                codes[-1] = ACTIVATIONS[layer.name]
            elif len(codes) < len(dense):  # a Dropout after the last Dense layer has no effect
                dropout[len(codes)] = layer.rate
        if self.loss == "binary_cross_entropy" and codes[-1] == LOGISTIC:
            codes[-1] = IDENTITY  # this loss is computed from logits, so the sigmoid is part of it
        elif self.loss in LINKS and codes[-1] != IDENTITY:
            raise ValueError(f"layers: {self.loss} takes logits, got a model that ends with {self.layers[-1]!r}")
        if isinstance(self.loss, Quantile) and self.loss.is_several and len(self.loss.levels) != sizes[-1]:
            raise ValueError(f"layers: expected {len(self.loss.levels)} outputs for {self.loss!r}, got {sizes[-1]}")
        as_int = [np.array(values, np.int64) for values in (sizes, W_at, b_at, codes)]
        return Network(as_int[0], as_int[1], as_int[2], as_int[3], dropout)

    def __str__(self) -> str:
        lines = table(self.layers, ("layer", "output", "parameters"))
        return "\n".join([*lines, f"loss {self.loss}, {self.parameters.size:,} parameters"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.layers!r}, loss={self.loss!r})"
