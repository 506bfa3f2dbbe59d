"""The encoding of columns as ONNX operators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..model.onnx import ML, Graph
from .encoding import Encoding, is_text

ELEMENTS = {"float32": 1, "float64": 11}  # the values of onnx.TensorProto.FLOAT and DOUBLE


def add_encoding(graph: Graph, encoding: Encoding, names: Sequence[str] | None) -> str:
    """Append the operators of `Encoding.encode` to an empty graph, and replace its inputs. Return the name of the network's inputs.

    Numbers alone are columns of one input, "X". Otherwise each column is an input of its own, called by `names`.
    """
    n_features, element = len(encoding.is_categorical), ELEMENTS[graph.dtype.name]
    of_columns = dict(zip(np.flatnonzero(encoding.is_categorical).tolist(), encoding.categories, strict=True))
    if encoding.has_strings:
        columns = [f"x{at}" for at in range(n_features)] if names is None else list(names)
        if len(set(columns)) < n_features:
            raise ValueError(f"X: expected columns with different names in an ONNX file, got {columns}")
        graph.inputs = {name: (object if is_text(of_columns.get(at, {})) else graph.dtype, 1) for at, name in enumerate(columns)}
    else:
        graph.inputs = {"X": (graph.dtype, n_features)}

    def taken(at: list[int]) -> str:
        """Columns with these indices, side by side."""
        if not encoding.has_strings:
            return "X" if len(at) == n_features else graph.add("Gather", "X", np.array(at), axis=1)
        return columns[at[0]] if len(at) == 1 else graph.add("Concat", *(columns[each] for each in at), axis=1)

    parts = []
    if len(encoding.means):
        numbers = taken(np.flatnonzero(~encoding.is_categorical).tolist())
        missing = graph.add("IsNaN", numbers)
        parts.append(graph.add("Where", missing, encoding.means.astype(graph.dtype).reshape(1, -1), numbers))
        if encoding.indicated.any():
            indicated = graph.add("Gather", missing, np.flatnonzero(encoding.indicated), axis=1)
            parts.append(graph.add("Cast", indicated, to=element))
    for at, places in of_columns.items():
        if is_text(places):
            ones = graph.add("OneHotEncoder", taken([at]), domain=ML, cats_strings=list(places), zeros=1)  # (N, 1, n_categories)
            parts.append(graph.add("Cast", graph.add("Squeeze", ones, np.array([1])), to=element))
        elif places:
            categories = np.array([list(places)]).astype(graph.dtype)
            if len(np.unique(categories)) < len(places):
                raise ValueError(f"X: expected categories that {graph.dtype} tells apart in column {at}, got {list(places)}")
            parts.append(graph.add("Cast", graph.add("Equal", taken([at]), categories), to=element))
    return parts[0] if len(parts) == 1 else graph.add("Concat", *parts, axis=1)
