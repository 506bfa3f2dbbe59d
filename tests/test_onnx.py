"""Models as ONNX files: another runtime computes the same outputs."""

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from fastmlp import ELU, GELU, SELU, Dense, Dropout, LeakyReLU, Mish, Quantile, ReLU, Sequential, Sigmoid, SiLU, Softplus, Tanh
from fastmlp.model import onnx as onnx_files

DTYPES = ["float32", "float64"]
ACTIVATIONS = [ReLU, Sigmoid, Tanh, LeakyReLU, ELU, SELU, GELU, SiLU, Softplus, Mish]
LOSSES = ["squared_error", "absolute_error", "huber", "quantile", "poisson", "softmax_cross_entropy", "binary_cross_entropy"]
X = np.random.default_rng(5).normal(size=(9, 4))


def run_onnx(path, X):
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    (inputs,), (outputs,) = proto.graph.input, proto.graph.output
    assert inputs.name == "X"
    return outputs.name, ReferenceEvaluator(proto).run(None, {"X": X})[0]


def assert_onnx_agrees(path, model, samples, operations=64):
    """Compare within the rounding errors of a network with that many operations per value."""
    classifies = model.loss in ("softmax_cross_entropy", "binary_cross_entropy")
    expected = model.predict_proba(samples) if classifies else model.predict(samples)
    name, found = run_onnx(path, samples)
    assert name == ("probabilities" if classifies else "output")
    assert found.dtype == expected.dtype
    bound = operations * np.finfo(expected.dtype).eps
    np.testing.assert_allclose(found, expected, rtol=bound, atol=bound * np.abs(expected).max())


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_onnx_computes_every_activation(tmp_path, activation, dtype):
    model = Sequential([Dense(4, 16, initializer="he_normal"), activation(), Dropout(0.5), Dense(16, 3, bias=False)], dtype=dtype)
    model.dense_layers[0].b[:] = np.linspace(-3, 3, 16)
    model.export_onnx(tmp_path / "model.onnx")
    for rows in (1, 9):  # any number of rows
        assert_onnx_agrees(tmp_path / "model.onnx", model, X[:rows].astype(dtype))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", [*LOSSES, Quantile([0.1, 0.5, 0.9])])
@pytest.mark.parametrize("last", [[], [Sigmoid()], [Dropout(0.5)]])
def test_onnx_ends_as_the_loss_does(tmp_path, loss, last, dtype):
    model = Sequential([Dense(4, 8), Tanh(), Dense(8, 3), *last], loss=loss, dtype=dtype)
    if loss in ("softmax_cross_entropy", "poisson") and isinstance(model.layers[-1], Sigmoid):
        with pytest.raises(ValueError, match="takes logits"):
            model.export_onnx(tmp_path / "model.onnx")
        return
    model.export_onnx(tmp_path / "model.onnx")
    assert_onnx_agrees(tmp_path / "model.onnx", model, X.astype(dtype))


@pytest.mark.parametrize("dtype", [None, *DTYPES])
def test_onnx_of_a_deep_model(tmp_path, every_kind, dtype):
    model = every_kind(dtype)
    model.export_onnx(tmp_path / "model.onnx")
    assert_onnx_agrees(tmp_path / "model.onnx", model, X.astype(dtype or np.float64), operations=1024)


def test_onnx_files_have_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_files, "LARGEST_ONNX", 100)
    with pytest.raises(ValueError, match="expected at most 100 bytes of parameters in an ONNX file, got 104"):
        Sequential([Dense(12, 1)]).export_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
