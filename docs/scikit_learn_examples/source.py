"""Find the examples in scikit-learn's source, and change the one import in them."""

import ast
import difflib
import hashlib
import io
import json
import tarfile
import urllib.request
from pathlib import Path

ESTIMATORS = ("MLPClassifier", "MLPRegressor")
THEIRS, OURS = "sklearn.neural_network", "fastmlp"
INDEX = "https://pypi.org/simple/scikit-learn/"


def download(version: str, folder: Path) -> Path:
    """Unpack the examples of a version of scikit-learn into a folder; return the folder ``examples``.

    The source distribution comes from PyPI. pip would also download it, but only together with what is needed to compile it.

    Raises
    ------
    ValueError
        If PyPI has no source of that version, its SHA-256 is not the published one, or it contains no examples.
    """
    question = urllib.request.Request(INDEX, headers={"Accept": "application/vnd.pypi.simple.v1+json"})
    with urllib.request.urlopen(question, timeout=60) as answer:
        published = {file["filename"]: file for file in json.load(answer)["files"]}
    stem = f"scikit_learn-{version}"
    file = published.get(f"{stem}.tar.gz")
    if file is None:
        raise ValueError(f"version: PyPI has no source distribution of scikit-learn {version}")
    with urllib.request.urlopen(file["url"], timeout=60) as answer:
        content = answer.read()
    found = hashlib.sha256(content).hexdigest()
    if found != file["hashes"]["sha256"]:
        raise ValueError(f"{file['url']}: expected the SHA-256 {file['hashes']['sha256']}, got {found}")
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        members = [member for member in archive if member.name.startswith(f"{stem}/examples/")]
        archive.extractall(folder, members, filter="data")
    if not members:
        raise ValueError(f"{file['url']}: contains no folder {stem}/examples")
    return folder / stem / "examples"


def imports(source: str) -> list[ast.ImportFrom]:
    """Return the statements of a program that import from scikit-learn's module of neural networks."""
    return [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.module == THEIRS]


def using_estimators(examples: Path) -> list[Path]:
    """Return the examples that import `MLPClassifier` or `MLPRegressor`, sorted by name.

    Raises
    ------
    ValueError
        If there are none.
    """
    found = [
        path
        for path in sorted(examples.rglob("plot_*.py"), key=lambda path: path.name)
        if any(alias.name in ESTIMATORS for node in imports(path.read_text(encoding="utf-8")) for alias in node.names)
    ]
    if not found:
        raise ValueError(f"{examples}: expected scikit-learn's folder of examples, found none that imports {' or '.join(ESTIMATORS)}")
    return found


def changed(source: str) -> str:
    """Let a program import the estimators from fastmlp instead of from scikit-learn; nothing else changes.

    Raises
    ------
    ValueError
        If there is no such import, or if an import brings other names too, so that changing the module would not be enough.
    """
    lines = source.splitlines(keepends=True)
    for node in imports(source):
        others = [alias.name for alias in node.names if alias.name not in ESTIMATORS]
        if others:
            raise ValueError(f"line {node.lineno}: expected to import only {' and '.join(ESTIMATORS)}, found {', '.join(others)} as well")
        lines[node.lineno - 1] = lines[node.lineno - 1].replace(f"from {THEIRS} import", f"from {OURS} import")
    if "".join(lines) == source:
        raise ValueError(f"nothing to change: no line begins with 'from {THEIRS} import'")
    return "".join(lines)


def difference(before: str, after: str, name: str) -> str:
    """Return the changed lines as a unified diff without context."""
    return "".join(difflib.unified_diff(before.splitlines(keepends=True), after.splitlines(keepends=True), name, name, n=0))
