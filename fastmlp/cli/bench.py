"""The command `fastmlp bench`."""

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
@click.option("--only", "keys", multiple=True, metavar="KEY", help="Measure only this section; may be repeated.  [default: all]")
@click.option("--seeds", type=click.IntRange(1, 1000), default=5, show_default=True, help="Training rounds, each with its own seed.")
@click.option("--quick", is_flag=True, help="Run small tasks as a smoke test; their figures mean little.")
@click.option("--isa", type=click.Choice(["avx2"]), help="Restrict fastmlp and all other libraries to AVX2 instructions.")
@click.option("--markdown", "markdown_file", type=OutputFile(".md"), metavar="FILE", help="Write the tables to a .md file.")
@click.option("--json", "json_file", type=OutputFile(".json"), metavar="FILE", help="Write all figures to a .json file.")
@click.option("--plot", "plot_file", type=OutputFile(*PICTURES), metavar="FILE", help="Draw the comparisons (.png, .svg or .pdf).")
def bench(
    keys: tuple[str, ...],
    seeds: int,
    quick: bool,
    isa: str | None,
    markdown_file: Path | None,
    json_file: Path | None,
    plot_file: Path | None,
) -> None:
    """Compare fastmlp with NumPy, scikit-learn, PyTorch, JAX and onnxruntime.

    The command measures training and prediction with each library and checks fastmlp against the project's performance targets. Libraries
    that are not installed are listed as absent. The libraries take turns, each in its own process and with as many threads as fastmlp.
    The run takes about a quarter of an hour, during which the machine should do nothing else. A missed target is reported, but it does not
    make the command fail.
    """
    from ..measure import instruction_sets

    if isa and instruction_sets.held_to() != isa:  # libraries read the environment only when they are loaded
        with refusals():
            status = instruction_sets.run(isa, (sys.executable, "-m", "fastmlp", *sys.argv[1:]))
        raise SystemExit(status)
    plotting = pictures() if plot_file else None
    from .bench_sections import chosen
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
