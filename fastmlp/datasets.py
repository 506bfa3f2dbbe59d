"""The data of the document: XOR's truth table, scikit-learn's digits, MNIST and Fashion-MNIST, and the IDX files they come in.

Nothing that is read is trusted: an IDX file must hold exactly what its header promises, and the files of the published data sets
are checked by the SHA-256 of their decompressed bytes, wherever they come from.
"""

import gzip
import hashlib
import math
import numbers
import os
import sys
import tempfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .files import as_path
from .optional import optional

PathLike = str | os.PathLike[str]
Images = tuple[NDArray[np.uint8], NDArray[np.int64]]  # X (N, pixels), y (N,)
Digits = tuple[NDArray[np.float32], NDArray[np.int64]]

TEST_LABELS = "t10k-labels-idx1-ubyte"

# The third byte of an IDX file; numbers are stored big-endian.
IDX_DTYPES = {code: np.dtype(name) for code, name in {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}.items()}
CHUNK = 1 << 20  # bytes read at a time: memory grows with what a file holds, not with what its header promises


@dataclass(frozen=True)
class IdxSource:
    """A published data set: four gzipped IDX files, known by the SHA-256 of their decompressed bytes."""

    title: str
    folder: str  # its subfolder of FASTMLP_DATA and of the user's cache
    mirrors: tuple[str, ...]  # tried in this order
    sha256: Mapping[str, str]  # training images, training labels, test images, test labels
    system_folders: tuple[Path, ...] = ()  # where an operating system's package puts the files


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
LARGEST_PAYLOAD = 16 + 60_000 * 28 * 28  # bytes, of either data set: a download is never decompressed beyond it


def load_xor() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """XOR's truth table.

    Returns
    -------
    X, y : ndarrays of shape (4, 2) and (4, 1), float64
        The inputs, and 1 where exactly one of them is 1.

    Examples
    --------
    >>> from fastmlp.datasets import load_xor
    >>> X, y = load_xor()
    >>> X.tolist()
    [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]
    >>> y.ravel().tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=np.float64)
    return X, (X[:, :1] != X[:, 1:]).astype(np.float64)


def load_digits() -> tuple[Digits, Digits]:
    """The 1,797 handwritten digits that come with scikit-learn, 8 x 8 pixels, ready for `Sequential.fit`.

    Their 17 grey levels are divided by 16: as uint8 they would be taken for pixels 0..255. The rows are dealt once and for all,
    by the same permutation on every machine.

    Returns
    -------
    (X_train, y_train), (X_test, y_test) : two pairs
        `X` of shape (1437, 64) and (360, 64), float32, 0 to 1; `y` of shape (1437,) and (360,), int64, 0 to 9.

    Raises
    ------
    ImportError
        If scikit-learn is not installed.

    Examples
    --------
    >>> from fastmlp.datasets import load_digits
    >>> (X_train, y_train), (X_test, y_test) = load_digits()
    >>> X_train.shape, X_train.dtype, y_test.shape, y_test.dtype
    ((1437, 64), dtype('float32'), (360,), dtype('int64'))
    """
    X, y = optional("sklearn.datasets", extra="sklearn", purpose="load_digits").load_digits(return_X_y=True)
    X, y = (X / 16).astype(np.float32), y.astype(np.int64)
    order = np.random.RandomState(0).permutation(len(X))  # the legacy generator: its stream is frozen
    train, test = np.split(order, [1437])  # 80 % and 20 %
    return (X[train], y[train]), (X[test], y[test])


def load_mnist(path: PathLike | None = None) -> tuple[Images, Images]:
    """MNIST: 60,000 training and 10,000 test images of handwritten digits, 28 x 28 pixels.

    Without `path`, the four IDX files (gzipped or plain) are looked for in the folder named by the environment variable
    `FASTMLP_DATA` or its subfolder ``mnist``; else they are downloaded into the user's cache, once.

    Parameters
    ----------
    path : str or path-like, optional
        The folder of the four files; nothing else is tried.

    Returns
    -------
    (X_train, y_train), (X_test, y_test) : two pairs
        `X` of shape (60000, 784) and (10000, 784), uint8, C-contiguous, rows of pixels from top left; `y` of shape (60000,)
        and (10000,), int64, 0 to 9. ``X.reshape(-1, 28, 28)`` are the images; `normalize` scales them to [0, 1].

    Raises
    ------
    FileNotFoundError, ValueError
        If the folder lacks a file, or one is not the published file, byte for byte once decompressed (`read_idx` reads any).
    ImportError, ConnectionError
        If a download is needed and pooch is not installed, or no mirror delivers.

    Examples
    --------
    >>> from fastmlp.datasets import load_mnist
    >>> load_mnist("empty")
    Traceback (most recent call last):
    FileNotFoundError: empty: no train-images-idx3-ubyte (plain or .gz) found, expected the four files of MNIST
    """
    return _load(MNIST, path)


def load_fashion_mnist(path: PathLike | None = None) -> tuple[Images, Images]:
    """Fashion-MNIST: 60,000 training and 10,000 test images of clothes in ten classes, 28 x 28 pixels.

    Argument, result and exceptions are those of `load_mnist`. The subfolder of `FASTMLP_DATA` is ``fashion-mnist``; before any
    download, the files are looked for where Debian's package ``dataset-fashion-mnist`` puts them.
    """
    return _load(FASHION_MNIST, path)


def read_idx(path: PathLike) -> NDArray[Any]:
    """Read one IDX file, plain or gzipped (told by its first bytes, not by its name).

    Parameters
    ----------
    path : str or path-like
        The file: two zero bytes, a type code, the number of dimensions (1 to 4), each size as a big-endian 32-bit integer, then the
        numbers. Bytes of images are thus magic number 2051, bytes of labels 2049.

    Returns
    -------
    ndarray
        Of the shape and type in the header (uint8, int8, int16, int32, float32 or float64), in native byte order, writable.

    Raises
    ------
    ValueError, TypeError
        If the magic number is another one, the file holds fewer or more bytes than its header promises, or gzip finds it corrupted;
        if `path` is not a path.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from fastmlp.datasets import read_idx
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "labels")
    ...     size = file.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4]))
    ...     read_idx(file)
    array([5, 0, 4], dtype=uint8)
    """
    return _read(as_path(path))[0]


def normalize(X: ArrayLike, dtype: DTypeLike = np.float32, binarize_at: float | None = None) -> NDArray[Any]:
    """Scale pixels from 0..255 to [0, 1].

    Parameters
    ----------
    X : array_like of any shape
        Whole numbers from 0 to 255, of an integer or floating type. (Fractions are an error: the pixels were scaled before.)
    dtype : float32 or float64, default float32
        The type of the result.
    binarize_at : float in [0, 1], optional
        If given, scaled pixels above it become 1 and all others 0.

    Returns
    -------
    ndarray
        A new array of the shape of `X`.

    Raises
    ------
    ValueError, TypeError
        If `X` holds anything but pixels, or another argument is out of range.

    Examples
    --------
    >>> from fastmlp.datasets import normalize
    >>> normalize([0, 51, 255])
    array([0. , 0.2, 1. ], dtype=float32)
    >>> normalize([0, 51, 255], binarize_at=0.5)
    array([0., 0., 1.], dtype=float32)
    """
    pixels, dtype = np.asarray(X), _floating(dtype)
    if pixels.dtype.kind not in "iuf":
        raise TypeError(f"X: numbers expected, got dtype {pixels.dtype}")
    if binarize_at is not None and not (isinstance(binarize_at, numbers.Real) and 0 <= binarize_at <= 1):
        raise ValueError(f"binarize_at: a number in [0, 1] expected, got {binarize_at!r}")
    if pixels.dtype != np.uint8 and (wrong := pixels[~((pixels >= 0) & (pixels <= 255) & (np.floor(pixels) == pixels))]).size:
        raise ValueError(f"X: whole numbers from 0 to 255 expected, got {wrong.size} other values, first {wrong[0]}")
    scaled = np.divide(pixels, 255, dtype=dtype, casting="same_kind")
    return scaled if binarize_at is None else (scaled > binarize_at).astype(dtype)


def one_hot(y: ArrayLike, n_classes: int | None = None, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Labels as rows with a single 1.

    Parameters
    ----------
    y : array_like of shape (N,), integers
        Class indices, 0 to `n_classes` - 1.
    n_classes : int, optional
        Number of columns; by default one more than the largest label.
    dtype : float32 or float64, default float32
        The type of the result.

    Returns
    -------
    ndarray of shape (N, n_classes)

    Raises
    ------
    ValueError, TypeError
        If `y` is empty, not one-dimensional, not of an integer type, or holds a label out of range.

    Examples
    --------
    >>> from fastmlp.datasets import one_hot
    >>> one_hot([2, 0, 1])
    array([[0., 0., 1.],
           [1., 0., 0.],
           [0., 1., 0.]], dtype=float32)
    """
    labels, dtype = np.asarray(y), _floating(dtype)
    if labels.ndim != 1 or not labels.size:
        raise ValueError(f"y: shape (N,) with N >= 1 expected, got {labels.shape}")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"y: integer labels expected, got dtype {labels.dtype}")
    if n_classes is None:
        n_classes = max(int(labels.max()), 0) + 1
    elif not isinstance(n_classes, int | np.integer) or n_classes < 1:
        raise ValueError(f"n_classes: a positive integer expected, got {n_classes!r}")
    if (wrong := np.flatnonzero((labels < 0) | (labels >= n_classes))).size:
        raise ValueError(f"y: labels from 0 to {n_classes - 1} expected, got {labels[wrong[0]]} at index {wrong[0]}")
    return (labels[:, np.newaxis] == np.arange(n_classes)).astype(dtype)


def _floating(dtype: DTypeLike) -> np.dtype[Any]:
    found = np.dtype(dtype)
    if found not in (np.float32, np.float64):
        raise ValueError(f"dtype: float32 or float64 expected, got {found}")
    return found


def _read(path: Path) -> tuple[NDArray[Any], bytearray]:
    """The array in an IDX file, and all bytes of the file, decompressed."""
    try:
        with open(path, "rb") as file:
            gzipped = file.peek(2)[:2] == b"\x1f\x8b"
            return _decode(cast(IO[bytes], gzip.GzipFile(fileobj=file)) if gzipped else file, path)
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path}: corrupted or truncated gzip stream found ({error}), expected an intact one") from error


def _decode(stream: IO[bytes], path: Path) -> tuple[NDArray[Any], bytearray]:
    payload = bytearray(stream.read(4))
    if len(payload) < 4 or payload[:2] != b"\0\0" or payload[2] not in IDX_DTYPES or not 1 <= payload[3] <= 4:
        expected = "00 00, type code 08 09 0b 0c 0d or 0e, 01 to 04 dimensions, as in 2051 (images) and 2049 (labels)"
        raise ValueError(f"{path}: magic number {int.from_bytes(payload, 'big')} ({payload.hex(' ')}) found, expected {expected}")
    dtype, n_dims = IDX_DTYPES[payload[2]], payload[3]
    start = 4 + 4 * n_dims
    payload += stream.read(start - 4)
    if len(payload) < start:
        raise ValueError(f"{path}: truncated: {len(payload)} bytes found, expected {start} in the header of {n_dims} dimensions")
    shape = tuple(np.frombuffer(bytes(payload), ">u4", offset=4).tolist())
    if math.prod(max(size, 1) for size in shape) * dtype.itemsize > sys.maxsize - start:
        raise ValueError(f"{path}: shape {shape} found in the header, expected one that an array can have")
    end = start + math.prod(shape) * dtype.itemsize
    while len(payload) <= end and (chunk := stream.read(min(CHUNK, end + 1 - len(payload)))):
        payload += chunk
    if len(payload) != end:
        found = "oversized: more" if len(payload) > end else f"truncated: {len(payload)} bytes"
        raise ValueError(f"{path}: {found} found, expected {end} bytes for shape {shape} of {dtype.name}")
    return np.ndarray(shape, dtype, buffer=payload, offset=start).astype(dtype.newbyteorder("="), copy=False), payload


def _load(source: IdxSource, path: PathLike | None) -> tuple[Images, Images]:
    folder = as_path(path) if path is not None else _local_folder(source) or _download(source)
    arrays = []
    for name, expected in source.sha256.items():
        if (file := _member(folder, name)) is None:
            raise FileNotFoundError(f"{folder}: no {name} (plain or .gz) found, expected the four files of {source.title}")
        array, payload = _read(file)
        if (found := hashlib.sha256(payload).hexdigest()) != expected:
            raise ValueError(f"{file}: decompressed SHA-256 {found} found, expected {expected} ({source.title}, {name})")
        arrays.append(array)
    X_train, X_test = (images.reshape(len(images), -1) for images in arrays[::2])
    y_train, y_test = (labels.astype(np.int64) for labels in arrays[1::2])
    return (X_train, y_train), (X_test, y_test)


def _member(folder: Path, name: str) -> Path | None:
    return next((file for file in (folder / name, folder / f"{name}.gz") if file.is_file()), None)


def local_folders(source: IdxSource) -> list[Path]:
    """Where the files of a data set are looked for on this machine, in this order, when no folder is named."""
    named = os.environ.get("FASTMLP_DATA")
    home = [Path(named).expanduser() / source.folder, Path(named).expanduser()] if named else []
    return [*home, *source.system_folders]


def _local_folder(source: IdxSource) -> Path | None:
    """The first folder that holds files of this data set, unless they are those of the other one: the names are the same."""
    named = os.environ.get("FASTMLP_DATA")
    if named and not Path(named).expanduser().is_dir():
        raise FileNotFoundError(f"FASTMLP_DATA: an existing folder expected, got {named!r}")
    foreign = {other.sha256[TEST_LABELS] for other in (MNIST, FASHION_MNIST)} - {source.sha256[TEST_LABELS]}
    for folder in local_folders(source):
        labels = _member(folder, TEST_LABELS)
        is_foreign = labels is not None and hashlib.sha256(_read(labels)[1]).hexdigest() in foreign
        if not is_foreign and any(_member(folder, name) for name in source.sha256):
            return folder
    return None


def _download(source: IdxSource) -> Path:
    """Fetch what the user's cache lacks; pooch checks the digest of each decompressed file before it gets its name."""
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
            summary = f"{source.title} could not be downloaded into {cache}: try again, or name a folder of its four files in FASTMLP_DATA"
            raise ConnectionError("\n".join([summary, *failures]))
    return cache
