"""Estimators as ONNX: what `predict` and `predict_proba` give, as operators after those of the network."""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from ..engine.arguments import LARGEST_INTEGER, shown
from ..files.atomic import PathLike
from ..model.onnx import LAST, LINK_STEPS, Graph, check_target
from .saving import Saving

INT64 = 7  # onnx.TensorProto's number for it
LABEL, PROBABILITIES, PREDICTION = "label", "probabilities", "prediction"
Outputs = dict[str, tuple[DTypeLike, *tuple[int, ...]]]


class Exporting(Saving):
    """`export_onnx`. Subclasses add what they predict."""

    def export_onnx(self, path: PathLike) -> None:
        """Write the fitted estimator to an ONNX file of opset 18, for other runtimes.

        Its input is "X", of shape (N, n_features) for any N, in the dtype that the estimator was fitted in. The outputs of a classifier are
        "label", (N,) or (N, n_labels) for multilabel targets, and "probabilities", (N, n_classes): `predict` and `predict_proba`. The
        output of a regressor is "prediction", (N, n_outputs). Labels are strings, int64 for every integer type, or Booleans or floats as
        they are. They agree with what the estimator predicts to the rounding of the dtype.

        `fastmlp.estimators.register_skl2onnx` has skl2onnx convert pipelines that contain the estimator.

        Parameters
        ----------
        path : str or path-like
            The file; by custom its name ends in ``.onnx``.

        Raises
        ------
        ImportError
            If onnx is not installed.
        sklearn.exceptions.NotFittedError
            If the estimator is not fitted.
        ValueError, TypeError
            If a coefficient is NaN or infinite, or there are more than an ONNX file holds (2 GiB); if a class is of a type that ONNX does
            not have.
        OSError
            If the file cannot be written, or the path leads to anything but a regular file.

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
        """Append what is predicted to the outputs of the last layer, `z`."""
        raise NotImplementedError


def graph_of(estimator: Exporting, dtype: DTypeLike | None = None) -> tuple[Graph, Outputs]:
    """What a fitted estimator predicts of "X", computed in `dtype`, by default its own; and the outputs with their dtypes and sizes."""
    graph = Graph(estimator._fitted_network(), dtype)
    return graph, estimator._add_outputs(graph, graph.forward("X"))


def add_prediction(graph: Graph, z: str) -> Outputs:
    """Append a regressor's prediction, (N, O), to the outputs of the last layer. Returns its name, dtype and sizes."""
    graph.chain(LINK_STEPS.get(graph.model.loss, ()), z)
    return {graph.name_last(PREDICTION): (graph.dtype, graph.model.n_outputs)}


def add_classes(graph: Graph, z: str, classes: np.ndarray) -> Outputs:
    """Append a classifier's label, (N,), and probabilities, (N, C). Returns their names, dtypes and sizes.

    classes : (C,), as `onnx_labels` makes them; the label is one of them.
    """
    if graph.model.loss == "softmax_cross_entropy":
        place = graph.add("ArgMax", z, axis=1, keepdims=0)
        graph.add("Gather", classes, place)
        graph.name_last(LABEL)
        graph.add("Softmax", z)
    else:
        probability = _logistic(graph, z)
        place = graph.add("Cast", graph.add("Squeeze", graph.add("Greater", probability, 0.5), np.array([1])), to=INT64)
        graph.add("Gather", np.resize(classes, 2), place)  # the only class stands in both places
        graph.name_last(LABEL)
        graph.add("Concat", graph.add("Sub", 1.0, probability), probability, axis=1)
    return {LABEL: (classes.dtype,), graph.name_last(PROBABILITIES): (graph.dtype, max(2, graph.model.n_outputs))}


def add_labels(graph: Graph, z: str) -> Outputs:
    """Append a multilabel classifier's labels, 0 or 1, and their probabilities, both (N, L). Returns their names, dtypes and sizes."""
    _logistic(graph, z)
    graph.name_last(PROBABILITIES)
    graph.add("Cast", graph.add("Greater", PROBABILITIES, 0.5), to=INT64)
    n_labels = graph.model.n_outputs
    return {graph.name_last(LABEL): (np.int64, n_labels), PROBABILITIES: (graph.dtype, n_labels)}


def _logistic(graph: Graph, z: str) -> str:
    """The logistic function, never quite 0 or 1, as `predict_proba` has it."""
    finfo = np.finfo(graph.dtype)
    return graph.chain((("Sigmoid", LAST), ("Clip", LAST, float(finfo.tiny), float(1 - finfo.epsneg))), z)


def onnx_labels(classes: np.ndarray) -> np.ndarray:
    """Class labels of the types that ONNX runtimes know: integers in int64, strings as objects, Booleans and floats as they are."""
    if classes.dtype.kind in "iu":
        if int(classes.max()) > LARGEST_INTEGER:
            raise ValueError(f"classes_: expected at most {LARGEST_INTEGER} in an ONNX file, got {shown(classes.max())}")
        return classes.astype(np.int64)
    if classes.dtype.kind not in "Ubf":
        raise TypeError(f"classes_: expected numbers, Booleans or strings in an ONNX file, got {shown(classes)}")
    return classes.astype(object) if classes.dtype.kind == "U" else classes
