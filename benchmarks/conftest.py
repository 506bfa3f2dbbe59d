"""What every run of the benchmarks says beside its figures: the machine at the top, the tests' own lines at the bottom.

Nothing may be compiled while a benchmark's clock runs.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import threadpoolctl
from pytest_benchmark.fixture import BenchmarkFixture

from fastmlp.measure.compilation import timed_region
from fastmlp.measure.machine import describe

SETTINGS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_CORETYPE", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")
REPORT = pytest.StashKey[list[str]]()


def environment() -> dict:
    """What a figure depends on and does not say itself; of each BLAS also the CPU that it takes this one for, and its threads."""
    libraries = [pool for pool in threadpoolctl.threadpool_info() if pool["user_api"] == "blas"]
    return describe() | {
        "settings": {name: os.environ.get(name, "unset") for name in SETTINGS},
        "blas_loaded": {
            Path(pool["filepath"]).parent.name: f"{pool['internal_api']} {pool['version']}"
            f" for {pool.get('architecture', 'unknown')} with {pool['num_threads']} threads"
            for pool in sorted(libraries, key=lambda pool: pool["filepath"])
        },
    }


def pytest_xdist_auto_num_workers() -> int:
    """Benchmarks run one by one, in this process."""
    return 0


def pytest_report_header(config: pytest.Config) -> list[str]:
    """The environment, a line for each entry."""

    def text(value: object) -> str:
        return ", ".join(f"{key} {entry}" for key, entry in value.items()) if isinstance(value, dict) else str(value)

    return [f"{name}: {text(value)}" for name, value in environment().items()]


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict) -> None:
    """Save the environment with the figures."""
    machine_info["fastmlp"] = environment()


class Guarded(BenchmarkFixture):
    """pytest-benchmark's fixture; a compilation during its rounds (and their `setup`) is an error, as in every other clock of fastmlp."""

    def __call__(self, *args, **kwargs):
        with timed_region(self.name):
            return super().__call__(*args, **kwargs)

    def pedantic(self, *args, **kwargs):
        with timed_region(self.name):
            return super().pedantic(*args, **kwargs)


@pytest.fixture
def benchmark(benchmark):
    """Guarded. (pytest-benchmark makes the fixture with all its options, and looks for this very object in its reports.)"""
    benchmark.__class__ = Guarded
    return benchmark


@pytest.fixture
def report(request: pytest.FixtureRequest) -> list[str]:
    """Lines to print when all benchmarks are done, whatever pytest captures: append to it."""
    return request.config.stash.setdefault(REPORT, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print them."""
    lines = config.stash.get(REPORT, [])
    if lines:
        terminalreporter.section("fastmlp")
        terminalreporter.write_line("\n".join(lines))
