"""The text of the project's files, for the tests of its rules."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
COMPILING = "fastmlp/kernels/jit.py"  # the one file that uses Numba's decorators
FOLDERS = ("fastmlp", "tests", "benchmarks", "docs", "notebooks")


def files(*suffixes: str) -> dict[str, str]:
    """Return the path, relative to the root, and the text of every file with one of those suffixes, in our folders and in the root."""
    found = [file for folder in FOLDERS for file in (ROOT / folder).rglob("*")] + list(ROOT.glob("*"))
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in sorted(found) if file.suffix in suffixes}


def package() -> dict[str, str]:
    """Return every module of fastmlp."""
    return {path: text for path, text in files(".py").items() if path.startswith("fastmlp/")}


def assert_none(lines: list[str]) -> None:
    """Fail with all the lines if there are any."""
    assert not lines, "\n".join(["", *lines])
