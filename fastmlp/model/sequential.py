"""The class `Sequential`: a multilayer perceptron given as a list of layers."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..engine.arguments import check_range, check_size
from . import fitting, lbfgs
from .callbacks import Callback, as_callbacks
from .data import Data, smoothed, split
from .epochs import Plan, mean
from .history import History
from .layers import Dropout
from .losses import CLASSIFYING
from .onnx import export_onnx
from .optimizers import Optimizer, as_optimizer
from .saving import save
from .schedules import Schedule, as_schedule
from .summary import Summary, table
from .trainable import Trainable

MOST_EPOCHS = 10**9  # keeps the number of steps within 64 bits


class Sequential(Trainable):
    """A multilayer perceptron: a sequence of layers, trained on mini-batches.

    Parameters
    ----------
    layers : iterable of layers
        Dense layers, each followed by at most one activation and then at most one Dropout. The first layer may also be a Dropout.
    loss : str or Quantile, default "squared_error"
        The loss function. For regression: "squared_error" (half the squared error), "absolute_error", "huber" (with the threshold 1),
        "poisson", for which the prediction is the exponential of the output, a `Quantile` with one level or several, or "quantile", which
        is the median. For classification: "softmax_cross_entropy" or "binary_cross_entropy". Both are computed from logits; with
        "binary_cross_entropy", a final Sigmoid is allowed and becomes part of the loss.
    seed : int, default 0
        Seed of the initial weights, the shuffling and the dropout.
    dtype : {"float32", "float64"}, optional
        Dtype of parameters and arithmetic. By default it follows the first training data: float64 for data in float64 and for integers,
        float32 for all others, including uint8 images. Before the first training, predictions are computed in the dtype that their data
        imply.

    Attributes
    ----------
    layers : list of layers
        The layers.
    parameters : ndarray of shape (P,)
        All parameters in the order of the layers, for each layer W, row by row, and then b. W and b of the layers are views into it.
    steps : int
        Number of updates so far, with any optimizer. Together with the seed it determines which values dropout drops.

    Raises
    ------
    ValueError, TypeError
        If the sizes of the layers do not fit, their order is not allowed, or a name is unknown.

    Examples
    --------
    >>> from fastmlp import Dense, ReLU, Sequential
    >>> print(Sequential([Dense(784, 100), ReLU(), Dense(100, 10)], loss="softmax_cross_entropy"))
    layer            output   parameters
    Dense(784, 100)     100       78,500
    ReLU()              100            0
    Dense(100, 10)       10        1,010
    loss softmax_cross_entropy, 79,510 parameters

    A single neuron, trained by gradient descent:

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
        label_smoothing: float = 0.0,
    ) -> History:
        """Train the model on mini-batches.

        A second call continues where the first ended, with the present weights. The optimizer's state (its momentum, or Adam's running
        means) is also kept if none of its settings has changed but the learning rate; another optimizer starts with an empty state. The
        learning-rate schedule starts anew in every call.

        Parameters
        ----------
        X : array_like of shape (N, I), a data frame, or a SciPy sparse matrix
            The training samples, one per row. Values of dtype uint8 are taken for pixels: they are scaled from 0..255 to [0, 1] while
            the mini-batches are gathered, whether they are in an array, a memory map, a tensor, a sparse matrix, or a data frame whose
            columns are all uint8. Other values are not scaled; this includes a list of Python integers between 0 and 255. The data are
            copied as a whole only if their dtype or memory order must be converted; sparse rows are gathered without a dense copy of the
            matrix. Masked arrays are refused.
        y : array_like
            The targets. For "softmax_cross_entropy": class indices of shape (N,), or one distribution per row, of shape (N, O). For
            "binary_cross_entropy": values from 0 to 1, of shape (N, O), or (N,) if O = 1. For the other losses: numbers of shape (N, O),
            or (N,) if O = 1; also (N,) for a `Quantile` with several levels, whatever its O.
        epochs : int, default 10
            Number of passes over the training samples.
        batch_size : int, default 64
            Number of samples per mini-batch, at least 1 and reduced to N if larger. The last batch of an epoch may be smaller.
        optimizer : Optimizer or str, default "sgd"
            An optimizer, or one of the names "sgd", "momentum", "nesterov", "adam" and "adamw". For a name, the learning rate is the one
            in `fastmlp.model.optimizers.OPTIMIZERS`.
        schedule : Schedule or str, optional
            The learning-rate schedule, or one of the names "constant" (the default), "inverse_scaling", "adaptive", "step", "cosine" and
            "one_cycle".
        validation_data : (X, y), optional
            Data on which loss and score are evaluated after every epoch.
        validation_split : float, default 0
            Share of the samples, in [0, 1), to hold out for validation in place of `validation_data`; their weights are used too. The
            samples are drawn at random with the model's seed even if `shuffle` is False, because data are often sorted.
        sample_weight : array_like of shape (N,), optional
            Weights of the samples, at least 0. Losses and scores are weighted means. A batch whose weights are all 0 contributes neither
            loss nor gradient.
        callbacks : sequence of Callback or callables, optional
            Callbacks such as `EarlyStopping`, or functions, which are called as ``callback(epoch, model, history)`` after every epoch. A
            callback that returns True ends the training.
        shuffle : bool, default True
            Whether to draw a new order of the samples for every epoch, with the model's seed.
        n_threads : int, optional
            Number of threads. By default as many as make the training faster. The resulting weights are the same for every number, bit
            for bit.
        progress : bool, optional
            Whether to show a progress bar on standard error. By default it is shown if standard error is a terminal, and in notebooks.
        label_smoothing : float, default 0
            Share of each training target, in [0, 1), that is spread evenly over all classes. For the cross-entropies only. The losses
            recorded for the training are those of the smoothed targets.

        Returns
        -------
        History
            The values recorded in each epoch. If Ctrl-C interrupts the training, `fit` warns with a `TrainingWarning` and returns the
            epochs so far, and the model remains usable.

        Raises
        ------
        ValueError, TypeError
            If an argument does not fit.
        FloatingPointError
            If the training diverged, that is, the loss is no longer finite. The weights are those of the last epoch with a finite loss.
        RuntimeError
            If `fit` is called in a callback of `fit`.

        Warns
        -----
        TrainingWarning
            If Ctrl-C interrupted the training. Also if the loss of an epoch is more than 100 times the loss of the first batch before any
            update, and more than 100 times the loss of a network whose outputs are all 0.

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
        data = self._smoothed(data, label_smoothing)
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
        run = self._training(y, data.inputs.dtype)
        run.use(optimizer.settings())
        self._in_training = True
        try:
            return fitting.fit(self, run, data, validation, plan, hooks, progress)
        finally:
            self._in_training = False

    def minimize(
        self,
        X: ArrayLike,
        y: ArrayLike,
        max_iter: int = 200,
        l2: float = 0.0,
        tol: float = 1e-4,
        sample_weight: ArrayLike | None = None,
        label_smoothing: float = 0.0,
        n_threads: int | None = None,
    ) -> History:
        """Train the model on all samples at once, with SciPy's L-BFGS over the compiled loss and gradient.

        For small data sets this often reaches a lower loss in fewer passes over the data than `fit`, and there is no learning rate to
        choose. It begins at the present weights.

        Parameters
        ----------
        X, y, sample_weight : array_like
            The training samples, their targets and weights, as in `fit`.
        max_iter : int, default 200
            Largest number of iterations. Each computes the loss and its gradient once or, rarely, more often.
        l2 : float, default 0
            Strength of the penalty ``l2 / 2 * |W|^2`` on the weights (not on the biases), at least 0. The losses include it.
        tol : float, default 1e-4
            The minimum is reached if no element of the gradient is larger, or if the loss no longer decreases.
        label_smoothing, n_threads
            As in `fit`.

        Returns
        -------
        History
            The loss after each iteration and its seconds. `stopped` is "converged" if the minimum was reached, and "interrupted" after
            Ctrl-C, which is also reported by a `TrainingWarning`; the weights are then those of the last iteration.

        Raises
        ------
        ValueError, TypeError
            If an argument does not fit, or the model has dropout, with which the same weights would not have the same loss.
        FloatingPointError
            If the loss is not finite. The weights are those of the last iteration in which it was.
        RuntimeError
            If it is called in a callback of `fit`.

        Examples
        --------
        >>> from fastmlp import Dense, Sequential, Tanh
        >>> model = Sequential([Dense(2, 4), Tanh(), Dense(4, 1)], loss="binary_cross_entropy")
        >>> history = model.minimize([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
        >>> history.stopped, model.predict([[0.0, 1.0], [1.0, 1.0]])
        ('converged', array([1, 0]))
        """
        self._refuse_in_training("minimize")
        if any(isinstance(layer, Dropout) and layer.rate for layer in self.layers):
            raise ValueError("layers: expected no dropout, with which the same weights would not have the same loss")
        data = self._smoothed(self._data(X, y, sample_weight), label_smoothing)
        limits = lbfgs.Limits(check_size("max_iter", max_iter, 1), 20 * max_iter, check_range("tol", tol, 0))
        l2 = check_range("l2", l2, 0)
        threads = None if n_threads is None else check_size("n_threads", n_threads, 1)
        return fitting.minimize(self._training(y, data.inputs.dtype), data, l2, limits, threads)

    def _smoothed(self, data: Data, label_smoothing: Any) -> Data:
        """Return the data with smoothed targets. Raise ValueError if the loss has no classes."""
        share = check_range("label_smoothing", label_smoothing, 0, 1)
        if share and self.loss not in CLASSIFYING:
            raise ValueError(f"label_smoothing: expected 0 for the loss {self.loss!r}, which has no classes, got {label_smoothing}")
        return smoothed(data, share, self.n_outputs, self.loss)

    def _samples(self, data: Data, validation_data: Any, validation_split: float) -> tuple[np.ndarray, Data | None]:
        """Return the indices of the training samples, and the validation data or None."""
        if validation_data is None and validation_split:
            samples, held_out = split(data.inputs.n_samples, validation_split, self.rng)
            for part, rows in (("training", samples), ("validation", held_out)):
                if data.weights.size and not data.weights[rows].any():
                    raise ValueError(f"sample_weight: expected a positive sum over the {part} samples, got 0")
            return samples, data.take(held_out)
        samples = np.arange(data.inputs.n_samples)
        if validation_data is None:
            return samples, None
        if validation_split:
            raise ValueError(f"validation_split: expected 0 with validation_data, got {validation_split}")
        try:
            X, y = validation_data
        except (TypeError, ValueError) as error:
            raise ValueError("validation_data: expected a pair (X, y)") from error
        return samples, self._data(X, y, None, "validation ", data.inputs.dtype)

    def train_batch(self, X: ArrayLike, y: ArrayLike, optimizer: Optimizer | str | None = "sgd") -> float:
        """Update the weights once, from one batch. As in `fit`, the optimizer's state is kept from earlier updates.

        Parameters
        ----------
        X, y : array_like
            Samples and targets of the batch, in a form that `fit` accepts.
        optimizer : Optimizer or str, default "sgd"
            The optimizer or its name, as in `fit`. Its learning rate may differ from call to call.

        Returns
        -------
        float
            The mean loss of the batch before the update.

        Raises
        ------
        ValueError, TypeError
            If an argument does not fit.
        FloatingPointError
            If the loss is not finite. The weights are then not restored, as they would be by `fit`.
        RuntimeError
            If it is called in a callback of `fit`.

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
        run, N = self._training(y, data.inputs.dtype), data.inputs.n_samples
        run.use(optimizer.settings())
        loss = mean(run.epochs(*data, np.arange(N)[None], N, np.array([optimizer.learning_rate]), 1)[0])
        if not np.isfinite(loss):
            raise FloatingPointError(f"training diverged: the loss of this batch is {loss}; lower the learning rate or set clip_norm")
        return loss

    def summary(self) -> Summary:
        """Return a table of the layers with their outputs, parameters and multiply-adds, and the totals for the model.

        Returns
        -------
        Summary
            A str that Python's prompt and notebooks display without quotes.

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
        """Write the model to a safetensors file, which `fastmlp.load` reads. See `fastmlp.model.saving.save`."""
        save(self, path)

    def export_onnx(self, path: str | os.PathLike[str]) -> None:
        """Write the model to an ONNX file, so that other runtimes can run it. See `fastmlp.model.onnx.export_onnx`."""
        export_onnx(self, path)
