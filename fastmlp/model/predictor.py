"""What a model says of data: outputs, probabilities, predictions, loss and score."""

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

FEW = 8  # rows that are predicted with outputs in lanes: a batch that small would leave most lanes of the usual layout empty


class Predictor(Architecture):
    """An `Architecture` that computes. Nothing here changes the model: a dtype that is undecided stays so, and the data's is used."""

    _few: predicting.Few | None = None  # prepared for a few rows

    def _forget(self) -> None:
        super()._forget()
        self._few = None

    def __getstate__(self) -> dict[str, Any]:
        """What a copy needs: not what was prepared."""
        return self.__dict__ | {"_few": None, "_in_training": False}

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
            If X is not of that shape, or not finite numbers; if an output is not finite, unless it is for `all_layers`.

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
        """Class indices for the cross-entropies, outputs for the other losses.

        Parameters
        ----------
        X : array_like of shape (N, I), or a SciPy sparse matrix
        n_threads : int, optional
            By default as many as help.

        Returns
        -------
        ndarray of shape (N,), (N, 1) or (N, O)
            In the shape of the targets that the model was trained on, so that ``y - model.predict(X)`` has it too. Classes are int64, of
            shape (N,), or (N, 1) if the targets were a column: the most probable; under "binary_cross_entropy" with O = 1 whether the
            probability is above 1/2, with more outputs an (N, O) array of 0 and 1. Outputs have shape (N, O), or (N,) if O = 1 and the
            targets had; quantiles of several levels ascend.

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
        """Mean loss, and the score: accuracy for the cross-entropies, D^2 for quantiles, else R^2.

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
        """The second of what `evaluate` gives: accuracy for the cross-entropies, D^2 for quantiles, else R^2.

        Parameters
        ----------
        X : array_like of shape (N, I), or a SciPy sparse matrix
        y : array_like
            Targets as `fit` takes them.
        sample_weight : array_like of shape (N,), optional

        Returns
        -------
        float
            At most 1, which is the best.

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
        """Data checked for this model, in its dtype."""
        return as_data(X, y, sample_weight, (self.n_inputs, self.n_outputs), self.loss, dtype or self.dtype, prefix)

    def _few_rows(self, X: Any, n_threads: int | None) -> predicting.Few | None:
        """What predicts X, if X is no more than a few rows that need no conversion."""
        if n_threads is not None:
            check_size("n_threads", n_threads, 1)
        if self.dtype and type(X) is np.ndarray and X.dtype == self.dtype and X.ndim == 2 and 0 < len(X) <= FEW and X.flags.carray:
            if self._few is None:
                self._few = predicting.Few(self.network(), self.parameters, FEW)
            if X.shape[1] == self._few.n_inputs:
                return self._few
        return None

    def _outputs(self, X: Any, n_threads: int | None = None) -> np.ndarray:
        """Outputs of the last layer: logits, under the losses that take them."""
        few = self._few_rows(X, n_threads)
        if few is not None:
            out = few.predict(X)
            return out if len(out) else self._complain()
        return self._outputs_of(as_inputs("X", X, self.n_inputs, self.dtype, finite=False), n_threads)

    def _outputs_of(self, inputs: Inputs, n_threads: int | None = None) -> np.ndarray:
        """Likewise for inputs that are checked, but for being finite: that is seen as they are read."""
        same = self.parameters.dtype == inputs.dtype
        w = self.parameters if same else aligned(self.parameters.astype(inputs.dtype))
        out = predicting.predict(self.network(), w, inputs, n_threads)
        return out if np.isfinite(out).all() else self._complain()

    def _complain(self) -> NoReturn:
        """Say why outputs are not finite though the inputs are: compared with NaN, every class would be the first."""
        for n, layer in enumerate(self.dense_layers):
            for name, values in (("W", layer.W), ("b", layer.b)):
                if values is not None:
                    check_finite(f"parameters, {name} of the {layer!r} that is dense_layers[{n}]", values)
        raise ValueError("X: expected inputs whose outputs are finite, got some that the layers turn into too large numbers")
