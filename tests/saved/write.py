"""Writes this folder's files, of estimators and what they predict: python tests/saved/write.py. Files that exist stay as they are."""

import json
import sys
import warnings
from pathlib import Path

from sklearn.datasets import load_diabetes, load_iris

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parents[1]))

from fastmlp import MLPClassifier, MLPRegressor  # noqa: E402
from tests.frames import LABELS, pandas_frame  # noqa: E402


def classifier():
    iris = load_iris(as_frame=True)
    parameters = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 60, "learning_rate_init": 0.01, "early_stopping": True}
    model = MLPClassifier(**parameters, class_weight={"setosa": 1.0, "versicolor": 2.0, "virginica": 1.0})
    model.fit(iris.data, iris.target_names[iris.target])
    labels, probabilities = model.predict(iris.data[::10]).tolist(), model.predict_proba(iris.data[::10]).tolist()
    return model, {"labels": labels, "probabilities": probabilities}


def regressor():
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressor("poisson", (4, 3), activation=["gelu", "tanh"], solver="lbfgs", max_iter=100, random_state=0)
    model.fit(X.astype("float32"), y)
    return model, {"prediction": model.predict(X[::40].astype("float32")).tolist()}


def encoded():
    frame = pandas_frame()
    model = MLPClassifier((5,), categorical_features="from_dtype", random_state=0, max_iter=20, learning_rate_init=0.01)
    model.fit(frame, LABELS)
    return model, {"encoded": model.predict_proba(frame[::20]).tolist()}


def quantiles():
    X, y = load_diabetes(return_X_y=True)
    model = MLPRegressor("quantile", (4,), quantile=[0.1, 0.5, 0.9], random_state=0, max_iter=30, learning_rate_init=0.01)
    model.fit(X, y / 100)
    return model, {"quantiles": model.predict(X[::40]).tolist()}


FILES = {"1": {"classifier-1": classifier, "regressor-1": regressor}, "2": {"encoded-2": encoded, "quantiles-2": quantiles}}


def write():
    warnings.simplefilter("ignore")
    for version, files in FILES.items():
        expected, predictions = {}, FOLDER / f"predictions-{version}.json"
        if predictions.exists():
            continue
        for name, make in files.items():
            model, predicted = make()
            model.save(FOLDER / f"{name}.safetensors")
            expected |= predicted
        predictions.write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":  # pytest imports this module for its doctests
    write()
