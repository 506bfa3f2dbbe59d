"""Inspecting machine code: the reader of assembly on loops from LLVM, the registry of kernels, and what users get."""

import json
import os
import subprocess

import numpy as np
import pytest
from click.testing import CliRunner
from numba import typeof

from fastmlp import Dense, Inspection, ReLU, Sequential, inspect_kernel
from fastmlp.cli.commands import main
from fastmlp.kernels.epochs import train_epochs
from fastmlp.measure import inspection
from fastmlp.measure.assembly import innermost_loops
from fastmlp.measure.cpus import compiling_for
from fastmlp.measure.inspectable import KERNELS, find
from fastmlp.measure.inspection import CompilationFailed, NotVectorized, compile_twice, not_vectorized, with_sources
from fastmlp.measure.instructions import instruction

pytestmark = pytest.mark.any_cpu

AVX2 = """
\t.file\t"<string>"
_ZN7fastmlp7kernels8products6columnB2v1B40c8tJTI: # @_ZN7fastmlp7kernels8products6columnB2v1B40c8tJTI
# %bb.0:                                # %entry
\tvfmadd231ps\t%ymm0, %ymm1, %ymm2      # ymm2 = (ymm1 * ymm0) + ymm2
\t.file\t1 "/package/kernels" "tile.py"
.LBB0_1:                                # =>This Loop Header: Depth=1
                                        #     Child Loop BB0_2 Depth 2
\tmovq\t%rax, %rbx
\t.p2align\t4
.LBB0_2:                                # %B12
                                        #   Parent Loop BB0_1 Depth=1
                                        # =>  This Inner Loop Header: Depth=2
\t.loc\t1 121 1                         # tile.py:121:1
\tvbroadcastss\t(%rdx,%rbx,4), %ymm4
\tvmovups\t-32(%r15), %ymm5
\tvfmadd231ps\t%ymm4, %ymm5, %ymm0      # ymm0 = (ymm5 * ymm4) + ymm0
\tvfmadd231ps\t(%r15), %ymm4, %ymm1     # ymm1 = (ymm4 * mem) + ymm1
\t#APP
\t#NO_APP
\tvmovaps\t%ymm1, 64(%rsp)              # 32-byte Spill
\t.loc\t1 122 1
\taddq\t-96(%rbp), %rax                 # 8-byte Folded Reload
\tprefetcht0\t(%rax)
\tjne\t.LBB0_4
# %bb.3:                                #   in Loop: Header=BB0_2 Depth=2
\tcallq\t*%rax
.Ltmp3:
.LBB0_4:                                # %B13
                                        #   in Loop: Header=BB0_2 Depth=2
\tcmpq\t%rax, (%rcx)
\tjl\t.LBB0_2
\tjmp\t.LBB0_5
.LBB0_5:                                #   in Loop: Header=BB0_1 Depth=1
\tjne\t.LBB0_1
# %bb.6:
\tretq
"""
AVX512 = """
kernel:                                 # @kernel
# %bb.0:
\ttestq\t%rsi, %rsi
.LBB0_1:                                # =>This Inner Loop Header: Depth=1
\tvmulps\t(%rdi){1to16}, %zmm1, %zmm2
\tvaddps\t%zmm2, %zmm3, %zmm3
\tvpermilps\t$1, %zmm3, %zmm4
\tvmovups\t%zmm4, (%rdi) {%k1}
\tvfmadd213sd\t(%rax), %xmm1, %xmm2
\tvextractf32x4\t$1, %zmm4, 16(%rdi)
\tkortestw\t%k1, %k1
\tlock\t\tincq\t(%rdi)
\tleaq\t64(%rdi), %rdi
\tjne\t.LBB0_1
# %bb.2:
\tretq
"""
NEON = """
axpy:                                   // @axpy
// %bb.0:                               // %entry
\tmov\tx8, xzr
.LBB0_1:                                // %loop
                                        // =>This Inner Loop Header: Depth=1
\tldr\tq1, [x1], #16
\tadd\tx8, x8, #4
\tldr\tq2, [sp, #32]                    // 16-byte Folded Reload
\tcmp\tx8, x2
\tfmla\tv2.4s, v0.4s, v1.s[0]
\tfmadd\td0, d1, d2, d3
\tfmul\tv3.4s, v2.4s, v2.4s
\tzip1\tv4.4s, v2.4s, v3.4s
\tprfm\tpldl1keep, [x0]
\tstr\tq2, [x0], #16
\tbl\texp
\tb.lt\t.LBB0_1
// %bb.2:                               // %end
\tret
"""


def test_avx2_innermost_loop():
    (loop,) = innermost_loops(AVX2, "x86_64")
    assert (loop.function, loop.label, loop.depth, loop.source) == ("fastmlp.kernels.products.column", "BB0_2", 2, "tile.py:122")
    assert loop.counts() == {
        "scalar": {"integer": 2, "branch": 2, "call": 1, "prefetch": 1},
        "ymm": {"load": 2, "store": 1, "multiply-add": 2},
    }
    assert len(loop.instructions) == 11  # without the jump that leaves the loop
    assert (loop.multiply_adds, loop.loads, loop.stores, loop.spills, loop.calls) == (2, 5, 1, 2, 1)
    assert loop.loads_per_multiply_add == 2.5
    assert loop.text.startswith("vbroadcastss\t(%rdx")
    assert json.loads(json.dumps(loop.to_dict()))["assembly"] == loop.text.split("\n")


def test_avx512_innermost_loop():
    (loop,) = innermost_loops(AVX512, "x86_64")
    assert (loop.function, loop.source) == ("kernel", "")
    assert loop.counts() == {
        "scalar": {"multiply-add": 1, "arithmetic": 1, "integer": 2, "branch": 1},
        "zmm": {"store": 1, "multiply": 1, "arithmetic": 1, "shuffle": 2},
    }
    assert (loop.loads, loop.stores, loop.spills) == (3, 3, 0)


def test_arm_innermost_loop():
    (loop,) = innermost_loops(NEON, "aarch64")
    assert loop.counts() == {
        "scalar": {"multiply-add": 1, "integer": 2, "branch": 1, "call": 1, "prefetch": 1},
        "v": {"load": 2, "store": 1, "multiply-add": 1, "multiply": 1, "shuffle": 1},
    }
    assert (loop.multiply_adds, loop.loads, loop.stores, loop.spills, loop.calls) == (2, 2, 1, 1, 1)


@pytest.mark.parametrize(
    ("text", "kind", "width", "memory"),
    [
        ("vmovss\t%xmm1, 8(%rax)", "store", "scalar", "s"),
        ("movups\t(%rax), %xmm1", "load", "xmm", "l"),
        ("vmovaps\t%ymm1, %ymm2", "shuffle", "ymm", ""),
        ("movslq\t(%rax), %rcx", "load", "scalar", "l"),
        ("movabsq\t$94, %rcx", "integer", "scalar", ""),
        ("addq\t$8, (%rax)", "integer", "scalar", "ls"),
        ("cmpq\t$8, (%rax)", "integer", "scalar", "l"),
        ("vpmovzxbd\t(%rax), %zmm1", "arithmetic", "zmm", "l"),
        ("vcvtsi2sd\t%rax, %xmm1, %xmm1", "arithmetic", "scalar", ""),
        ("mulpd\t(%rax), %xmm1", "multiply", "xmm", "l"),
        ("imulq\t%rax, %rcx", "integer", "scalar", ""),
        ("vxorps\t%xmm1, %xmm1, %xmm1", "arithmetic", "xmm", ""),
        ("vmaskmovps\t%ymm1, %ymm2, (%rax)", "store", "ymm", "s"),
        ("vgatherqpd\t(,%zmm1,8), %zmm2 {%k1}", "load", "zmm", "l"),
        ("setne\t(%rax)", "store", "scalar", "s"),
        ("vpabsd\t%ymm1, %ymm2", "arithmetic", "ymm", ""),
        ("pushq\t%rbx", "store", "scalar", "s"),
        ("nopw\t%cs:(%rax,%rax)", "integer", "scalar", ""),
        ("vbroadcastsd\t%xmm1, %zmm2", "shuffle", "zmm", ""),
        ("callq\t*(%rax)", "call", "scalar", "l"),
    ],
)
def test_x86_instructions(text, kind, width, memory):
    read = instruction(text, "x86_64")
    assert (read.kind, read.width, "l" * read.loads + "s" * read.stores) == (kind, width, memory)


def test_assembly_that_cannot_be_read():
    with pytest.raises(ValueError, match=r"^text: expected assembly with LLVM's comments, got none"):
        innermost_loops("f:\n\tretq\n", "x86_64")
    with pytest.raises(ValueError, match=r"^architecture: expected x86_64 or aarch64, whose assembly can be read, got 'riscv64'"):
        innermost_loops(AVX2, "riscv64")
    assert innermost_loops("", "x86_64") == []


def test_lines_come_from_loops_that_are_alike():
    plain, *_ = innermost_loops(AVX2.replace("\t.loc", "\t#"), "x86_64")
    with_lines = innermost_loops(AVX2.replace("%rax", "%r8"), "x86_64")
    assert [loop.source for loop in with_sources([plain], with_lines)] == ["tile.py:122"]
    assert [loop.source for loop in with_sources([plain], innermost_loops(AVX512, "x86_64"))] == [""]


def test_reasons_of_one_line_stand_together():
    remarks = """
remark: losses.py:9:1: loop not vectorized: call instruction cannot be vectorized
remark: losses.py:9:1: loop not vectorized: call instruction cannot be vectorized
remark: losses.py:9:1: loop not vectorized
remark: tile.py:122:1: loop not vectorized: instruction return type cannot be vectorized
remark: losses.py:0:0: loop not vectorized
remark: losses.py:30:1: vectorized loop (vectorization width: 8, interleaved count: 4)
"""
    assert not_vectorized(remarks, innermost_loops(AVX2, "x86_64")) == (
        NotVectorized("losses.py", (), False),
        NotVectorized("losses.py:9", ("call instruction cannot be vectorized",), False),
        NotVectorized("tile.py:122", ("instruction return type cannot be vectorized",), True),
    )


@pytest.mark.parametrize("name", KERNELS)
def test_every_kernel_has_all_its_arguments(name, dtype):
    kernel = KERNELS[name]
    assert kernel.function.py_func.__code__.co_argcount == len([typeof(value) for value in kernel.arguments(np.dtype(dtype))])
    assert find(name) == (name, kernel)


def test_the_training_that_is_inspected_is_that_of_fit(dtype):
    model = Sequential([Dense(4, 3), ReLU(), Dense(3, 2)], "softmax_cross_entropy", dtype=dtype)
    model.fit(np.eye(4, dtype=dtype), [0, 1, 1, 0], epochs=1, n_threads=1)
    assert tuple(map(typeof, KERNELS["train_epochs"].arguments(np.dtype(dtype)))) in train_epochs.signatures


@pytest.mark.slow
@pytest.mark.parametrize("name", KERNELS)
def test_every_kernel_can_be_inspected(name):
    seen = inspect_kernel(name, "float64")
    assert seen.loops or name in ("dense", "forward_pass")
    assert json.loads(json.dumps(seen.to_dict(), allow_nan=False))["kernel"] == name


def test_a_cpu_without_multiply_adds_multiplies_and_adds():
    seen = inspect_kernel("affine", cpu="generic")
    assert isinstance(seen, Inspection)
    assert (seen.kernel, seen.cpu, seen.vector_bits, seen.function) == ("product", "generic", 128, "fastmlp.kernels.products.affine")
    assert list(seen.arguments) == ["z", "W", "b", "x", "inputs", "outputs", "scratch", "stop"]
    if seen.architecture == "x86_64":
        assert not any(loop.multiply_adds for loop in seen.loops)
        assert seen.loops[0].count("multiply", "xmm") >= 12
    assert any(each.in_vectors and each.source.startswith("products.py:") for each in seen.not_vectorized)
    assert any("call instruction cannot be vectorized" in each.reasons for each in seen.not_vectorized)
    assert "products.py:" in seen.loops[0].source


def test_a_kernel_that_calls_itself_nothing_has_calls():
    calls = [loop for loop in inspect_kernel("product").loops if loop.calls]
    assert calls  # `affine` loops over its blocks and calls a function for each
    assert all(loop.spills for loop in calls)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"kernel": "afine"}, ValueError, "^kernel: expected one that `fastmlp inspect` lists, got 'afine'; is it affine?"),
        ({"kernel": "zzz"}, ValueError, "^kernel: expected one that `fastmlp inspect` lists, got 'zzz'$"),
        ({"kernel": 3}, TypeError, "^kernel: expected a str, got int"),
        ({"dtype": "float16"}, ValueError, "^dtype: expected 'float32' or 'float64', got 'float16'"),
        ({"cpu": "pentium-9"}, ValueError, "^cpu: expected one that LLVM knows for this architecture, got 'pentium-9'"),
        ({"cpu": 386}, TypeError, "^cpu: expected a str, got int"),
        ({"cpu": "a\0b"}, ValueError, "^cpu: expected a name without null characters"),
    ],
)
def test_arguments_that_do_not_fit(arguments, error, message):
    with pytest.raises(error, match=message):
        inspect_kernel(**{"kernel": "tile"} | arguments)


def test_other_settings_stay_when_compiling_for_another_cpu():
    assert compiling_for("generic", {"A": "1", "NUMBA_CPU_NAME": "b"}) == {"A": "1", "NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}


def test_a_compilation_that_fails_says_why():
    with pytest.raises(CompilationFailed, match=r"^compiling nothing for float32 ended with status 1: KeyError: 'nothing'"):
        compile_twice("nothing", "float32", dict(os.environ))


def test_an_interrupt_leaves_no_process_behind(monkeypatch):
    started = []

    class Interrupted(subprocess.Popen):
        def communicate(self, *args, **kwargs):
            started.append(self)
            raise KeyboardInterrupt

    monkeypatch.setattr(inspection.subprocess, "Popen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        compile_twice("tile", "float32", dict(os.environ))
    assert started[0].returncode is not None


def test_the_command_shows_and_writes_a_kernel(tmp_path):
    arguments = ["inspect", "relu", "--dtype", "float64", "--asm", "--loops", "1", "--json", str(tmp_path / "relu.json")]
    done = CliRunner().invoke(main, arguments, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    for words in ("activate_leaky, float64", "Signature", "slope", "innermost loops", "activations.py:", "Their instructions", "Wrote"):
        assert words in done.output
    found = json.loads((tmp_path / "relu.json").read_text())
    assert found["schema"] == "fastmlp.inspect/1"
    assert found["loops"][0]["assembly"][0].expandtabs() in done.output
    assert found["arguments"]["z"] == "array(float64, 1d, C)"


def test_the_command_lists_the_kernels():
    done = CliRunner().invoke(main, ["inspect"], catch_exceptions=False)
    assert done.exit_code == 0
    for name in (*KERNELS, "affine", "backproject"):
        assert name in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["afine"], "kernel: expected one that `fastmlp inspect` lists, got 'afine'; is it affine?"),
        (["tile", "--cpu", "haswell-9"], "cpu: expected one that LLVM knows"),
        (["tile", "--dtype", "int8"], "'int8' is not one of"),
        (["tile", "--json", "a.txt"], "expected a name that ends in .json"),
        (["--asm"], "KERNEL: expected the name of a kernel, got none"),
        (["tile", "--loops", "0"], "0 is not in the range"),
    ],
)
def test_what_the_command_refuses(arguments, message):
    done = CliRunner().invoke(main, ["inspect", *arguments])
    assert done.exit_code == 2
    assert message in " ".join(done.output.split())


def test_a_failed_compilation_is_one_line(monkeypatch):
    def fail(*_):
        raise CompilationFailed("compiling tile for float32 ended with status -9: no message")

    monkeypatch.setattr(inspection, "inspect_kernel", fail)
    done = CliRunner().invoke(main, ["inspect", "tile"])
    assert (done.exit_code, done.output) == (1, "Error: compiling tile for float32 ended with status -9: no message\n")
