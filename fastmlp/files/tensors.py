"""Store named arrays and metadata in one safetensors file, with a checksum of all its bytes.

A file may come from an untrusted source, be damaged, or be rewritten while it is read. Therefore it is first read into memory as a whole
and examined afterwards. If it were memory-mapped instead, another process that truncated the file would crash this one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .atomic import check_regular, write_atomically
from .optional import optional

LARGEST_HEADER = 2**18  # bytes of names, shapes and metadata, enough for a thousand layers; safetensors itself would accept 100 MB
SEAL = "sha256"  # metadata field with the checksum of the whole file, computed with 64 zeros in the place of the checksum itself
UNSEALED = "0" * 64
DTYPES = {  # safetensors' names with NumPy's
    "F16": "<f2", "F32": "<f4", "F64": "<f8", "BOOL": "?",
    "I8": "<i1", "I16": "<i2", "I32": "<i4", "I64": "<i8", "U8": "<u1", "U16": "<u2", "U32": "<u4", "U64": "<u8",
}  # fmt: skip


class Tensor(NamedTuple):
    """An array as it is stored in the file."""

    dtype: str  # the name that safetensors uses, such as "F32"
    shape: tuple[int, ...]
    data: bytes

    def array(self) -> np.ndarray:
        """Return the numbers as a read-only array. Raise ValueError if NumPy has no such type of numbers."""
        if self.dtype not in DTYPES:
            raise ValueError(f"expected one of {', '.join(DTYPES)}, got {self.dtype}")
        flat: np.ndarray = np.frombuffer(self.data, DTYPES[self.dtype])
        return flat.reshape(self.shape)


def write_tensors(path: Path, tensors: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> None:
    """Write a file that `read_tensors` can read; the write is atomic. Raise ValueError if the header is too long."""
    safetensors = optional("safetensors.numpy", extra="save", purpose="save")
    content: bytes = safetensors.save(dict(tensors), {**metadata, SEAL: UNSEALED})
    _check_header(content)
    at = _seal_at(content)
    write_atomically(path, b"".join((content[:at], _checksum(content, at).encode(), content[at + len(UNSEALED) :])))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read the tensors, in the order of their names, and the metadata, using at most twice the size of the file in memory.

    Raises
    ------
    ValueError
        If the file is not a safetensors file, has a header of more than LARGEST_HEADER bytes, or does not match its checksum. A file
        without a checksum is accepted.
    OSError
        If the file cannot be read or is not a regular file (reading from a FIFO might never end).
    """
    safetensors = optional("safetensors", extra="save", purpose="load")
    check_regular(path)
    with open(path, "rb") as file:
        _check_header(file.read(8))
        file.seek(0)
        content = file.read(os.fstat(file.fileno()).st_size)
    try:
        entries = safetensors.deserialize(content)
    except safetensors.SafetensorError as error:
        raise ValueError(f"header: {error}") from error
    header = json.loads(content[8 : 8 + _header_length(content)])
    metadata: dict[str, str] = header.get("__metadata__", {})
    if SEAL in metadata and (found := _checksum(content, _seal_at(content))) != metadata[SEAL]:
        raise ValueError(f"{SEAL}: expected {found}, the checksum of the file's content, got {metadata[SEAL]!r}: the file is damaged")
    return {name: _tensor(entry) for name, entry in sorted(entries)}, metadata


def _tensor(entry: dict[str, Any]) -> Tensor:
    return Tensor(entry["dtype"], tuple(entry["shape"]), entry["data"])


def _header_length(content: bytes) -> int:
    """Return the length of the header, which a safetensors file stores in its first 8 bytes."""
    return int.from_bytes(content[:8], "little")


def _check_header(content: bytes) -> None:
    if (length := _header_length(content)) > LARGEST_HEADER:
        raise ValueError(f"header: expected at most {LARGEST_HEADER:,} bytes (of names and shapes), got {length:,}")


def _seal_at(content: bytes) -> int:
    """Return the position of the first digit of the checksum.

    The search for the key cannot find a match inside a string, because JSON escapes the quotes there.
    """
    key = f'"{SEAL}":"'.encode()
    at = content.find(key, 8, 8 + _header_length(content))
    if at < 0:
        raise ValueError(f"{SEAL}: expected a checksum written by fastmlp, got a header of another form")
    return at + len(key)


def _checksum(content: bytes, at: int) -> str:
    """Return the SHA-256 of all bytes, with the checksum itself replaced by zeros."""
    view = memoryview(content)
    digest = hashlib.sha256(view[:at])
    digest.update(UNSEALED.encode())
    digest.update(view[at + len(UNSEALED) :])
    return digest.hexdigest()
