"""scikit-learn's interface: `MLPClassifier` and `MLPRegressor`. Importing this package imports scikit-learn."""

from .classifier import MLPClassifier
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
