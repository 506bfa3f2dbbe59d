"""Encoded columns in files: safetensors that come back to the bit or are refused, and ONNX graphs that predict the same."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from onnx.reference import ReferenceEvaluator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp import MLPClassifier, MLPRegressor, load
from fastmlp.estimators import register_skl2onnx
from fastmlp.files.tensors import write_tensors
from tests.estimators import DIABETES, X, fitted, parts_of, refuse, y
from tests.frames import CITIES, FRAMES, IS_CATEGORICAL, LABELS, TARGET, N, pandas_frame, replaced

pytestmark = [pytest.mark.any_cpu, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]
SAVED = Path(__file__).parent / "saved"
FRAME = pandas_frame()
LATER = replaced(FRAME, city=["nowhere", None, *CITIES] * (N // 6), size=[None, 2.0] * (N // 2), rank=[1.5, 3.0, None] * (N // 3))


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.safetensors"


def encoded(frame=FRAME, kind=MLPClassifier, **parameters):
    return fitted(kind, frame, LABELS if kind is MLPClassifier else TARGET, **{"categorical_features": "from_dtype"} | parameters)


def saved(model, file):
    model.save(file)
    return load(file)


@pytest.mark.parametrize("library", FRAMES)
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_encoders_come_back_to_the_bit(file, kind, library):
    frame = FRAMES[library]
    model = encoded(frame, kind)
    again = saved(model, file)
    assert again.get_params() == model.get_params()
    assert again.n_features_in_ == 7
    assert_array_equal(again.is_categorical_, IS_CATEGORICAL)
    assert_array_equal(again.feature_names_in_, model.feature_names_in_)
    for samples in (frame, replaced(frame, city=["nowhere", None] * (N // 2))):
        method = "predict_proba" if kind is MLPClassifier else "predict"
        assert_array_equal(getattr(again, method)(samples), getattr(model, method)(samples), strict=True)
    again.set_params(warm_start=True).fit(frame, LABELS if kind is MLPClassifier else TARGET)
    assert again._encoding.categories == model._encoding.categories


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_missing_numbers_of_arrays_come_back(file, dtype):
    samples = np.where(X.min(axis=0) == X, np.nan, X).astype(dtype)
    model = fitted(MLPClassifier, samples, y, categorical_features=np.array([], int))
    again = saved(model, file)
    assert (again.categorical_features, again.is_categorical_) == ([], None)
    assert_array_equal(again.predict_proba(samples), model.predict_proba(samples), strict=True)


texts = st.lists(st.text(st.characters(exclude_characters="\0"), max_size=8), min_size=1, max_size=6)
numbers = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=6)
integers = st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=6)
booleans = st.lists(st.booleans(), min_size=1, max_size=6)


@settings(max_examples=40, deadline=None)
@given(values=texts | numbers | integers | booleans, missing=st.booleans())
def test_any_categories_come_back(tmp_path_factory, values, missing):
    file = tmp_path_factory.mktemp("files") / "model.safetensors"
    column = pd.Series([*values, *([None] if missing else []), values[0]], dtype="category")
    frame = pd.DataFrame({"c": column})
    target = np.arange(len(column)) % 2
    model = fitted(MLPClassifier, frame, target, categorical_features=["c"], max_iter=1, hidden_layer_sizes=(3,))
    again = saved(model, file)
    assert again._encoding.categories == model._encoding.categories == ({v: i for i, v in enumerate(sorted(set(values)))},)
    assert_array_equal(again.predict_proba(frame), model.predict_proba(frame), strict=True)


def test_files_of_this_version_are_read():
    """tests/saved/write.py made them; later versions must read them as they are."""
    expected = json.loads((SAVED / "predictions-2.json").read_text())
    model, quantiles = load(SAVED / "encoded-2.safetensors"), load(SAVED / "quantiles-2.safetensors")
    assert list(model._encoding.categories[0]) == sorted(CITIES)
    assert_array_equal(model.is_categorical_, IS_CATEGORICAL)
    assert_allclose(model.predict_proba(FRAME[::20]), expected["encoded"], rtol=1e-12)
    assert quantiles.quantile == [0.1, 0.5, 0.9]
    assert_allclose(quantiles.predict(DIABETES[0][::40]), expected["quantiles"], rtol=1e-12)


def test_what_a_file_cannot_hold_is_refused(file):
    with pytest.raises(ValueError, match="categories0: expected strings that do not end with a null character"):
        encoded(pd.DataFrame({"c": ["a", "b\0"] * (N // 2)})).save(file)
    assert not file.exists()


WHOLE = {"categorical": [3, 4, 5, 6], "indicated": [0]}
CHANGED = [  # the description of the encoding, what the message must say
    (None, "n_features_in_: expected at least 13, got 7"),
    ([], "encoding: expected the fields categorical, indicated"),
    ({"categorical": [3]}, "encoding: expected the fields"),
    (WHOLE | {"code": ""}, "encoding: expected the fields"),
    (WHOLE | {"categorical": 3}, "categorical: expected a list of columns, got 3"),
    (WHOLE | {"categorical": [3, 4, 5, 7]}, "categorical: expected at most 6, got 7"),
    (WHOLE | {"categorical": [-1, 4, 5, 6]}, "categorical: expected at least 0, got -1"),
    (WHOLE | {"categorical": [3, 4, 5, True]}, "categorical: expected an integer, got True"),
    (WHOLE | {"categorical": [3, 4, 4, 5]}, "categorical: expected each column once, in ascending order"),
    (WHOLE | {"categorical": [4, 3, 5, 6]}, "categorical: expected each column once, in ascending order"),
    (WHOLE | {"categorical": [3, 4, 5]}, r"tensor 'means': expected shape \(4,\) in float64, got shape \(3,\)"),
    (WHOLE | {"categorical": [2, 4, 5, 6]}, "encoding: expected one input for each of 13 inputs of the network, got 9"),
    (WHOLE | {"indicated": [3]}, "indicated: expected columns of numbers, got 3, which has categories"),
    (WHOLE | {"indicated": [0, 1, 2]}, "encoding: expected one input for each of 13 inputs of the network, got 15"),
    (WHOLE | {"indicated": [10**30]}, "indicated: expected at most 6"),
]
TENSORS = [  # tensors that are added or replaced, None: taken away; what the message must say
    ({"means": None}, r"tensor 'means': expected shape \(3,\)"),
    ({"means": np.zeros(3, np.float32)}, r"tensor 'means': expected shape \(3,\) in float64, got shape \(3,\) in float32"),
    ({"means": np.zeros((3, 1))}, "tensor 'means': expected shape"),
    ({"means": np.array([0, np.nan, 0])}, "tensor 'means': expected finite numbers, got nan"),
    ({"categories4": None}, "encoding: expected one input for each of 13 inputs of the network, got 10"),
    ({"categories4": np.array([2.0, 1.5, 7.0])}, "categories4: expected each category once, in ascending order"),
    ({"categories4": np.array([1.5, 1.5, 7.0])}, "categories4: expected each category once, in ascending order"),
    ({"categories4": np.array([1.5, 2.0, np.nan])}, "categories4: expected finite numbers, got nan"),
    ({"categories4": np.array([1, 2, 7])}, "categories4: expected at most 10000 strings or float64, got 3 of int64"),
    ({"categories4": np.arange(10_001.0)}, "categories4: expected at most 10000 strings or float64, got 10001"),
    ({"categories3": np.full((4, 2), 2**31, np.uint32)}, "categories3: expected code points of at most"),
    ({"categories3": np.zeros((0, 2), np.uint32)}, "categories3: expected numbers"),
    ({"categories3": np.full((4, 1), 65, np.uint32)}, "categories3: expected each category once"),
    ({"categories0": np.arange(2.0)}, "tensors: expected no others, got 'categories0'"),
    ({"categories6": np.arange(2.0)}, "encoding: expected one input for each of 13 inputs of the network, got 15"),
]


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Description, metadata and tensors of a saved estimator."""
    file = tmp_path_factory.mktemp("files") / "model.safetensors"
    encoded().save(file)
    return parts_of(file)


def test_the_parts_themselves_are_read(file, parts):
    description, metadata, tensors = parts
    assert description["encoding"] == WHOLE
    write_tensors(file, tensors, metadata)
    assert load(file).n_features_in_ == 7


@pytest.mark.parametrize(("encoding", "message"), CHANGED)
def test_a_wrong_description_is_refused(file, parts, encoding, message):
    description, metadata, tensors = parts
    write_tensors(file, tensors, metadata | {"estimator": json.dumps(description | {"encoding": encoding})})
    refuse(file, message)


@pytest.mark.parametrize(("change", "message"), TENSORS)
def test_wrong_tensors_are_refused(file, parts, change, message):
    _, metadata, tensors = parts
    write_tensors(file, {name: t for name, t in (tensors | change).items() if t is not None}, metadata)
    refuse(file, message)


@pytest.mark.parametrize("n_features", [6, 8, 10**12, 0])
def test_a_wrong_number_of_features_is_refused(file, parts, n_features):
    description, metadata, tensors = parts
    write_tensors(file, tensors, metadata | {"estimator": json.dumps(description | {"n_features_in_": n_features})})
    refuse(file, "expected at most|expected shape|expected at least 1")


# ONNX.


def feeds(proto, frame):
    """What the inputs of an ONNX file take for a data frame."""
    of_kind = {onnx.TensorProto.FLOAT: np.float32, onnx.TensorProto.DOUBLE: np.float64}
    found = {}
    for each in proto.graph.input:
        kind = each.type.tensor_type.elem_type
        columns = frame if each.name == "X" else frame[[each.name]]
        if kind == onnx.TensorProto.STRING:
            found[each.name] = columns.astype(object).fillna("").to_numpy()
        else:
            found[each.name] = columns.astype(float).to_numpy().astype(of_kind[kind])
    return found


def assert_agrees(model, file, samples):
    model.export_onnx(file)
    proto = onnx.load(file)
    onnx.checker.check_model(proto, full_check=True)
    inputs = feeds(proto, samples)
    runs = [ReferenceEvaluator(proto).run(None, inputs)]
    if find_spec("onnxruntime"):
        import onnxruntime

        runs.append(onnxruntime.InferenceSession(proto.SerializeToString()).run(None, inputs))
    bound = 64 * np.finfo(model.coefs_[0].dtype).eps
    for found in runs:
        if isinstance(model, MLPClassifier):
            assert_array_equal(found[0], model.predict(samples))
            assert_allclose(found[1], model.predict_proba(samples), rtol=bound, atol=bound)
        else:
            expected = model.predict(samples)
            assert_allclose(found[0].ravel(), expected, rtol=bound, atol=bound * np.abs(expected).max())
    return proto


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.parametrize("columns", [
    list(FRAME), ["city"], ["never", "city"], ["weight", "city"], ["size", "weight"], ["rank", "size", "open", "weight"], ["open"],
], ids=",".join)  # fmt: skip
def test_onnx_with_unseen_and_missing_values(tmp_path, columns, kind, dtype):
    frame, later = (each.astype({"size": dtype, "weight": dtype, "count": dtype})[columns] for each in (FRAME, LATER))
    proto = assert_agrees(encoded(frame, kind), tmp_path / "model.onnx", later)
    names = [each.name for each in proto.graph.input]
    domains = {opset.domain: opset.version for opset in proto.opset_import}
    assert (names, domains) == (columns, {"": 18, "ai.onnx.ml": 3}) if "city" in columns else (["X"], {"": 18})


def test_onnx_of_arrays(tmp_path):
    array = FRAME[["size", "city"]].astype(object).where(FRAME.notna(), None).to_numpy()
    model = encoded(array, categorical_features=[1])
    model.export_onnx(tmp_path / "model.onnx")
    proto = onnx.load(tmp_path / "model.onnx")
    assert [each.name for each in proto.graph.input] == ["x0", "x1"]
    samples = np.where(X.min(axis=0) == X, np.nan, X)
    numbers = fitted(MLPClassifier, samples, y, categorical_features=[3])
    assert_agrees(numbers, tmp_path / "numbers.onnx", pd.DataFrame(samples))


def test_onnx_refuses_what_it_cannot_hold(tmp_path):
    file = tmp_path / "model.onnx"
    with pytest.raises(ValueError, match="X: expected columns with names that the ONNX graph does not use itself, got 'W0', 'label'"):
        encoded(FRAME.rename(columns={"city": "label", "size": "W0"})).export_onnx(file)
    close = FRAME[["weight"]].astype("float32").assign(key=pd.Categorical([16777216, 16777217] * (N // 2)))
    with pytest.raises(ValueError, match="X: expected categories that float32 tells apart in column 1, got"):
        encoded(close).export_onnx(file)
    assert not file.exists()


def test_skl2onnx_of_encoders():
    skl2onnx = pytest.importorskip("skl2onnx")
    register_skl2onnx()
    samples = np.where(X.min(axis=0) == X, np.nan, X)
    for features in ("from_dtype", [0, 3]):
        pipeline = make_pipeline(StandardScaler(), MLPClassifier((5,), max_iter=5, random_state=0, categorical_features=features))
        pipeline.fit(samples, y)
        proto = skl2onnx.to_onnx(pipeline, samples[:1], options={"zipmap": False}, target_opset={"": 18, "ai.onnx.ml": 1})
        label, probabilities = ReferenceEvaluator(proto).run(None, {"X": samples})
        assert_array_equal(label, pipeline.predict(samples))
        assert_allclose(probabilities, pipeline.predict_proba(samples), rtol=1e-12, atol=1e-14)
    with pytest.raises(ValueError, match="X: expected columns without strings for skl2onnx; `export_onnx` writes"):
        skl2onnx.to_onnx(encoded(FRAME[["city"]]), initial_types=[("city", skl2onnx.common.data_types.StringTensorType([None, 1]))])
