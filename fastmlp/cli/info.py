"""The command `fastmlp info`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import click

from .help_text import examples
from .image_data import IMAGE_DATA, folders

if TYPE_CHECKING:
    from rich.console import Console

EXTRAS = {"data": "pooch", "onnx": "onnx", "plot": "matplotlib", "save": "safetensors", "sklearn": "scikit-learn"}


@click.command(epilog=examples("fastmlp info", "fastmlp info --roof", "fastmlp info --roof --anew"))
@click.option("--roof", "with_roof", is_flag=True, help="Show the machine's speed limits instead: arithmetic, memory, barriers, calls.")
@click.option("--anew", is_flag=True, help="Measure the limits again, even if they were measured before.")
def info(with_roof: bool, anew: bool) -> None:
    """Show the processor, the compile cache, the data sets and the installed extras."""
    from .tables import section, show
    from .terminal import console

    output = console(highlight=False, markup=False)
    if with_roof or anew:
        print_roof(output, anew)
        return
    for title, rows in (("Machine", machine()), ("Compile cache", cache()), ("Data sets", data_sets()), ("Extras", extras())):
        table = section(title)
        table.show_header = False
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for row in rows:
            table.add_row(*row)
        show(output, table)


def print_roof(output: Console, anew: bool) -> None:
    """Print the speed limits of the machine, measuring them if necessary."""
    from ..measure.roof import LEVELS, roof
    from .tables import section, show
    from .terminal import waiting

    with waiting("measuring"):
        found = roof(anew)
    arithmetic = section(f"{found.cpu}, {found.cores} cores", "multiply and add", right=("per core",))
    for dtype, peak in found.peak_gflops.items():
        arithmetic.add_row(dtype, f"{peak:.0f} GFLOP/s")
    show(output, arithmetic)
    memory = section("Reading", "from", "size", right=("one core", "all cores"))
    for level in LEVELS:
        size = found.sizes[level] >> 10
        read = (f"{figures[level]:.0f} GB/s" for figures in (found.bandwidth, found.bandwidth_all))
        memory.add_row(level, f"{size:,} KiB" if size < 10_000 else f"{size >> 10:,} MiB", *read)
    show(output, memory)
    waits = section("Waiting", "for", right=("time",))
    if found.barrier_seconds:
        waits.add_row("a barrier of two threads", f"{found.barrier_seconds * 1e9:.0f} ns")
    waits.add_row("an empty compiled call from Python", f"{found.call_seconds * 1e9:.0f} ns")
    show(output, waits)


def machine() -> Iterator[tuple[str, str]]:
    """Describe processor, vectors, register tile, measured peaks, threads and versions."""
    import numpy as np

    from ..kernels.tile import MR, NV
    from ..kernels.vectors import lanes, many_registers
    from ..measure.machine import describe
    from ..measure.peak import peak_gflops

    found = describe()
    yield "CPU", f"{found['cpu']} ({found['cpu_name_llvm']})"
    yield "vectors", f"{found['vector_bits']} bits: {lanes(np.float32)} float32 or {lanes(np.float64)} float64"
    yield "register tile", f"{MR} rows x {NV} vectors, in {32 if many_registers() else 16} registers"
    for dtype in (np.float32, np.float64):
        yield f"peak {np.dtype(dtype)}", f"{peak_gflops(dtype):.0f} GFLOP/s per core, measured just now with fused multiply-adds only"
    yield "threads", f"{found['cores']}, one for each core that this process may use; small tasks use fewer"
    yield "BLAS", f"NumPy: {found['blas_numpy']}; compiled products: {found['blas_compiled']}"
    yield "versions", ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    yield "system", found["operating_system"]


def cache() -> Iterator[tuple[str, str]]:
    """Describe the folders of compiled code, one for each source folder."""
    from ..files.atomic import check_writable
    from ..kernels.epochs import train_epochs
    from ..two_layer import document_epochs

    for function in (document_epochs, train_epochs):
        place = function.stats.cache_path
        if place is None:
            yield "none", "no writable folder, so every process compiles again; set NUMBA_CACHE_DIR to a writable folder"
            return
        folder = Path(place)
        kernels, versions = (list(folder.glob(pattern)) for pattern in ("*.nbi", "*.nbc"))
        size = sum(file.stat().st_size for file in [*kernels, *versions]) / 1e6
        try:
            check_writable(folder / "probe")
            state = "writable"
        except OSError as error:
            state = f"not writable: {error.strerror}"
        yield f"{len(kernels)} kernels", f"in {len(versions)} versions, {size:.1f} MB, {state}: {folder}"


def data_sets() -> Iterator[tuple[str, str]]:
    """Say where each data set was found, if it was."""
    for name, data in IMAGE_DATA.items():
        if data.source is None:
            yield name, "comes with scikit-learn"
            continue
        files = tuple(data.source.sha256)
        found = [folder for folder in folders(data.source) if all(present(folder, file) for file in files)]
        yield name, ", ".join(map(str, found)) or f"not found; fastmlp train {name} explains how to get it"


def present(folder: Path, file: str) -> bool:
    """Return whether the file exists, plain or gzipped."""
    return (folder / file).is_file() or (folder / f"{file}.gz").is_file()


def extras() -> Iterator[tuple[str, str]]:
    """List the package that each extra needs, with its installed version."""
    for extra, package in EXTRAS.items():
        try:
            yield extra, f"{package} {metadata.version(package)}"
        except metadata.PackageNotFoundError:
            yield extra, f'{package} is not installed: python -m pip install "fastmlp[{extra}]"'
