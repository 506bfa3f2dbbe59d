"""Model files from outside: modified files are rejected, in either format, and damage is always detected."""

import json
import os
import re
import tracemalloc

import numpy as np
import pytest
from safetensors import numpy as safetensors
from safetensors import safe_open

from fastmlp import Dense, Dropout, Sequential, Tanh, load
from fastmlp.files.tensors import SEAL, write_tensors
from tests.children import python

pytestmark = pytest.mark.any_cpu

DENSE = {"layer": "Dense", "n_inputs": 2, "n_outputs": 3, "bias": True, "initializer": "uniform"}
FIELDS = [  # a field of the description, its new value, and what the message must say
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
LATER_FIELDS = [  # the same for fields that may be missing
    ("steps", -1, "steps: expected at least 0, got -1"),
    ("steps", 2**62 + 1, "steps: expected at most"),
    ("steps", 1.0, "steps: expected an integer, got 1.0"),
    ("steps", True, "steps: expected an integer, got True"),
    ("targets", "columns", "targets: expected one of 'undecided', 'row', 'column', got 'columns'"),
    ("targets", None, "targets: .* got None"),
]
LAYERS = [  # what replaces the first layer
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
    (DENSE | {"n_inputs": 10**9, "n_outputs": 10**9}, "tensor 'W0': "),
    (DENSE | {"n_inputs": 10**15, "n_outputs": 10**15}, "n_outputs: expected at most 1152, got 1000000000000000"),
    (DENSE | {"layer": "x" * 100_000}, "layer: "),
]
HALF, NAN, INFINITE = np.zeros((2, 3), np.float16), np.full((2, 3), np.nan, np.float32), np.full((2, 3), -np.inf, np.float32)
TENSORS = [  # tensors that are added or replaced; None removes the tensor
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
    ({"format": "fastmlp 3"}, "format: expected 'fastmlp 2', got 'fastmlp 3'"),
    ({"format": "pt"}, "format: .*'pt'"),
    ({"author": "me"}, "metadata: expected the fields format, model"),
    ({"model": "{"}, "Expecting"),
    ({"model": "[]"}, "model: expected the fields"),
    ({"model": "[" * 100_000}, "recursion|overflow|Expecting"),
    ({"model": "1" * 100_000}, "digit"),
]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.fixture
def parts(file):
    """Return description, metadata and tensors of a saved model."""
    Sequential([Dense(2, 3), Dropout(0.5), Dense(3, 1), Tanh()], dtype="float32").save(file)
    with safe_open(file, framework="numpy") as opened:
        metadata = opened.metadata()
        return json.loads(metadata["model"]), {name: metadata[name] for name in ("format", "model")}, safetensors.load_file(file)


def write_first_format(file, tensors, metadata):
    """Write a file as fastmlp did before files had a checksum."""
    safetensors.save_file(tensors, file, {"format": "fastmlp 1"} | {name: text for name, text in metadata.items() if text != "fastmlp 2"})


@pytest.fixture(params=[write_first_format, write_tensors], ids=["first format", "sealed"])
def write(request):
    """Write tensors and metadata in either format; the second has a valid checksum, so that nothing else is wrong."""
    return lambda tensors, file, metadata: request.param(file, tensors, metadata)


def refuse(file, message):
    with pytest.raises(ValueError, match=message) as raised:
        load(file)
    assert str(raised.value).startswith(f"{file}: ")
    assert len(str(raised.value)) < len(str(file)) + 500


@pytest.mark.parametrize(("field", "value", "message"), FIELDS)
def test_a_wrong_field_is_refused(file, parts, write, field, value, message):
    description, metadata, tensors = parts
    write(tensors, file, metadata | {"model": json.dumps(description | {field: value})})
    refuse(file, message)
    del description[field]
    write(tensors, file, metadata | {"model": json.dumps(description)})
    refuse(file, "model: expected the fields loss, seed, dtype, generator, layers")


@pytest.mark.parametrize(("field", "value", "message"), LATER_FIELDS)
def test_a_wrong_field_that_may_be_missing_is_refused(file, parts, write, field, value, message):
    description, metadata, tensors = parts
    write(tensors, file, metadata | {"model": json.dumps(description | {field: value})})
    refuse(file, message)
    del description[field]
    write(tensors, file, metadata | {"model": json.dumps(description)})
    model = load(file)
    assert (model.steps, model.column_targets) == (0, None)


@pytest.mark.parametrize(("layer", "message"), LAYERS)
def test_a_wrong_layer_is_refused(file, parts, write, layer, message):
    description, metadata, tensors = parts
    description["layers"][0] = layer
    write(tensors, file, metadata | {"model": json.dumps(description)})
    refuse(file, message)


def test_layers_that_do_not_follow_each_other_are_refused(file, parts, write):
    description, metadata, tensors = parts
    swapped = {"W0": tensors["W1"], "b0": tensors["b1"], "W1": tensors["W0"], "b1": tensors["b0"]}
    write(swapped, file, metadata | {"model": json.dumps(description | {"layers": description["layers"][::-1]})})
    refuse(file, "layer: Tanh.* must follow a Dense layer, got nothing")
    description["layers"] = [description["layers"][k] for k in (2, 0)]
    write(swapped, file, metadata | {"model": json.dumps(description)})
    refuse(file, r"layer: Dense\(2, 3\) expects 2 inputs, got 1 outputs")


@pytest.mark.parametrize(("change", "message"), TENSORS)
def test_wrong_tensors_are_refused(file, parts, write, change, message):
    _, metadata, tensors = parts
    write({name: t for name, t in (tensors | change).items() if t is not None}, file, metadata)
    refuse(file, message)


@pytest.mark.parametrize(("change", "message"), METADATA)
def test_wrong_metadata_are_refused(file, parts, write, change, message):
    _, metadata, tensors = parts
    write(tensors, file, metadata | change)
    refuse(file, message)


def test_a_long_header_is_refused(file, parts):
    _, metadata, tensors = parts
    safetensors.save_file(tensors, file, metadata | {"model": " " * 2**18 + "{}"})
    refuse(file, "header: expected at most 262,144 bytes")


def test_tensors_of_somebody_else_are_refused(file):
    safetensors.save_file({"W0": np.zeros((1, 1))}, file)
    refuse(file, "format: expected 'fastmlp 2', got None")


def test_files_of_the_first_format_are_read_without_a_checksum(file, parts):
    _, metadata, tensors = parts
    sealed = load(file)
    write_first_format(file, tensors, metadata)
    assert load(file).parameters.tobytes() == sealed.parameters.tobytes()
    for changed in ({"format": "fastmlp 2"}, {SEAL: "0" * 64}):  # the new format without its checksum, or the old one with it
        safetensors.save_file(tensors, file, metadata | {"format": "fastmlp 1"} | changed)
        refuse(file, f"metadata: expected the fields format, model|{SEAL}: ")


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


def damaged(content, rng):
    """Change one to three bytes."""
    result = bytearray(content)
    for at in rng.choice(len(content), size=rng.integers(1, 4), replace=False):
        result[at] ^= rng.integers(1, 256)
    return result


def test_a_file_with_flipped_bits_is_refused(file, parts):
    content, rng = file.read_bytes(), np.random.default_rng(11)
    for _ in range(1000):
        file.write_bytes(damaged(content, rng))
        refuse(file, "expected")
    data = 8 + int.from_bytes(content[:8], "little")
    for at in range(data, len(content)):  # every byte of every number
        file.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        refuse(file, f"{SEAL}: expected [0-9a-f]{{64}}, the checksum of the file's content, got .*: the file is damaged")


def test_a_file_of_the_first_format_with_flipped_bits_is_refused_or_a_model(file, parts):
    _, metadata, tensors = parts
    write_first_format(file, tensors, metadata)
    content, rng, models = file.read_bytes(), np.random.default_rng(11), 0
    for _ in range(2000):
        file.write_bytes(damaged(content, rng))
        try:
            model = load(file)
        except ValueError:
            continue
        models += 1
        assert np.isfinite(model.parameters).all()
        assert model.forward(np.ones((2, 2))).shape == (2, 1)
    assert 0 < models < 1000


REWRITTEN = """
import sys, threading
from fastmlp import load
path = sys.argv[1]
content, done = open(path, "rb").read(), threading.Event()

def rewrite():
    while not done.is_set():
        with open(path, "r+b") as file:
            file.truncate(100)
            file.seek(0)
            file.write(content)

writer = threading.Thread(target=rewrite)
writer.start()
loaded = 0
for _ in range(150):
    try:
        assert load(path).n_inputs == 700
        loaded += 1
    except ValueError as error:
        assert path in str(error)
done.set()
writer.join()
print("alive after", loaded)
"""


def test_a_file_that_is_rewritten_meanwhile_ends_no_process(file):
    """A memory map of the file would end the process with SIGBUS as soon as the file is truncated."""
    Sequential([Dense(700, 700)]).save(file)
    done = python(REWRITTEN, file)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("alive after ")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_memory_follows_the_size_of_the_file(file, dtype):
    Sequential([Dense(500, 500)], dtype=dtype).save(file)
    load(file)  # imports what is needed only at first use
    tracemalloc.start()
    load(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * file.stat().st_size


def test_a_file_without_end_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, kind in [(tmp_path / "pipe", "a FIFO"), ("/dev/zero", "a character device")]:
        with pytest.raises(OSError, match=f"expected a regular file, got {kind}"):
            load(path)
