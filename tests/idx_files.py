"""IDX files for the tests, and the memory that reading them takes."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def idx(array: np.ndarray) -> bytes:
    sizes = b"".join(size.to_bytes(4, "big") for size in array.shape)
    return bytes([0, 0, CODES[array.dtype.str[1:]], array.ndim]) + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write(folder: Path, content: bytes | bytearray, name: str = "file") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@contextmanager
def traced_peak(at_most: int) -> Iterator[None]:
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < at_most
