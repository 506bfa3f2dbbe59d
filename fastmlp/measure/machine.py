"""The machine and the versions with which a measurement was made."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import scipy.linalg.cython_blas  # compiled products call this BLAS, so it is loaded before its threads are counted
from numba.core.registry import cpu_target

from ..engine.threads import cpu_count
from ..kernels.vectors import vector_bytes

LIBRARIES = ("fastmlp", "numpy", "numba", "llvmlite", "scipy")


def describe() -> dict[str, Any]:
    """Return CPU, vector width, cores, operating system, versions, and the BLAS behind NumPy's and the compiled matrix products.

    Examples
    --------
    >>> sorted(describe())
    ['blas_compiled', 'blas_numpy', 'cores', 'cpu', 'cpu_name_llvm', 'operating_system', 'vector_bits', 'versions']
    """
    return {
        "cpu": cpu_model(),
        "cpu_name_llvm": cpu_target.target_context.codegen().magic_tuple()[1],
        "cores": cpu_count(),
        "vector_bits": 8 * vector_bytes(),
        "operating_system": f"{platform.system()} {platform.release()}",
        "versions": {"python": platform.python_version(), **{name: metadata.version(name) for name in LIBRARIES}},
        "blas_numpy": blas(np),
        "blas_compiled": blas(scipy),
    }


def cpu_model() -> str:
    """Return the trade name of the CPU if the system provides it, otherwise its architecture."""
    if platform.system() == "Darwin":
        asked = subprocess.run(["sysctl", "-n", "machdep.cpu.brand_string"], capture_output=True, text=True, check=False)
        return asked.stdout.strip() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*:\s*(.+)$", cpuinfo.read_text(), re.MULTILINE) if cpuinfo.exists() else None
    return named[1].strip() if named else platform.processor() or platform.machine()


def blas(library: Any) -> str:
    """Return name and version of the BLAS with which NumPy or SciPy was built."""
    built = library.show_config(mode="dicts")["Build Dependencies"]["blas"]
    return f"{built['name']} {built['version']}"


@contextmanager
def one_blas_thread() -> Iterator[int | None]:
    """Limit BLAS to one thread, as fastmlp's loops are; yield the number of threads that BLAS then uses.

    This needs threadpoolctl. If it is not installed, nothing is changed and the number is unknown: None.

    Examples
    --------
    >>> with one_blas_thread() as threads:
    ...     threads in (1, None)
    True
    """
    try:
        from threadpoolctl import threadpool_info, threadpool_limits
    except ModuleNotFoundError:
        yield None
        return
    with threadpool_limits(1, user_api="blas"):
        yield max((pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"), default=None)
