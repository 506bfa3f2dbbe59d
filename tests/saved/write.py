"""Writes this folder's files, of estimators and what they predict: python tests/saved/write.py. Files of older versions stay."""

import json
import warnings
from pathlib import Path

from sklearn.datasets import load_diabetes, load_iris

from fastmlp import MLPClassifier, MLPRegressor

FOLDER = Path(__file__).parent


def write():
    warnings.simplefilter("ignore")
    iris, diabetes = load_iris(as_frame=True), load_diabetes()
    parameters = {"hidden_layer_sizes": (6,), "random_state": 0, "max_iter": 60, "learning_rate_init": 0.01, "early_stopping": True}
    classifier = MLPClassifier(**parameters, class_weight={"setosa": 1.0, "versicolor": 2.0, "virginica": 1.0})
    classifier.fit(iris.data, iris.target_names[iris.target])
    regressor = MLPRegressor("poisson", (4, 3), activation=["gelu", "tanh"], solver="lbfgs", max_iter=100, random_state=0)
    regressor.fit(diabetes.data.astype("float32"), diabetes.target)
    classifier.save(FOLDER / "classifier-1.safetensors")
    regressor.save(FOLDER / "regressor-1.safetensors")
    expected = {
        "labels": classifier.predict(iris.data[::10]).tolist(),
        "probabilities": classifier.predict_proba(iris.data[::10]).tolist(),
        "prediction": regressor.predict(diabetes.data[::40].astype("float32")).tolist(),
    }
    (FOLDER / "predictions-1.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":  # pytest imports this module for its doctests
    write()
