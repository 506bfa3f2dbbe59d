"""Find or download the IDX files of published data sets, and verify their digests."""

import gzip
import hashlib
import os
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .atomic import PathLike, as_path
from .idx import read_with_payload
from .optional import optional

Images = tuple[NDArray[np.uint8], NDArray[np.int64]]  # X (N, pixels), y (N,)
TEST_LABELS = "t10k-labels-idx1-ubyte"


@dataclass(frozen=True)
class IdxSource:
    """A published data set: four gzipped IDX files, identified by the SHA-256 of their decompressed bytes."""

    title: str
    folder: str  # the subfolder of FASTMLP_DATA and of the user's cache that holds the files
    mirrors: tuple[str, ...]  # tried in this order
    sha256: Mapping[str, str]  # training images, training labels, test images, test labels
    system_folders: tuple[Path, ...] = ()  # where a package of the operating system installs the files


MNIST = IdxSource(
    title="MNIST",
    folder="mnist",
    mirrors=("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/"),
    sha256={
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        TEST_LABELS: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
)
FASHION_MNIST = IdxSource(
    title="Fashion-MNIST",
    folder="fashion-mnist",
    mirrors=(
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    ),
    sha256={
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        TEST_LABELS: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    system_folders=(Path("/usr/share/datasets/fashion-mnist"),),
)
LARGEST_PAYLOAD = 16 + 60_000 * 28 * 28  # bytes, the same for both data sets; a download is never decompressed beyond this


def load_published(source: IdxSource, path: PathLike | None) -> tuple[Images, Images]:
    """Load (X_train, y_train), (X_test, y_test) from the four files, after checking the digest of each."""
    folder = as_path(path) if path is not None else _local_folder(source) or _download(source)
    arrays = []
    for name, expected in source.sha256.items():
        if (file := _member(folder, name)) is None:
            raise FileNotFoundError(f"{folder}: no {name} (plain or .gz) found, expected the four files of {source.title}")
        array, payload = read_with_payload(file)
        if (found := hashlib.sha256(payload).hexdigest()) != expected:
            raise ValueError(f"{file}: decompressed SHA-256 {found} found, expected {expected} ({source.title}, {name})")
        arrays.append(array)
    X_train, X_test = (images.reshape(len(images), -1) for images in arrays[::2])
    y_train, y_test = (labels.astype(np.int64) for labels in arrays[1::2])
    return (X_train, y_train), (X_test, y_test)


def _member(folder: Path, name: str) -> Path | None:
    return next((file for file in (folder / name, folder / f"{name}.gz") if file.is_file()), None)


def local_folders(source: IdxSource) -> list[Path]:
    """List the folders of this machine that are searched for a data set, in this order, when the caller names none."""
    named = os.environ.get("FASTMLP_DATA")
    home = [Path(named).expanduser() / source.folder, Path(named).expanduser()] if named else []
    return [*home, *source.system_folders]


def _local_folder(source: IdxSource) -> Path | None:
    """Return the first folder that holds files of this data set, or None.

    MNIST and Fashion-MNIST use the same file names, so a folder with the test labels of the other data set is skipped.
    """
    named = os.environ.get("FASTMLP_DATA")
    if named and not Path(named).expanduser().is_dir():
        raise FileNotFoundError(f"FASTMLP_DATA: an existing folder expected, got {named!r}")
    foreign = {other.sha256[TEST_LABELS] for other in (MNIST, FASHION_MNIST)} - {source.sha256[TEST_LABELS]}
    for folder in local_folders(source):
        labels = _member(folder, TEST_LABELS)
        is_foreign = labels is not None and hashlib.sha256(read_with_payload(labels)[1]).hexdigest() in foreign
        if not is_foreign and any(_member(folder, name) for name in source.sha256):
            return folder
    return None


def _download(source: IdxSource) -> Path:
    """Download the files that are missing in the user's cache, and return its folder.

    pooch checks the digest of each decompressed file before it gives the file its final name.
    """
    pooch = optional("pooch", extra="data", purpose=f"downloading {source.title}")
    cache: Path = pooch.os_cache("fastmlp") / source.folder

    def inflate(url: str, output: str, owner: object) -> None:
        with tempfile.TemporaryFile() as archive:
            pooch.HTTPDownloader()(url, archive, owner)
            archive.seek(0)
            with gzip.GzipFile(fileobj=archive) as stream:
                Path(output).write_bytes(stream.read(LARGEST_PAYLOAD))

    for name, digest in source.sha256.items():
        failures = []
        for mirror in source.mirrors:
            try:
                pooch.retrieve(f"{mirror}{name}.gz", f"sha256:{digest}", fname=name, path=cache, downloader=inflate)
                break
            except (OSError, EOFError, zlib.error, ValueError) as error:
                failures.append(f"{mirror}{name}.gz: {error}")
        else:
            summary = f"{source.title} could not be downloaded into {cache}: try again, or set FASTMLP_DATA to a folder with its four files"
            raise ConnectionError("\n".join([summary, *failures]))
    return cache
