"""A process that is restricted to AVX2 uses no newer instructions, and reports that."""

import json
import os
import sys

import pytest
from llvmlite.binding import get_host_cpu_features

from fastmlp.measure import instruction_sets
from fastmlp.measure.bench.sections import entries
from fastmlp.measure.instruction_sets import AVX2, HELD, environment, held_to, in_use
from tests.children import run

pytestmark = pytest.mark.any_cpu

has_avx2 = pytest.mark.skipif(not get_host_cpu_features().get("avx2"), reason="this CPU has no AVX2")
TELL = """
import json, numpy as np
from fastmlp.kernels.vectors import vector_bytes
from fastmlp.measure.instruction_sets import held_to, in_use
print(json.dumps([held_to(), vector_bytes(), in_use(), np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])]))
"""
HOLD = (sys.executable, "-m", "fastmlp.measure.instruction_sets", AVX2)


@has_avx2
def test_numba_blas_and_numpy_obey():
    plain = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS_")}
    held, size, used, features = json.loads(run(*HOLD, sys.executable, "-c", TELL, env=plain, check=True).stdout)
    assert (held, size) == (AVX2, 32)
    assert used["fastmlp"] == "256-bit vectors (haswell)"
    assert [what for what in used.values() if what.startswith("openblas")] == ["openblas for Haswell"] * (len(used) - 1)
    assert not [name for name in features if name.startswith(("AVX512", "X86_V4"))]


@has_avx2
def test_the_status_of_the_command_is_passed_on():
    assert run(*HOLD, sys.executable, "-c", "raise SystemExit(3)").returncode == 3


@has_avx2
@pytest.mark.parametrize(
    ("arguments", "said"), [((), "usage:"), (("avx2",), "usage:"), (("sse", "true"), "isa: expected"), (("avx2", "no such"), "no such")]
)
def test_what_cannot_be_run_is_an_error_of_one_line(arguments, said):
    done = run(*HOLD[:-1], *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


@has_avx2
def test_settings_that_are_there_are_kept(monkeypatch):
    settings = environment(AVX2, {"XLA_FLAGS": "--one", "OPENBLAS_L2_SIZE": "1", "HOME": "there"})
    assert settings["XLA_FLAGS"] == "--one --xla_cpu_max_isa=AVX2"
    assert settings["HOME"] == "there"
    assert "OPENBLAS_L2_SIZE" not in settings


def test_an_unknown_set_and_one_that_the_cpu_lacks_are_errors(monkeypatch):
    with pytest.raises(ValueError, match="isa: expected 'avx2', got 'sse'"):
        environment("sse")
    monkeypatch.setattr(instruction_sets, "get_host_cpu_features", dict)
    with pytest.raises(ValueError, match="isa: expected one that this CPU has, got 'avx2'"):
        environment(AVX2)


def test_a_peer_that_cannot_be_held_says_so(monkeypatch):
    monkeypatch.delenv(HELD, raising=False)
    free = entries((("onnxruntime", 1), ("NumPy", 1)), lambda who: "")
    monkeypatch.setenv(HELD, AVX2)
    held = entries((("onnxruntime", 1), ("NumPy", 1)), lambda who: "")
    assert [entry.missing for entry in free + held] == ["", "", "cannot be restricted to avx2", ""]


def test_nothing_is_held_unless_asked(monkeypatch):
    monkeypatch.delenv(HELD, raising=False)
    assert held_to() == ""
    assert in_use()["fastmlp"].endswith(")")


@has_avx2
@pytest.mark.slow
def test_bench_holds_every_worker(tmp_path):
    file = tmp_path / "bench.json"
    done = run(sys.executable, "-m", "fastmlp", "bench", "--isa", AVX2, "--quick", "--seeds", "1", "--only", "iris", "--json", file)
    assert done.returncode == 0, done.stderr
    assert "Restricted to avx2" in done.stdout
    written = json.loads(file.read_text(encoding="utf-8"))
    assert written["environment"]["vector_bits"] == 256
    measured = [entry for entry in written["outcomes"][0]["entries"] if entry["seconds"]]
    assert len(measured) >= 2
    assert {entry["instructions"]["fastmlp"] for entry in measured} == {"256-bit vectors (haswell)"}
