"""A process that compiles one kernel for `inspection` and prints what LLVM made of it.

    python -m fastmlp.measure.machine_code KERNEL DTYPE

It writes the kernel's signature, the CPU and the assembly as JSON to standard output, while LLVM writes its remarks on loops that it did
not vectorize to standard error. Line numbers are included if ``NUMBA_DEBUGINFO`` is set; ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES``
choose the CPU.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
from llvmlite import binding
from numba import typeof
from numba.core.debuginfo import DIBuilder
from numba.core.registry import cpu_target

from ..kernels.jit import told
from ..kernels.vectors import vector_bytes
from .inspectable import KERNELS

REMARKS = ("missed", "analysis")  # the fact that a loop was not vectorized, and the reason


class LinesAlone(DIBuilder):
    """Numba's debug information without variables, whose descriptions LLVM would put between the instructions."""

    def mark_variable(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing."""


def compiled(name: str, dtype: str) -> dict[str, Any]:
    """Return signature, target and assembly of a kernel, which must not have been compiled or loaded in this process before."""
    for remarks in REMARKS:  # llvmlite accepts LLVM's own options only once per process
        binding.set_option("fastmlp", f"-pass-remarks-{remarks}=loop-vectorize")
    cpu_target.target_context.DIBuilder = LinesAlone
    codegen = cpu_target.target_context.codegen()
    codegen._tm.set_asm_verbosity(True)
    function, arguments = KERNELS[name].function, KERNELS[name].arguments(np.dtype(dtype))
    signature = tuple(typeof(argument) for argument in arguments)
    function.compile(signature)
    triple, cpu, _ = codegen.magic_tuple()
    returned = function.overloads[signature].signature.return_type
    parameters = function.py_func.__code__.co_varnames[: len(signature)]
    return {
        "arguments": {parameter: str(kind) for parameter, kind in zip(parameters, signature, strict=True)},
        "returns": str(returned),
        "architecture": triple.partition("-")[0],
        "cpu": cpu,
        "vector_bits": 8 * vector_bytes(),
        "assembly": function.inspect_asm(signature),
    }


if __name__ == "__main__":
    told.set()  # no message about compiling: this process has no user at a terminal
    print(json.dumps(compiled(*sys.argv[1:])))
