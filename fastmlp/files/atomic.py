"""Paths from outside, and files that are there whole or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ModuleNotFoundError:  # Windows; the typed name keeps the checker from taking the module for granted
    fcntl = None  # type: ignore[assignment]

PathLike = str | os.PathLike[str]
PARTIAL = re.compile(r"\.fastmlp-[0-9a-f]{16}\.partial")
SPECIAL = {stat.S_IFIFO: "a FIFO", stat.S_IFCHR: "a character device", stat.S_IFBLK: "a block device", stat.S_IFSOCK: "a socket"}


def as_path(path: PathLike) -> Path:
    """A path from a caller, `~` expanded. TypeError if it is none, ValueError if no file can have that name."""
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path: expected a str or path-like, got {type(path).__name__}")
    if "\0" in str(path):
        raise ValueError(f"path: expected a path without null characters, got {str(path)!r}")
    return Path(path).expanduser()


def check_regular(path: Path) -> os.stat_result | None:
    """The status of the file that `path` leads to, None if there is none yet. OSError if it is a folder, a device, a FIFO or a socket."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(status.st_mode):
        kind = SPECIAL.get(stat.S_IFMT(status.st_mode), "another kind of file")
        raise OSError(errno.EINVAL, f"expected a regular file, got {kind}", str(path))
    return status


def check_writable(path: Path) -> None:
    """Raise the OSError that `write_atomically` would, without touching the file: for the beginning of long work."""
    if check_regular(path) and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    with tempfile.TemporaryFile(dir=path.resolve().parent):
        pass


def write_atomically(path: PathLike, content: bytes) -> None:
    """Write a file under another name, then rename it: a reader sees the old file or the new one, never a part.

    The new file keeps the mode of the one that it replaces and, where this process may set them, its owner and group; one that did not
    exist gets what the umask leaves. A symbolic link stays, and what it leads to is written. While it grows the file is called
    ``.fastmlp-<16 digits>.partial``, in the same folder; what a killed process left there under such a name is removed by the next write.

    Parameters
    ----------
    path : str or path-like
    content : bytes

    Raises
    ------
    OSError
        If the path leads to a folder, a device or anything else but a regular file, to a file that is read-only, or into a folder
        in which no file can be made.

    Examples
    --------
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_atomically(Path(folder.name) / "figures.json", b"{}")
    >>> [path.name for path in Path(folder.name).iterdir()]
    ['figures.json']
    >>> folder.cleanup()
    """
    path = Path(path)
    check_writable(path)
    target, old = path.resolve(), check_regular(path)
    _sweep(target.parent)
    partial, descriptor = _create_partial(target.parent, 0o666 if old is None else 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
            if old is not None:
                _take_over(partial, old)
            if fcntl is not None:
                partial.replace(target)
        if fcntl is None:
            partial.replace(target)  # Windows renames no open file
    finally:
        partial.unlink(missing_ok=True)


def _create_partial(folder: Path, mode: int) -> tuple[Path, int]:
    """A new file, open and locked: the lock tells `_sweep` that its writer lives, whatever machine or container looks at the folder."""
    while True:
        partial = folder / f".fastmlp-{secrets.token_hex(8)}.partial"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        if fcntl is not None:
            with suppress(OSError):  # a file system without locks; there `_sweep` gets none either
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink > 0:
            return partial, descriptor
        os.close(descriptor)  # swept away between its making and its lock


def _take_over(partial: Path, old: os.stat_result) -> None:
    """Give a new file the permissions of the old one; a group that cannot be set loses its share."""
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(partial, old.st_uid, old.st_gid)
    same_group = partial.stat().st_gid == old.st_gid
    partial.chmod(stat.S_IMODE(old.st_mode) & (0o777 if same_group else 0o707))


def _sweep(folder: Path) -> None:
    """Remove partial files whose writer is gone, and with it the lock. Where there are no locks nothing is removed."""
    if fcntl is None:
        return
    with suppress(OSError):  # another user's, or gone already
        for name in filter(PARTIAL.fullmatch, os.listdir(folder)):
            with suppress(OSError), open(folder / name, "rb", opener=_open_without_waiting) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(folder / name)


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)
