"""IDX files from outside are read exactly or rejected, and reading takes no more memory than they contain."""

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fastmlp.files.idx import read_idx
from tests.idx_files import CODES, idx, traced_peak, write

pytestmark = pytest.mark.any_cpu

per_example = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


LABELS = idx(np.array([5, 0, 4], np.uint8))
idx_arrays = st.sampled_from(list(CODES)).flatmap(
    lambda name: arrays(np.dtype(name), array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=4))
)


@per_example
@given(array=idx_arrays, zipped=st.booleans())
def test_read_idx_returns_what_was_written(tmp_path: Path, array: np.ndarray, zipped: bool) -> None:
    content = idx(array)
    read = read_idx(write(tmp_path, gzip.compress(content) if zipped else content))
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    assert read.flags.writeable
    np.testing.assert_array_equal(read, array)


@per_example
@given(array=idx_arrays, zipped=st.booleans(), data=st.data())
def test_damaged_files_are_refused_or_read_as_their_header_says(
    tmp_path: Path, array: np.ndarray, zipped: bool, data: st.DataObject
) -> None:
    content = bytearray(idx(array))
    if data.draw(st.booleans(), label="damage before compression"):
        content = damaged(content, data, 4 + 4 * array.ndim)
    stored = bytearray(gzip.compress(content, mtime=0)) if zipped else content
    stored = damaged(stored, data, len(stored))
    file = write(tmp_path, stored)
    try:
        read = read_idx(file)
    except ValueError as error:
        check_message(str(error), file)
    else:  # the damage changed values, or made another consistent header
        assert idx(read) == (gzip.decompress(stored) if stored[:2] == b"\x1f\x8b" else stored)


def check_message(message: str, file: Path) -> None:
    assert message.startswith(f"{file}: ")
    assert "found" in message
    assert "expected" in message


def damaged(content: bytearray, data: st.DataObject, reach: int) -> bytearray:
    """Flip some bits within `reach`, then perhaps truncate or extend the content."""
    result = bytearray(content)
    for place in data.draw(st.lists(st.integers(0, max(min(reach, len(result)) - 1, 0)), max_size=3)):
        if place < len(result):
            result[place] ^= data.draw(st.integers(1, 255))
    result += data.draw(st.binary(max_size=3))
    return result[: data.draw(st.integers(0, len(result)))] if data.draw(st.booleans()) else result


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"magic number 0 .*2051.*2049"),
        (LABELS[:3], r"magic number"),
        (b"\x00\x01" + LABELS[2:], r"magic number 67585 \(00 01 08 01\)"),
        (b"\x00\x00\x0a\x01" + LABELS[4:], "type code"),
        (b"\x00\x00\x08\x00" + LABELS[4:], "01 to 04 dimensions"),
        (b"\x00\x00\x08\x05" + bytes(20), "01 to 04 dimensions"),
        (b"\x00\x00\x08\x03" + bytes(11), "truncated: 15 bytes found, expected 16"),
        (LABELS[:-1], "truncated: 10 bytes found, expected 11"),
        (LABELS + b"\0", "oversized: more found, expected 11 bytes"),
        (b"\x00\x00\x08\x02" + b"\x7f\xff\xff\xff" * 2 + b"\1", "truncated: 13 bytes found, expected 4611686014132420621"),
        (b"\x00\x00\x0e\x04" + b"\xff" * 16, "expected one that an array can have"),
        (b"\x00\x00\x0e\x04" + bytes(4) + b"\xff" * 12, "expected one that an array can have"),
    ],
)
def test_malformed_idx_is_a_value_error(tmp_path: Path, content: bytes, message: str, pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(ValueError, match=message):
        read_idx(write(tmp_path, pack(content)))


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(LABELS)[:-1],
        gzip.compress(LABELS)[:12],
        gzip.compress(LABELS)[:-8] + bytes(8),
        gzip.compress(LABELS)[:10] + b"\xff" * 20,
        gzip.compress(LABELS) + b"trailing",
        b"\x1f\x8b",
    ],
    ids=["cut", "cut early", "checksum", "deflate", "trailing", "two bytes"],
)
def test_corrupted_gzip_is_a_value_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(ValueError, match=r"corrupted or truncated gzip stream found .* expected an intact one"):
        read_idx(write(tmp_path, content))


@pytest.mark.parametrize(
    "content",
    [LABELS + bytes(1 << 26), b"\x00\x00\x08\x02" + (1 << 20).to_bytes(4, "big") * 2 + b"few"],
    ids=["64 MB behind 3 labels", "a terabyte promised"],
)
def test_neither_bombs_nor_absurd_headers_take_memory(tmp_path: Path, content: bytes) -> None:
    file = write(tmp_path, gzip.compress(content))
    with traced_peak(at_most=1 << 22), pytest.raises(ValueError, match=r"oversized|truncated"):
        read_idx(file)


def test_read_idx_takes_paths_only() -> None:
    number: Any = 3
    with pytest.raises(TypeError, match="path: expected a str or path-like, got int"):
        read_idx(number)
