"""The innermost loops of machine code, read from the assembly that LLVM prints.

With its comments (``TargetMachine.set_asm_verbosity`` of llvmlite) LLVM says itself which block belongs to which loop and which loops have
none inside, for every CPU in the same words; it also says which instructions save a register to the stack or bring it back.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from .instructions import KINDS, WIDTHS, Instruction, family, instruction, without_comment

LABEL = re.compile(r"^(?:[#/;]+ %|\.?L?)(bb\.\d+|BB\d+_\d+):")  # where a block begins; one without a label has a comment in its place
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
        The function that it stands in.
    label : str
        Its first block, as LLVM calls it.
    depth : int
        1 for a loop in no other loop.
    instructions : tuple of Instruction
        In the order of the code, including what a turn may jump over, but not the jump that leaves the loop at its end.
    source : str
        "file:line" where most of it comes from; empty if that is not known.
    """

    function: str
    label: str
    depth: int
    instructions: tuple[Instruction, ...]
    source: str = ""

    def count(self, kind: str, width: str = "") -> int:
        """How many instructions of that kind there are, of all widths or of one."""
        return sum(each.kind == kind and width in ("", each.width) for each in self.instructions)

    def counts(self) -> dict[str, dict[str, int]]:
        """Width -> kind -> how many, for what there is."""
        found = Counter((each.width, each.kind) for each in self.instructions)
        by_width = {width: {kind: found[width, kind] for kind in KINDS if found[width, kind]} for width in WIDTHS}
        return {width: kinds for width, kinds in by_width.items() if kinds}

    @property
    def multiply_adds(self) -> int:
        """Fused ones: instructions, not elements."""
        return self.count("multiply-add")

    @property
    def loads(self) -> int:
        """Instructions that read memory, whatever else they do."""
        return sum(each.loads for each in self.instructions)

    @property
    def stores(self) -> int:
        """Instructions that write memory."""
        return sum(each.stores for each in self.instructions)

    @property
    def loads_per_multiply_add(self) -> float | None:
        """None if there are no multiply-adds."""
        return self.loads / self.multiply_adds if self.multiply_adds else None

    @property
    def spills(self) -> int:
        """Instructions that read or write the stack: there were more values than registers."""
        return sum(each.on_stack for each in self.instructions)

    @property
    def calls(self) -> int:
        """Calls of other functions."""
        return self.count("call")

    @property
    def text(self) -> str:
        """Its assembly."""
        return "\n".join(each.text for each in self.instructions)

    def to_dict(self) -> dict[str, Any]:
        """What JSON can hold."""
        return {
            "function": self.function, "label": self.label, "depth": self.depth, "source": self.source,
            "instructions": len(self.instructions), "counts": self.counts(), "multiply_adds": self.multiply_adds, "loads": self.loads,
            "stores": self.stores, "loads_per_multiply_add": self.loads_per_multiply_add, "spills": self.spills, "calls": self.calls,
            "assembly": [each.text for each in self.instructions],
        }  # fmt: skip


def innermost_loops(text: str, architecture: str) -> list[Loop]:
    """The loops in which there is no other, in the order of the code.

    Parameters
    ----------
    text : str
        Assembly as LLVM prints it with comments.
    architecture : str
        The first part of its target triple: x86_64 or aarch64.

    Raises
    ------
    ValueError
        If the assembly has no comments, so that nothing is known of its loops, or the architecture is another.
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
    """The loop of those blocks, the first of which is its header."""
    labels = {block.label for block in members}

    def leaves(each: Instruction) -> bool:
        jump = JUMP.match(each.text)
        return bool(jump) and jump[1] not in labels  # type: ignore[index]

    kept = [(each, line) for block in members for each, line in block.instructions if not leaves(each)]
    lines = Counter(line for _, line in kept if line)
    return Loop(function, members[0].label, depth, tuple(each for each, _ in kept), next((line for line, _ in lines.most_common(1)), ""))


class Block(NamedTuple):
    """Instructions that run one after the other."""

    function: str
    label: str
    comments: str  # LLVM's, before the first instruction
    instructions: list[tuple[Instruction, str]]  # and the line of source that each comes from


def blocks(text: str, architecture: str) -> Iterator[Block]:
    """The blocks of all functions."""
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
    """The qualified name in a symbol of Numba's, without its types: parts of a name stand there after their lengths (Itanium C++ ABI).

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
