"""Map files for profilers: the name of every function at its address, only whole lines, and one file per process."""

import errno
import itertools
import json
import os
import platform
import re
import sys

import pytest

import fastmlp
from fastmlp.measure import loaded_code, perf_map
from tests.children import python
from tests.sources import files

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="perf is Linux's")

# Loads one kernel before it enables the map and another one after; prints the entries of the map, and the addresses that Numba reports.
PROGRAM = """
import json, os, sys
import numpy as np
import fastmlp
from fastmlp.kernels.activations import sigmoid_into, sigmoid_slope_into
from fastmlp.measure.perf_map import map_file

def load(kernel, dtype):
    kernel(np.empty(3, dtype), np.zeros(3, dtype))
    (compiled,) = kernel.overloads.values()
    return compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)

def functions():
    lines = map_file().read_text().splitlines()
    return [(int(start, 16), int(size, 16), name) for start, size, name in (line.split(" ", 2) for line in lines)]

def tell(**what):
    print(json.dumps(what), flush=True)

try:
    if "FASTMLP_PERF_MAP" not in os.environ:
        before = load(sigmoid_into, np.float64)
        assert fastmlp.enable_perf_map() == map_file() == fastmlp.enable_perf_map()
    else:
        before = load(sigmoid_into, np.float64)
    after = load(sigmoid_slope_into, np.float32)
    hits = sum(sum(kernel.stats.cache_hits.values()) for kernel in (sigmoid_into, sigmoid_slope_into))
    tell(before=before, after=after, functions=functions(), hits=hits)
    exec(sys.argv[1] if len(sys.argv) > 1 else "")
finally:
    map_file().unlink(missing_ok=True)
"""


def told(program, *arguments, **settings):
    """Return what a program prints as JSON, line by line; any other output is an error."""
    environment = {name: value for name, value in os.environ.items() if name != perf_map.SWITCH} | settings
    done = python(program, *arguments, env=environment)
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def check(functions, before, after):
    """Check that each entry has the address that Numba reports, with its name, and that no two functions overlap."""
    where = {start: name for start, _, name in functions}
    assert where[before] == "fastmlp.sigmoid_into[float64]"
    assert where[after] == "fastmlp.sigmoid_slope_into[float32]"
    assert len(where) == len(functions)
    ends = [(start, start + size) for start, size, _ in sorted(functions)]
    assert all(start < end for start, end in ends)
    assert all(end <= following for (_, end), (following, _) in itertools.pairwise(ends))


@pytest.mark.parametrize("settings", [{}, {"FASTMLP_PERF_MAP": "1"}])
def test_names_stand_at_the_addresses_of_functions_compiled_or_loaded_before_and_after(settings, tmp_path):
    for hits in (0, 2):  # the second process finds both in the cache
        (found,) = told(PROGRAM, NUMBA_CACHE_DIR=str(tmp_path), **settings)
        assert found.pop("hits") == hits
        check(**found)


def test_a_fit_has_a_name_for_every_function_that_it_runs():
    program = """
model = fastmlp.Sequential([fastmlp.Dense(4, 2)], "softmax_cross_entropy", dtype="float32")
model.fit(np.eye(4, dtype="float32"), [0, 1, 1, 0], n_threads=1)
tell(names=[name for _, _, name in functions()])
"""
    _, found = told(PROGRAM, program, FASTMLP_PERF_MAP="1")
    named = set(found["names"])
    assert named >= {f"fastmlp.{name}[float32]" for name in ("train_epochs", "train_step", "gather", "affine", "column", "update")}
    assert "fastmlp.train_epochs[float32], called from Python" in named
    assert not [name for name in named if "_ZN" in name]


def test_a_forked_process_has_a_file_of_its_own():
    program = """
first, here = functions(), map_file()
if os.fork() == 0:
    try:
        assert map_file() != here
        sigmoid_into(np.empty(3, np.float32), np.zeros(3, np.float32))
        tell(functions=functions())
    finally:
        map_file().unlink()
        os._exit(0)
os.wait()
tell(first=first, last=functions())
"""
    parent, child, after = told(PROGRAM, program)
    assert after["first"] == after["last"] == parent["functions"]
    assert child["functions"][: len(after["first"])] == after["first"]
    assert "fastmlp.sigmoid_into[float32]" in [name for _, _, name in child["functions"][len(after["first"]) :]]


@pytest.mark.parametrize(("age", "kept"), [(0, True), (10**6, False)])
def test_what_others_wrote_in_this_process_stays_and_what_an_earlier_process_wrote_does_not(age, kept):
    program = f"""
import os, pathlib, time
file = pathlib.Path({perf_map.FOLDER!r}, f"perf-{{os.getpid()}}.map")
file.write_text("1000 10 py::f\\n")
os.utime(file, (time.time() - {age},) * 2)
""" + PROGRAM.replace("tell(before=before", "tell(first=functions()[0][2], mode=map_file().stat().st_mode, before=before")
    (found,) = told(program)
    assert (found["first"] == "py::f") == kept
    assert kept or found["mode"] & 0o777 == 0o600


def test_a_full_disk_leaves_no_part_of_a_line():
    program = """
import json, resource, signal
import fastmlp
from fastmlp.measure.perf_map import map_file
fastmlp.enable_perf_map()
before = map_file().read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 20, resource.RLIM_INFINITY))
import warnings
with warnings.catch_warnings(record=True) as caught:
    from numba import njit
    njit(lambda x: 2 * x)(1.0)
print(json.dumps([str(each.message) for each in caught]))
print(json.dumps(map_file().read_bytes() == before))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
fastmlp.enable_perf_map()
print(json.dumps(map_file().read_text().count("<lambda>[float64]\\n")))
map_file().unlink()
"""
    warned, same, later = told(program)
    assert warned
    assert all(message.startswith("profilers will not see the names of compiled functions: [Errno 28]") for message in warned)
    assert same
    assert later == 1


# Failures: the function raises errors, the environment variable gives warnings.


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda file: file.parent.rmdir(), errno.ENOENT),
        (lambda file: file.mkdir(), errno.EISDIR),
        (lambda file: file.symlink_to("elsewhere"), errno.ELOOP),
    ],
)
def test_a_file_that_cannot_be_written_is_named(make, error, tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir()
    monkeypatch.setattr(perf_map, "FOLDER", str(folder))
    make(perf_map.map_file())
    with pytest.raises(OSError, match=r"perf-\d+\.map") as raised:
        fastmlp.enable_perf_map()
    assert (raised.value.errno, raised.value.filename) == (error, str(perf_map.map_file()))


def test_no_permission(tmp_path):
    program = """
import json, os, sys
import itanium_demangler, lief
import fastmlp
from fastmlp.measure import perf_map
perf_map.FOLDER = sys.argv[1]
code = perf_map.LoadedCode()  # while LLVM's library may be read
perf_map.LoadedCode = lambda: code
os.chmod(sys.argv[1], 0o500)
if os.geteuid() == 0:
    os.seteuid(65534)  # root may write everywhere
try:
    fastmlp.enable_perf_map()
except PermissionError as error:
    print(json.dumps([str(error), str(perf_map.map_file())]))
"""
    ((message, file),) = told(program, tmp_path)
    assert message == f"[Errno {errno.EACCES}] {os.strerror(errno.EACCES)}: {file!r}"


def test_another_system(monkeypatch):
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(OSError, match=r"perf reads map files only on Linux, and this is Darwin: .*perf-\d+\.map"):
        fastmlp.enable_perf_map()


@pytest.mark.parametrize("package", ["lief", "itanium_demangler"])
def test_packages_that_are_missing(package, monkeypatch, tmp_path):
    monkeypatch.setattr(perf_map, "FOLDER", str(tmp_path))
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match=rf'functions in memory needs {package}, .* pip install "fastmlp\[perf\]"'):
        fastmlp.enable_perf_map()


def test_a_library_that_cannot_be_read(monkeypatch):
    import lief

    monkeypatch.setattr(lief.ELF, "parse", lambda file: None)
    with pytest.raises(RuntimeError, match=r"functions in memory cannot be found: .*llvmlite.* cannot be read"):
        fastmlp.enable_perf_map()


def test_a_library_without_its_symbols(monkeypatch):
    monkeypatch.setattr(loaded_code, "LIST", "__no_such_symbol")
    with pytest.raises(RuntimeError, match=r"functions in memory cannot be found: .*llvmlite.* has no symbol __no_such_symbol"):
        fastmlp.enable_perf_map()


@pytest.mark.parametrize(
    ("value", "warning"),
    [
        ("0", None),
        ("", None),
        ("yes", "FASTMLP_PERF_MAP: expected 0 or 1, got 'yes'"),
        ("1", "profilers will not see the names of compiled functions: [Errno 21]"),
    ],
)
def test_the_switch_warns_and_goes_on(value, warning):
    program = f"""
import json, os, pathlib, warnings
file = pathlib.Path({perf_map.FOLDER!r}, f"perf-{{os.getpid()}}.map")
file.mkdir()
try:
    with warnings.catch_warnings(record=True) as caught:
        import fastmlp
        import numpy as np
        fastmlp.sigmoid(np.zeros(3))
    print(json.dumps([str(each.message) for each in caught]))
finally:
    file.rmdir()
"""
    (found,) = told(program, FASTMLP_PERF_MAP=value)
    assert len(found) == (warning is not None)
    assert not found or found[0].startswith(warning)


@pytest.mark.parametrize(
    ("symbol", "name"),
    [
        ("_ZN7fastmlp7kernels6epochs5trainB2v5E5ArrayIdLi2E1C7mutable7alignedE29State_28array_28float32_29_29", "fastmlp.train[float32]"),
        ("cfunc._ZN7fastmlp5zeros9find_usedB4v158Ex", "fastmlp.find_used, called from C"),
        ("_ZN4user6module4make12_3clocals_3e1fB2v1Ed", "user.module.make.<locals>.f[float64]"),
        (".dtor.list.unicode_type", ".dtor.list.unicode_type"),
    ],
)
def test_names(symbol, name):
    assert perf_map.readable_name(symbol) == name


def test_the_program_in_the_docs_names_addresses(tmp_path):
    (program,) = re.findall(
        r"^`name_addresses.py`:\n\n```python\n(.*?)^```", files(".md")["docs/how-to/other-profilers.md"], re.MULTILINE | re.DOTALL
    )
    (tmp_path / "map").write_text("1010 10 fastmlp.f[float32], called from C\n1000 8 g\n")
    done = python(program, tmp_path / "map", input="a;0x1010 (?) 3\na;0x101f (?);0x1007 (?) 1\n0x1008 (?) 2\n0xfff (?);0x1000 (libc) 1\n")
    f = "fastmlp.f[float32], called from C"
    assert done.stdout == f"a;{f} 3\na;{f};g 1\n0x1008 (?) 2\n0xfff (?);0x1000 (libc) 1\n"


def test_nothing_is_written_unasked():
    assert not perf_map.map_file().exists()
