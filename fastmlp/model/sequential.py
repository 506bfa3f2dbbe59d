"""`Sequential`: a list of layers that is trained and predicts."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..engine import predicting
from ..engine.arguments import check_size
from ..engine.inputs import Inputs, as_inputs
from ..engine.run import Run
from ..engine.targets import as_targets, as_weights
from . import fitting
from .architecture import Architecture
from .callbacks import EarlyStopping
from .evaluating import evaluate
from .history import History
from .layers import Activation
from .losses import CLASSIFYING, LINKS
from .onnx import export_onnx
from .optimizers import Optimizer, as_optimizer
from .saving import save
from .schedules import Schedule

FEW = 8  # rows that are predicted with outputs in lanes: a batch that small would leave most lanes of the usual layout empty


class Sequential(Architecture):
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

    _run: Run | None = None  # the memory of `train_batch`
    _few: predicting.Few | None = None  # prepared for a few rows

    def _forget(self) -> None:
        self._run = self._few = None

    def __getstate__(self) -> dict[str, Any]:
        """What a copy needs: not the memory of `train_batch`, and not what was prepared."""
        return self.__dict__ | {"_run": None, "_few": None}

    def _inputs(self, X: Any, finite: bool = True) -> Inputs:
        """X checked, in a dtype the kernels take; the first data settle the model's dtype."""
        inputs = as_inputs("X", X, self.n_inputs, self.dtype, finite)
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

    def _few_rows(self, X: Any) -> predicting.Few | None:
        """Who predicts X, if it is no more than a few rows that need no conversion."""
        if self.dtype and type(X) is np.ndarray and X.dtype == self.dtype and X.ndim == 2 and 0 < len(X) <= FEW and X.flags.carray:
            if self._few is None:
                self._few = predicting.Few(self.network(), self.parameters, FEW)
            if X.shape[1] == self._few.n_inputs:
                return self._few
        return None

    def _raw(self, X: Any, n_threads: int | None = None) -> np.ndarray:
        """Outputs of the last layer: logits, under the losses that take them."""
        few = self._few_rows(X)
        if few is not None:
            return few.predict(X)
        inputs = self._inputs(X, finite=self.dtype is None)  # the first data settle the dtype, others are searched as they are read
        return predicting.predict(self.network(), self.parameters, inputs, n_threads)

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
        if self.loss == "softmax_cross_entropy":
            few = self._few_rows(X)
            return few.classify(X) if few is not None else self._raw(X, n_threads).argmax(axis=1)
        out = self._raw(X, n_threads)
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
        return evaluate(self.network(), self.parameters, self.loss, inputs, targets, weights)

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
        early_stopping: EarlyStopping | None = None,
        callbacks: Sequence[Callable[[int, Sequential, History], Any]] = (),
        shuffle: bool = True,
        n_threads: int | None = None,
        progress: bool | None = None,
    ) -> History:
        """Train on mini-batches.

        Parameters
        ----------
        X : array_like of shape (N, I), or a SciPy sparse matrix
            float32 and float64 as they are; uint8 (images, also memory-mapped) scaled from 0..255 to [0, 1] as batches are gathered;
            sparse rows gathered as they come, their values as they are. Nothing is copied whole, except to convert another dtype or order.
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
            validation = (
                inputs_validation,
                as_targets("validation y", y_validation, inputs_validation.n_samples, self.n_outputs, self.loss, dtype),
            )
        run = Run(self.network(), self.parameters, self.loss, as_optimizer(optimizer), int(self.rng.integers(2**31)))
        plan = fitting.Plan(
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
        return fitting.fit(run, plan, inputs, targets, weights, with_model)

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
        FloatingPointError
            If the loss is not finite; the weights are past saving then (`fit` keeps the last good ones).
        """
        inputs = self._inputs(X)
        targets = as_targets("y", y, inputs.n_samples, self.n_outputs, self.loss, self.parameters.dtype)
        optimizer = as_optimizer(optimizer)
        if self._run is None or self._run.w is not self.parameters or self._run.optimizer != optimizer:
            self._run = Run(self.network(), self.parameters, self.loss, optimizer, self.seed)
        totals = self._run.epochs(
            inputs, targets, as_weights(None, inputs.n_samples, self.parameters.dtype),
            np.arange(inputs.n_samples)[None], inputs.n_samples, np.array([optimizer.learning_rate]), 1,
        )  # fmt: skip
        loss = float(totals[0, 0] / totals[0, 1])
        if not np.isfinite(loss):
            raise FloatingPointError(f"training diverged: the loss of this batch is {loss}; lower the learning rate or set clip_norm")
        return loss

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a safetensors file; `fastmlp.load` reads it back. See `fastmlp.model.saving.save`."""
        save(self, path)

    def export_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the model to an ONNX file, for other runtimes. See `fastmlp.model.onnx.export_onnx`."""
        export_onnx(self, path)


def _call_with_model(callback: Callable[..., Any], model: Sequential, epoch: int, history: History) -> Any:
    return callback(epoch, model, history)
