"""Fitted estimators and data for them, which several tests share."""

import json
import pickle
import warnings

import numpy as np
import pytest
from safetensors import numpy as safetensors
from safetensors import safe_open
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning

import fastmlp

X, y = load_iris(return_X_y=True)
NAMES = load_iris().target_names[y]
FRAME = load_iris(as_frame=True).data
DIABETES = load_diabetes(return_X_y=True)
TWO = DIABETES[0], np.column_stack([DIABETES[1], np.sqrt(DIABETES[1])])
MULTI = make_multilabel_classification(random_state=0)
CLASSES = {
    "int64": y, "int8": y.astype(np.int8), "uint64": y.astype(np.uint64), "float64": y.astype(float), "bool": y > 1, "strings": NAMES,
    "objects": NAMES.astype(object), "beyond ASCII": np.where(y > 1, "ß", "Ω\U0001f600"), "multilabel": MULTI[1],
}  # fmt: skip


def fitted(kind, X, y, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(**{"hidden_layer_sizes": (6,), "max_iter": 8, "random_state": 0} | parameters).fit(X, y)


def changed(model, name, value):
    """A copy of a fitted estimator with another attribute."""
    copy = pickle.loads(pickle.dumps(model))
    setattr(copy, name, value)
    return copy


def parts_of(file):
    """Description, metadata and tensors of a saved estimator."""
    with safe_open(file, framework="numpy") as opened:
        metadata = opened.metadata()
        del metadata["sha256"]
        return json.loads(metadata["estimator"]), metadata, safetensors.load_file(file)


def refuse(file, message):
    """Assert that a file is not loaded, with a short error that names it and says why."""
    with pytest.raises(ValueError, match=message) as raised:
        fastmlp.load(file)
    assert str(raised.value).startswith(f"{file}: expected a model saved by fastmlp; ")
    assert len(str(raised.value)) < len(str(file)) + 500
