"""Show what LLVM made of a kernel: its innermost loops, and the loops that it did not vectorize.

Two processes compile the kernel at the same time. One compiles it as usual, and its code is shown. The other compiles it with line numbers,
which make LLVM order and spill some values differently, so only the origins of loops and remarks are taken from it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .assembly import Loop, innermost_loops
from .cpus import compiling_for
from .inspectable import find

DTYPES = ("float32", "float64")
ROOT = Path(__file__).parents[2]  # the folder from which this package was imported
REMARK = re.compile(r"^remark: (\S+):(\d+):\d+: loop not vectorized(?:: (.+))?$", re.MULTILINE)


class CompilationFailed(RuntimeError):
    """A process that compiled a kernel ended with an error."""


@dataclass(frozen=True)
class NotVectorized:
    """A line of source whose loops LLVM did not vectorize.

    Attributes
    ----------
    source : str
        "file:line" of the first statement of the loop, as LLVM gives it.
    reasons : tuple of str
        LLVM's reasons, of which there may be none; several loops may come from one line.
    in_vectors : bool
        Whether an innermost loop from that line uses vectors nevertheless, because the kernel itself was written with them.
    """

    source: str
    reasons: tuple[str, ...]
    in_vectors: bool


@dataclass(frozen=True)
class Inspection:
    """What LLVM made of a kernel; returned by `inspect_kernel`.

    Attributes
    ----------
    kernel, does : str
        Name and purpose of the kernel.
    function : str
        Module and name of the Python function.
    dtype : str
    cpu : str
        LLVM's name of the CPU for which it was compiled.
    architecture : str
    vector_bits : int
        Width of the vectors with which the kernel is written.
    arguments : dict of str to str
        Numba's type of each argument.
    returns : str
        Numba's type of the returned value.
    loops : tuple of Loop
        The innermost loops, in descending order of their multiply-adds, then of their multiplications.
    not_vectorized : tuple of NotVectorized
        Loops that LLVM's vectorizer did not change; those that use vectors nevertheless come last.
    """

    kernel: str
    does: str
    function: str
    dtype: str
    cpu: str
    architecture: str
    vector_bits: int
    arguments: dict[str, str]
    returns: str
    loops: tuple[Loop, ...]
    not_vectorized: tuple[NotVectorized, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return everything in a form that JSON can hold; "schema" changes when a name or a unit changes."""
        return {"schema": "fastmlp.inspect/1"} | asdict(self) | {
            "loops": [loop.to_dict() for loop in self.loops],
            "not_vectorized": [asdict(each) | {"reasons": list(each.reasons)} for each in self.not_vectorized],
        }  # fmt: skip


def inspect_kernel(kernel: str, dtype: str = "float32", cpu: str | None = None) -> Inspection:
    """Compile a kernel and examine its innermost loops.

    The kernel is compiled by itself, as a function that Python could call. In a training it is a part of one compiled step: LLVM may inline
    it there, and other values then compete for the registers. To inspect that whole step, ask for `train_epochs`.

    Parameters
    ----------
    kernel : str
        A name that ``fastmlp inspect`` lists, such as "product", or the name of the kernel's function, such as "affine".
    dtype : {"float32", "float64"}
    cpu : str, optional
        LLVM's name of another CPU of this architecture, such as "haswell", "skylake-avx512" or "generic". That CPU need not be present,
        because nothing is run. Sizes that depend on the caches are still those of this machine.

    Returns
    -------
    Inspection

    Raises
    ------
    TypeError, ValueError
        If the kernel, the dtype or the CPU does not exist.
    CompilationFailed
        If a process that compiles ends early, for example for lack of memory.

    Notes
    -----
    Loops and spills are read from the comments in LLVM's assembly, the kinds of instructions from their names, and the reasons from LLVM's
    remarks (``-pass-remarks-analysis=loop-vectorize``).

    Examples
    --------
    >>> from fastmlp import inspect_kernel
    >>> seen = inspect_kernel("tile", dtype="float64")
    >>> seen.function, len(seen.loops)
    ('fastmlp.measure.inspectable.whole_tile', 2)
    >>> dense = seen.loops[0]
    >>> dense.spills, dense.calls, dense.stores
    (0, 0, 0)
    """
    name, found = find(kernel)
    if dtype not in DTYPES:
        raise ValueError(f"dtype: expected {' or '.join(map(repr, DTYPES))}, got {dtype!r}")
    environment = dict(os.environ) if cpu is None else compiling_for(cpu)
    (made, _), (lined, remarks) = compile_twice(name, dtype, environment)
    with_lines = innermost_loops(lined["assembly"], lined["architecture"])
    loops = with_sources(innermost_loops(made["assembly"], made["architecture"]), with_lines)
    return Inspection(
        kernel=name, does=found.does, function=found.qualified_name, dtype=dtype, cpu=made["cpu"], architecture=made["architecture"],
        vector_bits=made["vector_bits"], arguments=made["arguments"], returns=made["returns"],
        loops=tuple(sorted(loops, key=lambda loop: (-loop.multiply_adds, -loop.count("multiply")))),
        not_vectorized=not_vectorized(remarks, with_lines),
    )  # fmt: skip


def compile_twice(name: str, dtype: str, environment: dict[str, str]) -> list[tuple[dict[str, Any], str]]:
    """Compile a kernel without and with line numbers; return the output of `machine_code` and LLVM's remarks for each."""
    path = os.pathsep.join([str(ROOT), *filter(None, [environment.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "fastmlp.measure.machine_code", name, dtype]
    with tempfile.TemporaryDirectory(prefix="fastmlp-inspect-", ignore_cleanup_errors=True) as folder:  # code from a cache has no assembly
        settings = environment | {"PYTHONPATH": path, "NUMBA_CACHE_DIR": folder}
        started = []
        try:
            for lines in ("0", "1"):
                pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
                started.append(subprocess.Popen(command, env=settings | {"NUMBA_DEBUGINFO": lines}, **pipes))  # type: ignore[call-overload]
            outputs = [process.communicate() for process in started]
        finally:
            for process in started:  # some still run after Ctrl-C
                process.kill()
                process.wait()
    for process, (_, errors) in zip(started, outputs, strict=True):
        if process.returncode != 0:
            last = (errors.strip().splitlines() or ["no message"])[-1]
            raise CompilationFailed(f"compiling {name} for {dtype} ended with status {process.returncode}: {last}")
    return [(json.loads(output), errors) for output, errors in outputs]


def with_sources(loops: Iterable[Loop], lined: Iterable[Loop]) -> list[Loop]:
    """Give each loop the source line of the loop that is alike in the code with line numbers, or several lines if several are alike."""
    sources: dict[object, list[str]] = {}
    for loop in lined:
        sources.setdefault(alike(loop), []).append(loop.source)
    return [replace(loop, source=", ".join(dict.fromkeys(filter(None, sources.get(alike(loop), []))))) for loop in loops]


def alike(loop: Loop) -> object:
    """Return what two compilations of one loop have in common: its vector instructions, or all instructions if it has none of those."""
    counts = loop.counts()
    vectors = {width: kinds for width, kinds in counts.items() if width != "scalar"}
    return loop.function, loop.depth, json.dumps(vectors or counts)


def not_vectorized(remarks: str, lined: Iterable[Loop]) -> tuple[NotVectorized, ...]:
    """Group LLVM's remarks by line of source, each reason once; the innermost loops tell which lines use vectors nevertheless."""
    in_vectors = {loop.source for loop in lined if loop.counts().keys() - {"scalar"}}
    reasons: dict[tuple[str, int], list[str]] = {}
    for file, line, reason in REMARK.findall(remarks):
        reasons.setdefault((file, int(line)), []).append(reason)
    found = []
    for (file, line), said in sorted(reasons.items()):
        source = f"{file}:{line}" if line else file  # LLVM gives line 0 to code that it moved
        found.append(NotVectorized(source, tuple(dict.fromkeys(filter(None, said))), source in in_vectors))
    return tuple(sorted(found, key=lambda each: each.in_vectors))
