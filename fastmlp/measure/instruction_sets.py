"""Holding fastmlp and its peers to an older instruction set than the CPU has, and what each library then says that it uses.

Libraries look at the CPU, and at the environment, when they are loaded. So a process is held to an instruction set from its start, with
all that it starts:

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
HELD = "FASTMLP_HELD_TO"  # says in the environment to what a process is held
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
CANNOT_BE_HELD = ("onnxruntime",)  # chooses its kernels by the CPU and has no setting for it


def environment(isa: str, before: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of a process that is held to an instruction set.

    Parameters
    ----------
    isa : {"avx2"}
        The instruction set.
    before : mapping of str to str, optional
        The environment that it adds to; this process's by default.

    Raises
    ------
    ValueError
        If the instruction set is another, or the CPU does not have it.

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
    found = np.show_config(mode="dicts").get("SIMD Extensions", {}).get("found", [])  # those of NumPy's that this CPU has
    newer = [name for name in found if name.startswith(("AVX512", "X86_V4"))]
    if newer:
        settings["NPY_DISABLE_CPU_FEATURES"] = " ".join(newer)
    return settings


def held_to() -> str:
    """The instruction set that this process is held to; empty for none."""
    return os.environ.get(HELD, "")


def in_use() -> dict[str, str]:
    """What the libraries that this process has loaded say that they use, by their names.

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
        told["jax"] = f"does not tell; XLA_FLAGS={os.environ.get('XLA_FLAGS', '')}"
    if "onnxruntime" in sys.modules:
        told["onnxruntime"] = "does not tell"
    return told


def run(isa: str, command: Sequence[str]) -> int:
    """Run a command held to an instruction set; its exit status."""
    return subprocess.run(command, env=environment(isa), check=False).returncode


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit("usage: python -m fastmlp.measure.instruction_sets avx2 COMMAND...")
    try:
        sys.exit(run(sys.argv[1], sys.argv[2:]))
    except (ValueError, OSError) as error:
        sys.exit(str(error))
