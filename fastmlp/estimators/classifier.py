"""`MLPClassifier`."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from ..engine.arguments import check_choice, shown
from ..model.data import Data, smoothed
from ..model.evaluating import loss_and_score
from ..model.onnx import Graph
from ..model.saving import check_fields
from ..model.sequential import Sequential
from .base import BaseMLP, offers_partial_fit
from .documentation import documented
from .given import Given
from .onnx import Outputs, add_classes, add_labels, onnx_labels
from .parameters import Parameters
from .saving import can_be_saved
from .stored import as_tensor, from_tensor

TYPES = {  # types of targets, each with the loss for training
    "binary": "binary_cross_entropy",
    "multiclass": "softmax_cross_entropy",
    "multilabel-indicator": "binary_cross_entropy",
}


@can_be_saved
@documented
@dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multilayer perceptron classifier, in place of scikit-learn's.

    It minimises the cross-entropy: of the softmax for more than two classes, of the logistic function for two, and of one logistic function
    per label for multilabel targets.

    Parameters
    ----------
    (parameters)
    class_weight : dict, list of dict or "balanced", optional
        Weights of the classes, as in `sklearn.utils.class_weight.compute_sample_weight`; they multiply the samples' own. With
        "balanced" all classes have the same total weight; in `partial_fit`, within the data of each call. Validation data are weighted in
        the same way, and are scored by their loss unless `scoring` names another score: the accuracy would be that of the heavy classes
        alone. Not in scikit-learn.
    label_smoothing : float, default 0
        Share of each target that is spread evenly over all classes. Losses of training are those of the smoothed targets. Not in
        scikit-learn.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    (attributes)
    out_activation_ : str
        "softmax" or "logistic".

    (references)

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from fastmlp import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> MLPClassifier(random_state=0, max_iter=1000).fit(X, y).score(X, y) > 0.95
    True
    """

    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    _: KW_ONLY
    class_weight: Any = None
    label_smoothing: float = 0.0

    loss: ClassVar[str] = "log_loss"  # no parameter, here as in scikit-learn
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **Parameters._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def _learn_targets(self, y: np.ndarray, incremental: bool) -> None:
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_classes(unique_labels(y))

    def _targets(self, y: np.ndarray, dtype: np.dtype) -> tuple[np.ndarray, str]:
        kind = self._label_binarizer.y_type_
        if kind.startswith("multilabel"):
            if y.ndim != 2 or y.shape[1] != len(self.classes_):
                raise ValueError(f"y: expected an indicator of {len(self.classes_)} labels for each sample, got shape {y.shape}")
            return self._label_binarizer.transform(y).astype(dtype), "binary_cross_entropy"
        if y.ndim != 1:
            raise ValueError(f"y: expected one class for each sample, got shape {y.shape}")
        places = np.searchsorted(self.classes_, y)
        unknown = self.classes_[np.minimum(places, len(self.classes_) - 1)] != y
        if unknown.any():
            raise ValueError(f"y: expected classes among {self.classes_}, got {y[unknown][0]}")
        if kind == "binary":
            return places[:, None].astype(dtype), "binary_cross_entropy"
        return places.astype(np.int64), "softmax_cross_entropy"

    def _weights(self, X: Any, y: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        weights = super()._weights(X, y, sample_weight)
        if self.class_weight is None:
            return weights
        if isinstance(self.class_weight, str) and y.ndim == 1:  # "balanced": weights may stand for repetitions
            classes, places = np.unique(y, return_inverse=True)
            totals = np.bincount(places, weights, len(classes))
            present = totals > 0
            of_classes = np.divide(totals.sum(), present.sum() * totals, where=present, out=np.zeros(len(classes)))[places]
        else:
            of_classes = self._dict_weights(y)
        return (of_classes if weights is None else of_classes * weights).astype(X.dtype)

    def _dict_weights(self, y: np.ndarray) -> np.ndarray:
        """The weights of the samples' classes by the dicts of `class_weight`, or balanced ones of several labels."""
        try:
            weights: np.ndarray = np.asarray(compute_sample_weight(self.class_weight, y), np.float64)
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            raise ValueError(f"class_weight: expected a weight for each class, got {shown(self.class_weight)}: {error}") from error
        if not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any():
            raise ValueError(f"class_weight: expected numbers of at least 0, not all of them 0, got {shown(self.class_weight)}")
        return weights

    def _trained_on(self, data: Data) -> Data:
        return smoothed(data, self.label_smoothing, self.n_outputs_, self._network.loss)

    def _check_classes(self, classes: np.ndarray) -> None:
        """ValueError if a later call to fit has classes that do not fit those of the first."""
        if self.warm_start:
            if set(classes) != set(self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                    f"Previously got {self.classes_}, `y` has {classes}"
                )
        elif len(np.setdiff1d(classes, self.classes_, assume_unique=True)):
            raise ValueError(f"`y` has classes not in `self.classes_`. `self.classes_` has {self.classes_}. 'y' has {classes}.")

    @offers_partial_fit
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None,
        X_val: Any = None, y_val: Any = None, sample_weight_val: Any = None,
    ) -> MLPClassifier:  # fmt: skip
        """Train one epoch more, on these data.

        Parameters
        ----------
        X : array_like, data frame or sparse matrix of shape (n_samples, n_features)
            Inputs.
        y : array_like of shape (n_samples,)
            Class labels.
        sample_weight : array_like of shape (n_samples,), optional
            Weights of the samples.
        classes : array_like of shape (n_classes,), optional
            All classes that will ever come; the first call needs them.
        X_val, y_val, sample_weight_val : array_like, optional
            Validation data, scored after the epoch.

        Returns
        -------
        self
            The estimator.
        """
        if _check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer().fit(y if type_of_target(y).startswith("multilabel") else classes)
        self._fit(Given(X, y, sample_weight), Given(X_val, y_val, sample_weight_val), incremental=True)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes.

        Parameters
        ----------
        X : array_like, data frame or sparse matrix of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`. Rows sum to 1, except for multilabel targets, whose labels each have a probability of their own.
        """
        outputs = self._outputs(X)
        if self.out_activation_ == "softmax":
            return softmax(outputs, axis=1)
        probabilities = self._logistic(outputs)
        return probabilities if self.n_outputs_ > 1 else np.hstack([1 - probabilities, probabilities])

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Logarithms of `predict_proba`.

        Parameters
        ----------
        X : array_like, data frame or sparse matrix of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            In the order of `classes_`.
        """
        probabilities = self.predict_proba(X)
        return np.log(probabilities, out=probabilities)

    def predict(self, X: Any) -> np.ndarray:
        """Class labels.

        Parameters
        ----------
        X : array_like, data frame or sparse matrix of shape (n_samples, n_features)
            Inputs.

        Returns
        -------
        ndarray of shape (n_samples,), or (n_samples, n_labels) for multilabel targets
            The most probable class, or whether each label is more probable than not.
        """
        outputs = self._outputs(X)
        if self.out_activation_ == "softmax":
            return self.classes_[outputs.argmax(axis=1)]
        probabilities = self._logistic(outputs)
        if self.n_outputs_ == 1 and len(self.classes_) == 2:
            return self.classes_[(probabilities[:, 0] > 0.5).astype(np.intp)]
        return self._label_binarizer.inverse_transform(probabilities if self.n_outputs_ > 1 else probabilities.ravel())

    def _logistic(self, outputs: np.ndarray) -> np.ndarray:
        """The logistic function, but never quite 0 or 1, so that logarithms of both probabilities are finite."""
        finfo = np.finfo(outputs.dtype)
        return np.clip(expit(outputs), finfo.tiny, 1 - finfo.epsneg)

    def _described_targets(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        described = {"type": self._label_binarizer.y_type_, "sparse": self._label_binarizer.sparse_input_}
        return described, {"classes_": as_tensor("classes_", self.classes_)}

    def _restore_targets(self, described: Any, tensors: dict[str, np.ndarray], network: Sequential) -> None:
        check_fields("targets", described, ("type", "sparse"))
        loss = TYPES[check_choice("type", described["type"], TYPES)]
        if network.loss != loss:
            raise ValueError(f"loss: expected {loss!r} for {described['type']} targets, got {network.loss!r}")
        if type(described["sparse"]) is not bool:
            raise ValueError(f"sparse: expected true or false, got {described['sparse']!r}")
        if "classes_" not in tensors:
            raise ValueError("tensor 'classes_': expected the classes, got none")
        self.classes_ = from_tensor("classes_", tensors.pop("classes_"))
        n_outputs = 1 if described["type"] == "binary" else len(self.classes_)
        if len(self.classes_) > 2 > n_outputs or network.n_outputs != n_outputs:
            raise ValueError(f"classes_: expected as many as {network.n_outputs} outputs tell apart, got {len(self.classes_)}")
        if not (self.classes_[:-1] < self.classes_[1:]).all():
            raise ValueError(f"classes_: expected each once, in ascending order, got {self.classes_}")
        self._label_binarizer = LabelBinarizer()
        self._label_binarizer.classes_, self._label_binarizer.y_type_ = self.classes_, described["type"]
        self._label_binarizer.sparse_input_ = described["sparse"]

    def _add_outputs(self, graph: Graph, z: str) -> Outputs:
        if self._label_binarizer.y_type_.startswith("multilabel"):
            return add_labels(graph, z)
        return add_classes(graph, z, onnx_labels(self.classes_))

    def _validation_score(self, outputs: np.ndarray, held_out: Data) -> float:
        return loss_and_score(self._network.loss, outputs, held_out.targets, held_out.weights)[1]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
