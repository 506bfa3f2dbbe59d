"""The compile cache is never wrong and never fails: after edits, damage and interruptions, and without any place to write."""

import errno
import gc
import io
import json
import os
import re
import shutil
import sys
import threading
from pathlib import Path

import numba
import numpy as np
import pytest
from llvmlite.binding import Linkage
from numba.core.caching import IndexDataCacheFile

import fastmlp
from fastmlp.kernels import jit
from tests.children import python

# A process that runs a cached kernel whose callee is in another file, and prints what it found.
REPORT = """
import json, numpy as np, fastmlp
from fastmlp.kernels.activations import sigmoid_into as kernel
out = np.empty(3)
kernel(out, np.zeros(3))
hits, path = sum(kernel.stats.cache_hits.values()), kernel.stats.cache_path
print(json.dumps({"file": fastmlp.__file__, "value": out[0], "hits": hits, "path": path}))
"""
# This is appended to vector_math.py, where the later definition takes precedence.
EDIT = """

@strict_kernel
def sigmoid(x):
    return x * 0.0 + {value}
"""
FACTOR = 2.0


def scaled(x):
    return x[0] * FACTOR  # changing FACTOR changes the machine code but not this function's bytecode, as an edit of a callee does


def call(dtype=np.float64):
    """Return what a new process gets: the value of scaled([1]), and the number of cache hits."""
    compiled = jit.kernel(scaled)
    return float(compiled(np.ones(1, dtype))), sum(compiled.stats.cache_hits.values())


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    return tmp_path


def only(folder, suffix):
    (path,) = folder.rglob(f"*{suffix}")
    return path


def edit(monkeypatch):
    """Simulate an edit of a callee of `scaled`: the stamp of the package changes, the function's own file does not."""
    monkeypatch.setitem(globals(), "FACTOR", 3.0)
    monkeypatch.setattr(jit, "SOURCE_STAMP", "after the edit")


def full_disk(*arguments):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_the_second_process_compiles_nothing(cache):
    assert call() == (2.0, 0)
    assert call() == (2.0, 1)


def test_an_edit_elsewhere_makes_entries_stale(cache, monkeypatch):
    call()
    edit(monkeypatch)
    assert call() == (3.0, 0)
    assert call() == (3.0, 1)


def test_bounds_checking_is_not_served_unchecked_code(cache, monkeypatch):
    call()
    monkeypatch.setattr(numba.config, "BOUNDSCHECK", 1)
    with pytest.raises(IndexError):
        jit.kernel(scaled)(np.ones(0))


def test_line_numbers_are_not_served_code_without(cache, monkeypatch):
    call()
    monkeypatch.setattr(numba.config, "DEBUGINFO_DEFAULT", 1)
    lined = jit.kernel(scaled)
    lined(np.ones(3))
    (text,) = lined.inspect_asm().values()  # a kernel from the cache has no assembly
    assert re.search(r"\.loc\s", text)


def halve(content):
    return content[: len(content) // 2]


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 0xFF]) + content[middle + 1 :]


def empty(content):
    return b""


def blank(content):
    return bytes(len(content))


@pytest.mark.parametrize("damage", [halve, flip, empty, blank])
@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
def test_a_damaged_file_is_compiled_anew_and_replaced(cache, suffix, damage):
    call()
    path = only(cache, suffix)
    path.write_bytes(damage(path.read_bytes()))
    assert call() == (2.0, 0)
    assert call() == (2.0, 1)


@pytest.mark.parametrize("part", ["_save_index", "_save_data"])
def test_a_full_disk_costs_the_cache_only(cache, monkeypatch, part):
    with monkeypatch.context() as disk:
        disk.setattr(IndexDataCacheFile, part, full_disk)
        assert call() == (2.0, 0)
        assert call() == (2.0, 0)
    assert call() == (2.0, 0)
    assert call() == (2.0, 1)


def test_an_index_ahead_of_its_data_is_noticed(cache, monkeypatch):
    """Numba saves the index first, so a process that ends in between leaves a new index that names the old code."""
    call()
    edit(monkeypatch)
    with monkeypatch.context() as disk:
        disk.setattr(IndexDataCacheFile, "_save_data", full_disk)
        assert call() == (3.0, 0)
    assert call() == (3.0, 0)
    assert call() == (3.0, 1)


def test_two_processes_that_save_at_once_do_not_swap_their_code(tmp_path, monkeypatch):
    """Both processes find no index and number their data 1; here the index of one survives together with the data of the other."""
    for name, dtype in (("one", np.float64), ("other", np.float32)):
        monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / name))
        call(dtype)
    shutil.copy(only(tmp_path / "one", ".nbi"), only(tmp_path / "other", ".nbi"))
    assert call(np.float64) == (2.0, 0)
    assert call(np.float32) == (2.0, 0)
    assert call(np.float64) == call(np.float32) == (2.0, 1)


@pytest.fixture
def copy(tmp_path):
    """A copy of the package to edit."""
    package = tmp_path / "site" / "fastmlp"
    shutil.copytree(Path(fastmlp.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    return package


def report(site, cache, **env):
    """Return what REPORT prints when the package comes from `site`; nothing may be written to stderr."""
    env = os.environ | {"PYTHONPATH": str(site), "NUMBA_CACHE_DIR": str(cache), "PYTHONDONTWRITEBYTECODE": "1"} | env
    done = python(REPORT, env=env, cwd=site.parent)
    assert (done.returncode, done.stderr) == (0, "")
    seen = json.loads(done.stdout)
    assert Path(seen["file"]).is_relative_to(site)
    return seen


def test_an_edit_of_another_file_reaches_the_next_process(copy, tmp_path):
    def seen():
        seen = report(copy.parent, tmp_path / "cache")
        return seen["value"], seen["hits"]

    assert seen() == (0.5, 0)
    assert seen() == (0.5, 1)
    source = copy / "kernels" / "vector_math.py"
    source.write_text(source.read_text(encoding="utf-8") + EDIT.format(value=0.25), encoding="utf-8")
    assert seen() == (0.25, 0)
    assert seen() == (0.25, 1)


def nowhere(tmp_path):
    """An environment whose cache folders are all below a regular file, which stops even root."""
    file = tmp_path / "file"
    file.touch()
    return file / "cache", {"HOME": str(file / "home"), "XDG_CACHE_HOME": str(file / "xdg")}


def test_a_read_only_installation_without_a_cache_compiles_in_memory(copy, tmp_path):
    for folder in (copy, copy / "kernels"):
        (folder / "__pycache__").touch()
    cache, env = nowhere(tmp_path)
    seen = report(copy.parent, cache, **env)
    assert seen["value"] == 0.5
    assert seen["path"] is None or os.name == "nt"  # Windows finds the user's cache in the registry, not in the environment


def test_a_zipped_package_follows_edits_and_needs_no_cache(copy, tmp_path):
    def zipped(name):
        return Path(shutil.make_archive(str(tmp_path / name / "site"), "zip", copy.parent))

    first = zipped("first")
    home = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "home")}
    seen = report(first, tmp_path / "unused", **home)
    assert (seen["value"], seen["hits"]) == (0.5, 0)
    assert seen["path"] is not None
    source = copy / "kernels" / "vector_math.py"
    source.write_text(source.read_text(encoding="utf-8") + EDIT.format(value=0.25), encoding="utf-8")
    os.replace(zipped("second"), first)
    assert report(first, tmp_path / "unused", **home)["value"] == 0.25
    _, env = nowhere(tmp_path)
    assert report(first, tmp_path / "unused", **env)["value"] == 0.25


@jit.kernel
def thrice(x):
    return 3.0 * x.sum()


@jit.entry
def thrice_twice(x):
    return thrice(x) + thrice(x[1:])


def test_a_kernel_runs_the_copies_of_its_callees_that_it_was_compiled_with():
    """A weak symbol would refer to whichever code of that name was loaded first: another after compiling than after loading."""
    assert (thrice(np.ones(3)), thrice_twice(np.ones(3))) == (9, 15)
    for dispatcher in (thrice, thrice_twice):
        (compiled,) = dispatcher.overloads.values()
        defined = [function for function in compiled.library._final_module.functions if not function.is_declaration]
        assert {function.linkage for function in defined} <= {Linkage.external, Linkage.internal}
        assert any(function.linkage == Linkage.external for function in defined)


def test_what_kernels_call_is_compiled_for_them_alone():
    """It has no machine code and nothing on disk, which would be made for every kernel inside another one and never be used."""
    thrice_twice(np.ones(3))
    (part,) = thrice.parts.overloads.values()
    assert part.library.get_pointer_to_function(part.fndesc.llvm_func_name) == 0
    assert thrice.parts.stats.cache_path is None


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_who_waits_at_a_terminal_is_told_why_and_once(cache, monkeypatch):
    monkeypatch.setattr(jit, "told", threading.Event())
    streams = [io.StringIO(), None, Terminal(), Terminal()]
    for stream, dtype in zip(streams, (np.float32, np.float64, np.int32, np.int64), strict=True):
        monkeypatch.setattr(sys, "stderr", stream)
        call(dtype)
    monkeypatch.undo()
    assert [stream and stream.getvalue().count("\n") for stream in streams] == [0, None, 1, 0]
    assert "compiling for this CPU" in streams[2].getvalue()


def test_nobody_is_told_where_the_code_is_there(cache, monkeypatch):
    call()
    monkeypatch.setattr(jit, "told", threading.Event())
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    call()
    assert stream.getvalue() == ""


def test_the_garbage_collector_goes_on_after_compiling():
    assert gc.isenabled()
    jit.kernel(lambda x: x)(1.0)
    assert gc.isenabled()
    with pytest.raises(numba.TypingError):
        jit.kernel(lambda x: x.nothing)(1.0)
    assert gc.isenabled()


@jit.kernel
def deepest(x):
    return 2.0 * x


@jit.kernel
def deeper(x):
    return deepest(x) + 1.0


@jit.kernel
def sideways(x):
    return deeper(x) * deepest(x)


def test_a_callers_own_compiled_function_has_all_that_the_kernels_in_it_call():
    @numba.njit
    def outside(x):
        return sideways(x) + deeper(x)

    assert outside(3.0) == 7 * 6 + 7
    assert sideways(3.0) == 7 * 6


TRAINED = """
import hashlib, numpy as np
from fastmlp import Dense, ReLU, Sequential
rng = np.random.default_rng(0)
model = Sequential([Dense(20, 16), ReLU(), Dense(16, 10)], loss="softmax_cross_entropy", dtype="float32")
model.fit(rng.standard_normal((64, 20)), rng.integers(0, 10, 64), epochs=3, batch_size=32, n_threads=1)
print(hashlib.sha256(model.parameters.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_the_process_that_compiles_and_the_next_one_train_to_the_same_bits(tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "NUMBA_CPU_FEATURES"}
    environment |= {"NUMBA_CPU_NAME": "generic", "NUMBA_CACHE_DIR": str(tmp_path)}
    compiling, loading = (python(TRAINED, env=environment, check=True).stdout for _ in range(2))
    assert compiling == loading
