"""Models as files: what is written comes back to the bit, what was tampered with is refused, and ONNX computes the same."""

import json
import re
import sys

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator
from safetensors import numpy as safetensors
from safetensors import safe_open

from fastmlp import ELU, GELU, SELU, Dense, Dropout, LeakyReLU, ReLU, Sequential, Sigmoid, SiLU, Softplus, Tanh, load
from fastmlp.model import onnx as onnx_files
from fastmlp.model import saving
from fastmlp.model.initializers import INITIALIZERS

DTYPES = ["float32", "float64"]
ACTIVATIONS = [ReLU, Sigmoid, Tanh, LeakyReLU, ELU, SELU, GELU, SiLU, Softplus]
LOSSES = ["squared_error", "absolute_error", "huber", "poisson", "softmax_cross_entropy", "binary_cross_entropy"]
X = np.random.default_rng(5).normal(size=(9, 4))


def every_kind(dtype=None, loss="softmax_cross_entropy"):
    """A model with every activation, every initializer, dropout and layers without bias."""
    layers = [Dropout(0.1)]
    for k, activation in enumerate(ACTIVATIONS):
        layers += [Dense(4, 4, bias=k % 3 > 0, initializer=list(INITIALIZERS)[k % len(INITIALIZERS)]), activation()]
    model = Sequential([*layers, Dropout(0.25), Dense(4, 3)], loss=loss, seed=3, dtype=dtype)
    for layer in model.dense_layers:
        if layer.bias:
            layer.b[:] = model.rng.normal(size=layer.n_outputs)
    return model


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.mark.kernels
@pytest.mark.parametrize("dtype", [None, *DTYPES])
@pytest.mark.parametrize("used", [False, True])
def test_a_model_comes_back_to_the_bit(file, dtype, used):
    model = every_kind(dtype)
    samples = X.astype(dtype or np.float32)
    if used:
        model.predict(samples)  # settles the dtype
    model.save(file)
    copy = load(file)
    assert copy.parameters.dtype == model.parameters.dtype
    assert copy.parameters.tobytes() == model.parameters.tobytes()
    assert copy.dtype == model.dtype
    assert repr(copy) == repr(model)
    assert (copy.loss, copy.seed) == (model.loss, model.seed)
    described = [[(d.n_inputs, d.n_outputs, d.bias, d.initializer) for d in each.dense_layers] for each in (copy, model)]
    assert described[0] == described[1]
    outputs = [each.forward(samples, all_layers=True) for each in (copy, model)]
    assert [out.tobytes() for out in outputs[0]] == [out.tobytes() for out in outputs[1]]
    assert copy.predict_proba(samples).tobytes() == model.predict_proba(samples).tobytes()


@pytest.mark.kernels
def test_training_goes_on_as_it_would_have(file):
    model = Sequential([Dense(4, 8), Tanh(), Dropout(0.5), Dense(8, 2)], seed=1)
    y = X[:, :2]
    model.fit(X, y, epochs=3, batch_size=4)
    model.save(file)
    copy = load(file)
    histories = [each.fit(X, y, epochs=3, batch_size=4) for each in (model, copy)]
    assert histories[0].losses == histories[1].losses
    assert copy.parameters.tobytes() == model.parameters.tobytes()
    for each in (model, copy):
        each.add_layer(Dense(2, 2))
    np.testing.assert_array_equal(copy.dense_layers[-1].W, model.dense_layers[-1].W)


def test_the_tensors_are_named_as_the_docstring_says(file):
    model = Sequential([Dense(2, 3), ReLU(), Dense(3, 1, bias=False)], dtype="float32")
    model.save(file)
    tensors = safetensors.load_file(file)
    assert {name: (t.dtype.name, t.shape) for name, t in tensors.items()} == {
        "W0": ("float32", (2, 3)),
        "b0": ("float32", (3,)),
        "W1": ("float32", (3, 1)),
    }
    np.testing.assert_array_equal(tensors["W1"], model.dense_layers[1].W)


def test_a_failed_save_leaves_the_old_file(file):
    model = every_kind()
    model.save(str(file))
    before = file.read_bytes()
    model.dense_layers[0].W[1, 2] = np.nan
    for write in (model.save, model.export_onnx):
        with pytest.raises(ValueError, match="parameters: expected finite numbers, got nan"):
            write(file)
    assert [path.read_bytes() for path in file.parent.iterdir()] == [before]


class Mine(ReLU):
    pass


def test_what_cannot_be_saved_is_refused_by_name(file):
    for write in (saving.save, onnx_files.export_onnx):
        with pytest.raises(TypeError, match="model: expected a Sequential, got list"):
            write([], file)
        with pytest.raises(TypeError, match=r"path: .*got int"):
            write(every_kind(), 3)
        with pytest.raises(ValueError, match="layers: expected at least one Dense"):
            write(Sequential(), file)
    with pytest.raises(TypeError, match="Mine"):
        Sequential([Dense(1, 1), Mine()]).save(file)
    with pytest.raises(ValueError, match="header: expected at most"):
        Sequential([Dense(1, 1) for _ in range(1500)]).save(file)
    with pytest.raises(FileNotFoundError):
        every_kind().save(file / "missing" / "model")
    assert not file.exists()


@pytest.mark.parametrize(("library", "extra"), [("safetensors", "save"), ("onnx", "onnx")])
def test_a_missing_library_is_named_with_its_remedy(file, monkeypatch, library, extra):
    for module in [name for name in sys.modules if name.partition(".")[0] == library]:
        monkeypatch.setitem(sys.modules, module, None)
    model = Sequential([Dense(1, 1)])
    for use in [model.export_onnx] if library == "onnx" else [model.save, load]:
        with pytest.raises(ImportError, match=re.escape(f'pip install "fastmlp[{extra}]"')):
            use(file)


DENSE = {"layer": "Dense", "n_inputs": 2, "n_outputs": 3, "bias": True, "initializer": "uniform"}
FIELDS = [  # a field of the description, its new value, what the message must say
    ("loss", "hinge", "loss: .*'hinge'"),
    ("loss", ["poisson"], "loss: .*poisson"),
    ("loss", "poisson", "poisson takes logits, got a model that ends with Tanh"),
    ("seed", -1, "seed: .*-1"),
    ("seed", 0.5, "seed: .*0.5"),
    ("dtype", "int8", "dtype: .*'int8'"),
    ("dtype", "float64", r"tensor 'W0': expected F64 of shape \(2, 3\), got F32 of shape \(2, 3\)"),
    ("dtype", "undecided", "tensor 'W0': expected F64"),
    ("generator", 1, "generator: .*got 1"),
    ("generator", [1, 1, 0], "generator: "),
    ("generator", [1, 2, 0, 0], "generator: "),
    ("generator", [2**128, 1, 0, 0], "generator: "),
    ("generator", [1, 1, 0, -1], "generator: "),
    ("generator", [1, 1, False, 0], "generator: .*False"),
    ("layers", DENSE, "layers: expected a list"),
    ("layers", [], "tensor 'W0': expected none"),
    ("layers", None, "layers: expected a list, got None"),
]
LAYERS = [  # what stands in the place of the first layer
    (DENSE | {"layer": "Conv2D"}, "layer: .*'Conv2D'"),
    (DENSE | {"layer": "Sequential"}, "layer: .*'Sequential'"),
    (DENSE | {"layer": ["Dense"]}, "layer: "),
    ("Dense", "layers: expected a dict, got 'Dense'"),
    ({}, "layer: .*None"),
    ({"layer": "Dropout"}, "Dropout: expected the fields layer, rate"),
    ({"layer": "Dropout", "rate": 1.0}, "rate: .*1"),
    ({"layer": "Dropout", "rate": float("nan")}, "rate: .*nan"),
    ({"layer": "Dropout", "rate": 0}, "rate of type float, got 0"),
    (DENSE | {"W": 1}, "Dense: expected the fields"),
    (DENSE | {"bias": "false"}, "bias of type bool, got 'false'"),
    (DENSE | {"bias": False}, "tensor 'b0': expected none"),
    (DENSE | {"initializer": "zeros"}, "initializer: .*'zeros'"),
    (DENSE | {"n_outputs": 0}, "n_outputs: .*0"),
    (DENSE | {"n_inputs": True}, "n_inputs of type int, got True"),
    (DENSE | {"n_inputs": 2.0}, r"n_inputs of type int, got 2\.0"),
    (DENSE | {"n_inputs": 3}, r"tensor 'W0': expected F32 of shape \(3, 3\), got F32 of shape \(2, 3\)"),
    (DENSE | {"n_inputs": 10**15, "n_outputs": 10**15}, "tensor 'W0': "),
    (DENSE | {"layer": "x" * 100_000}, "layer: "),
]
HALF, NAN, INFINITE = np.zeros((2, 3), np.float16), np.full((2, 3), np.nan, np.float32), np.full((2, 3), -np.inf, np.float32)
TENSORS = [  # tensors that are added or replaced; None: taken away
    ({"W0": None}, r"tensor 'W0': expected F32 of shape \(2, 3\), got none"),
    ({"b1": None}, "tensor 'b1': .*got none"),
    ({"W2": np.zeros((1, 1), np.float32)}, "tensor 'W2': expected none"),
    ({"W0": HALF}, "tensor 'W0': .*got F16"),
    ({"W0": HALF.astype(np.int32)}, "tensor 'W0': .*got I32"),
    ({"W0": np.zeros((3, 2), np.float32)}, r"tensor 'W0': .*got F32 of shape \(3, 2\)"),
    ({"W0": np.zeros(6, np.float32)}, r"tensor 'W0': .*got F32 of shape \(6,\)"),
    ({"W0": NAN}, r"tensor 'W0': expected finite numbers, got nan at \[0, 0\]"),
    ({"W0": INFINITE}, "tensor 'W0': .*-inf"),
]
METADATA = [
    ({"format": "fastmlp 2"}, "format: expected 'fastmlp 1', got 'fastmlp 2'"),
    ({"format": "pt"}, "format: .*'pt'"),
    ({"author": "me"}, "metadata: expected the fields format, model"),
    ({"model": "{"}, "Expecting"),
    ({"model": "[]"}, "model: expected the fields"),
    ({"model": "[" * 100_000}, "recursion|overflow|Expecting"),
    ({"model": "1" * 100_000}, "digit"),
    ({"model": " " * 2**18 + "{}"}, "header: expected at most 262,144 bytes"),
]


@pytest.fixture
def parts(file):
    """Description, metadata and tensors of a saved model."""
    Sequential([Dense(2, 3), Dropout(0.5), Dense(3, 1), Tanh()], dtype="float32").save(file)
    with safe_open(file, framework="numpy") as opened:
        return json.loads(opened.metadata()["model"]), opened.metadata(), safetensors.load_file(file)


def refuse(file, message):
    with pytest.raises(ValueError, match=message) as raised:
        load(file)
    assert str(raised.value).startswith(f"{file}: ")
    assert len(str(raised.value)) < len(str(file)) + 500


@pytest.mark.parametrize(("field", "value", "message"), FIELDS)
def test_a_wrong_field_is_refused(file, parts, field, value, message):
    description, metadata, tensors = parts
    safetensors.save_file(tensors, file, metadata | {"model": json.dumps(description | {field: value})})
    refuse(file, message)
    del description[field]
    safetensors.save_file(tensors, file, metadata | {"model": json.dumps(description)})
    refuse(file, "model: expected the fields loss, seed, dtype, generator, layers")


@pytest.mark.parametrize(("layer", "message"), LAYERS)
def test_a_wrong_layer_is_refused(file, parts, layer, message):
    description, metadata, tensors = parts
    description["layers"][0] = layer
    safetensors.save_file(tensors, file, metadata | {"model": json.dumps(description)})
    refuse(file, message)


def test_layers_that_do_not_follow_each_other_are_refused(file, parts):
    description, metadata, tensors = parts
    swapped = {"W0": tensors["W1"], "b0": tensors["b1"], "W1": tensors["W0"], "b1": tensors["b0"]}
    safetensors.save_file(swapped, file, metadata | {"model": json.dumps(description | {"layers": description["layers"][::-1]})})
    refuse(file, "layer: Tanh.* must follow a Dense layer, got nothing")
    description["layers"] = [description["layers"][k] for k in (2, 0)]
    safetensors.save_file(swapped, file, metadata | {"model": json.dumps(description)})
    refuse(file, r"layer: Dense\(2, 3\) expects 2 inputs, got 1 outputs")


@pytest.mark.parametrize(("change", "message"), TENSORS)
def test_wrong_tensors_are_refused(file, parts, change, message):
    _, metadata, tensors = parts
    safetensors.save_file({name: t for name, t in (tensors | change).items() if t is not None}, file, metadata)
    refuse(file, message)


@pytest.mark.parametrize(("change", "message"), METADATA)
def test_wrong_metadata_are_refused(file, parts, change, message):
    _, metadata, tensors = parts
    safetensors.save_file(tensors, file, metadata | change)
    refuse(file, message)


def test_tensors_of_somebody_else_are_refused(file):
    safetensors.save_file({"W0": np.zeros((1, 1))}, file)
    refuse(file, "format: expected 'fastmlp 1', got None")


ABSURD = b'{"W0":{"dtype":"F32","shape":[1000000000000,1000000],"data_offsets":[0,4000000000000000000]}}'


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04\x95" + bytes(40), b"\x89PNG\r\n\x1a\n" + bytes(40), len(ABSURD).to_bytes(8, "little") + ABSURD]
)
def test_other_files_are_refused(file, content):
    file.write_bytes(content)
    refuse(file, "header")


def test_files_that_cannot_be_read_are_no_value_errors(file, tmp_path):
    with pytest.raises(FileNotFoundError):
        load(file)
    with pytest.raises(OSError, match=re.escape(tmp_path.name)):
        load(tmp_path)
    with pytest.raises(TypeError, match=r"path: .*got NoneType"):
        load(None)


def test_a_truncated_file_is_refused_wherever_it_ends(file, parts):
    content = file.read_bytes()
    for length in range(len(content)):
        file.write_bytes(content[:length])
        refuse(file, "header")


def test_a_file_with_flipped_bits_is_refused_or_a_model(file, parts):
    content, rng, models = file.read_bytes(), np.random.default_rng(11), 0
    for _ in range(2000):
        damaged = bytearray(content)
        for at in rng.integers(len(content), size=rng.integers(1, 4)):
            damaged[at] ^= rng.integers(1, 256)
        file.write_bytes(damaged)
        try:
            model = load(file)
        except ValueError:
            continue
        models += 1
        assert np.isfinite(model.parameters).all()
        assert model.forward(np.ones((2, 2))).shape == (2, 1)
    assert 0 < models < 1000


def run_onnx(path, X):
    proto = onnx.load(path)
    onnx.checker.check_model(proto, full_check=True)
    (inputs,), (outputs,) = proto.graph.input, proto.graph.output
    assert inputs.name == "X"
    return outputs.name, ReferenceEvaluator(proto).run(None, {"X": X})[0]


def assert_onnx_agrees(path, model, samples, operations=64):
    """Within the rounding of a network of that many operations a value."""
    classifies = model.loss in ("softmax_cross_entropy", "binary_cross_entropy")
    expected = model.predict_proba(samples) if classifies else model.predict(samples)
    name, found = run_onnx(path, samples)
    assert name == ("probabilities" if classifies else "output")
    assert found.dtype == expected.dtype
    bound = operations * np.finfo(expected.dtype).eps
    np.testing.assert_allclose(found, expected, rtol=bound, atol=bound * np.abs(expected).max())


@pytest.mark.kernels
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_onnx_computes_every_activation(tmp_path, activation, dtype):
    model = Sequential([Dense(4, 16, initializer="he_normal"), activation(), Dropout(0.5), Dense(16, 3, bias=False)], dtype=dtype)
    model.dense_layers[0].b[:] = np.linspace(-3, 3, 16)
    model.export_onnx(tmp_path / "model.onnx")
    for rows in (1, 9):  # any number of rows
        assert_onnx_agrees(tmp_path / "model.onnx", model, X[:rows].astype(dtype))


@pytest.mark.kernels
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("last", [[], [Sigmoid()], [Dropout(0.5)]])
def test_onnx_ends_as_the_loss_does(tmp_path, loss, last, dtype):
    model = Sequential([Dense(4, 8), Tanh(), Dense(8, 3), *last], loss=loss, dtype=dtype)
    if loss in ("softmax_cross_entropy", "poisson") and isinstance(model.layers[-1], Sigmoid):
        with pytest.raises(ValueError, match="takes logits"):
            model.export_onnx(tmp_path / "model.onnx")
        return
    model.export_onnx(tmp_path / "model.onnx")
    assert_onnx_agrees(tmp_path / "model.onnx", model, X.astype(dtype))


@pytest.mark.kernels
@pytest.mark.parametrize("dtype", [None, *DTYPES])
def test_onnx_of_a_deep_model(tmp_path, dtype):
    model = every_kind(dtype)
    model.export_onnx(tmp_path / "model.onnx")
    assert_onnx_agrees(tmp_path / "model.onnx", model, X.astype(dtype or np.float64), operations=1024)


def test_onnx_files_have_an_end(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_files, "LARGEST_ONNX", 100)
    with pytest.raises(ValueError, match="expected at most 100 bytes of parameters in an ONNX file, got 104"):
        Sequential([Dense(12, 1)]).export_onnx(tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())
