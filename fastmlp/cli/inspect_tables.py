"""What `fastmlp inspect` prints: the kernels, or one kernel's loops."""

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
    """Every kernel that can be inspected, and what it does."""
    table = section("Kernels", "name", "function")
    table.add_column("what it does", overflow="fold")
    for name, kernel in KERNELS.items():
        module, function = kernel.qualified_name.split(".")[-2:]
        if find(function)[0] != name:  # a phase of the step has that name
            function = f"{module}.{function}"
        table.add_row(name, "" if function == name else function, kernel.does)
    show(output, table, "Either name will do.")


def print_inspection(output: Console, seen: Inspection, most: int) -> None:
    """Signature, loops, what they consist of, and what was not vectorized."""
    output.print(f"{seen.kernel}: {seen.does}")
    output.print(f"{seen.function}, {seen.dtype}, for {seen.cpu}, {seen.vector_bits}-bit vectors\n")
    signature = section("Signature", "argument")
    signature.add_column("type", overflow="fold")
    for name, kind in [*seen.arguments.items(), ("returns", seen.returns)]:
        signature.add_row(name, kind)
    show(output, signature)
    if not seen.loops:
        output.print("No loop: what there is runs from its beginning to its end, or in functions that it calls.\n")
        return
    shown = seen.loops[:most]
    print_loops(output, seen, shown)
    print_instructions(output, shown)
    print_not_vectorized(output, seen)


def print_loops(output: Console, seen: Inspection, shown: Sequence[Loop]) -> None:
    """One row for each loop."""
    table = section(f"{len(seen.loops)} innermost loops")
    add_folding(table, "loop", [name_of(loop, seen) for loop in shown])
    add_folding(table, "from", [loop.source for loop in shown])
    for heading in ("size", "mul-add", "loads", "ratio", "spills", "calls"):
        table.add_column(heading, no_wrap=True, justify="right")
    for loop in shown:
        ratio = loop.loads_per_multiply_add
        numbers = len(loop.instructions), loop.multiply_adds, loop.loads, "" if ratio is None else f"{ratio:.2f}", loop.spills, loop.calls
        table.add_row(name_of(loop, seen), loop.source, *map(str, numbers))
    notes = ["size: instructions; loads: those that read memory; ratio: loads for each mul-add."]
    if len(shown) < len(seen.loops):
        notes.append(f"{len(seen.loops) - len(shown)} more are shown by --loops {len(seen.loops)}.")
    show(output, table, *notes)


def print_instructions(output: Console, shown: Sequence[Loop]) -> None:
    """One row for each width in each loop, without kinds that there are none of."""
    kinds = [kind for kind in KINDS if any(loop.count(kind) for loop in shown)]
    table = section("Their instructions", "loop", "width", right=tuple(SHORT.get(kind, kind) for kind in kinds))
    for loop in shown:
        name = loop.label
        for width, counts in reversed(loop.counts().items()):
            table.add_row(name, width, *(str(counts.get(kind, "")) for kind in kinds))
            name = ""
    show(output, table)


def print_not_vectorized(output: Console, seen: Inspection) -> None:
    """LLVM's reasons, line by line of the source."""
    left = [each for each in seen.not_vectorized if not each.in_vectors]
    if left:
        table = section("Loops that LLVM did not vectorize, inner and outer", "from")
        table.add_column("because", overflow="fold")
        for each in left:
            table.add_row(each.source, "; ".join(each.reasons) or "it gives no reason")
        show(output, table)
    written = [each.source for each in seen.not_vectorized if each.in_vectors]
    if written:
        output.print(f"Left as they are, since they are in vectors already: {', '.join(written)}\n")


def print_assembly(output: Console, shown: Sequence[Loop]) -> None:
    """The loops, as LLVM prints them."""
    for loop in shown:
        output.print(f"{loop.function} {loop.label}{f', from {loop.source}' if loop.source else ''}:", soft_wrap=True)
        for each in loop.instructions:
            output.print(f"    {each.text.expandtabs()}", soft_wrap=True)
        output.print()


def add_folding(table: Table, heading: str, texts: Sequence[str]) -> None:
    """A column that folds between words where the terminal is narrow."""
    table.add_column(heading, min_width=max(len(word) for text in texts for word in f"{heading} {text}".split()))


def name_of(loop: Loop, seen: Inspection) -> str:
    """Its label, and the function that it stands in if that is another."""
    return loop.label if loop.function == seen.function else f"{loop.function.rpartition('.')[2]} {loop.label}"
