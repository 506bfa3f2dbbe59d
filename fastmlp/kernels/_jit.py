"""How kernels are compiled: the flags, and a cache that follows edits. The only file that calls Numba's decorators.

Two decorators: `kernel` for almost everything, `strict_kernel` for code whose rounding is the point (a sum such as ``(x + big) - big``
must not be simplified away).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit
from numba.core.caching import FunctionCache, IndexDataCacheFile

# Never nnan or ninf: a run that diverges has to show it.
FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}
FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": FASTMATH}
STRICT_FLAGS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": False}


def _source_stamp() -> str:
    """Digest of every source file of the package."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parents[1].rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


SOURCE_STAMP = _source_stamp()


class _PackageCache(FunctionCache):
    """Numba's on-disk cache, stamped with the whole package instead of one file.

    A kernel's machine code contains its callees', so an edit in any file of the package makes every entry stale; Numba by itself
    looks only at the file of the function that is called.
    """

    def __init__(self, py_func: Callable[..., Any]) -> None:
        super().__init__(py_func)
        self._cache_file = IndexDataCacheFile(
            cache_path=self._cache_path, filename_base=self._impl.filename_base, source_stamp=SOURCE_STAMP
        )

    def save_overload(self, sig: Any, data: Any) -> None:
        """Save, or go on without: a full or read-only disk costs a later compilation, not this run."""
        try:
            super().save_overload(sig, data)
        except OSError:
            self.disable()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Load, or compile: an entry that cannot be read (truncated, or another user's) is no reason to fail."""
        try:
            return super().load_overload(sig, target_context)
        except (OSError, EOFError, ValueError, ImportError, AttributeError):
            return None


def _cached(dispatcher: Any) -> Any:
    try:
        dispatcher._cache = _PackageCache(dispatcher.py_func)
    except RuntimeError:  # no writable place: Numba's null cache stays, kernels live in memory
        pass
    return dispatcher


def kernel(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """Compile a function with the package's flags on first call, and cache it on disk.

    Options are Numba's (``forceinline=True`` for what stands in inner loops); they come on top of the flags.
    """
    if function is None:
        return lambda f: kernel(f, **options)
    return _cached(njit(**(FLAGS | options))(function))


def strict_kernel(function: Callable[..., Any]) -> Any:
    """Compile a function that is inlined into its callers, its floating-point operations exactly as written."""
    return njit(**STRICT_FLAGS, forceinline=True)(function)
