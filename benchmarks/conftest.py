"""Print the machine at the top of every run of the benchmarks and the tests' own lines at the bottom.

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
    """Return what the figures depend on; for each BLAS this includes the CPU that it assumes, and its threads."""
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
    """Run the benchmarks one by one, in this process."""
    return 0


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Return the environment, one line per entry."""

    def text(value: object) -> str:
        return ", ".join(f"{key} {entry}" for key, entry in value.items()) if isinstance(value, dict) else str(value)

    return [f"{name}: {text(value)}" for name, value in environment().items()]


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict) -> None:
    """Save the environment together with the figures."""
    machine_info["fastmlp"] = environment()


class Guarded(BenchmarkFixture):
    """pytest-benchmark's fixture, in which compiling during the rounds (and their `setup`) is an error, as for all clocks here."""

    def __call__(self, *args, **kwargs):
        with timed_region(self.name):
            return super().__call__(*args, **kwargs)

    def pedantic(self, *args, **kwargs):
        with timed_region(self.name):
            return super().pedantic(*args, **kwargs)


@pytest.fixture
def benchmark(benchmark):
    """Guard the fixture in place: pytest-benchmark creates it with all its options and looks for this very object in its reports."""
    benchmark.__class__ = Guarded
    return benchmark


@pytest.fixture
def report(request: pytest.FixtureRequest) -> list[str]:
    """Return a list of lines to print after all benchmarks, whatever pytest captures; a benchmark appends to it."""
    return request.config.stash.setdefault(REPORT, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the collected lines."""
    lines = config.stash.get(REPORT, [])
    if lines:
        terminalreporter.section("fastmlp")
        terminalreporter.write_line("\n".join(lines))
