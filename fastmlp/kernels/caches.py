"""Sizes of this machine's data caches. The matrix products choose their block sizes by those of the first two levels."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

# For each level, its name on macOS, and the size assumed where the system reports none: the smallest that CPUs of the 2010s have.
LEVELS = {1: ("hw.l1dcachesize", 32 << 10), 2: ("hw.l2cachesize", 256 << 10), 3: ("hw.l3cachesize", 8 << 20)}
UNITS = {"K": 1 << 10, "M": 1 << 20}
LINUX = Path("/sys/devices/system/cpu/cpu0/cache")


@cache
def cache_size(level: int) -> int:
    """Return the size in bytes of the data cache of level 1, 2 or 3; several cores share that of level 3."""
    with suppress(OSError, ValueError, LookupError, AttributeError):
        size = size_on_macos(LEVELS[level][0]) if sys.platform == "darwin" else size_on_linux(level, LINUX)
        if (4 << 10) <= size <= (1 << 30):  # other sizes are implausible
            return size
    return LEVELS[level][1]


def size_on_linux(level: int, folder: Path) -> int:
    """Return the size that Linux reports, in a folder for each cache and in a form such as ``32K``."""
    for index in sorted(folder.glob("index*")):
        told = {name: (index / name).read_text(encoding="ascii").strip() for name in ("level", "type", "size")}
        if told["level"] == str(level) and told["type"] in ("Data", "Unified"):
            return int(told["size"].rstrip("KM")) * UNITS[told["size"][-1]]
    raise LookupError(f"no data cache of level {level} in {folder}")


def size_on_macos(name: str) -> int:
    """Return the size that macOS reports under a name of `sysctl`."""
    size, length = ctypes.c_int64(), ctypes.c_size_t(8)
    if ctypes.CDLL(None).sysctlbyname(name.encode(), ctypes.byref(size), ctypes.byref(length), None, 0) != 0:
        raise LookupError(name)
    return size.value
