"""Published data sets are found in the documented places, downloaded if necessary, and checked by digest."""

import dataclasses
import gzip
import hashlib
import http.server
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fastmlp import datasets
from fastmlp.datasets import load_digits, load_fashion_mnist, load_mnist
from fastmlp.files import published
from fastmlp.files.published import FASHION_MNIST, MNIST, IdxSource
from tests.children import python
from tests.idx_files import idx, traced_peak, write
from tests.sources import ROOT

pytestmark = pytest.mark.any_cpu

DATA = Path(os.environ.get("FASTMLP_DATA") or ROOT / "data")
LABELS = idx(np.array([5, 0, 4], np.uint8))


def install(monkeypatch: pytest.MonkeyPatch, name: str, source: IdxSource) -> None:
    """Replace MNIST or FASHION_MNIST by another data set."""
    for module in (datasets, published):
        monkeypatch.setattr(module, name, source)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> IdxSource:
    """A data set of 6 + 2 images of 2 x 3 pixels that replaces MNIST, with files in tmp_path / "tiny"; there is no other data."""
    rng = np.random.default_rng(0)
    shapes = [(6, 2, 3), (6,), (2, 2, 3), (2,)]
    contents = {name: idx(rng.integers(0, 10, shape, np.uint8)) for name, shape in zip(MNIST.sha256, shapes, strict=True)}
    (tmp_path / "tiny").mkdir()
    for i, (name, content) in enumerate(contents.items()):
        write(tmp_path / "tiny", gzip.compress(content) if i % 2 else content, name + ".gz" * (i % 2))
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    source = IdxSource("tiny", "tiny", mirrors=(), sha256=digests)
    install(monkeypatch, "MNIST", source)
    install(monkeypatch, "FASHION_MNIST", dataclasses.replace(FASHION_MNIST, system_folders=(), mirrors=()))
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
    install(monkeypatch, "FASHION_MNIST", dataclasses.replace(FASHION_MNIST, sha256=digests))
    install(monkeypatch, "MNIST", dataclasses.replace(tiny, system_folders=(tmp_path / "tiny",)))
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
    write(bad, b"<html>", "train-labels-idx1-ubyte.gz")  # not gzip
    write(bad, gzip.compress(LABELS)[:12], "t10k-images-idx3-ubyte.gz")  # truncated; the test labels give a 404
    install(monkeypatch, "MNIST", dataclasses.replace(tiny, mirrors=(f"{server}bad/", f"{server}good/")))
    check_tiny(load_mnist())
    assert sorted(file.name for file in (tmp_path / "cache" / "fastmlp" / "tiny").iterdir()) == sorted(tiny.sha256)
    for folder in (bad, good):
        shutil.rmtree(folder)
    check_tiny(load_mnist())  # now from the cache


def test_download_reports_every_mirror_that_failed(tiny: IdxSource, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "MNIST", dataclasses.replace(tiny, mirrors=(f"{server}one/", f"{server}two/")))
    with pytest.raises(
        ConnectionError, match=r"(?s)tiny could not be downloaded.*FASTMLP_DATA.*one/train-images.*404.*two/train-images.*404"
    ):
        load_mnist()


def test_downloads_are_inflated_within_bounds(tiny: IdxSource, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "www", gzip.compress(bytes(1 << 26)), "train-images-idx3-ubyte.gz")
    install(monkeypatch, "MNIST", dataclasses.replace(tiny, mirrors=(server,)))
    monkeypatch.setattr(published, "LARGEST_PAYLOAD", 1 << 16)
    with traced_peak(at_most=1 << 25), pytest.raises(ConnectionError, match="does not match the known hash"):
        load_mnist()


@pytest.mark.parametrize(("module", "call", "extra"), [("pooch", load_mnist, "data"), ("sklearn.datasets", load_digits, "sklearn")])
@pytest.mark.usefixtures("tiny")
def test_a_missing_extra_is_named(module: str, call: Callable[[], Any], extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf'pip install "fastmlp\[{extra}\]"'):
        call()


def test_import_stays_light() -> None:
    done = python("import sys, fastmlp.datasets; print({'pooch', 'requests', 'sklearn'} & set(sys.modules))")
    assert (done.returncode, done.stdout.strip()) == (0, "set()")


REAL = [
    pytest.param(load, folder, mean, id=folder.name)
    for load, folders, mean in [
        (load_mnist, [DATA / "mnist"], 33.318421),  # mean of the training pixels: 0.1307 * 255, as usually quoted
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
