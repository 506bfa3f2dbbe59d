"""Paths from outside, and files that are there whole or not at all."""

from __future__ import annotations

import os
import tempfile
import threading
from pathlib import Path

PathLike = str | os.PathLike[str]


def as_path(path: PathLike) -> Path:
    """A path from a caller, `~` expanded. TypeError if it is none."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path: expected a str or path-like, got {type(path).__name__}")
    return Path(path).expanduser()


def check_writable(path: Path) -> None:
    """Raise the OSError that writing `path` would, without touching it."""
    if path.exists() and not os.access(path, os.W_OK):
        raise PermissionError(13, "Permission denied", str(path))
    with tempfile.TemporaryFile(dir=path.resolve().parent):
        pass


def write_atomically(path: PathLike, content: bytes) -> None:
    """Write under another name, then rename: a reader sees the old file or the new one, never a part.

    Examples
    --------
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_atomically(Path(folder.name) / "figures.json", b"{}")
    >>> [path.name for path in Path(folder.name).iterdir()]
    ['figures.json']
    >>> folder.cleanup()
    """
    target = Path(path).resolve()  # through a link, not over it
    partial = target.with_name(f".{target.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        partial.write_bytes(content)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
