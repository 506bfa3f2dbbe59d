"""Read IDX files, the format of MNIST. A file is not trusted: its length must match the shape in its header exactly."""

import gzip
import math
import sys
import zlib
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from .atomic import PathLike, as_path

# The third byte of an IDX file; numbers are stored big-endian.
IDX_DTYPES = {code: np.dtype(name) for code, name in {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}.items()}
CHUNK = 1 << 20  # bytes read at a time, so that memory use depends on the length of the file and not on its header


def read_idx(path: PathLike) -> NDArray[Any]:
    """Read one IDX file, plain or gzipped.

    Whether the file is gzipped is decided by its first bytes, not by its name.

    Parameters
    ----------
    path : str or path-like
        The file. It consists of two zero bytes, a type code, the number of dimensions (1 to 4), the size of each dimension as a
        big-endian 32-bit integer, and the numbers. The first four bytes form the magic number: 2051 for images and 2049 for labels,
        both stored as bytes.

    Returns
    -------
    ndarray
        A writable array in native byte order, with the shape and dtype that the header gives (uint8, int8, int16, int32, float32 or
        float64).

    Raises
    ------
    ValueError, TypeError
        If the magic number is not one of an IDX file, the file is shorter or longer than its header says, the gzip stream is corrupted,
        or `path` is not a path.

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
    return read_with_payload(as_path(path))[0]


def read_with_payload(path: Path) -> tuple[NDArray[Any], bytearray]:
    """Return the array in an IDX file, and all bytes of the file after decompression."""
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
