"""Imports only go down: no module imports one of a higher floor, there are no circles, and no module imports another's private names.

Every import counts, including those inside functions and those for type checkers only, because a reader has to follow all of them.
"""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest

import fastmlp
from tests.children import python
from tests.sources import ROOT, assert_none, files, package

pytestmark = pytest.mark.any_cpu

TOP = ("", "__main__")  # fastmlp itself
FLOORS = (*TOP, "cli", "loading", "estimators", "plotting", "measure", "datasets", "two_layer", "model", "files", "engine", "kernels")
JUDGE = "fastmlp.reference"  # stands apart: it imports nothing of fastmlp, and fastmlp does not import it


class Import(NamedTuple):
    """An import of one module by another: its line, and the imported name (the module itself if `name` is empty)."""

    importer: str
    line: int
    module: str
    name: str = ""

    def __str__(self) -> str:
        what = f"{self.name} of {self.module}" if self.name else self.module
        return f"{self.importer}, line {self.line}, imports {what}"


def module_name(path: str) -> str:
    """Return the module of a file by its path from the root: fastmlp/kernels/jit.py is fastmlp.kernels.jit."""
    return ".".join(Path(path.removesuffix("__init__.py").removesuffix(".py")).parts)


def imports(files: Mapping[str, str], known: Mapping[str, str] | None = None) -> Iterator[Import]:
    """Yield the imports of the files from modules whose files are in `known`; by default, from each other."""
    modules = {module_name(path) for path in known or files}
    for path, source in files.items():
        importer = module_name(path)
        package = importer.split(".")[: None if path.endswith("__init__.py") else -1]
        own_names = {}  # name in this file -> module
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name in modules:
                        own_names[alias.asname or alias.name] = alias.name
                        yield Import(importer, node.lineno, alias.name)
            elif isinstance(node, ast.ImportFrom):
                start = package[: len(package) - node.level + 1] if node.level else []
                base = ".".join([*start, *filter(None, [node.module])])
                for alias in node.names:
                    if f"{base}.{alias.name}" in modules:
                        own_names[alias.asname or alias.name] = f"{base}.{alias.name}"
                        yield Import(importer, node.lineno, f"{base}.{alias.name}")
                    elif base in modules:
                        yield Import(importer, node.lineno, base, alias.name)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in own_names:
                yield Import(importer, node.lineno, own_names[ast.unparse(node.value)], node.attr)


def floor(module: str) -> int:
    """Return the position of its floor in FLOORS, from the top."""
    return FLOORS.index(module.partition(".")[2].partition(".")[0])


def climbs(found: list[Import]) -> list[str]:
    up = [each for each in found if JUDGE not in each[::2] and floor(each.importer) > floor(each.module)]
    return list(dict.fromkeys(str(each._replace(name="")) for each in up))


def circle(found: list[Import]) -> list[str]:
    """Return the imports that form one circle of modules; none if there is no circle."""
    edges = {(each.importer, each.module): each for each in reversed(found) if each.importer != each.module}
    graph: dict[str, set[str]] = {}
    for importer, module in edges:
        graph.setdefault(importer, set()).add(module)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        modules = error.args[1]  # each of them is imported by the next
        return [str(edges[importer, module]) for module, importer in pairwise(modules)]
    return []


def private(found: list[Import]) -> list[str]:
    def hidden(name: str) -> bool:
        return name.startswith("_") and not name.endswith("__")

    return [str(each) for each in found if hidden(each.name) or hidden(each.module.rpartition(".")[2])]


def around_the_judge(found: list[Import]) -> list[str]:
    return [str(each) for each in found if JUDGE in each[::2] and each.importer != each.module]


PACKAGE = package()


def test_the_package_that_is_read_is_the_one_that_is_tested():
    assert Path(fastmlp.__file__).parent == ROOT / "fastmlp"
    assert len(PACKAGE) > 50
    assert {module_name(path).split(".")[1] for path in PACKAGE if "/" in path.removeprefix("fastmlp/")} <= set(FLOORS)


def test_no_import_climbs():
    assert_none(climbs(list(imports(PACKAGE))))


def test_no_circle_of_imports():
    assert_none(circle(list(imports(PACKAGE))))


def test_no_private_name_is_imported():
    assert_none(private(list(imports(files(".py"), PACKAGE))))


def test_the_reference_stands_apart():
    assert_none(around_the_judge(list(imports(PACKAGE))))
    imported = [node for node in ast.walk(ast.parse(PACKAGE["fastmlp/reference.py"])) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {node.module if isinstance(node, ast.ImportFrom) else alias.name for node in imported for alias in node.names}
    assert {name.partition(".")[0] for name in names} <= {"__future__", "collections", "typing", "numpy"}


# Tests of the check itself: each form of import is found, and so is each forbidden one.
HOUSE = {
    "fastmlp/__init__.py": "from .model import Sequential",
    "fastmlp/kernels/jit.py": "import numpy",
    "fastmlp/engine/run.py": "from ..kernels import jit\nfrom ..kernels.jit import kernel",
    "fastmlp/model/__init__.py": "from .sequential import Sequential",
    "fastmlp/model/sequential.py": "import fastmlp.engine.run\nfrom . import layers",
    "fastmlp/model/layers.py": "",
    "fastmlp/measure/bench/table.py": "from ...model.layers import Dense",
    "fastmlp/reference.py": "import numpy as np",
}


def found(**changed):
    """Return the imports of HOUSE with other sources for some files: kernels_jit="..." replaces fastmlp/kernels/jit.py."""
    files = HOUSE | {f"fastmlp/{name.replace('_', '/', 1)}.py": source for name, source in changed.items()}
    return list(imports(files))


def test_a_house_in_order_is_passed():
    assert found() == [
        Import("fastmlp", 1, "fastmlp.model", "Sequential"),
        Import("fastmlp.engine.run", 1, "fastmlp.kernels.jit"),
        Import("fastmlp.engine.run", 2, "fastmlp.kernels.jit", "kernel"),
        Import("fastmlp.model", 1, "fastmlp.model.sequential", "Sequential"),
        Import("fastmlp.model.sequential", 1, "fastmlp.engine.run"),
        Import("fastmlp.model.sequential", 2, "fastmlp.model.layers"),
        Import("fastmlp.measure.bench.table", 1, "fastmlp.model.layers", "Dense"),
    ]
    for check in (climbs, circle, private, around_the_judge):
        assert check(found()) == []


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("from ..model.layers import Dense", 1),
        ("from ..model import layers", 1),
        ("\nimport fastmlp.model.layers as layers", 2),
        ("\n\nfrom fastmlp.model.layers import Dense", 3),
        ("def lazily():\n    from ..model.layers import Dense", 2),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ..model.layers import Dense", 3),
    ],
)
def test_a_climb_is_seen_in_every_form(source, line):
    (climb,) = climbs(found(kernels_jit=source))
    assert climb.startswith(f"fastmlp.kernels.jit, line {line}, imports ")
    assert climb.endswith("fastmlp.model.layers")


def test_the_public_names_are_above_every_floor():
    assert climbs(found(model_layers="from .. import Sequential")) == ["fastmlp.model.layers, line 1, imports fastmlp"]


def test_a_circle_is_seen_within_a_floor_and_through_several_modules():
    assert circle(found(model_layers="def lazily():\n    from .sequential import Sequential")) in (
        [
            "fastmlp.model.layers, line 2, imports Sequential of fastmlp.model.sequential",
            "fastmlp.model.sequential, line 2, imports fastmlp.model.layers",
        ],
        [
            "fastmlp.model.sequential, line 2, imports fastmlp.model.layers",
            "fastmlp.model.layers, line 2, imports Sequential of fastmlp.model.sequential",
        ],
    )
    assert len(circle(found(kernels_jit="from fastmlp.model import sequential"))) == 3


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("from ..kernels.jit import _cached", "_cached of fastmlp.kernels.jit"),
        ("from ..kernels import jit\njit._cached()", "_cached of fastmlp.kernels.jit"),
        ("import fastmlp.kernels.jit\nfastmlp.kernels.jit._cached()", "_cached of fastmlp.kernels.jit"),
        ("from ..kernels import jit\njit.__name__, self._own, numpy._core", None),
    ],
)
def test_a_private_name_is_seen(source, seen):
    assert [line.partition(" imports ")[2] for line in private(found(model_layers=source))] == ([seen] if seen else [])


def test_the_judge_may_neither_import_nor_be_imported():
    assert around_the_judge(found(model_layers="from .. import reference")) == ["fastmlp.model.layers, line 1, imports fastmlp.reference"]
    assert len(around_the_judge(list(imports(HOUSE | {"fastmlp/reference.py": "from .kernels import jit"})))) == 1


def test_importing_the_package_imports_nothing_slow():
    program = "import sys, fastmlp; print(*sorted({name for name in sys.modules if name in sys.argv[1:]}))"
    slow = ["matplotlib", "onnx", "pandas", "polars", "scipy.optimize", "scipy.stats", "sklearn", "torch"]
    found = python(program, *slow)
    assert (found.returncode, found.stdout.split()) == (0, []), found.stderr
