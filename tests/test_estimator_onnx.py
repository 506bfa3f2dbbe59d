"""Estimators as ONNX files, by themselves and in pipelines: another runtime predicts the same."""

import warnings

import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from onnx.reference import ReferenceEvaluator
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.estimators import register_skl2onnx
from tests.estimators import CLASSES, DIABETES, MULTI, TWO, X, changed, fitted, y

pytestmark = pytest.mark.any_cpu

ACTIVATIONS = ["identity", "logistic", "tanh", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "mish"]


def run(proto, samples):
    """Every output by name, of onnx's own evaluator and, where it is installed, of onnxruntime."""
    onnx.checker.check_model(proto, full_check=True)
    names = [output.name for output in proto.graph.output]
    yield dict(zip(names, ReferenceEvaluator(proto).run(None, {"X": samples}), strict=True))
    try:
        import onnxruntime
    except ModuleNotFoundError:
        return
    session = onnxruntime.InferenceSession(proto.SerializeToString())
    yield dict(zip(names, session.run(None, {"X": samples}), strict=True))


def assert_agrees(proto, model, samples, rounding):
    """Within a few roundings of the outputs' size."""
    for found in run(proto, samples):
        if hasattr(model, "predict_proba"):
            assert_array_equal(found["label"], model.predict(samples))
            expected, probabilities = model.predict_proba(samples), found["probabilities"]
        else:
            expected, probabilities = model.predict(samples), found[proto.graph.output[0].name]
            assert probabilities.shape == (len(samples), expected.size // len(samples))
            probabilities = probabilities.reshape(expected.shape)
        bound = 64 * np.finfo(rounding).eps
        assert_allclose(probabilities, expected, rtol=bound, atol=bound * np.abs(expected).max())


def exported(model, file):
    model.export_onnx(file)
    proto = onnx.load(file)
    assert [(opset.domain, opset.version) for opset in proto.opset_import] == [("", 18)]
    return proto


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_onnx_of_every_activation(tmp_path, activation, dtype):
    for kind, target in ((MLPClassifier, y), (MLPRegressor, X[:, :2])):
        model = fitted(kind, X.astype(dtype), target, activation=activation, hidden_layer_sizes=(8, 5))
        assert_agrees(exported(model, tmp_path / "model.onnx"), model, X.astype(dtype), dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("labels", CLASSES)
def test_onnx_of_every_kind_of_labels(tmp_path, labels, dtype):
    samples = (MULTI[0] if labels == "multilabel" else X).astype(dtype)
    model = fitted(MLPClassifier, samples, CLASSES[labels], max_iter=30)
    proto = exported(model, tmp_path / "model.onnx")
    assert_agrees(proto, model, samples, dtype)
    assert_agrees(proto, model, samples[:1], dtype)


@pytest.mark.parametrize("data", [DIABETES, TWO], ids=["one output", "two outputs"])
@pytest.mark.parametrize("loss", ["squared_error", "poisson", "absolute_error", "huber"])
def test_onnx_of_every_regression(tmp_path, loss, data):
    model = fitted(MLPRegressor, *data, loss=loss)
    assert_agrees(exported(model, tmp_path / "model.onnx"), model, data[0], np.float64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("quantile", "target", "operators"), [
    (0.3, DIABETES[1], ["Gemm", "Relu", "Gemm"]),
    (0.3, TWO[1], ["Gemm", "Relu", "Gemm"]),
    ([0.3], DIABETES[1], ["Gemm", "Relu", "Gemm"]),
    ([0.1, 0.5, 0.9], DIABETES[1], ["Gemm", "Relu", "Gemm", "TopK"]),
], ids=["one level", "one level, two outputs", "a list of one level", "three levels"])  # fmt: skip
def test_onnx_of_quantiles(tmp_path, quantile, target, operators, dtype):
    samples = DIABETES[0].astype(dtype)
    model = fitted(MLPRegressor, samples, target, loss="quantile", quantile=quantile)
    model.intercepts_[-1] = 100.0 * np.arange(model.n_outputs_)[::-1]  # outputs that descend, so that quantiles have to be sorted
    proto = exported(model, tmp_path / "model.onnx")
    assert [node.op_type for node in proto.graph.node] == operators
    assert_agrees(proto, model, samples, dtype)
    skl2onnx = pytest.importorskip("skl2onnx")
    register_skl2onnx()
    for opset in (13, 18):
        assert_agrees(skl2onnx.to_onnx(model, samples[:1], target_opset=opset), model, samples, dtype)


def test_onnx_of_a_single_class(tmp_path):
    model = MLPClassifier(random_state=0).partial_fit(X, np.full(150, "only"), classes=["only"])
    assert_agrees(exported(model, tmp_path / "model.onnx"), model, X, np.float64)


def test_onnx_is_refused_what_it_cannot_hold(tmp_path):
    with pytest.raises(NotFittedError):
        MLPRegressor().export_onnx(tmp_path / "model.onnx")
    with pytest.raises(ValueError, match=f"classes_: expected at most {2**63 - 1} in an ONNX file, got {2**64 - 1}"):
        fitted(MLPClassifier, X, np.where(y > 1, 2**64 - 1, 0).astype(np.uint64)).export_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("labels", CLASSES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_skl2onnx_converts_a_pipeline(labels, dtype):
    skl2onnx = pytest.importorskip("skl2onnx")
    register_skl2onnx()
    samples = (MULTI[0] if labels == "multilabel" else X).astype(dtype)
    target = CLASSES[labels]
    pipeline = make_pipeline(StandardScaler(), fitted(MLPClassifier, samples, target, activation="gelu"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(samples, target)
    for opset in (13, 18):
        proto = skl2onnx.to_onnx(pipeline, samples[:1], options={"zipmap": False}, target_opset=opset)
        assert_agrees(proto, pipeline, samples, dtype)


def test_skl2onnx_of_regressors_and_of_what_it_does_not_know():
    skl2onnx = pytest.importorskip("skl2onnx")
    register_skl2onnx()
    for data in (DIABETES, TWO):
        model = fitted(MLPRegressor, *data, loss="poisson")
        assert_agrees(skl2onnx.to_onnx(model, data[0][:1]), model, data[0], np.float64)
    with pytest.raises(ValueError, match="target_opset: expected at least 13, got 12"):
        skl2onnx.to_onnx(model, data[0][:1], target_opset=12)
    with pytest.raises(ValueError, match="classes_: expected strings or integers, the labels that skl2onnx supports"):
        skl2onnx.to_onnx(changed(fitted(MLPClassifier, X, y), "classes_", np.array([0.0, 0.5, 1.0])), X[:1], options={"zipmap": False})
