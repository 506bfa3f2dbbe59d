"""Apply a model to data: compute outputs, probabilities, predictions, loss and score."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike

from ..engine import predicting
from ..engine.arguments import check_finite, check_size
from ..engine.inputs import Inputs, as_inputs
from ..engine.memory import aligned
from .architecture import Architecture
from .data import Data, as_data
from .evaluating import loss_and_score
from .layers import Activation
from .losses import CLASSIFYING, linked, sigmoid

FEW = 8  # samples; up to this many, outputs take the lanes of the vectors, since so few samples would leave most lanes empty


class Predictor(Architecture):
    """An `Architecture` that can be applied to data.

    None of its methods changes the model. If the dtype of the model is not decided yet, the dtype of the data is used.
    """

    _few: predicting.Few | None = None  # prepared data for predicting few samples
    _many: predicting.Many | None = None  # and for predicting many

    def _forget(self) -> None:
        super()._forget()
        self._few = self._many = None

    def __getstate__(self) -> dict[str, Any]:
        """Return the state for a copy, without the data prepared for prediction."""
        return self.__dict__ | {"_few": None, "_many": None, "_in_training": False}

    def forward(self, X: ArrayLike, all_layers: bool = False) -> Any:
        """Compute the output of the network, or of each layer.

        Parameters
        ----------
        X : array_like of shape (N, I), or a SciPy sparse matrix
            Samples, one per row.
        all_layers : bool, default False
            Whether to return a list with the output of every layer. These are computed layer by layer in NumPy.

        Returns
        -------
        ndarray of shape (N, O), or list of ndarray
            The output of the last layer, or a list of the outputs of all layers. If the loss is a cross-entropy and the model does not
            end with a Sigmoid, the output consists of logits.

        Raises
        ------
        ValueError, TypeError
            If X has another shape or does not hold finite numbers, or if an output is not finite (not checked with `all_layers`).

        Examples
        --------
        >>> from fastmlp import Dense, ReLU, Sequential
        >>> model = Sequential([Dense(2, 3), ReLU(), Dense(3, 1)])
        >>> model.forward([[0.0, 1.0], [1.0, 1.0]]).shape
        (2, 1)
        >>> [out.shape for out in model.forward([[0.0, 1.0], [1.0, 1.0]], all_layers=True)]
        [(2, 3), (2, 3), (2, 1)]
        """
        if all_layers:
            inputs = as_inputs("X", X, self.n_inputs, self.dtype)
            outputs: list[np.ndarray] = [inputs.dense(self.parameters.dtype)]
            for layer in self.layers:
                outputs.append(layer(outputs[-1]))
            return [out.astype(inputs.dtype, copy=False) for out in outputs[1:]]
        out = self._outputs(X)
        ends_in_sigmoid = isinstance(self.layers[-1], Activation) and self.layers[-1].name == "logistic"
        return sigmoid(out) if self.loss == "binary_cross_entropy" and ends_in_sigmoid else out

    def predict_proba(self, X: ArrayLike, n_threads: int | None = None) -> np.ndarray:
        """Predict the probabilities of the classes.

        Parameters
        ----------
        X : array_like of shape (N, I), or a SciPy sparse matrix
            Samples, one per row.
        n_threads : int, optional
            Number of threads. By default as many as make the prediction faster.

        Returns
        -------
        ndarray of shape (N, O)
            Probabilities. With "softmax_cross_entropy" each row sums to 1; with "binary_cross_entropy" each output is a probability of its
            own.

        Raises
        ------
        ValueError, TypeError
            If the loss is not a cross-entropy, X does not fit, or a parameter is not finite.

        Examples
        --------
        >>> from fastmlp import Dense, Sequential
        >>> model = Sequential([Dense(2, 2)], loss="softmax_cross_entropy")
        >>> model.layers[0].W = [[0, 1], [0, 0]]
        >>> model.predict_proba([[0.0, 5.0], [1.0, 5.0]])
        array([[0.5 , 0.5 ],
               [0.27, 0.73]])
        """
        if self.loss not in CLASSIFYING:
            raise ValueError(f"loss: predict_proba expects a cross-entropy, got {self.loss!r}")
        return linked(self.loss, self._outputs(X, n_threads))

    def predict(self, X: ArrayLike, n_threads: int | None = None) -> np.ndarray:
        """Predict class indices for the cross-entropies, and target values for the other losses.

        Parameters
        ----------
        X : array_like of shape (N, I), or a SciPy sparse matrix
            Samples, one per row.
        n_threads : int, optional
            Number of threads. By default as many as make the prediction faster.

        Returns
        -------
        ndarray of shape (N,), (N, 1) or (N, O)
            The predictions. Their shape follows the targets that the model was trained on, so that ``y - model.predict(X)`` has the same
            shape as y. With "softmax_cross_entropy" they are the most probable classes; with "binary_cross_entropy" they are 1 where the
            probability is above 1/2 and 0 elsewhere. Both are int64 of shape (N,), or (N, 1) if the targets had that shape, or, for
            "binary_cross_entropy" with several outputs, (N, O). For the other losses they are floats of shape (N, O), or (N,) if O = 1
            and the targets had shape (N,); quantiles of several levels are in ascending order.

        Raises
        ------
        ValueError, TypeError
            If X does not fit, or a parameter is not finite.

        Examples
        --------
        >>> from fastmlp import Dense, Sequential
        >>> model = Sequential([Dense(2, 3)], loss="softmax_cross_entropy")
        >>> model.layers[0].W = [[1, 0, 0], [0, 0, 1]]
        >>> model.predict([[5.0, 0.0], [0.0, 5.0], [-1.0, -1.0]])
        array([0, 2, 1])
        """
        if self.loss == "softmax_cross_entropy":
            few = self._few_rows(X, n_threads)
            classes = few.classify(X) if few is not None else self._outputs(X, n_threads).argmax(axis=1)
            if not len(classes):
                self._complain()
            return classes[:, None] if self.column_targets else classes
        out = self._outputs(X, n_threads)
        if self.loss == "binary_cross_entropy":
            classes = (out > 0).astype(np.int64)
            return classes if out.shape[1] > 1 or self.column_targets else classes[:, 0]
        out = linked(self.loss, out)
        return out[:, 0] if self.column_targets is False and out.shape[1] == 1 else out

    def evaluate(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> tuple[float, float]:
        """Compute the mean loss and the score, which is the accuracy for the cross-entropies, D^2 for quantiles, and R^2 otherwise.

        Parameters
        ----------
        X : array_like of shape (N, I), or a SciPy sparse matrix
            Samples, one per row.
        y : array_like
            Targets, in a form that `fit` accepts.
        sample_weight : array_like of shape (N,), optional
            Weights of the samples in both means. By default all are equal.

        Returns
        -------
        loss, score : float
            The mean loss, and the score, which is at most 1.

        Raises
        ------
        ValueError, TypeError
            If an argument does not fit, or a parameter is not finite.

        Examples
        --------
        >>> from fastmlp import Dense, Sequential
        >>> model = Sequential([Dense(1, 1)])
        >>> model.layers[0].W = [[2.0]]
        >>> model.evaluate([[0.0], [1.0], [2.0]], [0.0, 2.0, 5.0])  # half the squared error, R^2
        (0.1667, 0.9211)
        """
        data = self._data(X, y, sample_weight)
        return loss_and_score(self.loss, self._outputs_of(data.inputs), data.targets, data.weights)

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Compute the score, which is the accuracy for the cross-entropies, D^2 for quantiles, and R^2 otherwise.

        Parameters
        ----------
        X : array_like of shape (N, I), or a SciPy sparse matrix
            Samples, one per row.
        y : array_like
            Targets, in a form that `fit` accepts.
        sample_weight : array_like of shape (N,), optional
            Weights of the samples. By default all are equal.

        Returns
        -------
        float
            The score; the best possible value is 1.

        Raises
        ------
        ValueError, TypeError
            If an argument does not fit, or a parameter is not finite.

        Examples
        --------
        >>> from fastmlp import Dense, Sequential
        >>> model = Sequential([Dense(2, 2)], loss="softmax_cross_entropy")
        >>> model.layers[0].W = [[1, 0], [0, 1]]
        >>> model.score([[3.0, 1.0], [1.0, 3.0], [2.0, 1.0], [0.0, 5.0]], [0, 1, 1, 1])
        0.75
        """
        return self.evaluate(X, y, sample_weight)[1]

    def _data(self, X: Any, y: Any, sample_weight: Any, prefix: str = "", dtype: np.dtype | None = None) -> Data:
        """Check data for this model and convert them to its dtype."""
        return as_data(X, y, sample_weight, (self.n_inputs, self.n_outputs), self.loss, dtype or self.dtype, prefix)

    def _few_rows(self, X: Any, n_threads: int | None) -> predicting.Few | None:
        """Return the fast predictor for few samples if X has few rows and needs no conversion, otherwise None."""
        if n_threads is not None:
            check_size("n_threads", n_threads, 1)
        if self.dtype and type(X) is np.ndarray and X.dtype == self.dtype and X.ndim == 2 and 0 < len(X) <= FEW and X.flags.carray:
            if self._few is None:
                self._few = predicting.Few(self.network(), self.parameters, FEW)
            if X.shape[1] == self._few.n_inputs:
                return self._few
        return None

    def _outputs(self, X: Any, n_threads: int | None = None) -> np.ndarray:
        """Compute the outputs of the last layer, which are logits for the losses that are defined on logits."""
        few = self._few_rows(X, n_threads)
        if few is not None:
            out = few.predict(X)
            return out if len(out) else self._complain()
        return self._outputs_of(as_inputs("X", X, self.n_inputs, self.dtype, finite=False), n_threads)

    def outputs_of(self, inputs: Inputs, n_threads: int | None = None) -> np.ndarray:
        """Return the outputs (N, O) of the last layer for checked inputs. Outputs that overflow are returned as they are."""
        if self._many is None:
            self._many = predicting.Many(self.network())
        same = self.parameters.dtype == inputs.dtype
        w = self.parameters if same else aligned(self.parameters.astype(inputs.dtype))
        return self._many.predict(w, inputs, n_threads)

    def _outputs_of(self, inputs: Inputs, n_threads: int | None = None) -> np.ndarray:
        """Compute the outputs for inputs that have been checked, except for being finite.

        Inputs that are not finite are found by checking the outputs.
        """
        out = self.outputs_of(inputs, n_threads)
        return out if np.isfinite(out).all() else self._complain()

    def _complain(self) -> NoReturn:
        """Raise a ValueError that says why outputs are not finite although the inputs are.

        Without this error, NaN outputs would be predicted as the first class.
        """
        for n, layer in enumerate(self.dense_layers):
            for name, values in (("W", layer.W), ("b", layer.b)):
                if values is not None:
                    check_finite(f"parameters, {name} of the {layer!r} that is dense_layers[{n}]", values)
        raise ValueError("X: expected inputs with finite outputs, got some whose values overflow in the layers")
