"""Restrict fastmlp and its peers to an older instruction set than the CPU has, and report what each library then says that it uses.

Libraries examine the CPU and the environment when they are loaded. The restriction therefore applies to a whole process from its start, and
to all processes that it starts:

    python -m fastmlp.measure.instruction_sets avx2 python -m pytest benchmarks/test_kernels.py
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from llvmlite.binding import get_host_cpu_features
from numba.core.registry import cpu_target

from ..kernels.vectors import vector_bytes

AVX2 = "avx2"
HELD = "FASTMLP_HELD_TO"  # environment variable that names the instruction set to which a process is restricted
SETTINGS = {
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "+avx2,+fma",
    "OPENBLAS_CORETYPE": "Haswell",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "BLIS_ARCH_TYPE": "haswell",
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "XLA_FLAGS": "--xla_cpu_max_isa=AVX2",
}
CANNOT_BE_HELD = ("onnxruntime",)  # chooses its kernels by the CPU alone and has no setting for it


def environment(isa: str, before: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a process that is restricted to an instruction set.

    Parameters
    ----------
    isa : {"avx2"}
        The instruction set.
    before : mapping of str to str, optional
        The environment to start from; that of this process by default.

    Raises
    ------
    ValueError
        If the instruction set is not one of these, or if the CPU does not have it.

    Examples
    --------
    >>> environment("sse2")
    Traceback (most recent call last):
    ValueError: isa: expected 'avx2', got 'sse2'
    """
    if isa != AVX2:
        raise ValueError(f"isa: expected {AVX2!r}, got {isa!r}")
    has = get_host_cpu_features()
    if not (has.get("avx2") and has.get("fma")):
        raise ValueError("isa: expected one that this CPU has, got 'avx2'")
    settings = dict(before) | SETTINGS | {HELD: isa}
    settings.pop("OPENBLAS_L2_SIZE", None)
    settings["XLA_FLAGS"] = f"{before.get('XLA_FLAGS', '')} {SETTINGS['XLA_FLAGS']}".strip()
    found = np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", [])  # NumPy's extensions that this CPU has
    newer = [name for name in found if name.startswith(("AVX512", "X86_V4"))]
    if newer:
        settings["NPY_DISABLE_CPU_FEATURES"] = " ".join(newer)
    return settings


def held_to() -> str:
    """Return the instruction set to which this process is restricted; empty if there is no restriction."""
    return os.environ.get(HELD, "")


def in_use() -> dict[str, str]:
    """Return, by library, what the libraries that this process has loaded say that they use.

    Examples
    --------
    >>> in_use()["fastmlp"].partition(" ")[0] in ("128-bit", "256-bit", "512-bit")
    True
    """
    _, name, _ = cpu_target.target_context.codegen().magic_tuple()
    told = {"fastmlp": f"{8 * vector_bytes()}-bit vectors ({name})"}
    try:
        pools = importlib.import_module("threadpoolctl").threadpool_info()
    except ModuleNotFoundError:
        pools = []
    for pool in pools:
        if "architecture" in pool:
            told[Path(pool["filepath"]).parent.name.partition(".")[0]] = f"{pool['internal_api']} for {pool['architecture']}"
    if "torch" in sys.modules:
        told["torch"] = sys.modules["torch"].backends.cpu.get_cpu_capability()
    if "jax" in sys.modules:
        told["jax"] = f"not reported; XLA_FLAGS={os.environ.get('XLA_FLAGS', '')}"
    if "onnxruntime" in sys.modules:
        told["onnxruntime"] = "not reported"
    return told


def run(isa: str, command: Sequence[str]) -> int:
    """Run a command restricted to an instruction set, and return its exit status."""
    return subprocess.run(command, env=environment(isa), check=False).returncode


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python -m fastmlp.measure.instruction_sets avx2 COMMAND...")
    try:
        sys.exit(run(sys.argv[1], sys.argv[2:]))
    except (ValueError, OSError) as error:
        sys.exit(str(error))
