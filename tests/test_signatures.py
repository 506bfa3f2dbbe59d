"""Compiled functions take few arguments; longer lists are replaced by named views (a block of memory, a span of an axis)."""

import ast
from collections.abc import Iterator

import pytest

from tests.sources import COMPILING, assert_none, package

pytestmark = pytest.mark.any_cpu

MOST = 8
# Compiled functions that take more arguments, each with its reason.
EXCEPTIONS = {
    "fastmlp/two_layer/train.py: _train_compiled": "the arguments of the public `train`, for which it stands in compiled code",
}


def called_name(node: ast.expr) -> str:
    """Return the last name of a decorator or of a called function: kernel for ``@jit.kernel(literals=True)``."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def compilers(sources: dict[str, str]) -> set[str]:
    """Return the functions that compile what they decorate: those of kernels/jit.py, those that call one of them, Numba's intrinsic."""
    names = {node.name for node in ast.parse(sources[COMPILING]).body if isinstance(node, ast.FunctionDef) and node.name[0] != "_"}
    decorate = set()
    for path, source in sources.items():
        for node in ast.parse(source).body if path != COMPILING else []:
            if isinstance(node, ast.FunctionDef) and not names & {called_name(decorator) for decorator in node.decorator_list}:
                inside = [child for child in ast.walk(node) if isinstance(child, ast.Call | ast.FunctionDef)]
                used = {called_name(child) for child in inside if isinstance(child, ast.Call)}
                decorate |= {node.name} if names & used else set()
    return names | decorate | {"intrinsic"}


def compiled_functions(source: str, decorators: set[str]) -> Iterator[tuple[str, ast.FunctionDef | ast.Lambda]]:
    """Yield name and definition of what is compiled: functions with a decorator or passed to one in a call, and functions inside these."""
    tree = ast.parse(source)
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    compiled: list[ast.FunctionDef | ast.Lambda] = []
    done: set[ast.expr] = set()  # in ``@in_compiled_code(f)`` and ``in_compiled_code(f)(body)``, f itself is not compiled
    for node in functions.values():
        done.update(node.decorator_list)
        if decorators & {called_name(decorator) for decorator in node.decorator_list}:
            compiled.append(node)
    for node in ast.walk(tree):  # an outer call comes before the calls inside it
        if isinstance(node, ast.Call) and node not in done:
            given = [argument if isinstance(argument, ast.Lambda) else functions.get(called_name(argument)) for argument in node.args]
            given = [each for each in given if each is not None]
            if given and called_name(node.func if isinstance(node.func, ast.Call) else node) in decorators:
                compiled += given
                done.add(node.func)
    for outer in compiled:
        name = outer.name if isinstance(outer, ast.FunctionDef) else "lambda"
        yield from ((name, node) for node in ast.walk(outer) if isinstance(node, ast.FunctionDef | ast.Lambda))


def argument_count(node: ast.FunctionDef | ast.Lambda) -> int:
    """Return the number of arguments, without the first one of an intrinsic, which Numba provides."""
    names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    return len(names) - (names[:1] == ["typingctx"])


def long_signatures(sources: dict[str, str]) -> dict[str, int]:
    """Return every compiled function with more than MOST arguments, and their number."""
    decorators, found = compilers(sources), {}
    for path, source in sources.items():
        for name, node in compiled_functions(source, decorators):
            if argument_count(node) > MOST:
                found[f"{path}: {name}"] = argument_count(node)
    return found


def test_compiled_functions_take_few_arguments():
    found = long_signatures(package())
    assert_none([f"{function}: {count} arguments" for function, count in found.items() if function not in EXCEPTIONS])
    assert set(EXCEPTIONS) <= set(found), "an exception that is no longer needed"
    assert len(EXCEPTIONS) <= 3


# Tests of the check itself: it finds every way to compile a function.
JIT = "def kernel(f): ...\ndef in_compiled_code(f): ...\ndef _cached(f): ...\n"
NINE = "a, b, c, d, e, f, g, h, i"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (f"@kernel\ndef k({NINE}): ...", "k"),
        (f"@kernel(literals=True)\ndef k({NINE}): ...", "k"),
        ("@jit.kernel\ndef k(a, /, b, c, d, e, f, *, g, h, i): ...", "k"),
        (f"@intrinsic\ndef k(typingctx, {NINE}): ...", "k"),
        (f"@in_compiled_code(f)\ndef k(a):\n    def body({NINE}): ...\n    return body", "k"),
        (f"@in_compiled_code(f)\ndef k(a):\n    return lambda {NINE}: a", "k"),
        (f"def k({NINE}): ...\ncompiled = kernel(k)", "k"),
        (f"compiled = kernel(lambda {NINE}: a)", "lambda"),
        (f"def k({NINE}): ...\nkernel(k)(1)", "k"),
        (f"def k({NINE}): ...\nin_compiled_code(function)(k)", "k"),
        (f"def document(**shapes):\n    return lambda f: kernel(f)\n@document(X='NI')\ndef k({NINE}): ...", "k"),
        (f"def k({NINE}): ...", None),
        (f"@_cached\ndef k({NINE}): ...", None),
        (f"def k({NINE}): ...\n@in_compiled_code(k)\ndef body(types): ...", None),
        (f"def k({NINE}): ...\nin_compiled_code(k)(lambda types: 1)", None),
        ("@kernel\ndef k(a, b, c, d, e, f, g, h): ...", None),
        ("@intrinsic\ndef k(typingctx, a, b, c, d, e, f, g, h): ...", None),
    ],
)
def test_a_long_signature_is_seen_however_it_is_compiled(source, name):
    sources = {COMPILING: JIT, "fastmlp/kernels/a.py": source}
    assert long_signatures(sources) == ({} if name is None else {f"fastmlp/kernels/a.py: {name}": 9})
