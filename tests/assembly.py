"""Compile two copies of the package, one of them without some of its statements, and return their machine code."""

import re
import shutil
from pathlib import Path

import fastmlp
from tests.children import python

BEFORE = "import sys\nimport numpy as np\n"
AFTER = "sys.stdout.writelines(text for each in compiled for text in each.inspect_asm().values())\n"


def copies(folder, pattern, statements, but):
    """Copy the package to "with" and "without" in a folder; remove the statements from the latter, and return their number.

    They are removed from the files that match `pattern`, except those called `but`.
    """
    source = Path(fastmlp.__file__).parent
    for name in ("with", "without"):
        shutil.copytree(source, folder / name / "fastmlp", ignore=shutil.ignore_patterns("__pycache__"))
    taken_out = 0
    for path in (folder / "without").rglob(pattern):
        if path.name != but:
            text, count = re.subn(statements, "", path.read_text(), flags=re.MULTILINE)
            path.write_text(text)
            taken_out += count
    return taken_out


def assembly(program, folder):
    """Return the machine code of what a program calls `compiled`, with the package in that folder. Symbols are numbered."""
    environment = {"NUMBA_CACHE_DIR": str(folder / "cache"), "PYTHONPATH": str(folder), "PATH": ""}
    done = python(BEFORE + program + AFTER, env=environment, cwd=folder)
    assert done.returncode == 0, done.stderr
    numbers = {}
    text = re.sub(r'^\t\.size\t"\.const.*\n', "", done.stdout, flags=re.MULTILINE)
    return re.sub(
        r'"?\.bytes\.-?[.\d]+"?|[.\w$]*(?:_ZN|numba|\.L)[.\w$]*', lambda name: f"s{numbers.setdefault(name[0], len(numbers))}", text
    )
