"""Name compiled functions for profilers that sample addresses: perf and others read the names from a map file of the process.

The file is /tmp/perf-PID.map. It has one line "START SIZE name" per function, with numbers in hexadecimal; the format is specified in
Linux's source, tools/perf/Documentation/jit-interface.txt. CPython's own support for perf appends to the same file.
"""

from __future__ import annotations

import errno
import os
import platform
import re
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import RLock
from typing import Any

from numba.core import event
from numba.core.event import Event

from ..files.optional import optional
from .compilation import LOCKS
from .loaded_code import LoadedCode

SWITCH = "FASTMLP_PERF_MAP"
FOLDER = "/tmp"  # the only folder in which perf looks
DTYPES = {"float32": r"\bfloat\b|float32", "float64": r"\bdouble\b|float64"}  # their spellings in demangled names, narrowest first
CLOCK_SECONDS = 1.0  # possible difference between the time of a file and that of a process


def enable_perf_map() -> Path:
    """Name compiled functions for profilers that sample addresses, such as `perf`, from now until the process ends.

    Writes ``perf-PID.map`` into the folder in which perf looks for it. The file has one line with address, size and name for every function
    that Numba has compiled or loaded from its cache in this process; a function of fastmlp appears as ``fastmlp.affine[float32]``.
    Functions that are compiled or loaded later are appended. A process that is forked later writes a file of its own. Calling this function
    again changes nothing. The files remain when a process ends, because profilers read them afterwards.

    With ``FASTMLP_PERF_MAP=1`` in the environment, importing fastmlp does the same, also in child processes; errors then become warnings.

    Returns
    -------
    pathlib.Path
        Path of the file.

    Raises
    ------
    OSError
        If the file cannot be written, if its folder is missing, or if the system is not Linux.
    ImportError
        If lief or itanium-demangler is not installed; the extra ``perf`` installs both.
    RuntimeError
        If LLVM's library has been stripped of the symbol by which functions in memory are found.

    Examples
    --------
    >>> import fastmlp
    >>> fastmlp.enable_perf_map()  # doctest: +SKIP
    PosixPath('/tmp/perf-4242.map')

    References
    ----------
    Linux's tools/perf/Documentation/jit-interface.txt
    """
    global _map
    if _map is None:
        begun = _Map()
        begun.update()
        _map = begun
        event.register(LOCKS, begun)
        os.register_at_fork(after_in_child=begun.begin_in_child)
    else:
        _map.update()
    return map_file()


def map_file() -> Path:
    """Return the path at which perf looks for the names of this process's functions."""
    return Path(FOLDER, f"perf-{os.getpid()}.map")


def readable_name(symbol: str) -> str:
    """Return a readable name for the function with the given symbol.

    A function of fastmlp is named by the package, its own name, and the dtype it works on, which is the narrowest floating-point type among
    its arguments. Other functions keep the names of their modules; a symbol that does not belong to a function of Numba is returned as is.

    Examples
    --------
    >>> readable_name("_ZN7fastmlp7kernels8products4packB3v75E5ArrayIfLi1E1C7mutable7alignedEx")
    'fastmlp.pack[float32]'
    >>> readable_name("_ZN7cpython8__main__5twiceB2v1Ed")
    '__main__.twice[float64], called from Python'
    >>> readable_name("NRT_incref")
    'NRT_incref'
    """
    mangled = symbol.removeprefix("cfunc.")
    parsed = _demangler().parse(mangled)
    if parsed is None or parsed.kind != "func":
        return symbol
    parts = [re.sub(r"_3c(\w+)_3e", r"<\1>", part) for part in str(parsed.name).partition("[abi:")[0].split("::")]
    caller = ", called from C" if mangled != symbol else ""
    if parts[0] == "cpython":
        parts, caller = parts[1:], ", called from Python"
    if parts[0] == "fastmlp":
        parts = [parts[0], parts[-1]]
    arguments = " ".join(map(str, parsed.arg_tys))
    dtype = next((f"[{name}]" for name, pattern in DTYPES.items() if re.search(pattern, arguments)), "")
    return ".".join(parts) + dtype + caller


def _demangler() -> Any:
    return optional("itanium_demangler", "perf", "naming functions in memory")


class _Map(event.Listener):
    """The map file of this process, updated whenever Numba releases the lock that it takes to compile and to load from the cache."""

    def __init__(self) -> None:
        if platform.system() != "Linux":
            raise OSError(errno.ENOTSUP, f"perf reads map files only on Linux, and this is {platform.system()}", str(map_file()))
        _demangler()  # raises now if it is missing, rather than when there is something to name
        self.code, self.lines = LoadedCode(), ""
        self.begin()

    def begin(self) -> None:
        """Start with an empty file and a free lock, even if another thread held the lock in the process that this one was forked from."""
        self.written: int | None = None
        self.lock = RLock()

    def begin_in_child(self) -> None:
        """Write the file of a forked process, which contains its parent's functions."""
        self.begin()
        self.on_end()

    def on_start(self, event: Event) -> None:
        """Do nothing: the end of the event is what counts."""

    def on_end(self, event: Event | None = None) -> None:
        """Name what was compiled or loaded, if anything was."""
        with warnings_instead():
            self.update()

    def update(self) -> None:
        """Append what has been loaded since the last update; the first update creates the file, even if it is empty."""
        with self.lock:
            new = "".join(f"{f.address:x} {f.size:x} {readable_name(f.symbol)}\n" for f in self.code.new_functions())
            self.lines += new
            if self.written is None:
                _remove_leftover(map_file())
            if self.written != len(self.lines):
                _append(map_file(), self.lines[self.written :].encode())
                self.written = len(self.lines)


def _remove_leftover(file: Path) -> None:
    """Remove a file that is older than this process: it belonged to another process that had the same number.

    The start of this process is field 22 of ``stat`` in proc(5), in clock ticks since the machine was started.
    """
    ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[19])
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    with suppress(FileNotFoundError):
        if file.lstat().st_mtime < time.time() - age - CLOCK_SECONDS:
            file.unlink()


def _append(file: Path, lines: bytes) -> None:
    """Append whole lines or nothing, in one write, so that lines of other writers are not split; create the file for its owner only."""
    descriptor = os.open(str(file), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        written = os.write(descriptor, lines)
        if written < len(lines):
            os.ftruncate(descriptor, os.fstat(descriptor).st_size - written)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
    finally:
        os.close(descriptor)


@contextmanager
def warnings_instead() -> Iterator[None]:
    """Turn errors into warnings: profilers then miss names, but the program that is profiled continues."""
    try:
        yield
    except Exception as error:
        warnings.warn(f"profilers will not see the names of compiled functions: {error}", stacklevel=4)


def _obey_environment() -> None:
    asked = os.environ.get(SWITCH) or "0"
    if asked not in ("0", "1"):
        warnings.warn(f"{SWITCH}: expected 0 or 1, got {asked!r}", stacklevel=3)
    elif asked == "1":
        with warnings_instead():
            enable_perf_map()


_map: _Map | None = None
_obey_environment()
