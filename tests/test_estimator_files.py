"""Estimators as files: safetensors that come back to the bit, from older versions too; and files that were tampered with."""

import json
import pickle
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from safetensors import numpy as safetensors
from safetensors import safe_open
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from fastmlp import MLPClassifier, MLPRegressor, load
from fastmlp.files.tensors import write_tensors
from tests.estimators import CLASSES, DIABETES, FRAME, MULTI, NAMES, TWO, X, changed, fitted, parts_of, refuse, y

pytestmark = pytest.mark.any_cpu

SAVED = Path(__file__).parent / "saved"
FITS = {
    "adam": {},
    "early stopping": {"early_stopping": True},
    "lbfgs": {"solver": "lbfgs"},
    "dropout": {"dropout": 0.2, "solver": "adamw"},
}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "estimator.safetensors"


def saved(estimator, file):
    estimator.save(file)
    return load(file)


def assert_same(again, model, samples):
    assert type(again) is type(model)
    assert again.get_params() == model.get_params()
    assert repr(again) == repr(model)
    fits = {name for name in vars(model) if name.endswith("_") and not name.startswith("_")}
    assert fits == {name for name in vars(again) if name.endswith("_") and not name.startswith("_")}
    for name in fits - {"coefs_", "intercepts_"}:
        mine, other = getattr(again, name), getattr(model, name)
        assert type(mine) is type(other), name
        assert_array_equal(mine, other, strict=isinstance(mine, np.ndarray))
    for mine, other in zip(again.coefs_ + again.intercepts_, model.coefs_ + model.intercepts_, strict=True):
        assert (mine.tobytes(), mine.dtype, mine.shape) == (other.tobytes(), other.dtype, other.shape)
    for method in ("predict", "predict_proba"):
        if hasattr(model, method):
            assert_array_equal(getattr(again, method)(samples), getattr(model, method)(samples), strict=True)


@pytest.mark.parametrize("labels", CLASSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_classifiers_come_back_to_the_bit(file, labels, dtype):
    samples = (MULTI[0] if labels == "multilabel" else X).astype(dtype)
    model = fitted(MLPClassifier, samples, CLASSES[labels])
    assert_same(saved(model, file), model, samples)


@pytest.mark.parametrize("fit", FITS)
def test_all_that_was_fitted_comes_back(file, fit):
    model = fitted(MLPClassifier, FRAME, NAMES, **FITS[fit], class_weight={"setosa": 2.0, "versicolor": 1, "virginica": 0.5})
    assert_same(saved(model, file), model, FRAME)
    assert load(file).score(FRAME, NAMES) == model.score(FRAME, NAMES)


@pytest.mark.parametrize("data", [DIABETES, TWO], ids=["one output", "two outputs"])
@pytest.mark.parametrize("loss", ["squared_error", "poisson", "absolute_error", "huber"])
def test_regressors_come_back_to_the_bit(file, loss, data):
    model = fitted(MLPRegressor, *data, loss=loss, hidden_layer_sizes=[5, 4], activation=["gelu", "tanh"], n_iter_no_change=np.inf)
    assert_same(saved(model, file), model, data[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("quantile", "target"), [
    (0.3, DIABETES[1]), (0.3, TWO[1]), ([0.3], DIABETES[1]), ((0.1, 0.5, 0.9), DIABETES[1]), (np.array([0.1, 0.9]), DIABETES[1]),
], ids=["one level", "one level, two outputs", "a list of one level", "a tuple", "an array"])  # fmt: skip
def test_quantiles_come_back_with_their_levels(file, quantile, target, dtype):
    samples = DIABETES[0].astype(dtype)
    model = fitted(MLPRegressor, samples, target, loss="quantile", quantile=quantile, warm_start=True, solver="sgd", momentum=0.0, tol=0.0)
    if isinstance(quantile, np.ndarray):
        model.quantile = quantile.tolist()
    again = saved(model, file)
    assert_same(again, model, samples)
    assert again.score(samples, target) == model.score(samples, target)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert_array_equal(again.fit(samples, target).predict(samples), model.fit(samples, target).predict(samples), strict=True)


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_mish_and_scoring_come_back(file, kind):
    scoring = "neg_log_loss" if kind is MLPClassifier else "neg_mean_absolute_error"
    model = fitted(kind, X, y, activation="mish", early_stopping=True, scoring=scoring)
    assert_same(saved(model, file), model, X)
    assert load(file).scoring == scoring


def test_sparse_labels_stay_sparse(file):
    model = fitted(MLPClassifier, MULTI[0], scipy.sparse.csr_array(MULTI[1]))
    found, expected = saved(model, file).predict(MULTI[0]), model.predict(MULTI[0])
    assert scipy.sparse.issparse(found)
    assert (found != expected).nnz == 0


def test_coefficients_are_saved_as_they_are(file):
    model = fitted(MLPClassifier, X, y)
    model.coefs_ = [2 * array for array in model.coefs_]
    again = saved(model, file)
    assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    again.coefs_[0][:] = 0  # they are the network's own
    assert len(np.unique(again.predict_proba(X), axis=0)) == 1


def test_training_goes_on(file):
    parameters = {"solver": "sgd", "momentum": 0.0, "warm_start": True, "dropout": 0.3, "tol": 0.0}  # an optimizer without memory
    model = fitted(MLPClassifier, X, y, **parameters)
    again = saved(model, file)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert_array_equal(again.fit(X, y).coefs_[0], model.fit(X, y).coefs_[0])
    again.set_params(warm_start=False).partial_fit(X, y)
    assert again.loss_curve_[:-1] == model.loss_curve_
    assert again.t_ == model.t_ + 150
    with pytest.raises(ValueError, match="`y` has classes not in"):
        again.partial_fit(X, y + 1)


def test_a_random_state_instance_is_stored_as_none(file):
    again = saved(fitted(MLPClassifier, X, y, random_state=np.random.RandomState(0)), file)
    assert again.random_state is None


def test_numbers_and_arrays_of_numpy_are_stored_as_pythons(file):
    again = saved(fitted(MLPClassifier, X, y, hidden_layer_sizes=np.array([6, 5]), alpha=np.float64(0.5)), file)
    assert (again.hidden_layer_sizes, again.alpha) == ([6, 5], 0.5)
    assert type(again.alpha) is float


def test_files_of_this_version_are_read():
    """tests/saved/write.py made them; later versions must read them as they are."""
    expected = json.loads((SAVED / "predictions-1.json").read_text())
    classifier, regressor = load(SAVED / "classifier-1.safetensors"), load(SAVED / "regressor-1.safetensors")
    assert_array_equal(classifier.classes_, ["setosa", "versicolor", "virginica"])
    assert_array_equal(classifier.feature_names_in_, FRAME.columns)
    assert len(classifier.loss_curve_) == len(classifier.validation_scores_) == classifier.n_iter_ == 21
    assert_array_equal(classifier.predict(FRAME[::10]), expected["labels"])
    assert_allclose(classifier.predict_proba(FRAME[::10]), expected["probabilities"], rtol=1e-12)
    assert regressor.coefs_[0].dtype == np.float32
    assert (regressor.loss, regressor.out_activation_, regressor.activation) == ("poisson", "exp", ["gelu", "tanh"])
    assert_allclose(regressor.predict(DIABETES[0][::40].astype(np.float32)), expected["prediction"], rtol=1e-5)


class Mine(MLPClassifier):
    pass


def test_what_cannot_be_saved_is_refused_by_name(file):
    with pytest.raises(NotFittedError):
        MLPClassifier().save(file)
    with pytest.raises(TypeError, match="save: expected an estimator of MLPClassifier or MLPRegressor itself, got one of the class Mine"):
        fitted(Mine, X, y).save(file)
    model = fitted(MLPClassifier, X, y)
    with pytest.raises(TypeError, match=r"verbose: expected numbers, strings, .*, got <object"):
        changed(model, "verbose", object()).save(file)
    with pytest.raises(TypeError, match=r"scoring: expected numbers, strings, .*, got <function"):
        fitted(MLPClassifier, X, y, scoring=lambda estimator, X, y: 0.0).save(file)
    with pytest.raises(TypeError, match="classes_: expected numbers, Booleans or strings"):
        changed(model, "classes_", np.array([None, 1, 2], object)).save(file)
    with pytest.raises(ValueError, match="classes_: expected strings that do not end with a null character"):
        changed(model, "classes_", np.array(["a", "b", "c\0"], object)).save(file)
    model.coefs_[0][0, 0] = np.nan
    with pytest.raises(ValueError, match="parameters: expected finite numbers, got nan"):
        model.save(file)
    assert not file.exists()


# Files from outside.

CHANGED = [  # a field of the description, its new value, what the message must say
    ("kind", "SVC", "kind: expected one of 'MLPClassifier', 'MLPRegressor', got 'SVC'"),
    ("kind", ["os.system"], "kind: "),
    ("kind", "MLPRegressor", "parameters: expected those of MLPRegressor, got 'class_weight'"),
    ("parameters", [], "parameters: expected a dict"),
    ("parameters", {"code": "import os"}, "parameters: expected those of MLPClassifier, got 'code'"),
    ("parameters", {"alpha": -1.0}, "'alpha' parameter of MLPClassifier must be"),
    ("parameters", {"alpha": {"set": []}}, "alpha: expected a value as `save` writes it"),
    ("parameters", {"class_weight": {"dict": [[[], 1]]}}, "unhashable"),
    ("parameters", {"class_weight": {"dict": [[1]]}}, "class_weight: expected a value"),
    ("n_features_in_", 10**12, "n_features_in_: expected at most 4, got 1000000000000"),
    ("n_features_in_", 4.0, "n_features_in_: expected an integer"),
    ("n_iter_", -1, "n_iter_: expected at least 0"),
    ("t_", 2**64, "t_: expected at most"),
    ("loss_", "low", "loss_: expected a number, got 'low'"),
    ("loss_", float("nan"), "loss_: expected a number, got nan"),
    ("training", [], "training: expected the fields"),
    ("training", {"rising": True}, "training: expected the fields"),
    ("training", None, "tensors: expected no others, got 'loss_curve_'"),
    ("targets", {}, "targets: expected the fields type, sparse"),
    ("targets", {"type": "multioutput", "sparse": False}, "type: expected one of"),
    ("targets", {"type": "binary", "sparse": False}, "loss: expected 'binary_cross_entropy' for binary targets"),
    ("targets", {"type": "multiclass", "sparse": 0}, "sparse: expected true or false, got 0"),
    ("author", "me", "estimator: expected the fields"),
]
TENSORS = [  # tensors that are added or replaced; None: taken away
    ({"classes_": None}, "tensor 'classes_': expected the classes, got none"),
    ({"classes_": np.arange(4)}, "classes_: expected as many as 3 outputs tell apart, got 4"),
    ({"classes_": np.arange(10**6)}, "classes_: expected as many as 3 outputs tell apart, got 1000000"),
    ({"classes_": np.zeros(0)}, "classes_: expected numbers"),
    ({"classes_": np.array([2, 1, 0])}, "classes_: expected each once, in ascending order"),
    ({"classes_": np.array([0.0, 1.0, np.nan])}, "classes_: expected finite numbers, got nan"),
    ({"classes_": np.array([0.0, 1.0, np.inf])}, "classes_: expected finite numbers, got inf"),
    ({"classes_": np.zeros((3, 2))}, "classes_: expected numbers"),
    ({"classes_": np.array([[1], [2], [2**32 - 1]], np.uint32)}, "classes_: expected code points of at most 1114111, got 4294967295"),
    ({"feature_names_in_": np.full((3, 1), 65, np.uint32)}, "feature_names_in_: expected 4 strings, got 3"),
    ({"feature_names_in_": np.arange(4)}, "feature_names_in_: expected 4 strings, got 4 of int64"),
    ({"loss_curve_": None}, "tensor 'loss_curve_': expected F64 of shape"),
    ({"loss_curve_": np.zeros(3, np.float32)}, "tensor 'loss_curve_': expected F64 of shape"),
    ({"validation_scores_": np.zeros((3, 3))}, "tensor 'validation_scores_': expected F64 of shape"),
    ({"more": np.zeros(3)}, "tensors: expected no others, got 'more'"),
    ({"W0": np.zeros((4, 7))}, "tensor 'W0': expected F64 of shape"),
    ({"W0": np.full((4, 6), np.nan)}, "tensor 'W0': expected finite numbers"),
]


@pytest.fixture
def parts(file):
    """Description, metadata and tensors of a saved classifier."""
    fitted(MLPClassifier, FRAME, y, early_stopping=True).save(file)
    return parts_of(file)


@pytest.mark.parametrize(("field", "value", "message"), CHANGED)
def test_a_wrong_field_is_refused(file, parts, field, value, message):
    description, metadata, tensors = parts
    write_tensors(file, tensors, metadata | {"estimator": json.dumps(description | {field: value})})
    refuse(file, message)


@pytest.mark.parametrize(("change", "message"), TENSORS)
def test_wrong_tensors_are_refused(file, parts, change, message):
    _, metadata, tensors = parts
    write_tensors(file, {name: t for name, t in (tensors | change).items() if t is not None}, metadata)
    refuse(file, message)


@pytest.mark.parametrize("text", ["null", "[]", "{", "[" * 100_000, '{"kind": ' + "1" * 10_000 + "}"])
def test_a_wrong_description_is_refused(file, parts, text):
    _, metadata, tensors = parts
    write_tensors(file, tensors, metadata | {"estimator": text})
    refuse(file, "estimator|Expecting|recursion|digits")


LEVELS = [  # levels of quantiles in the description of the network, what the message must say
    ([0.5, 0.1, 0.9], "levels: expected levels in ascending order"),
    ([0.1, 0.5, 1.0], "levels: expected levels between 0 and 1, exclusive"),
    ([0.1, 0.9], "expected .*outputs"),
    (["low"], "levels: "),
    ({}, "levels: "),
    ([], "levels: expected levels between 0 and 1"),
]


@pytest.mark.parametrize(("levels", "message"), LEVELS)
def test_wrong_levels_are_refused(file, levels, message):
    fitted(MLPRegressor, *DIABETES, loss="quantile", quantile=[0.1, 0.5, 0.9]).save(file)
    with safe_open(file, framework="numpy") as opened:
        metadata = opened.metadata()
        del metadata["sha256"]
    model = json.loads(metadata["model"]) | {"loss": {"quantile": levels}}
    write_tensors(file, safetensors.load_file(file), metadata | {"model": json.dumps(model)})
    refuse(file, message)


def test_networks_that_no_estimator_has_are_refused(file, parts):
    _, metadata, tensors = parts
    model = json.loads(metadata["model"])
    without_bias = [layer | {"bias": False} if layer["layer"] == "Dense" else layer for layer in model["layers"]]
    for layers, gone in ((without_bias, ("b0", "b1")), ([*model["layers"], {"layer": "Dropout", "rate": 0.5}], ())):
        changed = metadata | {"model": json.dumps(model | {"layers": layers})}
        write_tensors(file, {name: tensor for name, tensor in tensors.items() if name not in gone}, changed)
        refuse(file, "layers: expected Dense layers with biases, the last without an activation")


def test_parameters_that_an_older_version_did_not_have_take_their_defaults(file, parts):
    description, metadata, tensors = parts
    del description["parameters"]["label_smoothing"]
    write_tensors(file, tensors, metadata | {"estimator": json.dumps(description)})
    assert load(file).label_smoothing == 0.0


def test_damage_is_seen(file, parts):
    content, rng = file.read_bytes(), np.random.default_rng(3)
    for length in rng.integers(0, len(content), 200):
        file.write_bytes(content[:length])
        refuse(file, "header")
    for at in rng.integers(0, len(content), 500):
        file.write_bytes(content[:at] + bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 :])
        refuse(file, "expected")


def test_memory_follows_the_size_of_the_file(file):
    fitted(MLPClassifier, np.zeros((4, 2000)), [0, 1, 2, 3], hidden_layer_sizes=(50,), max_iter=1).save(file)
    load(file)  # what is imported on first use
    tracemalloc.start()
    load(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * file.stat().st_size


def test_pickles_hold_no_data():
    samples = np.random.default_rng(0).normal(size=(4000, 10))
    labels = np.where(samples[:, 0] > 0, "first class", "second class")
    for parameters in ({}, {"early_stopping": True}, {"solver": "lbfgs"}):
        stored = pickle.dumps(fitted(MLPClassifier, samples, labels, **parameters))
        assert len(stored) < 20_000 < samples.nbytes
        assert not any(row.tobytes() in stored for row in samples)
