"""Rules for what is written: short files, one place that compiles, no claim that is not true."""

import ast
import re

import pytest

from tests.sources import COMPILING, assert_none, files, package

pytestmark = pytest.mark.any_cpu

LONGEST = 400  # lines; a longer file contains two ideas
DECORATORS = {  # those of Numba that compile
    "cfunc", "generated_jit", "guvectorize", "jit", "jit_module", "jitclass", "njit", "overload", "overload_attribute", "overload_method",
    "register_jitable", "stencil", "vectorize",
}  # fmt: skip
UNWANTED = {  # pattern in our text -> why it is unwanted
    r"fastest at (every|any|all) size": "it is not: `fastmlp compare` says where it loses",
    r"\b(TODO|FIXME|XXX)\b": "do it, or file an issue",
    r"(?<![\w.}-])/(tmp(?!/perf-)|work|root|home)/": "a path of one particular machine",
}


def too_long(sources: dict[str, str]) -> list[str]:
    return [f"{path}: {text.count(chr(10))} lines" for path, text in sources.items() if text.count("\n") >= LONGEST]


def compiled_elsewhere(sources: dict[str, str]) -> list[str]:
    """List the uses of Numba's decorators outside the one file that may use them."""
    found = []
    for path, source in sources.items():
        for node in ast.walk(ast.parse(source)) if path != COMPILING else []:
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "numba":
                found += [f"{path}, line {node.lineno}: {alias.name}" for alias in node.names if alias.name in DECORATORS]
            elif isinstance(node, ast.Attribute) and node.attr in DECORATORS and ast.unparse(node.value).startswith("numba"):
                found.append(f"{path}, line {node.lineno}: {node.attr}")
    return found


def unwanted_words(sources: dict[str, str]) -> list[str]:
    return [
        f"{path}, line {text[: match.start()].count(chr(10)) + 1}: {' '.join(match[0].split())!r}: {why}"
        for path, text in sources.items()
        for words, why in UNWANTED.items()
        for match in re.finditer(words.replace(" ", r"\s+"), text, re.IGNORECASE if words.islower() else 0)
    ]


def test_no_file_is_two_ideas():
    assert_none(too_long(files(".py")))


def test_one_file_compiles():
    assert_none(compiled_elsewhere(package()))


def test_nothing_unwanted_is_written():
    assert_none(unwanted_words({path: text for path, text in files(".py", ".md", ".toml").items() if path != "tests/test_house.py"}))


# Tests of the checks themselves: each must find what it looks for.


def test_a_long_file_is_seen():
    assert too_long({"fastmlp/a.py": "x\n" * 400, "fastmlp/b.py": "x\n" * 399}) == ["fastmlp/a.py: 400 lines"]


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("from numba import njit, types", ["fastmlp/a.py, line 1: njit"]),
        ("import numba\n@numba.vectorize\ndef f(x): ...", ["fastmlp/a.py, line 2: vectorize"]),
        ("def lazily():\n    from numba.extending import overload, intrinsic", ["fastmlp/a.py, line 2: overload"]),
        ("from .jit import kernel as njit", []),
    ],
)
def test_a_decorator_elsewhere_is_seen(source, seen):
    assert compiled_elsewhere({COMPILING: "from numba import njit", "fastmlp/a.py": source}) == seen


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\nFused is the Fastest at\nevery size.", "line 2: 'Fastest at every size': it is not"),
        ("# TODO: later", "line 1: 'TODO': do it"),
        ("a clone in /tmp/w_x", "line 1: '/tmp/': a path"),
        ("fused is the fastest at 5 of 6 sizes; https://x.org/home/a; ${TMPDIR:-/tmp}/a", None),
    ],
)
def test_unwanted_words_are_seen(text, seen):
    found = unwanted_words({"README.md": text})
    assert len(found) == (seen is not None)
    assert all(f"README.md, {seen}" in line for line in found)
