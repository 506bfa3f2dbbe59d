"""The sizes of this machine's data caches; by those of the first two levels products choose their blocks."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

# Level, what macOS calls it, and what is taken where the system does not tell: the least that CPUs of this century's second decade have.
LEVELS = {1: ("hw.l1dcachesize", 32 << 10), 2: ("hw.l2cachesize", 256 << 10), 3: ("hw.l3cachesize", 8 << 20)}
UNITS = {"K": 1 << 10, "M": 1 << 20}
LINUX = Path("/sys/devices/system/cpu/cpu0/cache")


@cache
def cache_size(level: int) -> int:
    """Bytes of the data cache of level 1, 2 or 3; the third is shared by several cores."""
    with suppress(OSError, ValueError, LookupError, AttributeError):
        size = size_on_macos(LEVELS[level][0]) if sys.platform == "darwin" else size_on_linux(level, LINUX)
        if (4 << 10) <= size <= (1 << 30):  # else something is wrong with what the system tells
            return size
    return LEVELS[level][1]


def size_on_linux(level: int, folder: Path) -> int:
    """As Linux tells it: a folder for each cache, its size as in "32K"."""
    for index in sorted(folder.glob("index*")):
        told = {name: (index / name).read_text(encoding="ascii").strip() for name in ("level", "type", "size")}
        if told["level"] == str(level) and told["type"] in ("Data", "Unified"):
            return int(told["size"].rstrip("KM")) * UNITS[told["size"][-1]]
    raise LookupError(f"no data cache of level {level} in {folder}")


def size_on_macos(name: str) -> int:
    """As macOS tells it."""
    size, length = ctypes.c_int64(), ctypes.c_size_t(8)
    if ctypes.CDLL(None).sysctlbyname(name.encode(), ctypes.byref(size), ctypes.byref(length), None, 0) != 0:
        raise LookupError(name)
    return size.value
