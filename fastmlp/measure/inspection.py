"""What LLVM made of a kernel: its innermost loops, and the loops that it did not vectorize.

Two processes compile the kernel side by side: one as always, whose code is shown, and one with line numbers. With them LLVM orders, and
spills, some values in other ways, so that nothing is taken from there but where loops and remarks come from.
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
ROOT = Path(__file__).parents[2]  # where this package was imported from
REMARK = re.compile(r"^remark: (\S+):(\d+):\d+: loop not vectorized(?:: (.+))?$", re.MULTILINE)


class CompilationFailed(RuntimeError):
    """A process that compiled a kernel came to a bad end."""


@dataclass(frozen=True)
class NotVectorized:
    """A line of source with loops that LLVM did not vectorize.

    Attributes
    ----------
    source : str
        "file:line", as LLVM has it: the first statement of the loop.
    reasons : tuple of str
        LLVM's own, which need not be there; several loops may come from one line.
    in_vectors : bool
        Whether an innermost loop from that line uses vectors all the same: the kernel was written with them.
    """

    source: str
    reasons: tuple[str, ...]
    in_vectors: bool


@dataclass(frozen=True)
class Inspection:
    """What LLVM made of a kernel, as `inspect_kernel` returns it.

    Attributes
    ----------
    kernel, does : str
        Its name, and what it is for.
    function : str
        Module and name of the Python function.
    dtype : str
    cpu : str
        For which it was compiled, as LLVM calls it.
    architecture : str
    vector_bits : int
        Width of the kernel's own vectors.
    arguments : dict of str to str
        Numba's type of each argument.
    returns : str
        And of what is returned.
    loops : tuple of Loop
        The innermost loops: those with the most multiply-adds, or else multiplications, first.
    not_vectorized : tuple of NotVectorized
        Loops that LLVM's vectorizer left as they are; those in vectors come last.
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
        """All of it, for JSON: "schema" changes when a name or a unit does."""
        return {"schema": "fastmlp.inspect/1"} | asdict(self) | {
            "loops": [loop.to_dict() for loop in self.loops],
            "not_vectorized": [asdict(each) | {"reasons": list(each.reasons)} for each in self.not_vectorized],
        }  # fmt: skip


def inspect_kernel(kernel: str, dtype: str = "float32", cpu: str | None = None) -> Inspection:
    """Compile a kernel and look at its innermost loops.

    It is compiled for itself, as an entry that Python could call. In a training it is a part of one compiled step, into which LLVM may
    inline it, and other values then compete for the registers. `train_epochs` is that whole step.

    Parameters
    ----------
    kernel : str
        A name that ``fastmlp inspect`` lists ("product"), or that of its function ("affine").
    dtype : {"float32", "float64"}
    cpu : str, optional
        The name of another CPU of this architecture in LLVM, such as "haswell", "skylake-avx512" or "generic". It need not be there:
        nothing is run. Sizes that follow the caches are still those of this machine.

    Returns
    -------
    Inspection

    Raises
    ------
    TypeError, ValueError
        If there is no such kernel, dtype or CPU.
    CompilationFailed
        If a process that compiles ends early, for lack of memory for example.

    Notes
    -----
    Loops and spills are told by the comments of LLVM's assembly, the kinds of instructions by their names, the reasons by LLVM's
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
    """What `machine_code` says of a kernel, and LLVM's remarks: without line numbers, and with them."""
    path = os.pathsep.join([str(ROOT), *filter(None, [environment.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "fastmlp.measure.machine_code", name, dtype]
    with tempfile.TemporaryDirectory(prefix="fastmlp-inspect-", ignore_cleanup_errors=True) as folder:  # what is loaded has no assembly
        settings = environment | {"PYTHONPATH": path, "NUMBA_CACHE_DIR": folder}
        started = []
        try:
            for lines in ("0", "1"):
                pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
                started.append(subprocess.Popen(command, env=settings | {"NUMBA_DEBUGINFO": lines}, **pipes))  # type: ignore[call-overload]
            outputs = [process.communicate() for process in started]
        finally:
            for process in started:  # after Ctrl-C
                process.kill()
                process.wait()
    for process, (_, errors) in zip(started, outputs, strict=True):
        if process.returncode != 0:
            last = (errors.strip().splitlines() or ["it said nothing"])[-1]
            raise CompilationFailed(f"compiling {name} for {dtype} ended with status {process.returncode}: {last}")
    return [(json.loads(output), errors) for output, errors in outputs]


def with_sources(loops: Iterable[Loop], lined: Iterable[Loop]) -> list[Loop]:
    """Loops with the lines of those that are alike; several, if some from other lines are alike too."""
    sources: dict[object, list[str]] = {}
    for loop in lined:
        sources.setdefault(alike(loop), []).append(loop.source)
    return [replace(loop, source=", ".join(dict.fromkeys(filter(None, sources.get(alike(loop), []))))) for loop in loops]


def alike(loop: Loop) -> object:
    """What two compilations of one loop have in common: its work in vectors, or all of it if there is none."""
    counts = loop.counts()
    vectors = {width: kinds for width, kinds in counts.items() if width != "scalar"}
    return loop.function, loop.depth, json.dumps(vectors or counts)


def not_vectorized(remarks: str, lined: Iterable[Loop]) -> tuple[NotVectorized, ...]:
    """LLVM's remarks by line of source, each reason once; the innermost loops say which lines are in vectors all the same."""
    in_vectors = {loop.source for loop in lined if loop.counts().keys() - {"scalar"}}
    reasons: dict[tuple[str, int], list[str]] = {}
    for file, line, reason in REMARK.findall(remarks):
        reasons.setdefault((file, int(line)), []).append(reason)
    found = []
    for (file, line), said in sorted(reasons.items()):
        source = f"{file}:{line}" if line else file  # LLVM gives line 0 to what it moved
        found.append(NotVectorized(source, tuple(dict.fromkeys(filter(None, said))), source in in_vectors))
    return tuple(sorted(found, key=lambda each: each.in_vectors))
