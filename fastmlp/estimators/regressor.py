"""`MLPRegressor`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import issparse
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight

from ..engine.arguments import check_choice
from ..engine.losses import Loss, Quantile, check_levels
from ..model.data import Data
from ..model.evaluating import loss_and_score
from ..model.losses import linked
from ..model.onnx import Graph
from ..model.saving import check_fields
from ..model.sequential import Sequential
from .base import BaseMLP, offers_partial_fit
from .documentation import documented
from .given import Given
from .onnx import Outputs, add_prediction
from .parameters import Parameters
from .saving import can_be_saved

LOSSES = ("squared_error", "absolute_error", "huber", "poisson", "quantile")


@can_be_saved
@documented
@dataclass(eq=False, repr=False)
class MLPRegressor(RegressorMixin, BaseMLP):
    """Multilayer perceptron regressor, in place of scikit-learn's.

    Parameters
    ----------
    loss : {"squared_error", "poisson", "absolute_error", "huber", "quantile"}, default "squared_error"
        Half the squared error; half the Poisson deviance of the exponential of the output, for targets of at least 0; and beyond
        scikit-learn the absolute error, Huber's loss with threshold 1, and the pinball loss of quantiles, summed over their levels.
    (parameters)
    quantile : float or list of float, default 0.5
        Level of the quantile that `loss="quantile"` estimates, between 0 and 1; or several in ascending order, for one target, all by one
        network. Quantiles of several levels do not cross: predictions are sorted, which never makes their loss larger (see
        `fastmlp.Quantile`). Not in scikit-learn.

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
    _: KW_ONLY
    quantile: float | Sequence[float] = 0.5

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Parameters._parameter_constraints,
        "loss": [StrOptions(set(LOSSES))],
        "quantile": [Interval(Real, 0, 1, closed="neither"), "array-like"],
    }

    _of_targets: ClassVar[dict[str, Any]] = {"y_numeric": True}

    def _targets(self, y: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, Loss]:
        if issparse(y):
            raise TypeError("Sparse data was passed for y, but dense data is required. Use '.toarray()' to convert to a dense numpy array.")
        if self.loss == "poisson" and y.min() < 0:
            raise ValueError(f"y: expected numbers of at least 0 for loss='poisson', got {y.min()}")
        targets = y.reshape(len(y), -1)
        if self.loss != "quantile":
            return targets, self.loss
        loss = Quantile(check_levels("quantile", self.quantile))
        if loss.is_several and targets.shape[1] > 1:
            raise ValueError(f"y: expected one target for quantiles of several levels, got {targets.shape[1]}")
        return np.repeat(targets, len(loss.levels), axis=1), loss

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
        self._fit(Given(X, y, sample_weight), Given(X_val, y_val, sample_weight_val), incremental=True)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predicted targets.

        Parameters
        ----------
        X : array_like, data frame or sparse matrix of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray of shape (n_samples,), (n_samples, n_outputs), or (n_samples, n_levels) for a list of quantiles
            On the scale of `y`.
        """
        outputs = self._outputs(X)
        predicted = linked(self._network.loss, outputs)
        listed = isinstance(self._network.loss, Quantile) and np.ndim(self.quantile) > 0
        return predicted.ravel() if predicted.shape[1] == 1 and not listed else predicted

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """R^2; or D^2 for quantiles, the share of the loss of the best constants that the predictions save.

        Parameters
        ----------
        X : array_like, data frame or sparse matrix of shape (n_samples, n_features)
            Inputs.
        y : array_like of shape (n_samples,) or (n_samples, n_outputs)
            Targets.
        sample_weight : array_like of shape (n_samples,), optional
            Weights of the samples.

        Returns
        -------
        float
            At most 1, which is the best.
        """
        if self.loss != "quantile":
            return float(super().score(X, y, sample_weight))
        outputs, loss = self._outputs(X), self._network.loss
        X, y = self._validated(X, y, reset=False)
        weights = np.zeros(0) if sample_weight is None else _check_sample_weight(sample_weight, X)
        return loss_and_score(loss, outputs, self._targets(y, X.dtype)[0], weights)[1]

    def _restore_targets(self, described: Any, tensors: dict[str, np.ndarray], network: Sequential) -> None:
        check_fields("targets", described, ())
        if not isinstance(network.loss, Quantile):
            check_choice("loss", network.loss, LOSSES)

    def _add_outputs(self, graph: Graph, z: str) -> Outputs:
        return add_prediction(graph, z)

    def _validation_score(self, outputs: np.ndarray, held_out: Data) -> float:
        predicted = linked(self._network.loss, outputs)
        if not np.isfinite(predicted).all():
            return float("nan")
        if isinstance(self._network.loss, Quantile):
            return loss_and_score(self._network.loss, outputs, held_out.targets, held_out.weights)[1]
        return float(r2_score(held_out.targets, predicted, sample_weight=held_out.weights if held_out.weights.size else None))
