"""`MLPClassifier`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels
from sklearn.utils.validation import column_or_1d, validate_data

from ..model.data import Data
from ..model.evaluating import loss_and_score
from .base import FLOATS, BaseMLP, offers_partial_fit


@dataclass(eq=False, repr=False)
class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multilayer perceptron classifier.

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

    def _validated(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[Any, np.ndarray, str]:
        X, y = validate_data(self, X, y, accept_sparse=["csr", "csc"], multi_output=True, dtype=FLOATS, reset=reset)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if not hasattr(self, "classes_") or not (self.warm_start or incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_ = self._label_binarizer.classes_
        else:
            self._check_classes(unique_labels(y))
        if self._label_binarizer.y_type_ == "multiclass":
            return X, np.searchsorted(self.classes_, y).astype(np.int64), "softmax_cross_entropy"
        return X, self._label_binarizer.transform(y).astype(X.dtype), "binary_cross_entropy"

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
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None) -> MLPClassifier:
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

        Returns
        -------
        self
            The estimator.
        """
        if _check_partial_fit_first_call(self, classes):
            self._label_binarizer = LabelBinarizer().fit(y if type_of_target(y).startswith("multilabel") else classes)
        self._fit(X, y, sample_weight, incremental=True)
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
        probabilities = expit(outputs)
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
        probabilities = expit(outputs)
        return self._label_binarizer.inverse_transform(probabilities if self.n_outputs_ > 1 else probabilities.ravel())

    def _validation_score(self, outputs: np.ndarray, held_out: Data) -> float:
        return loss_and_score(self._network.loss, outputs, held_out.targets, held_out.weights)[1]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
