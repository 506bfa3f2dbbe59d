"""Classify an instruction of LLVM's assembly: its kind, the width of its registers, and whether it accesses memory.

The classification uses the name and the operands, for x86-64 in AT&T's syntax (the destination comes last; names are in Intel's Software
Developer's Manual, volume 2) and for 64-bit ARM (Arm's Architecture Reference Manual, C7). It does not include what the name does not show,
such as the latency of the instruction.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

KINDS = ("load", "store", "multiply-add", "multiply", "arithmetic", "shuffle", "integer", "branch", "call", "prefetch")
WIDTHS = ("scalar", "xmm", "ymm", "zmm", "v", "z")  # on ARM, v has 128 bits (NEON), and the width of z depends on the CPU (SVE)


@dataclass(frozen=True)
class Instruction:
    """One instruction and its properties.

    Attributes
    ----------
    text : str
        The line as LLVM prints it, including the comment.
    kind : str
        One of `KINDS`. "load" and "store" do nothing else; "multiply" is a multiplication of floating-point numbers; "arithmetic" is other
        work in vector registers, on masks, and on scalar floating-point numbers; "shuffle" moves elements between registers or inside one;
        "integer" is the rest: addresses, counters, comparisons.
    width : str
        One of `WIDTHS`: the widest register that it uses as a vector.
    loads, stores : bool
        Whether it reads or writes memory; an instruction of another kind may also have one operand in memory.
    on_stack : bool
        Whether that memory is the stack: a saved register, a local variable, or an argument.
    """

    text: str
    kind: str
    width: str
    loads: bool
    stores: bool
    on_stack: bool


def instruction(text: str, architecture: str) -> Instruction:
    """Classify an instruction as LLVM prints it.

    Parameters
    ----------
    text : str
        One line of assembly.
    architecture : str
        The first part of LLVM's target triple.

    Raises
    ------
    ValueError
        If this module cannot read the assembly of the architecture.

    Examples
    --------
    >>> read = instruction("vfmadd231ps 64(%rdi,%rax,4), %zmm1, %zmm2", "x86_64")
    >>> read.kind, read.width, read.loads, read.stores
    ('multiply-add', 'zmm', True, False)
    >>> instruction("fmla v2.4s, v0.4s, v1.4s", "aarch64").width
    'v'
    """
    code = without_comment(text, architecture).strip()
    name, _, operands = PREFIX.sub("", code).partition("\t") if "\t" in code else PREFIX.sub("", code).partition(" ")
    kind, width, loads, stores, on_stack = reader(architecture)(name, operands.strip())
    return Instruction(text.strip(), kind, width, loads, stores, on_stack or bool(SAVED.search(text)))


def without_comment(line: str, architecture: str) -> str:
    """Return a line of assembly without its comment."""
    return COMMENT[family(architecture)].split(line, maxsplit=1)[0]


def family(architecture: str) -> str:
    """Return "x86" or "arm" for an architecture as LLVM names it; raise ValueError for others."""
    if architecture in ("x86_64", "amd64"):
        return "x86"
    if architecture in ("aarch64", "arm64"):
        return "arm"
    raise ValueError(f"architecture: expected x86_64 or aarch64, whose assembly can be read, got {architecture!r}")


def reader(architecture: str) -> Callable[[str, str], tuple[str, str, bool, bool, bool]]:
    """Return the function that classifies an instruction by its name and its operands."""
    return {"x86": read_x86, "arm": read_arm}[family(architecture)]


COMMENT = {"x86": re.compile(r"\s*#"), "arm": re.compile(r"\s*(?://|;)")}
SAVED = re.compile(r"-byte (?:Folded )?(?:Spill|Reload)")  # as LLVM's comment says
PREFIX = re.compile(r"^(?:lock|rep(?:n?[ez])?)[\s;]+")
NUMBER = r"(?:ss|sd|sh)"  # one number in a vector register
X86_KINDS = (  # the first pattern that matches determines the kind
    ("call", re.compile(r"call")),
    ("branch", re.compile(r"j|ret|loop|ud2")),
    ("prefetch", re.compile(r"prefetch")),
    ("multiply-add", re.compile(r"v?fn?m(?:add|sub)|vdpbf16ps")),
    ("multiply", re.compile(r"v?mul[ps][sdh]")),
    ("shuffle", re.compile(r"v?p?(?:shuf|perm|unpck|insert|extr|broadcast|align|expand|compress|s[lr]ldq)|v?mov(?:lh|hl|ddup|s[hl]dup)")),
)
X86_MOVES = re.compile(r"k?mov|v?movs?|v?p?maskmov|v?p?(?:broadcast|gather|scatter)|v?lddqu|pop|push|set|v?stmxcsr|v?ldmxcsr|stos|lods")
X86_CONVERSIONS = re.compile(r"vpmov|pmov")
X86_COMPARISONS = re.compile(r"cmp|test|bt|v?u?comi|v?p?test|k?ortest")
X86_ONE_OPERAND = re.compile(r"i?mul|i?div|push|call|j|v?ldmxcsr")  # instructions that only read their one operand
X86_SCALAR = re.compile(
    rf"v?(?:mov|add|sub|mul|div|max|min|sqrt|cmp\w*|u?comi|rcp\w*|rsqrt\w*|round|rndscale|getexp|getmant|scalef|fn?m(?:add|sub)\d+|cvt\w+){NUMBER}$"
    rf"|v?cvtt?{NUMBER}2u?si|v?cvtu?si2{NUMBER}|v?mov[dq]$"
)


def read_x86(name: str, operands: str) -> tuple[str, str, bool, bool, bool]:
    """Return kind and width, and whether the instruction loads, stores, and does so on the stack."""
    parts = [part.strip() for part in re.split(r",(?![^(]*\))", operands)] if operands else []
    in_memory = ["(" in part or part.startswith(("%fs:", "%gs:")) for part in parts]
    if re.match(r"lea|nop|prefetch", name):
        in_memory = [False] * len(parts)
    moves = bool(X86_MOVES.match(name)) and not X86_CONVERSIONS.match(name)
    loads, stores = any(in_memory[:-1]), False
    if in_memory and in_memory[-1]:  # the destination
        only_read = X86_COMPARISONS.match(name) or (len(parts) == 1 and X86_ONE_OPERAND.match(name))
        stores = not only_read
        loads = loads or bool(only_read) or not (moves or "extr" in name)
    on_stack = any(memory and re.search(r"\(%[re]sp\b", part) for part, memory in zip(parts, in_memory, strict=True))
    if name.startswith(("push", "pop")):
        stores, loads, on_stack = stores or name.startswith("push"), loads or name.startswith("pop"), True
    registers = [] if X86_SCALAR.match(name) else re.findall(r"%([xyz]mm)", operands)
    width = max(registers, default="scalar")
    kind = next((kind for kind, names in X86_KINDS if names.match(name)), "")
    if moves and (loads or stores) and kind in ("", "shuffle"):
        kind = "store" if stores else "load"
    elif not kind:
        in_vectors = re.search(r"%(?:[xyz]mm|k[0-7])", operands)
        kind = "integer" if not in_vectors else "shuffle" if moves else "arithmetic"
    return kind, width, loads, stores, on_stack


ARM_KINDS = (
    ("call", re.compile(r"blr?$|blra")),
    ("branch", re.compile(r"b$|b\.|bc\.|br|cbn?z|tbn?z|ret")),
    ("prefetch", re.compile(r"prf")),
    ("load", re.compile(r"ld")),
    ("store", re.compile(r"st")),
    ("multiply-add", re.compile(r"fn?m(?:add|sub|la|ls|lal|lsl)|fml[as]|bf(?:mlal|dot|mmla)")),
    ("multiply", re.compile(r"fn?mulx?$")),
)
ARM_SHUFFLES = re.compile(r"dup|zip|uzp|trn|ext$|ins$|tb[lx]$|rev|f?movp?r?f?x?$|[us]mov|splice|sel$")


def read_arm(name: str, operands: str) -> tuple[str, str, bool, bool, bool]:
    """Do the same for ARM, a load-store architecture: no other instruction accesses memory."""
    kind = next((kind for kind, names in ARM_KINDS if names.match(name)), "")
    width = "z" if re.search(r"\bz\d", operands) else "v" if re.search(r"\bv\d+\.|\bq\d", operands) else "scalar"
    if not kind:
        in_vectors = re.search(r"\b(?:[vzqdsh]\d|p\d+\b)", operands)
        kind = "integer" if not in_vectors else "shuffle" if ARM_SHUFFLES.match(name) else "arithmetic"
    loads, stores = kind == "load", kind == "store"
    return kind, width, loads, stores, (loads or stores) and bool(re.search(r"\[sp\b", operands))
