"""The command `fastmlp warmup`."""

from __future__ import annotations

import time

import click

from .help_text import examples
from .terminal import console, is_watched


@click.command(epilog=examples("fastmlp warmup", "fastmlp warmup --quick"))
@click.option("--quick", is_flag=True, help="Compile only the code for XOR and for training on images in float32.")
def warmup(quick: bool) -> None:
    """Compile all functions now instead of on first use.

    The machine code is stored in a cache on disk, from which later processes load it. The command prints how long each part took and
    whether it was in the cache already.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from ..kernels.epochs import train_epochs
    from ..measure.durations import duration
    from ..measure.warmup import QUICK, WORK, compile_all, compile_first

    if train_epochs.stats.cache_path is None:
        raise click.UsageError("no folder for compiled code is writable; set NUMBA_CACHE_DIR to a writable folder")
    names = QUICK if quick else tuple(WORK)
    output = console(highlight=False)
    columns = TextColumn("compiling"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    start = time.perf_counter()
    with Progress(*columns, console=output, transient=True, disable=not is_watched()) as bar:
        task = bar.add_task("", total=len(names))
        for call in compile_all(names):
            output.print(f"{duration(call.seconds):>8}  {'compiled  ' if call.compiled else 'from cache'}  {call.function}")
            bar.advance(task)
    seconds = time.perf_counter() - start
    start = time.perf_counter()
    # If two processes save to the cache at once, one of the results may be lost; it is compiled again here.
    again = [call.function for call in map(compile_first, names) if call.compiled]
    output.print(f"{duration(seconds):>8}  in total; loading everything from the cache takes {duration(time.perf_counter() - start)}")
    if again:
        output.print(f"Compiled again: {', '.join(again)}")
