"""The problems on which the estimators are compared with scikit-learn's, with their default parameters: data, and a grid to search."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from ...datasets import load_fashion_mnist, normalize

ROWS = 10_000  # of Fashion-MNIST
TOLERANCE = {"float32": 1e-2, "float64": 1e-6}  # relative, of the last loss: rounding, amplified over some hundred epochs


class Problem(NamedTuple):
    """Training with the default parameters, apart from those that are given."""

    kind: str  # name of the estimator
    parameters: Mapping[str, Any] = {}

    def smaller(self) -> Problem:
        """Return the problem with few epochs, for a smoke run."""
        return self._replace(parameters={**self.parameters, "max_iter": 3})


PROBLEMS = {
    "iris": Problem("MLPClassifier"),
    "breast cancer": Problem("MLPClassifier"),
    "diabetes": Problem("MLPRegressor"),
    "digits": Problem("MLPClassifier"),
    "Fashion-MNIST": Problem("MLPClassifier", {"max_iter": 5}),
}

SEARCHED = Problem("MLPClassifier", {"max_iter": 50})  # on digits
GRID = {"alpha": [1e-5, 1e-4, 1e-3, 1e-2], "learning_rate_init": [1e-3, 3e-3, 1e-2, 3e-2]}  # 16 settings
FOLDS = 3


def load(name: str, dtype: str) -> tuple[np.ndarray, np.ndarray]:
    """Load a problem's data as a user would prepare them: columns standardized, pixels scaled to [0, 1].

    Parameters
    ----------
    name : str
        A key of PROBLEMS.
    dtype : {"float32", "float64"}
        Type of the inputs.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features), float32 or float64
        Inputs.
    y : ndarray of shape (n_samples,)
        Class labels, or the standardized target of diabetes.

    Raises
    ------
    ImportError
        If scikit-learn is not installed, or pooch is not and Fashion-MNIST would have to be downloaded.
    OSError
        If Fashion-MNIST is not found and cannot be downloaded.

    Examples
    --------
    >>> X, y = load("iris", "float32")
    >>> X.shape, X.dtype, y.shape
    ((150, 4), dtype('float32'), (150,))
    """
    if name == "Fashion-MNIST":
        (X, y), _ = load_fashion_mnist()
        return normalize(X[:ROWS], dtype), y[:ROWS]
    X, y = getattr(importlib.import_module("sklearn.datasets"), f"load_{name.replace(' ', '_')}")(return_X_y=True)
    preprocessing = importlib.import_module("sklearn.preprocessing")
    X = (preprocessing.minmax_scale if name == "digits" else preprocessing.scale)(X).astype(dtype)
    return X, preprocessing.scale(y) if name == "diabetes" else y
