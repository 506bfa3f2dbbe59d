"""IDX files from outside are read exactly or refused; data sets are found where promised and checked by digest."""

import dataclasses
import gzip
import hashlib
import http.server
import os
import shutil
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from fastmlp import datasets
from fastmlp.datasets import load_digits, load_fashion_mnist, load_mnist, load_xor, normalize, one_hot
from fastmlp.files.idx import read_idx
from fastmlp.files.published import FASHION_MNIST, MNIST, IdxSource
from tests.children import ROOT, python

DATA = Path(os.environ.get("FASTMLP_DATA") or ROOT / "data")
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
per_example = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, CODES[array.dtype.str[1:]], array.ndim]) + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write(folder: Path, content: bytes | bytearray, name: str = "file") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


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
    else:  # the damage hit values, or made another consistent header
        assert idx(read) == (gzip.decompress(stored) if stored[:2] == b"\x1f\x8b" else stored)


def check_message(message: str, file: Path) -> None:
    assert message.startswith(f"{file}: ")
    assert "found" in message
    assert "expected" in message


def damaged(content: bytearray, data: st.DataObject, reach: int) -> bytearray:
    """Some bits flipped within reach, then perhaps cut short or continued."""
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


@contextmanager
def traced_peak(at_most: int) -> Iterator[None]:
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < at_most


def test_read_idx_takes_paths_only() -> None:
    number: Any = 3
    with pytest.raises(TypeError, match="path: expected a str or path-like, got int"):
        read_idx(number)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IdxSource:
    """A data set of 6 + 2 images of 2 x 3 pixels in the place of MNIST, its files in tmp_path / "tiny"; no other data around."""
    rng = np.random.default_rng(0)
    shapes = [(6, 2, 3), (6,), (2, 2, 3), (2,)]
    contents = {name: idx(rng.integers(0, 10, shape, np.uint8)) for name, shape in zip(MNIST.sha256, shapes, strict=True)}
    (tmp_path / "tiny").mkdir()
    for i, (name, content) in enumerate(contents.items()):
        write(tmp_path / "tiny", gzip.compress(content) if i % 2 else content, name + ".gz" * (i % 2))
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    source = IdxSource("tiny", "tiny", mirrors=(), sha256=digests)
    monkeypatch.setattr(datasets, "MNIST", source)
    monkeypatch.setattr(datasets, "FASHION_MNIST", dataclasses.replace(FASHION_MNIST, system_folders=(), mirrors=()))
    monkeypatch.delenv("FASTMLP_DATA", raising=False)
    monkeypatch.setattr("pooch.os_cache", lambda project: tmp_path / "cache" / project)
    return source


def check_tiny(loaded: tuple[Any, Any]) -> None:
    (X_train, y_train), (X_test, y_test) = loaded
    assert [array.shape for array in (X_train, y_train, X_test, y_test)] == [(6, 6), (6,), (2, 6), (2,)]
    assert [array.dtype.name for array in (X_train, y_train, X_test, y_test)] == ["uint8", "int64"] * 2
    rng = np.random.default_rng(0)
    np.testing.assert_array_equal(X_train, rng.integers(0, 10, (6, 6), np.uint8))
    np.testing.assert_array_equal(y_train, rng.integers(0, 10, 6, np.uint8))
    assert X_train.flags.c_contiguous
    assert X_train.flags.writeable


@pytest.mark.usefixtures("tiny")
def test_an_explicit_folder_or_the_environment_names_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_tiny(load_mnist(tmp_path / "tiny"))
    for root in (tmp_path, tmp_path / "tiny"):
        monkeypatch.setenv("FASTMLP_DATA", str(root))
        check_tiny(load_mnist())
    monkeypatch.setenv("FASTMLP_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="FASTMLP_DATA: an existing folder expected"):
        load_mnist()


def test_system_folders_and_foreign_files(tiny: IdxSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {name: idx(np.zeros(2, np.uint8)) for name in tiny.sha256}
    (tmp_path / "other").mkdir()
    for name, content in other.items():
        write(tmp_path / "other", content, name)
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in other.items()}
    monkeypatch.setattr(datasets, "FASHION_MNIST", dataclasses.replace(FASHION_MNIST, sha256=digests))
    monkeypatch.setattr(datasets, "MNIST", dataclasses.replace(tiny, system_folders=(tmp_path / "tiny",)))
    monkeypatch.setenv("FASTMLP_DATA", str(tmp_path / "other"))
    check_tiny(load_mnist())


def test_missing_and_foreign_files_are_named(tiny: IdxSource, tmp_path: Path) -> None:
    name = "train-labels-idx1-ubyte"
    foreign = idx(np.zeros(6, np.uint8))
    file = write(tmp_path / "tiny", foreign, name)
    with pytest.raises(ValueError, match=f"{name}: .*{hashlib.sha256(foreign).hexdigest()} found, expected {tiny.sha256[name]}"):
        load_mnist(tmp_path / "tiny")
    file.unlink()
    (tmp_path / "tiny" / f"{name}.gz").unlink()
    with pytest.raises(FileNotFoundError, match=f"no {name} .*four files of tiny"):
        load_mnist(tmp_path / "tiny")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A mirror on this machine that serves tmp_path / "www"."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "www").mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "www"))) as mirror:
        threading.Thread(target=mirror.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{mirror.server_port}/"
        mirror.shutdown()


def test_download_checks_tries_mirrors_and_caches(tiny: IdxSource, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good = tmp_path / "www" / "bad", tmp_path / "www" / "good"
    bad.mkdir()
    good.mkdir()
    for name in tiny.sha256:
        stored = tmp_path / "tiny" / name
        content = stored.read_bytes() if stored.exists() else gzip.decompress((tmp_path / "tiny" / f"{name}.gz").read_bytes())
        write(good, gzip.compress(content), f"{name}.gz")
    write(bad, gzip.compress(LABELS), "train-images-idx3-ubyte.gz")  # another payload
    write(bad, b"<html>", "train-labels-idx1-ubyte.gz")  # no gzip
    write(bad, gzip.compress(LABELS)[:12], "t10k-images-idx3-ubyte.gz")  # cut short; the test labels are 404
    monkeypatch.setattr(datasets, "MNIST", dataclasses.replace(tiny, mirrors=(f"{server}bad/", f"{server}good/")))
    check_tiny(load_mnist())
    assert sorted(file.name for file in (tmp_path / "cache" / "fastmlp" / "tiny").iterdir()) == sorted(tiny.sha256)
    for folder in (bad, good):
        shutil.rmtree(folder)
    check_tiny(load_mnist())  # from the cache


def test_download_reports_every_mirror_that_failed(tiny: IdxSource, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "MNIST", dataclasses.replace(tiny, mirrors=(f"{server}one/", f"{server}two/")))
    with pytest.raises(
        ConnectionError, match=r"(?s)tiny could not be downloaded.*FASTMLP_DATA.*one/train-images.*404.*two/train-images.*404"
    ):
        load_mnist()


def test_downloads_are_inflated_within_bounds(tiny: IdxSource, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "www", gzip.compress(bytes(1 << 26)), "train-images-idx3-ubyte.gz")
    monkeypatch.setattr(datasets, "MNIST", dataclasses.replace(tiny, mirrors=(server,)))
    monkeypatch.setattr(datasets, "LARGEST_PAYLOAD", 1 << 16)
    with traced_peak(at_most=1 << 25), pytest.raises(ConnectionError, match="does not match the known hash"):
        load_mnist()


@pytest.mark.parametrize(("module", "call", "extra"), [("pooch", load_mnist, "data"), ("sklearn.datasets", load_digits, "sklearn")])
@pytest.mark.usefixtures("tiny")
def test_a_missing_extra_is_named(module: str, call: Callable[[], Any], extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf'pip install "fastmlp\[{extra}\]"'):
        call()


def test_import_stays_light() -> None:
    code = "import sys, fastmlp.datasets; print({'pooch', 'requests', 'sklearn'} & set(sys.modules))"
    assert python(code).stdout.strip() == "set()"


REAL = [
    pytest.param(load, folder, mean, id=folder.name)
    for load, folders, mean in [
        (load_mnist, [DATA / "mnist"], 33.318421),  # of the training pixels: 0.1307 * 255, as usually quoted
        (load_fashion_mnist, [DATA / "fashion-mnist", *FASHION_MNIST.system_folders], 72.940352),  # 0.2860 * 255
    ]
    for folder in folders
    if folder.is_dir()
]

if REAL:

    @pytest.mark.parametrize(("load", "folder", "mean"), REAL)
    def test_real_data(load: Callable[[Path], Any], folder: Path, mean: float) -> None:
        (X_train, y_train), (X_test, y_test) = load(folder)
        assert (X_train.shape, y_train.shape, X_test.shape, y_test.shape) == ((60_000, 784), (60_000,), (10_000, 784), (10_000,))
        assert X_train.mean() == pytest.approx(mean, rel=1e-7)
        assert set(y_train) == set(y_test) == set(range(10))


def test_xor() -> None:
    X, y = load_xor()
    np.testing.assert_array_equal(np.hstack([X, y]), [[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]])
    assert X.dtype == y.dtype == np.float64
    assert y.shape == (4, 1)


def test_digits_are_scaled_and_dealt_the_same_way_every_time() -> None:
    (X_train, y_train), (X_test, y_test) = load_digits()
    assert (X_train.shape, y_train.shape, X_test.shape, y_test.shape) == ((1437, 64), (1437,), (360, 64), (360,))
    assert (X_train.dtype.name, y_train.dtype.name) == ("float32", "int64")
    assert (X_train.min(), X_train.max()) == (0, 1)
    np.testing.assert_array_equal(y_test[:10], [7, 9, 4, 7, 0, 2, 6, 1, 3, 1])
    assert len(np.unique(np.vstack([X_train, X_test]), axis=0)) == 1797  # no row lost, none dealt twice


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [np.uint8, np.int64, np.float32, np.float64])
def test_normalize_divides_by_255(dtype: Any, kind: Any) -> None:
    pixels = np.arange(256, dtype=kind).reshape(2, 8, 16)
    scaled = normalize(pixels, dtype)
    assert scaled.dtype == dtype
    np.testing.assert_array_equal(scaled, pixels.astype(dtype) / dtype(255))
    np.testing.assert_array_equal(normalize(pixels, dtype, binarize_at=0.5), pixels >= 128)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(X=[-1]), ValueError, "X: whole numbers from 0 to 255 expected, got 1 other values, first -1"),
        (dict(X=[0, 256]), ValueError, "X: .*256"),
        (dict(X=[0.5]), ValueError, "X: .*0.5"),
        (dict(X=[np.nan]), ValueError, "X: .*nan"),
        (dict(X=[np.inf]), ValueError, "X: .*inf"),
        (dict(X=["a"]), TypeError, "X: numbers expected, got dtype <U1"),
        (dict(X=[1], dtype=np.int32), ValueError, "dtype: float32 or float64 expected, got int32"),
        (dict(X=[1], binarize_at=127), ValueError, "binarize_at: .* got 127"),
        (dict(X=[1], binarize_at="half"), ValueError, "binarize_at: .* got 'half'"),
    ],
)
def test_normalize_names_what_is_wrong(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        normalize(**arguments)


@given(y=st.lists(st.integers(0, 9), min_size=1, max_size=20), more=st.integers(0, 3), kind=st.sampled_from(["i1", "u1", "i8", "u8"]))
def test_one_hot_rows_hold_one_1_at_the_label(y: list[int], more: int, kind: str) -> None:
    rows = one_hot(np.array(y, kind), n_classes=max(y) + 1 + more, dtype=np.float64)
    np.testing.assert_array_equal(rows.argmax(axis=1), y)
    np.testing.assert_array_equal(np.sort(rows, axis=1), [[0] * (max(y) + more) + [1]] * len(y))
    assert rows.dtype == np.float64
    assert one_hot(y).shape == (len(y), max(y) + 1)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(y=[0, 3], n_classes=3), ValueError, "y: labels from 0 to 2 expected, got 3 at index 1"),
        (dict(y=[0, -1]), ValueError, "y: .*got -1 at index 1"),
        (dict(y=[-1]), ValueError, "y: .*got -1 at index 0"),
        (dict(y=[1.0]), TypeError, "y: integer labels expected, got dtype float64"),
        (dict(y=[[1]]), ValueError, r"y: shape \(N,\) .*got \(1, 1\)"),
        (dict(y=[]), ValueError, r"y: .*got \(0,\)"),
        (dict(y=[0], n_classes=0), ValueError, "n_classes: a positive integer expected, got 0"),
        (dict(y=[0], n_classes=2.0), ValueError, r"n_classes: .*got 2\.0"),
        (dict(y=[0], dtype=int), ValueError, "dtype: .*got int64"),
    ],
)
def test_one_hot_names_what_is_wrong(arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        one_hot(**arguments)
