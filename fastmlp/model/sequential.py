"""`Sequential`: a list of layers that is trained and predicts."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..engine.arguments import check_range, check_size
from . import fitting
from .callbacks import Callback, as_callbacks
from .data import Data, split
from .epochs import Plan, mean
from .history import History
from .onnx import export_onnx
from .optimizers import Optimizer, as_optimizer
from .saving import save
from .schedules import Schedule, as_schedule
from .summary import Summary, table
from .trainable import Trainable

MOST_EPOCHS = 10**9  # so that steps can be counted in 64 bits


class Sequential(Trainable):
    """A multilayer perceptron: layers one after the other, trained on mini-batches.

    Parameters
    ----------
    layers : iterable of layers
        Dense layers, each followed by at most one activation and then at most one Dropout. A Dropout may also come first.
    loss : str or Quantile, default "squared_error"
        "squared_error" (half of it), "absolute_error", "huber" (threshold 1); "softmax_cross_entropy" and "binary_cross_entropy", from
        logits (a final Sigmoid may be written, and is part of the latter); "poisson", whose prediction is the exponential of the output;
        `Quantile` with a level or several, or "quantile", which is the median.
    seed : int, default 0
        Of the weights, the shuffling and the dropout.
    dtype : {"float32", "float64"}, optional
        Of parameters and arithmetic. By default that of the first training data: float64 for float64 and integers, else float32 (so for
        images in uint8). Until then predictions are computed in the dtype that their data have.

    Attributes
    ----------
    layers : list of layers
    parameters : ndarray of shape (P,)
        Every W, row by row, and b, in the order of the layers; each layer's own are views into it.
    steps : int
        Updates so far, whatever the optimizer. With the seed they decide what dropout drops.

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

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        epochs: int = 10,
        batch_size: int = 64,
        optimizer: Optimizer | str | None = "sgd",
        schedule: Schedule | str | None = None,
        validation_data: tuple[ArrayLike, ArrayLike] | None = None,
        validation_split: float = 0.0,
        sample_weight: ArrayLike | None = None,
        callbacks: Sequence[Callback | Callable[[int, Sequential, History], Any]] = (),
        shuffle: bool = True,
        n_threads: int | None = None,
        progress: bool | None = None,
    ) -> History:
        """Train on mini-batches.

        A second call goes on where the first ended: with the weights, and with what the optimizer remembers (momentum, Adam's means) as
        long as nothing of it has changed but the learning rate. Another optimizer begins with an empty memory, a schedule begins anew.

        Parameters
        ----------
        X : array_like of shape (N, I), a data frame, or a SciPy sparse matrix
            Numbers, taken as they are, but for one dtype: uint8 is for pixels. Whatever holds it - an array, a memory map, a tensor, a
            sparse matrix, a data frame all of whose columns are uint8 - is scaled from 0..255 to [0, 1] as batches are gathered. A list of
            Python's integers has no dtype: its numbers are not scaled, even if they lie between 0 and 255. Nothing is copied whole,
            except to convert another dtype or order; sparse rows are gathered as they come. Masked arrays are refused.
        y : array_like
            "softmax_cross_entropy": class indices (N,), or a distribution a row (N, O). "binary_cross_entropy": 0 and 1 (or between),
            (N,) for O = 1, or (N, O). Other losses: numbers, (N,) for O = 1, or (N, O); (N,) for a
            `Quantile` of several levels too, and its O outputs.
        epochs : int, default 10
        batch_size : int, default 64
            At least 1; N if larger. The last batch of an epoch may be smaller.
        optimizer : Optimizer or str, default "sgd"
            "sgd", "momentum", "nesterov", "adam" or "adamw", with the learning rates of `fastmlp.model.optimizers.OPTIMIZERS`.
        schedule : Schedule or str, optional
            "constant" (the default), "inverse_scaling", "adaptive", "step", "cosine" or "one_cycle".
        validation_data : (X, y), optional
            Evaluated after every epoch.
        validation_split : float, default 0
            In [0, 1): instead of `validation_data`, this share of the samples (with their weights) is held out for validation. They are
            drawn at random by the model's seed, whatever `shuffle` says, since data are often sorted.
        sample_weight : array_like of shape (N,), optional
            At least 0, with a positive sum in every batch that is to count. Losses and scores are means with these weights.
        callbacks : sequence of Callback or callables, optional
            Such as `EarlyStopping`. A function is called as ``callback(epoch, model, history)`` after every epoch; returning True ends the
            training.
        shuffle : bool, default True
            A new order of the samples in every epoch, by the model's seed.
        n_threads : int, optional
            The weights are the same, bit for bit, for every number. By default as many as help.
        progress : bool, optional
            A progress bar on standard error. By default if that is a terminal, or in a notebook.

        Returns
        -------
        History
            After Ctrl-C too, with the epochs so far, and a `TrainingWarning`: the model is usable as it is.

        Raises
        ------
        ValueError, TypeError
            If an argument does not fit.
        FloatingPointError
            If the loss is no longer finite; the weights are those of the last epoch whose loss was.
        RuntimeError
            In a callback of `fit` itself.

        Warns
        -----
        TrainingWarning
            If Ctrl-C ended the training, or the loss of an epoch is more than 100 times both that of the first batch, before any update,
            and that of outputs that are all 0.

        Examples
        --------
        >>> from fastmlp import Dense, EarlyStopping, ReLU, Sequential
        >>> from fastmlp.datasets import load_digits
        >>> (X, y), (X_test, y_test) = load_digits()
        >>> model = Sequential([Dense(64, 32), ReLU(), Dense(32, 10)], loss="softmax_cross_entropy")
        >>> history = model.fit(X, y, 200, optimizer="adam", validation_split=0.1, callbacks=[EarlyStopping(patience=5)])
        >>> history.stopped, model.score(X_test, y_test) > 0.95
        ('early stopping', True)
        """
        self._refuse_in_training("fit")
        data = self._data(X, y, sample_weight)
        samples, validation = self._samples(data, validation_data, check_range("validation_split", validation_split, 0, 1))
        optimizer = as_optimizer(optimizer)
        plan = Plan(
            epochs=check_size("epochs", epochs, 0, MOST_EPOCHS),
            batch_size=min(check_size("batch_size", batch_size, 1), len(samples)),
            learning_rate=optimizer.learning_rate,
            schedule=as_schedule(schedule),
            samples=samples,
            shuffle=self.rng if shuffle else None,
            n_threads=None if n_threads is None else check_size("n_threads", n_threads, 1),
        )
        hooks = as_callbacks(callbacks)
        run = self._training(optimizer, y, data.inputs.dtype)
        self._in_training = True
        try:
            return fitting.fit(self, run, data, validation, plan, hooks, progress)
        finally:
            self._in_training = False

    def _samples(self, data: Data, validation_data: Any, validation_split: float) -> tuple[np.ndarray, Data | None]:
        """Indices of the samples to train on, and what to validate with."""
        if validation_data is None and validation_split:
            samples, held_out = split(data.inputs.n_samples, validation_split, self.rng)
            for part, rows in (("train on", samples), ("validate with", held_out)):
                if data.weights.size and not data.weights[rows].any():
                    raise ValueError(f"sample_weight: expected a positive sum over the samples to {part}, got 0")
            return samples, data.take(held_out)
        samples = np.arange(data.inputs.n_samples)
        if validation_data is None:
            return samples, None
        if validation_split:
            raise ValueError(f"validation_split: expected 0 beside validation_data, got {validation_split}")
        try:
            X, y = validation_data
        except (TypeError, ValueError) as error:
            raise ValueError("validation_data: expected a pair (X, y)") from error
        return samples, self._data(X, y, None, "validation ", data.inputs.dtype)

    def train_batch(self, X: ArrayLike, y: ArrayLike, optimizer: Optimizer | str | None = "sgd") -> float:
        """One update from one batch, with what the optimizer remembers of those before, as in `fit`.

        Parameters
        ----------
        X, y : array_like
            As `fit` takes them.
        optimizer : Optimizer or str, default "sgd"
            As `fit` takes it. Its learning rate may differ from call to call.

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
        RuntimeError
            In a callback of `fit`.

        Examples
        --------
        >>> from fastmlp import Dense, Sequential
        >>> model = Sequential([Dense(1, 1)])
        >>> losses = [model.train_batch([[0.0], [1.0]], [1.0, 3.0], "adam") for _ in range(3)]
        >>> losses[0] > losses[1] > losses[2], model.steps
        (True, 3)
        """
        self._refuse_in_training("train_batch")
        data, optimizer = self._data(X, y, None), as_optimizer(optimizer)
        run, N = self._training(optimizer, y, data.inputs.dtype), data.inputs.n_samples
        loss = mean(run.epochs(*data, np.arange(N)[None], N, np.array([optimizer.learning_rate]), 1)[0])
        if not np.isfinite(loss):
            raise FloatingPointError(f"training diverged: the loss of this batch is {loss}; lower the learning rate or set clip_norm")
        return loss

    def summary(self) -> Summary:
        """The layers as a table: what ``print(model)`` shows, the multiplications with weights, memory, and training so far.

        Returns
        -------
        Summary
            A str that Python's prompt and notebooks show as it is.

        Examples
        --------
        >>> from fastmlp import Dense, ReLU, Sequential
        >>> Sequential([Dense(784, 100), ReLU(), Dense(100, 10)], loss="softmax_cross_entropy", dtype="float32").summary()
        layer            output   parameters   multiply-adds
        Dense(784, 100)     100       78,500          78,400
        ReLU()              100            0               0
        Dense(100, 10)       10        1,010           1,000
        loss softmax_cross_entropy, 79,510 parameters in float32 (0.3 MB), 79,400 multiply-adds per sample, 0 steps trained
        """
        lines = table(self.layers, ("layer", "output", "parameters", "multiply-adds"))
        memory = f"{self.parameters.dtype} ({self.parameters.nbytes / 1e6:.1f} MB)"
        multiply_adds = sum(layer.n_inputs * layer.n_outputs for layer in self.dense_layers)
        size = f"{self.parameters.size:,} parameters in {memory}, {multiply_adds:,} multiply-adds per sample"
        return Summary("\n".join([*lines, f"loss {self.loss}, {size}, {self.steps:,} steps trained"]))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a safetensors file; `fastmlp.load` reads it back. See `fastmlp.model.saving.save`."""
        save(self, path)

    def export_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the model to an ONNX file, for other runtimes. See `fastmlp.model.onnx.export_onnx`."""
        export_onnx(self, path)
