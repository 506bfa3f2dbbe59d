"""`fastmlp bench`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from ..files.atomic import write_atomically
from .failures import refusals
from .help_text import examples
from .output_files import PICTURES, OutputFile, pictures, written


@click.command(
    epilog=examples(
        "fastmlp bench --markdown bench.md --json bench.json --plot bench.png",
        "fastmlp bench --only sgd --only predict-1",
        "fastmlp bench --quick --seeds 2",
        "fastmlp bench --isa avx2",
    )
)
@click.option("--only", "keys", multiple=True, metavar="KEY", help="Measure this row of the table alone; may be repeated. [default: all]")
@click.option("--seeds", type=click.IntRange(1, 1000), default=5, show_default=True, help="Rounds of training, each with its own seed.")
@click.option("--quick", is_flag=True, help="A smoke run: tasks so small that the figures mean little.")
@click.option("--isa", type=click.Choice(["avx2"]), help="Hold fastmlp and every peer to AVX2, whatever the CPU has.")
@click.option("--markdown", "markdown_file", type=OutputFile(".md"), metavar="FILE", help="Write the tables to a .md file.")
@click.option("--json", "json_file", type=OutputFile(".json"), metavar="FILE", help="Write every figure to a .json file.")
@click.option("--plot", "plot_file", type=OutputFile(*PICTURES), metavar="FILE", help="Draw the comparisons: a .png, .svg or .pdf file.")
def bench(
    keys: tuple[str, ...],
    seeds: int,
    quick: bool,
    isa: str | None,
    markdown_file: Path | None,
    json_file: Path | None,
    plot_file: Path | None,
) -> None:
    """Measure the project's targets beside NumPy, scikit-learn, PyTorch, JAX and onnxruntime.

    Peers that are not installed are named as absent. Peers take turns, each in a process of its own with as many threads as fastmlp.
    Takes a quarter of an hour, on a machine that should do nothing else. A target that is missed is shown, and is no error.
    """
    from ..measure import instruction_sets

    if isa and instruction_sets.held_to() != isa:  # libraries look at the environment when they are loaded
        with refusals():
            status = instruction_sets.run(isa, (sys.executable, "-m", "fastmlp", *sys.argv[1:]))
        raise SystemExit(status)
    plotting = pictures() if plot_file else None
    from ..measure.bench.table import chosen
    from .bench_tables import as_markdown, run
    from .terminal import console

    with refusals():
        chosen(keys)
    result = run(console(), keys, seeds, quick)
    if markdown_file:
        with written(markdown_file):
            write_atomically(markdown_file, as_markdown(result).encode())
    if json_file:
        with written(json_file):
            write_atomically(json_file, json.dumps(result.as_dict(), indent=2, allow_nan=False).encode() + b"\n")
    if plotting and plot_file:
        from ..plotting.bench import picture

        with written(plot_file):
            plotting.save(picture(result), plot_file)
