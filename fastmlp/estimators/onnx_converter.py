"""A converter with which skl2onnx exports pipelines that contain one of the estimators."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..engine.arguments import shown
from ..files.optional import optional
from ..model.onnx import OPSET
from .classifier import MLPClassifier
from .onnx import INT64, LABEL, graph_of
from .regressor import MLPRegressor

OLDEST_OPSET = 13  # the first in which the axes of Squeeze are an input


def register_skl2onnx() -> None:
    """Register converters for `MLPClassifier` and `MLPRegressor` with skl2onnx, so that it converts them alone or in a Pipeline.

    The converted estimators have the same outputs as scikit-learn's own: for a classifier, the label (a string or an int64) and the
    probabilities, which the option ``zipmap`` turns into a sequence of maps; for a regressor, the prediction of shape (N, n_outputs).
    They are computed in float64 if the input is float64, and otherwise in float32. Missing numbers and categories that are numbers are
    converted too; strings, for which skl2onnx would have to pass columns of several types, are an error. The function may be called more
    than once.

    Raises
    ------
    ImportError
        If skl2onnx is not installed.

    Examples
    --------
    >>> from skl2onnx import to_onnx
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from fastmlp import MLPClassifier
    >>> from fastmlp.estimators import register_skl2onnx
    >>> register_skl2onnx()
    >>> X, y = load_iris(return_X_y=True)
    >>> pipeline = make_pipeline(StandardScaler(), MLPClassifier(random_state=0, solver="lbfgs")).fit(X, y)
    >>> proto = to_onnx(pipeline, X[:1], options={"zipmap": False})
    >>> [output.name for output in proto.graph.output]
    ['label', 'probabilities']
    """
    skl2onnx = optional("skl2onnx", extra="skl2onnx", purpose="register_skl2onnx")
    calculators = optional("skl2onnx.common.shape_calculator", extra="skl2onnx", purpose="register_skl2onnx")
    options = {"zipmap": [True, False, "columns"], "output_class_labels": [False, True], "nocl": [False]}
    for kind, of_kind, calculate in (
        (MLPClassifier, options, calculators.calculate_linear_classifier_output_shapes),
        (MLPRegressor, None, calculators.calculate_linear_regressor_output_shapes),
    ):
        skl2onnx.update_registered_converter(kind, f"Fastmlp{kind.__name__}", partial(_set_shapes, calculate), _convert, options=of_kind)


def _set_shapes(calculate: Any, operator: Any) -> None:
    """Set the types and shapes of an operator's outputs, as skl2onnx does, for any number of outputs."""
    estimator = operator.raw_operator
    if estimator._encoding is not None and estimator._encoding.has_strings:
        raise ValueError(
            "X: expected columns without strings for skl2onnx; `export_onnx` writes an estimator with an input for each column"
        )
    calculate(operator)
    first = operator.outputs[0].type
    if not isinstance(estimator, MLPClassifier) or (estimator.out_activation_ == "logistic" and estimator.n_outputs_ > 1):
        first.shape = [first.shape[0], estimator.n_outputs_]
    elif estimator.classes_.dtype.kind == "f" and (estimator.classes_ % 1).any():
        raise ValueError(f"classes_: expected strings or integers, the labels that skl2onnx supports, got {shown(estimator.classes_)}")


def _convert(scope: Any, operator: Any, container: Any) -> None:
    """Add the estimator's operators and tensors to those of the pipeline."""
    onnx = optional("onnx", extra="onnx", purpose="skl2onnx")
    if (opset := min(container.target_opset, OPSET)) < OLDEST_OPSET:
        raise ValueError(f"target_opset: expected at least {OLDEST_OPSET}, got {opset}")
    double = type(operator.inputs[0].type).__name__ == "DoubleTensorType"
    graph, outputs = graph_of(operator.raw_operator, np.float64 if double else np.float32)
    names = list(outputs)
    if LABEL in outputs and np.dtype(outputs[LABEL][0]) not in (object, np.int64):
        names[names.index(LABEL)] = graph.add("Cast", LABEL, to=INT64)
    outside = {name: variable.full_name for name, variable in zip(names, operator.outputs, strict=True)}
    inside = ["X", *graph.tensors, *(name for node in graph.nodes for name in node.outputs)]
    unique = {name: scope.get_unique_variable_name(name) for name in inside} | outside

    def add(node: str, inputs: list[str], outputs: list[str], **attributes: Any) -> None:
        version = onnx.defs.get_schema(node, opset).since_version
        container.add_node(node, inputs, outputs, op_version=version, name=scope.get_unique_operator_name(node), **attributes)

    element = onnx.helper.np_dtype_to_tensor_dtype(graph.dtype)
    add("Cast", [operator.inputs[0].full_name], [unique["X"]], to=element)
    for name, tensor in graph.tensors.items():
        content = [text.encode() for text in tensor] if tensor.dtype == object else tensor.ravel()
        container.add_initializer(unique[name], onnx.helper.np_dtype_to_tensor_dtype(tensor.dtype), tensor.shape, content)
    for node in graph.nodes:
        add(node.operator, [unique[name] for name in node.inputs], [unique[name] for name in node.outputs], **node.attributes)
