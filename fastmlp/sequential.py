"""`Sequential`: a network as a list of layers, compiled to sizes, codes and one flat parameter vector."""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from . import training
from .data import Inputs, as_inputs, as_targets, as_weights
from .interface import FLOATING, check_choice, check_size
from .kernels.activations import ACTIVATIONS, IDENTITY, LOGISTIC
from .kernels.backprop import Network
from .kernels.losses import LOSSES
from .layers import INITIALIZERS, Activation, Dense, Dropout, Layer, describe
from .losses import LINKS
from .optimizers import Optimizer, as_optimizer
from .schedules import Schedule

FEW = 8  # rows that are predicted with outputs in lanes: a batch that small would leave most lanes of the usual layout empty
CLASSIFYING = ("softmax_cross_entropy", "binary_cross_entropy")


class Sequential:
    """A multilayer perceptron: layers one after the other, trained on mini-batches.

    Parameters
    ----------
    layers : iterable of layers
        Dense layers, each followed by at most one activation and then at most one Dropout. A Dropout may also come first.
    loss : str, default "squared_error"
        "squared_error" (half of it), "absolute_error", "huber" (threshold 1); "softmax_cross_entropy" and "binary_cross_entropy", from
        logits (a final Sigmoid may be written, and is part of the latter); "poisson", whose prediction is the exponential of the output.
    seed : int, default 0
        Of the weights, the shuffling and the dropout.
    dtype : {"float32", "float64"}, optional
        Of parameters and arithmetic. By default that of the first data: float64 for float64 and integers, else float32 (so for images in
        uint8).

    Attributes
    ----------
    layers : list of layers
    parameters : ndarray of shape (P,)
        Every W, row by row, and b, in the order of the layers; each layer's own are views into it.

    Raises
    ------
    ValueError, TypeError
        If sizes do not fit, layers come in another order, or a name is unknown.

    Examples
    --------
    >>> from fastmlp import Dense, ReLU, Sequential
    >>> print(Sequential([Dense(784, 100), ReLU(), Dense(100, 10)], loss="softmax_cross_entropy"))
    layer            output   parameters
    Dense(784, 100)     100       78,500
    ReLU()              100            0
    Dense(100, 10)       10        1,010
    loss softmax_cross_entropy, 79,510 parameters

    A single neuron, and its gradient descent:

    >>> from fastmlp import SGD, Sigmoid
    >>> neuron = Sequential([Dense(2, 1), Sigmoid()], loss="binary_cross_entropy")
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 0, 0, 1]
    >>> history = neuron.fit(X, y, epochs=2000, batch_size=4, optimizer=SGD(1.0))
    >>> neuron.predict(X)
    array([0, 0, 0, 1])
    """

    def __init__(self, layers: Iterable[Layer] = (), loss: str = "squared_error", seed: int = 0, dtype: DTypeLike | None = None) -> None:
        self.loss = check_choice("loss", loss, LOSSES)
        self.seed = check_size("seed", seed, 0)
        self.rng = np.random.default_rng(self.seed)
        self.layers: list[Layer] = []
        self.dtype = None if dtype is None else _as_dtype(dtype)
        self.parameters: np.ndarray = np.zeros(0, self.dtype or np.float64)
        self._run: training.Run | None = None
        self._few: training.Few | None = None
        if not isinstance(layers, Iterable):
            raise TypeError(f"layers: expected a list of layers, got {describe(layers)}")
        for layer in layers:
            self.add_layer(layer)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy needs: not the memory of `train_batch`, and not scratch."""
        return self.__dict__ | {"_run": None, "_few": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the layers of a copy, whose W and b are arrays of their own, views of its parameters again."""
        self.__dict__.update(state)
        self._adopt(self.parameters)

    def __copy__(self) -> Sequential:
        """A copy with parameters of its own: two models cannot share layers."""
        return copy.deepcopy(self)

    def add_layer(self, layer: Layer) -> None:
        """Append a layer; a Dense draws its weights now.

        Parameters
        ----------
        layer : layer
            What may follow the layers so far.

        Raises
        ------
        ValueError, TypeError
            If it may not: the message names both.
        """
        if not isinstance(layer, Dense | Activation | Dropout):
            raise TypeError(f"layer: expected Dense, Dropout or an activation such as ReLU, got {describe(layer)}")
        if isinstance(layer, Dense):
            if layer.W is not None:
                raise ValueError(f"layer: expected a new layer, got {layer!r} that belongs to a model already; weights cannot be shared")
            dense = self.dense_layers
            if dense and dense[-1].n_outputs != layer.n_inputs:
                raise ValueError(f"layer: {layer!r} expects {layer.n_inputs} inputs, got {dense[-1].n_outputs} outputs of {dense[-1]!r}")
            drawn = INITIALIZERS[layer.initializer](self.rng, layer.n_inputs, layer.n_outputs).ravel()
            fresh = np.concatenate([drawn, np.zeros(layer.n_outputs if layer.bias else 0)])
            self.layers.append(layer)
            self._adopt(np.concatenate([self.parameters, fresh.astype(self.parameters.dtype)]))
        else:
            previous = self.layers[-1] if self.layers else None
            if isinstance(layer, Activation) and not isinstance(previous, Dense):
                raise ValueError(f"layer: {layer!r} must follow a Dense layer, got {'nothing' if previous is None else previous} before it")
            if isinstance(layer, Dropout) and isinstance(previous, Dropout):
                raise ValueError(f"layer: {layer!r} must not follow {previous!r}")
            self.layers.append(layer)
            self._run = self._few = None

    @property
    def dense_layers(self) -> list[Dense]:
        """The layers that have parameters."""
        return [layer for layer in self.layers if isinstance(layer, Dense)]

    @property
    def n_inputs(self) -> int:
        """Features of a sample."""
        return self._dense_or_error()[0].n_inputs

    @property
    def n_outputs(self) -> int:
        """Outputs for a sample."""
        return self._dense_or_error()[-1].n_outputs

    def _dense_or_error(self) -> list[Dense]:
        if not self.dense_layers:
            raise ValueError("layers: expected at least one Dense layer, got none")
        return self.dense_layers

    def _adopt(self, parameters: np.ndarray) -> None:
        """Make `parameters` the model's, and every layer's W and b views into it."""
        self.parameters = parameters = training.aligned(parameters)
        self._run = self._few = None
        at = 0
        for layer in self.dense_layers:
            size = layer.n_inputs * layer.n_outputs
            end = at + layer.n_parameters
            W = parameters[at : at + size].reshape(layer.n_inputs, layer.n_outputs)
            layer.attach(W, parameters[at + size : end] if layer.bias else None)
            at = end

    def network(self) -> Network:
        """The layers as the kernels take them."""
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
            elif len(codes) < len(dense):  # after the last Dense nothing is dropped
                dropout[len(codes)] = layer.rate
        if self.loss == "binary_cross_entropy" and codes[-1] == LOGISTIC:
            codes[-1] = IDENTITY  # the loss takes logits
        elif self.loss in LINKS and codes[-1] != IDENTITY:
            raise ValueError(f"layers: {self.loss} takes logits, got a model that ends with {self.layers[-1]!r}")
        as_int = [np.array(values, np.int64) for values in (sizes, W_at, b_at, codes)]
        return Network(as_int[0], as_int[1], as_int[2], as_int[3], dropout)

    def __str__(self) -> str:
        rows, width = [("layer", "output", "parameters")], self.n_inputs if self.dense_layers else 0
        for layer in self.layers:
            width = layer.n_outputs if isinstance(layer, Dense) else width
            rows.append((repr(layer), f"{width:,}", f"{layer.n_parameters if isinstance(layer, Dense) else 0:,}"))
        columns = [max(len(row[k]) for row in rows) for k in range(3)]
        lines = [f"{a:<{columns[0]}}  {b:>{columns[1]}}   {c:>{columns[2]}}" for a, b, c in rows]
        return "\n".join([*lines, f"loss {self.loss}, {self.parameters.size:,} parameters"])

    def __repr__(self) -> str:
        return f"Sequential({self.layers!r}, loss={self.loss!r})"

    def _inputs(self, X: Any) -> Inputs:
        """X checked, in a dtype the kernels take; the first data settle the model's dtype."""
        inputs = as_inputs("X", X, self.n_inputs, self.dtype)
        if self.parameters.dtype != inputs.dtype or self.dtype is None:
            self.dtype = np.dtype(inputs.dtype)
            self._adopt(self.parameters.astype(self.dtype))
        return inputs

    def forward(self, X: ArrayLike, all_layers: bool = False) -> Any:
        """The network's output, or what every layer makes of it.

        Parameters
        ----------
        X : array_like of shape (N, I), or a SciPy sparse matrix
        all_layers : bool, default False
            Return a list with the output of each of `layers`, computed one by one in NumPy.

        Returns
        -------
        ndarray of shape (N, O), or list of ndarray
            With the cross-entropies and no final Sigmoid these are logits.

        Raises
        ------
        ValueError, TypeError
            If X is not of that shape, or not finite numbers.
        """
        if all_layers:
            inputs = self._inputs(X)
            outputs: list[np.ndarray] = [inputs.dense(self.parameters.dtype)]
            for layer in self.layers:
                outputs.append(layer(outputs[-1]))
            return outputs[1:]
        out = self._raw(X)
        ends_in_sigmoid = isinstance(self.layers[-1], Activation) and self.layers[-1].name == "logistic"
        return LINKS["binary_cross_entropy"](out) if self.loss == "binary_cross_entropy" and ends_in_sigmoid else out

    def predict_proba(self, X: ArrayLike, n_threads: int | None = None) -> np.ndarray:
        """Probabilities of the classes.

        Parameters
        ----------
        X : array_like of shape (N, I), or a SciPy sparse matrix
        n_threads : int, optional
            By default as many as help.

        Returns
        -------
        ndarray of shape (N, O)
            Rows sum to 1 under "softmax_cross_entropy"; under "binary_cross_entropy" each output has its own probability.

        Raises
        ------
        ValueError
            If the loss is not a cross-entropy, or X does not fit.
        """
        if self.loss not in CLASSIFYING:
            raise ValueError(f"loss: predict_proba expects a cross-entropy, got {self.loss!r}")
        return LINKS[self.loss](self._raw(X, n_threads))

    def _raw(self, X: Any, n_threads: int | None = None) -> np.ndarray:
        """Outputs of the last layer: logits, under the losses that take them."""
        if self.dtype and type(X) is np.ndarray and X.dtype == self.dtype and X.ndim == 2 and 0 < len(X) <= FEW and X.flags.carray:
            if self._few is None:
                self._few = training.Few(self.network(), self.parameters, FEW)
            if X.shape[1] == self._few.n_inputs:
                return self._few.predict(X)
        inputs = self._inputs(X)  # the first data settle the parameters' dtype
        return training.predict(self.network(), self.parameters, inputs, n_threads)

    def predict(self, X: ArrayLike, n_threads: int | None = None) -> np.ndarray:
        """Class indices for the cross-entropies, outputs for the other losses.

        Parameters
        ----------
        X : array_like of shape (N, I), or a SciPy sparse matrix
        n_threads : int, optional
            By default as many as help.

        Returns
        -------
        ndarray of shape (N,), int64, or (N, O)
            The most probable class; under "binary_cross_entropy" with O = 1 whether the probability is above 1/2, with more outputs
            an (N, O) array of 0 and 1.

        Raises
        ------
        ValueError, TypeError
            If X does not fit.
        """
        out = self._raw(X, n_threads)
        if self.loss == "softmax_cross_entropy":
            return out.argmax(axis=1)
        if self.loss == "binary_cross_entropy":
            classes = (out > 0).astype(np.int64)
            return classes[:, 0] if classes.shape[1] == 1 else classes
        return LINKS[self.loss](out) if self.loss in LINKS else out

    def evaluate(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[float, float]:
        """Mean loss, and the score: accuracy for the cross-entropies, R^2 for the other losses.

        Parameters
        ----------
        X : array_like of shape (N, I), or a SciPy sparse matrix
        y : array_like
            Targets as `fit` takes them.
        sample_weight : array_like of shape (N,), optional

        Returns
        -------
        loss, score : float

        Raises
        ------
        ValueError, TypeError
            If X or y do not fit.
        """
        inputs = self._inputs(X)
        targets = as_targets("y", y, inputs.n_samples, self.n_outputs, self.loss, self.parameters.dtype)
        weights = as_weights(sample_weight, inputs.n_samples, self.parameters.dtype)
        return training.evaluate(self.network(), self.parameters, self.loss, inputs, targets, weights)

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        epochs: int = 10,
        batch_size: int = 64,
        optimizer: Optimizer | None = None,
        schedule: Schedule | str | None = None,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        sample_weight: ArrayLike | None = None,
        early_stopping: training.EarlyStopping | None = None,
        callbacks: Sequence[Callable[[int, Sequential, training.History], Any]] = (),
        shuffle: bool = True,
        n_threads: int | None = None,
        progress: bool | None = None,
    ) -> training.History:
        """Train on mini-batches.

        Parameters
        ----------
        X : array_like of shape (N, I), or a SciPy sparse matrix
            float32 and float64 as they are; uint8 (images, also memory-mapped) scaled from 0..255 to [0, 1] as batches are gathered;
            sparse rows gathered as they come. Nothing is copied whole, except to convert another dtype or order.
        y : array_like
            "softmax_cross_entropy": class indices (N,), or a distribution a row (N, O). "binary_cross_entropy": 0 and 1 (or between),
            (N,) for O = 1, or (N, O). Other losses: numbers, (N,) for O = 1, or (N, O).
        epochs : int, default 10
        batch_size : int, default 64
            At least 1; N if larger. The last batch of an epoch may be smaller.
        optimizer : Optimizer, default SGD(0.05)
        schedule : Schedule or str, optional
            "constant", "inverse_scaling", "adaptive", "step", "cosine" or "one_cycle".
        validation_data : (X, y), optional
            Evaluated after every epoch.
        sample_weight : array_like of shape (N,), optional
            At least 0, with a positive sum in every batch that is to count.
        early_stopping : EarlyStopping, optional
        callbacks : sequence of callables, optional
            Each is called as ``callback(epoch, model, history)`` after every epoch; returning True ends the training.
        shuffle : bool, default True
            A new order of the samples in every epoch.
        n_threads : int, optional
            The weights are the same, bit for bit, for every number. By default as many as help.
        progress : bool, optional
            A progress bar. By default if the output is a terminal or a notebook.

        Returns
        -------
        History
            After Ctrl-C too, with the epochs so far: the model is usable as it is.

        Raises
        ------
        ValueError, TypeError
            If an argument does not fit.
        FloatingPointError
            If the loss is no longer finite; the weights are those of the last epoch whose loss was.
        """
        inputs = self._inputs(X)
        dtype = self.parameters.dtype
        targets = as_targets("y", y, inputs.n_samples, self.n_outputs, self.loss, dtype)
        validation = None
        if validation_data is not None:
            try:
                X_validation, y_validation = validation_data
            except (TypeError, ValueError) as error:
                raise ValueError("validation_data: expected a pair (X, y)") from error
            inputs_validation = as_inputs("validation X", X_validation, self.n_inputs, self.dtype)
            validation = inputs_validation, as_targets(
                "validation y", y_validation, inputs_validation.n_samples, self.n_outputs, self.loss, dtype
            )
        run = training.Run(self.network(), self.parameters, self.loss, as_optimizer(optimizer), int(self.rng.integers(2**31)))
        plan = training.Plan(
            epochs=check_size("epochs", epochs, 0),
            batch_size=min(check_size("batch_size", batch_size, 1), inputs.n_samples),
            schedule=schedule,
            validation=validation,
            early_stopping=early_stopping,
            shuffle=self.rng if shuffle else None,
            n_threads=n_threads,
            progress=progress,
        )
        weights = as_weights(sample_weight, inputs.n_samples, dtype)
        if not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
            raise TypeError(f"callbacks: expected a sequence of callables, got {callbacks!r}")
        with_model = [functools.partial(_call_with_model, callback, self) for callback in callbacks]
        return training.fit(run, plan, inputs, targets, weights, with_model)

    def train_batch(self, X: ArrayLike, y: ArrayLike, optimizer: Optimizer | None = None) -> float:
        """One update from one batch; the optimiser's memory lasts from call to call while it is the same.

        Parameters
        ----------
        X, y : array_like
            As `fit` takes them.
        optimizer : Optimizer, default SGD(0.05)

        Returns
        -------
        float
            The batch's mean loss before the update.

        Raises
        ------
        ValueError, TypeError
            If an argument does not fit.
        """
        inputs = self._inputs(X)
        targets = as_targets("y", y, inputs.n_samples, self.n_outputs, self.loss, self.parameters.dtype)
        optimizer = as_optimizer(optimizer)
        if self._run is None or self._run.w is not self.parameters or self._run.optimizer != optimizer:
            self._run = training.Run(self.network(), self.parameters, self.loss, optimizer, self.seed)
        totals = self._run.epochs(
            inputs, targets, as_weights(None, inputs.n_samples, self.parameters.dtype),
            np.arange(inputs.n_samples)[None], inputs.n_samples, np.array([optimizer.learning_rate]), 1,
        )  # fmt: skip
        return float(totals[0, 0] / totals[0, 1])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a safetensors file; `fastmlp.load` reads it back. See `fastmlp.persistence.save`."""
        from .persistence import save

        save(self, path)

    def export_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the model to an ONNX file, for other runtimes. See `fastmlp.persistence.export_onnx`."""
        from .persistence import export_onnx

        export_onnx(self, path)


def _call_with_model(callback: Callable[..., Any], model: Sequential, epoch: int, history: training.History) -> Any:
    return callback(epoch, model, history)


def _as_dtype(dtype: DTypeLike) -> np.dtype:
    try:
        chosen = np.dtype(dtype)
    except TypeError as error:
        raise TypeError(f"dtype: expected float32 or float64, got {dtype!r}") from error
    if chosen not in FLOATING:
        raise ValueError(f"dtype: expected float32 or float64, got {chosen}")
    return chosen

