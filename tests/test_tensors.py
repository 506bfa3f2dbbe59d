"""A sealed safetensors file gives back what was written, and nothing else."""

import numpy as np
import pytest
from safetensors import numpy as safetensors

from fastmlp.files.tensors import LARGEST_HEADER, SEAL, read_tensors, write_tensors

pytestmark = pytest.mark.any_cpu

TENSORS = {"b": np.arange(3, dtype=np.float32), "a": np.linspace(0, 1, 6).reshape(2, 3), "empty": np.zeros((0, 4))}
METADATA = {"format": "test 1", "text": f'quotes "{SEAL}":" and zeros {"0" * 64}'}  # text that could be mistaken for the seal


@pytest.fixture
def file(tmp_path):
    return tmp_path / "file.safetensors"


def test_tensors_and_metadata_come_back(file):
    write_tensors(file, TENSORS, METADATA)
    tensors, metadata = read_tensors(file)
    assert list(tensors) == sorted(TENSORS)
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(tensor.array(), TENSORS[name], strict=True)
    assert {name: metadata[name] for name in METADATA} == METADATA
    assert set(metadata) == {*METADATA, SEAL}
    assert {name: tensor.tolist() for name, tensor in safetensors.load_file(file).items()} == {n: t.tolist() for n, t in TENSORS.items()}


def test_every_byte_counts(file):
    write_tensors(file, TENSORS, METADATA)
    content = file.read_bytes()
    for at in range(len(content)):
        file.write_bytes(content[:at] + bytes([content[at] ^ (1 << at % 8)]) + content[at + 1 :])
        try:
            metadata = read_tensors(file)[1]
        except ValueError as error:
            assert str(error).startswith(("header: ", f"{SEAL}: "))  # noqa: PT017 - or the seal's own name is damaged:
        else:
            assert SEAL not in metadata


def test_a_file_without_a_seal_is_taken_as_it_is(file):
    safetensors.save_file(TENSORS, file, METADATA)
    tensors, metadata = read_tensors(file)
    assert set(tensors) == set(TENSORS)
    assert metadata == METADATA
    safetensors.save_file(TENSORS, file)
    assert read_tensors(file)[1] == {}


@pytest.mark.parametrize("seal", ["", "0" * 64, "f" * 63, "x" * 200])
def test_a_wrong_seal_is_refused(file, seal):
    safetensors.save_file(TENSORS, file, METADATA | {SEAL: seal})
    with pytest.raises(ValueError, match=rf"^{SEAL}: expected [0-9a-f]{{64}}, the checksum of the file's content, got '{seal}'"):
        read_tensors(file)


def test_headers_have_an_end(file):
    with pytest.raises(ValueError, match=f"^header: expected at most {LARGEST_HEADER:,} bytes"):
        write_tensors(file, TENSORS, {"text": " " * LARGEST_HEADER})
    assert not file.exists()
