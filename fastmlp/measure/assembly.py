"""Find the innermost loops of machine code in the assembly that LLVM prints.

With comments (``TargetMachine.set_asm_verbosity`` of llvmlite), LLVM itself states which block belongs to which loop and which
loops contain no other, in the same words for every CPU. It also states which instructions save a register to the stack or restore it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from .instructions import KINDS, WIDTHS, Instruction, family, instruction, without_comment

LABEL = re.compile(r"^(?:[#/;]+ %|\.?L?)(bb\.\d+|BB\d+_\d+):")  # start of a block; a comment replaces a missing label
JUMP = re.compile(r"(?:jmp|b)\s+\.?L?(BB\d+_\d+)")
HEADER = re.compile(r"=>\s*This (Inner )?Loop Header: Depth=(\d+)")
MEMBER = re.compile(r"in Loop: Header=(BB\d+_\d+) Depth=\d+")
FUNCTION = re.compile(r'^"?([^\s"]+)"?:\s*[#/;]+ @')
FILE = re.compile(r'^\s*\.file\s+(\d+)\s+"([^"]*)"(?:\s+"([^"]*)")?')
LINE = re.compile(r"^\s*\.loc\s+(\d+)\s+(\d+)")


@dataclass(frozen=True)
class Loop:
    """An innermost loop of machine code.

    Attributes
    ----------
    function : str
        Name of the function that contains it.
    label : str
        LLVM's name of its first block.
    depth : int
        Nesting depth; 1 for a loop that is not inside another.
    instructions : tuple of Instruction
        In the order of the code, including those that an iteration may skip, but without the jump that leaves the loop at its end.
    source : str
        "file:line" of the source that most of it comes from; empty if that is not known.
    """

    function: str
    label: str
    depth: int
    instructions: tuple[Instruction, ...]
    source: str = ""

    def count(self, kind: str, width: str = "") -> int:
        """Count the instructions of a kind, of all widths or of one."""
        return sum(each.kind == kind and width in ("", each.width) for each in self.instructions)

    def counts(self) -> dict[str, dict[str, int]]:
        """Count the instructions by width and kind, as a dict of dicts without zeros."""
        found = Counter((each.width, each.kind) for each in self.instructions)
        by_width = {width: {kind: found[width, kind] for kind in KINDS if found[width, kind]} for width in WIDTHS}
        return {width: kinds for width, kinds in by_width.items() if kinds}

    @property
    def multiply_adds(self) -> int:
        """Number of fused multiply-adds: instructions, not elements."""
        return self.count("multiply-add")

    @property
    def loads(self) -> int:
        """Number of instructions that read memory, including those that do other work as well."""
        return sum(each.loads for each in self.instructions)

    @property
    def stores(self) -> int:
        """Number of instructions that write memory."""
        return sum(each.stores for each in self.instructions)

    @property
    def loads_per_multiply_add(self) -> float | None:
        """Loads divided by multiply-adds; None if there are no multiply-adds."""
        return self.loads / self.multiply_adds if self.multiply_adds else None

    @property
    def spills(self) -> int:
        """Number of instructions that read or write the stack, because there were more values than registers."""
        return sum(each.on_stack for each in self.instructions)

    @property
    def calls(self) -> int:
        """Number of calls of other functions."""
        return self.count("call")

    @property
    def text(self) -> str:
        """Assembly of the loop."""
        return "\n".join(each.text for each in self.instructions)

    def to_dict(self) -> dict[str, Any]:
        """Return everything in a form that JSON can hold."""
        return {
            "function": self.function, "label": self.label, "depth": self.depth, "source": self.source,
            "instructions": len(self.instructions), "counts": self.counts(), "multiply_adds": self.multiply_adds, "loads": self.loads,
            "stores": self.stores, "loads_per_multiply_add": self.loads_per_multiply_add, "spills": self.spills, "calls": self.calls,
            "assembly": [each.text for each in self.instructions],
        }  # fmt: skip


def innermost_loops(text: str, architecture: str) -> list[Loop]:
    """Return the loops that contain no other loop, in the order of the code.

    Parameters
    ----------
    text : str
        Assembly as LLVM prints it with comments.
    architecture : str
        The first part of LLVM's target triple: x86_64 or aarch64.

    Raises
    ------
    ValueError
        If the assembly has no comments, so that its loops cannot be found, or if the architecture is another.
    """
    family(architecture)
    if text.strip() and "%bb.0" not in text:
        raise ValueError("text: expected assembly with LLVM's comments, got none; see `set_asm_verbosity`")
    headers: dict[str, tuple[str, int]] = {}  # of innermost loops: function and depth
    members: dict[str, list[Block]] = {}
    for block in blocks(text, architecture):
        header, member = HEADER.search(block.comments), MEMBER.search(block.comments)
        if header and header[1]:
            headers[block.label] = block.function, int(header[2])
        if header or member:
            members.setdefault(block.label if header or member is None else member[1], []).append(block)
    return [loop(*headers[label], members[label]) for label in headers]


def loop(function: str, depth: int, members: list[Block]) -> Loop:
    """Return the loop that consists of those blocks, the first of which is its header."""
    labels = {block.label for block in members}

    def leaves(each: Instruction) -> bool:
        jump = JUMP.match(each.text)
        return bool(jump) and jump[1] not in labels  # type: ignore[index]

    kept = [(each, line) for block in members for each, line in block.instructions if not leaves(each)]
    lines = Counter(line for _, line in kept if line)
    return Loop(function, members[0].label, depth, tuple(each for each, _ in kept), next((line for line, _ in lines.most_common(1)), ""))


class Block(NamedTuple):
    """Instructions that are executed one after the other."""

    function: str
    label: str
    comments: str  # LLVM's comments before the first instruction
    instructions: list[tuple[Instruction, str]]  # each with the line of source it comes from


def blocks(text: str, architecture: str) -> Iterator[Block]:
    """Yield the blocks of all functions."""
    files: dict[str, str] = {}
    block, line = Block("", "", "", []), ""
    for row in text.splitlines():
        code = without_comment(row, architecture).strip()
        if named := FUNCTION.match(row):
            if block.label:
                yield block
            block, line = Block(readable(named[1]), "", "", []), ""
        elif begin := LABEL.match(row):
            if block.label:
                yield block
            block = Block(block.function, begin[1], row[begin.end() :], [])
        elif found := FILE.match(row):
            files[found[1]] = (found[3] or found[2]).replace("\\", "/").rpartition("/")[2]
        elif found := LINE.match(row):
            line = f"{files.get(found[1], '?')}:{found[2]}" if found[2] != "0" else ""
        elif not code and not block.instructions:
            block = block._replace(comments=f"{block.comments} {row}")
        elif block.label and code and not code.startswith(".") and not code.endswith(":"):
            block.instructions.append((instruction(row, architecture), line))
    if block.label:
        yield block


def readable(symbol: str) -> str:
    """Return the qualified name in a symbol of Numba, without types: each part follows its length there (Itanium C++ ABI).

    Examples
    --------
    >>> readable("_ZN7fastmlp7kernels8products6columnB2v1B40c8tJTI")
    'fastmlp.kernels.products.column'
    """
    rest, parts = symbol.partition("_ZN")[2], []
    while length := re.match(r"\d+", rest):
        end = length.end() + int(length[0])
        parts.append(rest[length.end() : end])
        rest = rest[end:]
    return ".".join(parts) or symbol
