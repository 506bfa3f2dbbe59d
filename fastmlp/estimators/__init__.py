"""scikit-learn's interface: `MLPClassifier` and `MLPRegressor`. Importing this package imports scikit-learn."""

from .classifier import MLPClassifier
from .onnx_converter import register_skl2onnx
from .regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor", "register_skl2onnx"]
