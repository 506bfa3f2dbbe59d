"""The CPUs that LLVM can compile for, and the environment of a process that compiles for one of them.

Numba reads ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` when it is imported, so compiling for another CPU needs another process. Both
variables have to be set: if only the name is given, Numba assumes a CPU without any optional features.
"""

from __future__ import annotations

import difflib
import os
import re
import subprocess
import sys
from collections.abc import Mapping

# The features of a CPU are read from the code that LLVM compiles for it: 512-bit arithmetic, whether it is split, a fused multiply-add.
PROBE = """
import re, sys
from llvmlite import binding
binding.initialize_native_target()
binding.initialize_native_asmprinter()
target = binding.Target.from_default_triple()
target.create_target_machine(cpu="help")  # writes the names of all CPUs to standard error
module = binding.parse_assembly('''
define <16 x float> @f(<16 x float> %a, <16 x float> %b, <16 x i32> %i, ptr %to) {
  %j = add <16 x i32> %i, %i
  store <16 x i32> %j, ptr %to
  %c = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %b)
  ret <16 x float> %c
}
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
''')
code = target.create_target_machine(cpu=sys.argv[1]).emit_assembly(module)
has = {"avx": r"%ymm|%zmm", "avx2": r"vpaddd.*%[yz]mm", "fma": "vfmadd", "avx512f": "%zmm"}
print(",".join(f"+{name}" for name, sign in has.items() if re.search(sign, code)))
"""
LISTED = re.compile(r"^\s+(\S+)\s+- Select the \S+ processor", re.MULTILINE)


def compiling_for(cpu: str, before: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the environment of a process that compiles for the given CPU.

    Parameters
    ----------
    cpu : str
        LLVM's name of the CPU: haswell, skylake-avx512, znver4, generic ...
    before : mapping of str to str, optional
        The environment to start from; that of this process by default.

    Raises
    ------
    TypeError
        If the name is not a str.
    ValueError
        If LLVM does not know this CPU for this architecture, or cannot compile for it.

    Examples
    --------
    >>> compiling_for("haswel")
    Traceback (most recent call last):
    ValueError: cpu: expected one that LLVM knows for this architecture, got 'haswel'; ...
    """
    if not isinstance(cpu, str):
        raise TypeError(f"cpu: expected a str, got {type(cpu).__name__}")
    if "\0" in cpu:
        raise ValueError(f"cpu: expected a name without null characters, got {cpu!r}")
    asked = subprocess.run([sys.executable, "-c", PROBE, cpu], capture_output=True, text=True, check=False)
    known = LISTED.findall(asked.stderr)
    if cpu not in known:
        near = difflib.get_close_matches(cpu, known, 3)
        hint = f"is it {' or '.join(near)}?" if near else f"it knows {len(known)}, among them {', '.join(sorted(known)[:3])}"
        raise ValueError(f"cpu: expected one that LLVM knows for this architecture, got {cpu!r}; {hint}")
    if asked.returncode != 0:
        raise ValueError(f"cpu: expected one that has 64-bit code, got {cpu!r}: {(asked.stderr.strip().splitlines() or [''])[-1]}")
    return dict(before) | {"NUMBA_CPU_NAME": cpu, "NUMBA_CPU_FEATURES": asked.stdout.strip()}
