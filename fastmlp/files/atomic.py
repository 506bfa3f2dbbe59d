"""Check paths given by a caller, and write files atomically: a file is complete or it does not exist."""

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
except ModuleNotFoundError:  # Windows has no fcntl
    fcntl = None  # type: ignore[assignment]

PathLike = str | os.PathLike[str]
PARTIAL = re.compile(r"\.fastmlp-[0-9a-f]{16}\.partial")
SPECIAL = {stat.S_IFIFO: "a FIFO", stat.S_IFCHR: "a character device", stat.S_IFBLK: "a block device", stat.S_IFSOCK: "a socket"}


def as_path(path: PathLike) -> Path:
    """Convert a caller's argument to a Path and expand `~`.

    Raise TypeError if it is not a path, and ValueError if no file can have that name.
    """
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"path: expected a str or path-like, got {type(path).__name__}")
    if "\0" in str(path):
        raise ValueError(f"path: expected a path without null characters, got {str(path)!r}")
    return Path(path).expanduser()


def check_regular(path: Path) -> os.stat_result | None:
    """Return the status of the file that `path` leads to, or None if it does not exist yet.

    Raise OSError if it is a folder, a device, a FIFO or a socket.
    """
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
    """Raise the OSError that `write_atomically` would raise, without touching the file.

    Call it before a long computation, so that an unwritable path is reported at once.
    """
    if check_regular(path) and not os.access(path, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    with tempfile.TemporaryFile(dir=path.resolve().parent):
        pass


def write_atomically(path: PathLike, content: bytes) -> None:
    """Write a file under a temporary name, then rename it, so that a reader sees the old file or the new one, never a part.

    The new file keeps the mode of the file that it replaces and, if this process may set them, its owner and group. A file that did not
    exist before gets the mode that the umask allows. If the path is a symbolic link, the link stays and the file that it leads to is
    replaced. While it is being written, the file is called ``.fastmlp-<16 digits>.partial``, in the same folder. If a process is killed
    and leaves such a partial file behind, the next write removes it.

    Parameters
    ----------
    path : str or path-like
    content : bytes

    Raises
    ------
    OSError
        If the path leads to a folder, a device or anything else that is not a regular file, to a read-only file, or into a folder in
        which no file can be created.

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
            partial.replace(target)  # Windows cannot rename an open file
    finally:
        partial.unlink(missing_ok=True)


def _create_partial(folder: Path, mode: int) -> tuple[Path, int]:
    """Create a new file, open and locked.

    The lock tells `_sweep` that the writer is still running, even if `_sweep` runs on another machine or in another container.
    """
    while True:
        partial = folder / f".fastmlp-{secrets.token_hex(8)}.partial"
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode)
        if fcntl is not None:
            with suppress(OSError):  # the file system has no locks; then `_sweep` cannot lock the file either, and leaves it
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink > 0:
            return partial, descriptor
        os.close(descriptor)  # another process removed the file before it was locked


def _take_over(partial: Path, old: os.stat_result) -> None:
    """Give the new file the permissions of the old one.

    If the old file's group cannot be set, the new file grants its group no permissions.
    """
    if hasattr(os, "chown"):
        with suppress(PermissionError):
            os.chown(partial, old.st_uid, old.st_gid)
    same_group = partial.stat().st_gid == old.st_gid
    partial.chmod(stat.S_IMODE(old.st_mode) & (0o777 if same_group else 0o707))


def _sweep(folder: Path) -> None:
    """Remove partial files whose writer has ended and thus released the lock. On a system without locks, remove nothing."""
    if fcntl is None:
        return
    with suppress(OSError):  # the folder cannot be listed, or a file belongs to another user or has disappeared
        for name in filter(PARTIAL.fullmatch, os.listdir(folder)):
            with suppress(OSError), open(folder / name, "rb", opener=_open_without_waiting) as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.unlink(folder / name)


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOFOLLOW)
