"""Time 10,000 epochs of XOR in float64: the fused loop compared with the C program `xor.c` and with the document's NumPy loop.

Their runs alternate, so that a drifting clock affects all of them equally, and the ratios of the medians are reported. No benchmark fails
for being slow.
"""

import shutil
import subprocess
from collections import defaultdict
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest

from fastmlp import reference
from fastmlp.measure.gradients import TRAINING
from fastmlp.measure.ladder import LADDER, problem

EPOCHS, LEARNING_RATE = 10_000, 0.12  # as in the document and in xor.c
TURNS = 21
RUNS = 5  # runs of the fast ones in each turn, of which the median counts: in the first run, the caches hold another program's data
C_FLAGS = ("-Ofast", "-march=native")
C_PROGRAMS = {"C": (), "C for this problem alone": ("-DFIXED",)}
FLOORS = {"C": 1 / 1.2, "NumPy": 150}  # targets: how many times as long as `fused` each should take at least


def arguments():
    """Return the arguments of a registered training, which records the errors of the first and of the last epoch."""
    return *problem(LADDER["XOR"]), EPOCHS, LEARNING_RATE, EPOCHS - 1


def in_python(training, runs):
    """Return the seconds and the last error of a registered training."""
    data, seconds = arguments(), []
    for _ in range(runs):
        start = perf_counter()
        run = training(*data)
        seconds.append(perf_counter() - start)
    return median(seconds), run.errors[-1]


def in_c(program):
    """Return the seconds and the last error that `xor.c` measures and prints."""
    seconds, error = subprocess.check_output([program, str(RUNS), str(EPOCHS)], text=True).split()
    return float(seconds), float(error)


def build(compiler, directory):
    """Compile `xor.c` in each way; return the functions that run it, by name."""
    programs = {}
    for number, (name, flags) in enumerate(C_PROGRAMS.items()):
        program = directory / f"xor{number}.exe"
        subprocess.run([compiler, *C_FLAGS, *flags, Path(__file__).with_name("xor.c"), "-o", program, "-lm"], check=True)
        programs[name] = partial(in_c, program)
    return programs


def table(seconds):
    """Format the milliseconds of each, the ratio to `fused`, and the target for that ratio."""
    lines = [f"{'':28}{'ms':>10}{'x fused':>10}{'target':>12}"]
    for name, value in sorted(seconds.items(), key=lambda item: item[1]):
        target = f">= {FLOORS[name]:.3g}" if name in FLOORS else ""
        lines.append(f"  {name:26}{value * 1e3:10.3f}{value / seconds['fused']:10.2f}{target:>12}")
    return lines


def test_xor(benchmark, tmp_path, report):
    fused = TRAINING["fused"]["compiled"]
    runners = {"NumPy": partial(in_python, TRAINING["backward_pass"]["NumPy"], 1)}  # the fastest of the document's three
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler:
        runners |= build(compiler, tmp_path)
        compiled_by = f"{subprocess.check_output([compiler, '--version'], text=True).splitlines()[0]}, {' '.join(C_FLAGS)}"
    else:
        compiled_by = "no C compiler (gcc or cc) was found: THE C PROGRAM WAS NOT RUN"
    runners["fused"] = partial(in_python, fused, RUNS)

    X, y, w1, w2 = problem(LADDER["XOR"])
    expected = reference.train(X, y, epochs=EPOCHS, learning_rate=LEARNING_RATE, w1=w1, w2=w2, record_every=EPOCHS - 1).errors[-1]
    measured = defaultdict(list)

    def turn():
        for name, run in runners.items():
            seconds, error = run()
            assert error == pytest.approx(expected, rel=1e-9, abs=0), name
            measured[name].append(seconds)

    turn()  # checks and compiles everything before anything counts
    measured.clear()
    benchmark.group = f"XOR, {EPOCHS} epochs"
    benchmark.pedantic(fused, arguments(), setup=turn, rounds=TURNS)

    report.append(f"XOR, {EPOCHS:,} epochs, float64: {', '.join(runners)} agree; {compiled_by}")
    if benchmark.enabled:
        seconds = {name: median(values) for name, values in measured.items()}
        report += [f"Medians of {TURNS} turns:", *table(seconds)]
        benchmark.extra_info |= {
            "compiled_by": compiled_by,
            "seconds": seconds,
            "times_fused": {name: value / seconds["fused"] for name, value in seconds.items()},
        }
