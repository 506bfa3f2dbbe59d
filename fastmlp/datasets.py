"""Load the truth table of XOR, scikit-learn's digits, MNIST and Fashion-MNIST, and prepare images and labels for training.

Files are not trusted: the length of an IDX file must match the shape in its header exactly, and the files of the published data sets are
verified by the SHA-256 of their decompressed bytes, wherever they come from.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from .engine.arguments import check_real, check_size, largest_size, place
from .engine.arrays import check_dtype
from .engine.numeric import as_numbers
from .files.atomic import PathLike
from .files.idx import read_idx
from .files.optional import optional
from .files.published import FASHION_MNIST, MNIST, Images, load_published

__all__ = ["load_digits", "load_fashion_mnist", "load_mnist", "load_xor", "normalize", "one_hot", "read_idx"]

Digits = tuple[NDArray[np.float32], NDArray[np.int64]]


def load_xor() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the truth table of XOR.

    Returns
    -------
    X, y : ndarrays of shape (4, 2) and (4, 1), float64
        The inputs, and the targets, which are 1 where exactly one of the two inputs is 1.

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
    """Load the 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn, ready for `Sequential.fit`.

    The pixels have 17 grey levels, 0 to 16, and are divided by 16; left as uint8 they would be scaled as pixels from 0 to 255. The samples
    are split into training and test data by a fixed permutation, which is the same on every machine.

    Returns
    -------
    (X_train, y_train), (X_test, y_test) : two pairs
        `X` has shape (1437, 64) and (360, 64), float32, with values from 0 to 1; `y` has shape (1437,) and (360,), int64, with labels
        from 0 to 9.

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
    order = np.random.RandomState(0).permutation(len(X))  # the legacy generator, whose numbers NumPy keeps the same in every version
    train, test = np.split(order, [1437])  # 80 % and 20 %
    return (X[train], y[train]), (X[test], y[test])


def load_mnist(path: PathLike | None = None) -> tuple[Images, Images]:
    """Load MNIST: 60,000 training images and 10,000 test images of handwritten digits, with 28 x 28 pixels each.

    Without `path`, the four IDX files (gzipped or plain) are looked for in the folder that the environment variable `FASTMLP_DATA` names,
    and in its subfolder ``mnist``. If they are not there, they are downloaded once into the user's cache.

    Parameters
    ----------
    path : str or path-like, optional
        The folder with the four files. If it is given, no other folder is searched and nothing is downloaded.

    Returns
    -------
    (X_train, y_train), (X_test, y_test) : two pairs
        `X` has shape (60000, 784) and (10000, 784), uint8, C-contiguous, with the pixels of each image row by row from the top left;
        `y` has shape (60000,) and (10000,), int64, with labels from 0 to 9. ``X.reshape(-1, 28, 28)`` gives the images, and `normalize`
        scales them to [0, 1].

    Raises
    ------
    FileNotFoundError, ValueError
        If a file is missing in the folder, or its decompressed bytes are not those of the published file. (`read_idx` reads any IDX
        file.)
    ImportError, ConnectionError
        If a download is needed and pooch is not installed, or the download fails from every mirror.

    Examples
    --------
    >>> from fastmlp.datasets import load_mnist
    >>> load_mnist("empty")
    Traceback (most recent call last):
    FileNotFoundError: empty: no train-images-idx3-ubyte (plain or .gz) found, expected the four files of MNIST
    """
    return load_published(MNIST, path)


def load_fashion_mnist(path: PathLike | None = None) -> tuple[Images, Images]:
    """Load Fashion-MNIST: 60,000 training images and 10,000 test images of clothes in ten classes, with 28 x 28 pixels each.

    The argument, the result and the exceptions are those of `load_mnist`. The subfolder of `FASTMLP_DATA` is ``fashion-mnist``. Before
    anything is downloaded, the files are also looked for where Debian's package ``dataset-fashion-mnist`` installs them.
    """
    return load_published(FASHION_MNIST, path)


def normalize(X: ArrayLike, dtype: DTypeLike = np.float32, binarize_at: float | None = None) -> NDArray[Any]:
    """Scale pixels from 0..255 to [0, 1].

    Parameters
    ----------
    X : array_like of any shape
        Whole numbers from 0 to 255, of an integer or floating dtype. Fractions raise an error, since they suggest that the pixels have
        been scaled already.
    dtype : float32 or float64, default float32
        The dtype of the result.
    binarize_at : float in [0, 1], optional
        Threshold: if it is given, scaled pixels above it become 1 and all others 0.

    Returns
    -------
    ndarray
        A new array of the shape of `X`.

    Raises
    ------
    ValueError, TypeError
        If `X` holds anything but whole numbers from 0 to 255, or another argument is out of range.

    Examples
    --------
    >>> from fastmlp.datasets import normalize
    >>> normalize([0, 51, 255])
    array([0. , 0.2, 1. ], dtype=float32)
    >>> normalize([0, 51, 255], binarize_at=0.5)
    array([0., 0., 1.], dtype=float32)
    """
    pixels, dtype = as_numbers("X", X), check_dtype(dtype)
    if pixels.dtype.kind not in "iuf":
        raise TypeError(f"X: expected whole numbers from 0 to 255, got dtype {pixels.dtype}")
    if binarize_at is not None and not 0 <= check_real("binarize_at", binarize_at) <= 1:
        raise ValueError(f"binarize_at: expected a number in [0, 1], got {binarize_at}")
    if pixels.dtype != np.uint8:
        wrong = np.argwhere(~((pixels >= 0) & (pixels <= 255) & (np.floor(pixels) == pixels)))
        if len(wrong):
            others = f" and {len(wrong) - 1} others" if len(wrong) > 1 else ""
            first = tuple(wrong[0])
            raise ValueError(f"X: expected whole numbers from 0 to 255, got {pixels[first]} at {place(X, first)}{others}")
    scaled = np.divide(pixels, 255, dtype=dtype, casting="same_kind")
    return scaled if binarize_at is None else (scaled > float(binarize_at)).astype(dtype)


def one_hot(y: ArrayLike, n_classes: int | None = None, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Encode labels as one-hot vectors: one row per label, with a single 1.

    Parameters
    ----------
    y : array_like of shape (N,), integers
        Class indices, 0 to `n_classes` - 1.
    n_classes : int, optional
        Number of columns; by default one more than the largest label.
    dtype : float32 or float64, default float32
        The dtype of the result.

    Returns
    -------
    ndarray of shape (N, n_classes)
        Zeros, except for a 1 in each row in the column of its label.

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
    labels, dtype = as_numbers("y", y), check_dtype(dtype)
    if labels.ndim != 1 or not labels.size:
        raise ValueError(f"y: expected shape (N,) with N >= 1, got {labels.shape}")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"y: expected integers, got dtype {labels.dtype}")
    largest = largest_size(len(labels), dtype.itemsize)
    if n_classes is None:
        columns = check_size("y", max(int(labels.max()), 0), 0, largest - 1) + 1
    else:
        columns = check_size("n_classes", n_classes, 1, largest)
    wrong = np.flatnonzero((labels < 0) | (labels >= columns))
    if wrong.size:
        raise ValueError(f"y: expected labels from 0 to {columns - 1}, got {labels[wrong[0]]} at {place(y, (wrong[0],))}")
    try:
        rows = np.zeros((len(labels), columns), dtype)
    except MemoryError as error:
        name = "y" if n_classes is None else "n_classes"
        raise MemoryError(f"{name}: expected a number of classes whose rows fit in memory, got {columns}") from error
    rows[np.arange(len(labels)), labels.astype(np.intp)] = 1
    return rows
