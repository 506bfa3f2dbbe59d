"""Measure what needs a new process: how long it takes to start, and how much memory it uses."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import NamedTuple

import numpy as np

from ...kernels.vectors import many_registers
from .results import Claim, Effort, Entry, Outcome, Progress

COMPILE_EVERYTHING = ["-m", "fastmlp", "warmup"]  # arguments of Python
FIRST_MODEL = """
import numpy as np
from fastmlp import SGD, Dense, ReLU, Sequential
rng = np.random.default_rng(0)
X, y = rng.random((1000, 784), np.float32), rng.integers(0, 10, 1000)
model = Sequential([Dense(784, 100), ReLU(), Dense(100, 10)], loss="softmax_cross_entropy")
model.fit(X, y, epochs=1, optimizer=SGD(0.05))
print(model.predict(X[:1])[0])
"""

FIRST_FIT = """
import time
import numpy as np
from fastmlp import Dense, ReLU, Sequential
X, y = np.random.default_rng(0).random((2000, 20), np.float32), np.arange(2000) % 2
model = Sequential([Dense(20, 32), ReLU(), Dense(32, 2)], loss="softmax_cross_entropy")
start = time.perf_counter()
model.fit(X, y, epochs=1)
print(time.perf_counter() - start)
"""
FIRST_XOR = """
import time
from fastmlp import train
start = time.perf_counter()
train([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]])
print(time.perf_counter() - start)
"""


class Limits(NamedTuple):
    """Upper bounds of times, in seconds."""

    warm: float  # a process whose compiled code is in the cache
    fit: float  # the first `fit` with an empty cache, float32
    xor: float  # the first `train` with an empty cache, at XOR's size
    cold: float  # compiling everything


MANY_REGISTERS, FEW_REGISTERS = Limits(1.5, 5.0, 2.0, 20.0), Limits(1.5, 6.0, 2.0, 25.0)


@dataclass(frozen=True)
class Start:
    """A section that times a process up to its first fitted model, with a full cache of compiled code and with an empty one."""

    key: str = "start"
    title: str = "Process start to first fitted model, 784-100-10"
    limits: Limits = MANY_REGISTERS if many_registers() else FEW_REGISTERS

    def measure(self, effort: Effort, working_on: Progress) -> Outcome:
        """Time the first calls and the compilation with empty caches; then fill a cache and time processes that use it."""
        rounds = 1 if effort.quick else 3
        working_on(f"{self.title}: the first calls")
        fit, xor = (median(first_call_seconds(program) for _ in range(rounds)) for program in (FIRST_FIT, FIRST_XOR))
        with tempfile.TemporaryDirectory(prefix="fastmlp-bench-") as cache:
            working_on(f"{self.title}: compiling")
            compiling = process_seconds(COMPILE_EVERYTHING, cache)
            model = ["-c", FIRST_MODEL]
            working_on(f"{self.title}: cache full")
            process_seconds(model, cache)
            warm = [process_seconds(model, cache) for _ in range(2 if effort.quick else 5)]
        outcome = Outcome(self.key, self.title, "process", [Entry("fastmlp", seconds=warm)])
        outcome.notes.append(f"Empty cache: the first fit takes {fit:.1f} s, the first XOR {xor:.1f} s, and everything {compiling:.1f} s.")
        outcome.claims = [
            Claim("process start to first fitted model, full cache", "s", self.limits.warm, median(warm), at_least=False),
            Claim("first fit, empty cache", "s", self.limits.fit, fit, at_least=False),
            Claim("first XOR, empty cache", "s", self.limits.xor, xor, at_least=False),
            Claim("compiling everything, empty cache (fastmlp warmup)", "s", self.limits.cold, compiling, at_least=False),
        ]
        return outcome


def process_seconds(arguments: list[str], cache: str) -> float:
    """Time a Python process that keeps its compiled code in `cache`, in seconds."""
    start = perf_counter()
    subprocess.run([sys.executable, *arguments], env=os.environ | {"NUMBA_CACHE_DIR": cache}, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


def first_call_seconds(program: str) -> float:
    """Run a program in a process of its own with an empty cache; return the seconds that it prints for its first call."""
    with tempfile.TemporaryDirectory(prefix="fastmlp-bench-") as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        return float(subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True).stdout)


TRAIN_FROM_MAP = """
import re, sys
from pathlib import Path
import numpy as np
import fastmlp

def memory(kind):
    return int(re.search(kind + r":\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

idle = memory("VmRSS")
X, y = np.load(sys.argv[1], mmap_mode="r"), np.load(sys.argv[2])
model = fastmlp.Sequential([fastmlp.Dense(784, 100), fastmlp.ReLU(), fastmlp.Dense(100, 200), fastmlp.ReLU(), fastmlp.Dense(200, 10)],
                           loss="softmax_cross_entropy", dtype="float32")
model.fit(X, y, epochs=1, optimizer=fastmlp.SGD(0.05))
print(memory("VmHWM") - idle)
"""


@dataclass(frozen=True)
class Memory:
    """A section for the peak memory of training from a memory map, above that of a process that has only imported fastmlp."""

    key: str = "memory"
    title: str = "Memory for training on 60,000 x 784 uint8 from a memory map"
    megabytes: float = 150.0

    def measure(self, effort: Effort, working_on: Progress) -> Outcome:
        """Run one process that compiles if necessary, then one that measures; like the system, count mapped pages of the file."""
        working_on(self.title)
        outcome = Outcome(self.key, self.title, "run", [])
        used, missing = None, ""
        if Path("/proc/self/status").exists():
            rng = np.random.default_rng(0)
            with tempfile.TemporaryDirectory(prefix="fastmlp-bench-") as folder:
                files = [os.path.join(folder, name) for name in ("X.npy", "y.npy")]
                np.save(files[0], rng.integers(0, 256, (60_000, 784), np.uint8))
                np.save(files[1], rng.integers(0, 10, 60_000))
                command = [sys.executable, "-c", TRAIN_FROM_MAP, *files]
                outputs = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(2)]
            used = int(outputs[-1]) / 1e6
        else:
            missing = "the system does not report the memory of a process"
        outcome.claims = [Claim("peak above an idle import", "MB", self.megabytes, used, at_least=False, missing=missing)]
        return outcome
