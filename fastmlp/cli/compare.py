"""The command `fastmlp compare`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..files.atomic import write_atomically
from .help_text import examples
from .output_files import PICTURES, OutputFile, pictures, written


@click.command(epilog=examples("fastmlp compare", "fastmlp compare --quick --json compare.json", "fastmlp compare --plot compare.png"))
@click.option("--quick", is_flag=True, help="Repeat less often, and skip steps longer than a tenth of a second.")
@click.option("--json", "json_file", type=OutputFile(".json"), metavar="FILE", help="Write all figures to a .json file.")
@click.option("--plot", "plot_file", type=OutputFile(*PICTURES), metavar="FILE", help="Draw the comparison (.png, .svg or .pdf).")
@click.option("--profile", "profiled", is_flag=True, help="Also show where each gradient spends its time on the digits data.")
@click.pass_context
def compare(ctx: click.Context, quick: bool, profiled: bool, json_file: Path | None, plot_file: Path | None) -> None:
    """Check and time the three gradients of the two-layer network.

    Each gradient, in NumPy and compiled, is compared with central differences and used to train XOR. Then one step of gradient descent is
    timed for each at six sizes. This takes about a minute, half of which is compilation in the first run. The exit status is 1 if a
    gradient is wrong.
    """
    plotting = pictures() if plot_file else None
    from ..measure.comparison import FULL, QUICK
    from ..measure.compilation import CompiledWhileTiming
    from .compare_tables import run
    from .terminal import console

    try:
        result = run(console(), QUICK if quick else FULL, profiled)
    except CompiledWhileTiming as error:
        raise click.ClickException(str(error)) from error
    if json_file:
        with written(json_file):
            write_atomically(json_file, json.dumps(result.as_dict(), indent=2, allow_nan=False).encode() + b"\n")
    if plotting and plot_file:
        with written(plot_file):
            plotting.save(plotting.comparison(result), plot_file)
    if not result.passed:
        ctx.exit(1)
