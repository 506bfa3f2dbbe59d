"""`MLPRegressor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import StrOptions

from ..engine.arguments import check_choice
from ..model.data import Data
from ..model.losses import LINKS
from ..model.onnx import Graph
from ..model.saving import check_fields
from ..model.sequential import Sequential
from .base import BaseMLP, offers_partial_fit
from .documentation import documented
from .onnx import Outputs, add_prediction
from .parameters import Parameters
from .saving import can_be_saved

LOSSES = ("squared_error", "absolute_error", "huber", "poisson")


@can_be_saved
@documented
@dataclass(eq=False, repr=False)
class MLPRegressor(RegressorMixin, BaseMLP):
    """Multilayer perceptron regressor, in place of scikit-learn's.

    Parameters
    ----------
    loss : {"squared_error", "poisson", "absolute_error", "huber"}, default "squared_error"
        Half the squared error; half the Poisson deviance of the exponential of the output, for targets of at least 0; and beyond
        scikit-learn the absolute error, and Huber's loss with threshold 1.
    (parameters)

    Attributes
    ----------
    (attributes)
    out_activation_ : str
        "identity", or "exp" for the Poisson loss.

    (references)

    Examples
    --------
    >>> from sklearn.datasets import make_regression
    >>> from fastmlp import MLPRegressor
    >>> X, y = make_regression(n_samples=200, n_features=20, random_state=1)
    >>> MLPRegressor(random_state=1, max_iter=2000, tol=0.1).fit(X, y).score(X, y) > 0.95
    True
    """

    loss: str = "squared_error"
    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {**Parameters._parameter_constraints, "loss": [StrOptions(set(LOSSES))]}

    _of_targets: ClassVar[dict[str, Any]] = {"y_numeric": True}

    def _targets(self, y: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, str]:
        if self.loss == "poisson" and y.min() < 0:
            raise ValueError(f"y: expected numbers of at least 0 for loss='poisson', got {y.min()}")
        return y.reshape(len(y), -1), self.loss

    @offers_partial_fit
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, X_val: Any = None, y_val: Any = None, sample_weight_val: Any = None
    ) -> MLPRegressor:  # fmt: skip
        """Train one epoch more, on these data.

        Parameters
        ----------
        X : array_like, data frame or sparse matrix of shape (n_samples, n_features)
            Inputs.
        y : array_like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array_like of shape (n_samples,), optional
            Weights of the samples.
        X_val, y_val, sample_weight_val : array_like, optional
            Validation data, scored after the epoch.

        Returns
        -------
        self
            The estimator.
        """
        self._fit(X, y, sample_weight, (X_val, y_val, sample_weight_val), incremental=True)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predicted targets.

        Parameters
        ----------
        X : array_like, data frame or sparse matrix of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            On the scale of `y`.
        """
        predicted = self._linked(self._outputs(X))
        return predicted.ravel() if predicted.shape[1] == 1 else predicted

    def _restore_targets(self, described: Any, tensors: dict[str, np.ndarray], network: Sequential) -> None:
        check_fields("targets", described, ())
        check_choice("loss", network.loss, LOSSES)

    def _add_outputs(self, graph: Graph, z: str) -> Outputs:
        return add_prediction(graph, z)

    def _linked(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs on the scale of the targets."""
        return LINKS["poisson"](outputs) if self.out_activation_ == "exp" else outputs

    def _validation_score(self, outputs: np.ndarray, held_out: Data) -> float:
        predicted = self._linked(outputs)
        if not np.isfinite(predicted).all():
            return float("nan")
        return float(r2_score(held_out.targets, predicted, sample_weight=held_out.weights if held_out.weights.size else None))
