"""Print the output of `fastmlp inspect`: the list of kernels, or the loops of one kernel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..measure.assembly import Loop
from ..measure.inspectable import KERNELS, find
from ..measure.inspection import Inspection
from ..measure.instructions import KINDS
from .tables import section, show

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SHORT = {"multiply-add": "mul-add", "multiply": "mul", "arithmetic": "arith", "integer": "int"}


def print_kernels(output: Console) -> None:
    """Print every kernel that can be inspected, and what it does."""
    table = section("Kernels", "name", "function")
    table.add_column("what it does", overflow="fold")
    for name, kernel in KERNELS.items():
        module, function = kernel.qualified_name.split(".")[-2:]
        if find(function)[0] != name:  # the function alone would name another kernel, so its module is shown too
            function = f"{module}.{function}"
        table.add_row(name, "" if function == name else function, kernel.does)
    show(output, table, "A kernel can be given by its name or by its function.")


def print_inspection(output: Console, seen: Inspection, most: int) -> None:
    """Print the signature, the loops, their instructions, and the loops that were not vectorized."""
    output.print(f"{seen.kernel}: {seen.does}")
    output.print(f"{seen.function}, {seen.dtype}, for {seen.cpu}, {seen.vector_bits}-bit vectors\n")
    signature = section("Signature", "argument")
    signature.add_column("type", overflow="fold")
    for name, kind in [*seen.arguments.items(), ("returns", seen.returns)]:
        signature.add_row(name, kind)
    show(output, signature)
    if not seen.loops:
        output.print("This function contains no loop; loops may be in the functions that it calls.\n")
        return
    shown = seen.loops[:most]
    print_loops(output, seen, shown)
    print_instructions(output, shown)
    print_not_vectorized(output, seen)


def print_loops(output: Console, seen: Inspection, shown: Sequence[Loop]) -> None:
    """Print a table with one row for each loop."""
    table = section(f"{len(seen.loops)} innermost loops")
    add_folding(table, "loop", [name_of(loop, seen) for loop in shown])
    add_folding(table, "from", [loop.source for loop in shown])
    for heading in ("size", "mul-add", "loads", "ratio", "spills", "calls"):
        table.add_column(heading, no_wrap=True, justify="right")
    for loop in shown:
        ratio = loop.loads_per_multiply_add
        numbers = len(loop.instructions), loop.multiply_adds, loop.loads, "" if ratio is None else f"{ratio:.2f}", loop.spills, loop.calls
        table.add_row(name_of(loop, seen), loop.source, *map(str, numbers))
    notes = ["size: number of instructions; loads: instructions that read memory; ratio: loads per mul-add."]
    if len(shown) < len(seen.loops):
        notes.append(f"{len(seen.loops) - len(shown)} more loops are shown with --loops {len(seen.loops)}.")
    show(output, table, *notes)


def print_instructions(output: Console, shown: Sequence[Loop]) -> None:
    """Print one row for each vector width in each loop, with only those kinds of instructions that occur."""
    kinds = [kind for kind in KINDS if any(loop.count(kind) for loop in shown)]
    table = section("Their instructions", "loop", "width", right=tuple(SHORT.get(kind, kind) for kind in kinds))
    for loop in shown:
        name = loop.label
        for width, counts in reversed(loop.counts().items()):
            table.add_row(name, width, *(str(counts.get(kind, "")) for kind in kinds))
            name = ""
    show(output, table)


def print_not_vectorized(output: Console, seen: Inspection) -> None:
    """Print LLVM's reasons for each source line whose loop was not vectorized."""
    left = [each for each in seen.not_vectorized if not each.in_vectors]
    if left:
        table = section("Loops that LLVM did not vectorize, inner and outer", "from")
        table.add_column("because", overflow="fold")
        for each in left:
            table.add_row(each.source, "; ".join(each.reasons) or "no reason given")
        show(output, table)
    written = [each.source for each in seen.not_vectorized if each.in_vectors]
    if written:
        output.print(f"Not vectorized by LLVM because their code uses vectors already: {', '.join(written)}\n")


def print_assembly(output: Console, shown: Sequence[Loop]) -> None:
    """Print the machine code of the loops in LLVM's notation."""
    for loop in shown:
        output.print(f"{loop.function} {loop.label}{f', from {loop.source}' if loop.source else ''}:", soft_wrap=True)
        for each in loop.instructions:
            output.print(f"    {each.text.expandtabs()}", soft_wrap=True)
        output.print()


def add_folding(table: Table, heading: str, texts: Sequence[str]) -> None:
    """Add a column that wraps between words in a narrow terminal."""
    table.add_column(heading, min_width=max(len(word) for text in texts for word in f"{heading} {text}".split()))


def name_of(loop: Loop, seen: Inspection) -> str:
    """Return the label of a loop, preceded by the name of its function if that is not the inspected one."""
    return loop.label if loop.function == seen.function else f"{loop.function.rpartition('.')[2]} {loop.label}"
