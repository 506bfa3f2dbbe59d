"""Models as files: reading gives back the same bits, and a failed write leaves everything as it was."""

import os
import re
import sys

import numpy as np
import pytest
from safetensors import numpy as safetensors

from fastmlp import Dense, Dropout, ReLU, Sequential, Tanh, load
from fastmlp.model import onnx as onnx_files
from fastmlp.model import saving

DTYPES = ["float32", "float64"]
X = np.random.default_rng(5).normal(size=(9, 4))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("dtype", [None, *DTYPES])
@pytest.mark.parametrize("used", [False, True])
def test_a_model_comes_back_to_the_bit(file, every_kind, dtype, used):
    model = every_kind(dtype)
    samples = X.astype(dtype or np.float32)
    if used:
        model.train_batch(samples, np.zeros(len(samples), int))  # fixes the dtype
    model.save(file)
    copy = load(file)
    assert copy.parameters.dtype == model.parameters.dtype
    assert copy.parameters.tobytes() == model.parameters.tobytes()
    assert copy.dtype == model.dtype
    assert repr(copy) == repr(model)
    assert (copy.loss, copy.seed, copy.steps, copy.column_targets) == (model.loss, model.seed, model.steps, model.column_targets)
    described = [[(d.n_inputs, d.n_outputs, d.bias, d.initializer) for d in each.dense_layers] for each in (copy, model)]
    assert described[0] == described[1]
    outputs = [each.forward(samples, all_layers=True) for each in (copy, model)]
    assert [out.tobytes() for out in outputs[0]] == [out.tobytes() for out in outputs[1]]
    assert copy.predict_proba(samples).tobytes() == model.predict_proba(samples).tobytes()


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


@pytest.mark.parametrize("shape", [(-1,), (-1, 1)])
def test_predictions_keep_the_shape_of_the_targets(file, shape):
    model = Sequential([Dense(4, 1)])
    model.fit(X, X[:, 0].reshape(shape), epochs=1)
    model.save(file)
    assert load(file).predict(X).shape == X[:, 0].reshape(shape).shape


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


def test_a_failed_save_leaves_the_old_file(file, every_kind):
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


def test_what_cannot_be_saved_is_refused_by_name(file, every_kind):
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


def test_what_is_no_regular_file_is_refused_before_any_work(tmp_path, every_kind, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(saving, "write_tensors", None)  # the function that would do the work
    monkeypatch.setattr(onnx_files, "as_tensors", None)
    for path, message in [("/dev/null", "a character device"), (tmp_path / "pipe", "a FIFO"), (tmp_path, "Is a directory")]:
        for write in (every_kind().save, every_kind().export_onnx):
            with pytest.raises(OSError, match=message):
                write(path)
    assert not os.path.isfile("/dev/null")


def test_a_private_model_stays_private(file, every_kind):
    for write in (every_kind().save, every_kind().export_onnx):
        write(file)
        file.chmod(0o600)
        write(file)
        assert file.stat().st_mode & 0o777 == 0o600
