"""Export estimators to ONNX: the operators of `predict` and `predict_proba` follow those of the network."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from ..engine.arguments import LARGEST_INTEGER, shown
from ..files.atomic import PathLike
from ..model.onnx import LAST, Graph, check_target
from .onnx_encoding import add_encoding
from .saving import Saving

INT64 = 7  # the value of onnx.TensorProto.INT64
LABEL, PROBABILITIES, PREDICTION = "label", "probabilities", "prediction"
Outputs = dict[str, tuple[DTypeLike, *tuple[int, ...]]]


class Exporting(Saving):
    """`export_onnx`. Subclasses append the operators of their predictions."""

    def export_onnx(self, path: PathLike) -> None:
        """Write the fitted estimator to an ONNX file (opset 18), so that other runtimes can run it.

        The input is called "X" and has shape (N, n_features), for any N, and the dtype in which the estimator was fitted.

        With `categorical_features`, NaN stands for a missing number. If columns contain strings, each column has an input of its own
        instead, of shape (N, 1). It has the name of the column, or "x0", "x1", ... for data without names, and takes strings, or numbers
        (0 and 1 for Booleans) in the dtype of the estimator. ONNX has no missing strings: any string that is not a category, such as "",
        stands for one. The operator that encodes strings is of version 3 of the operators ai.onnx.ml.

        A classifier has two outputs: "label" contains what `predict` returns and has shape (N,), or (N, n_labels) for multilabel targets;
        "probabilities" contains what `predict_proba` returns and has shape (N, n_classes). A regressor has the output "prediction" of
        shape (N, n_outputs), where the quantiles of several levels count as outputs and are sorted. Labels of any integer type become
        int64; strings, Booleans and floats keep their type. The outputs agree with the estimator's predictions up to rounding in the dtype.

        To export a pipeline that contains the estimator, use skl2onnx after a call of `fastmlp.estimators.register_skl2onnx`.

        Parameters
        ----------
        path : str or path-like
            The file to write. By convention its name ends in ``.onnx``.

        Raises
        ------
        ImportError
            If onnx is not installed.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError, TypeError
            If a coefficient is NaN or infinite, the coefficients are larger than an ONNX file can be (2 GiB), the classes are of a type
            that ONNX does not have, or the name of a column is also that of a tensor in the file.
        OSError
            If the file cannot be written, or the path leads to something that is not a regular file.

        Examples
        --------
        >>> import pathlib, tempfile
        >>> import onnx
        >>> from sklearn.datasets import load_iris
        >>> from fastmlp import MLPClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = MLPClassifier(random_state=0, solver="lbfgs").fit(X, y)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     file = pathlib.Path(folder, "iris.onnx")
        ...     model.export_onnx(file)
        ...     [output.name for output in onnx.load(file).graph.output]
        ['label', 'probabilities']
        """
        target = check_target(path)
        graph, outputs = graph_of(self)
        graph.write(target, outputs)

    def _add_outputs(self, graph: Graph, z: str) -> Outputs:
        """Append the operators of the predictions to the outputs `z` of the last layer."""
        raise NotImplementedError


def graph_of(estimator: Exporting, dtype: DTypeLike | None = None) -> tuple[Graph, Outputs]:
    """Return the graph of a fitted estimator's predictions, in `dtype` (by default its own), and its outputs with dtypes and sizes."""
    graph = Graph(estimator._fitted_network(), dtype)
    names = getattr(estimator, "feature_names_in_", None)
    x = "X" if estimator._encoding is None else add_encoding(graph, estimator._encoding, names)
    return graph, estimator._add_outputs(graph, graph.forward(x))


def add_prediction(graph: Graph, z: str) -> Outputs:
    """Append a regressor's prediction (N, O) to the outputs `z` of the last layer. Return its name, dtype and sizes."""
    graph.link(z)
    return {graph.name_last(PREDICTION): (graph.dtype, graph.model.n_outputs)}


def add_classes(graph: Graph, z: str, classes: np.ndarray) -> Outputs:
    """Append a classifier's label (N,) and probabilities (N, C). Return their names, dtypes and sizes.

    classes : (C,), the possible labels, as `onnx_labels` returns them.
    """
    if graph.model.loss == "softmax_cross_entropy":
        place = graph.add("ArgMax", z, axis=1, keepdims=0)
        graph.add("Gather", classes, place)
        graph.name_last(LABEL)
        graph.add("Softmax", z)
    else:
        probability = _logistic(graph, z)
        place = graph.add("Cast", graph.add("Squeeze", graph.add("Greater", probability, 0.5), np.array([1])), to=INT64)
        graph.add("Gather", np.resize(classes, 2), place)  # a single class is repeated
        graph.name_last(LABEL)
        graph.add("Concat", graph.add("Sub", 1.0, probability), probability, axis=1)
    return {LABEL: (classes.dtype,), graph.name_last(PROBABILITIES): (graph.dtype, max(2, graph.model.n_outputs))}


def add_labels(graph: Graph, z: str) -> Outputs:
    """Append a multilabel classifier's labels, 0 or 1, and their probabilities, both (N, L). Return their names, dtypes and sizes."""
    _logistic(graph, z)
    graph.name_last(PROBABILITIES)
    graph.add("Cast", graph.add("Greater", PROBABILITIES, 0.5), to=INT64)
    n_labels = graph.model.n_outputs
    return {graph.name_last(LABEL): (np.int64, n_labels), PROBABILITIES: (graph.dtype, n_labels)}


def _logistic(graph: Graph, z: str) -> str:
    """Append the logistic function, clipped so that it is never exactly 0 or 1, as in `predict_proba`."""
    finfo = np.finfo(graph.dtype)
    return graph.chain((("Sigmoid", LAST), ("Clip", LAST, float(finfo.tiny), float(1 - finfo.epsneg))), z)


def onnx_labels(classes: np.ndarray) -> np.ndarray:
    """Convert class labels to types that ONNX supports: integers to int64, strings to objects; Booleans and floats stay the same."""
    if classes.dtype.kind in "iu":
        if int(classes.max()) > LARGEST_INTEGER:
            raise ValueError(f"classes_: expected at most {LARGEST_INTEGER} in an ONNX file, got {shown(classes.max())}")
        return classes.astype(np.int64)
    if classes.dtype.kind not in "Ubf":
        raise TypeError(f"classes_: expected numbers, Booleans or strings in an ONNX file, got {shown(classes)}")
    return classes.astype(object) if classes.dtype.kind == "U" else classes
