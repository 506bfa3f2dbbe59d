"""What only a fresh process can tell: how long it takes to start, and how much memory it needs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np

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


@dataclass(frozen=True)
class Start:
    """From the start of a process to its first fitted model: with a full cache of compiled code, and with none."""

    key: str = "start"
    title: str = "Process start to first fitted model, 784-100-10"
    warm: float = 1.5
    cold: float = 40.0

    def measure(self, effort: Effort, working_on: Progress) -> Outcome:
        """The first process fills an empty cache, the following ones find it."""
        with tempfile.TemporaryDirectory(prefix="fastmlp-bench-") as cache:
            working_on(f"{self.title}: compiling")
            compiling = process_seconds(COMPILE_EVERYTHING, cache)
            model = ["-c", FIRST_MODEL]
            working_on(f"{self.title}: cache full")
            process_seconds(model, cache)
            warm = [process_seconds(model, cache) for _ in range(2 if effort.quick else 5)]
        outcome = Outcome(self.key, self.title, "process", [Entry("fastmlp", seconds=warm)])
        outcome.notes.append(f"Compiling everything from nothing takes {compiling:.1f} s.")
        outcome.claims = [
            Claim("process start to first fitted model, full cache", "s", self.warm, median(warm), at_least=False),
            Claim("compiling everything from nothing (fastmlp warmup)", "s", self.cold, compiling, at_least=False),
        ]
        return outcome


def process_seconds(arguments: list[str], cache: str) -> float:
    """The time of a Python process that keeps its compiled code in `cache`."""
    start = perf_counter()
    subprocess.run([sys.executable, *arguments], env=os.environ | {"NUMBA_CACHE_DIR": cache}, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - start


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
    """The most memory that training from a memory map takes, above that of a process that has imported fastmlp."""

    key: str = "memory"
    title: str = "Memory for training on 60,000 x 784 uint8 from a memory map"
    megabytes: float = 150.0

    def measure(self, effort: Effort, working_on: Progress) -> Outcome:
        """A process to compile, if need be, and one to measure. Mapped pages of the file count, as the system counts them."""
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
            missing = "the system does not tell"
        outcome.claims = [Claim("peak above an idle import", "MB", self.megabytes, used, at_least=False, missing=missing)]
        return outcome
