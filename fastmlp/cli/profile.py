"""The command `fastmlp profile`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..files.atomic import write_atomically
from ..model.optimizers import OPTIMIZERS
from .failures import refusals
from .gradient_options import gradient_option, refused, rung_option, taken_from
from .help_text import examples
from .hidden_option import CommandWithHidden, hidden_option
from .image_data import IMAGE_DATA, load
from .output_files import PICTURES, OutputFile, pictures, written

TRACED = 50  # steps


@click.command(
    cls=CommandWithHidden,
    context_settings={"show_default": True},
    epilog=examples(
        "fastmlp profile",
        "fastmlp profile --data fashion-mnist --hidden 100 200 --threads 2 --json profile.json",
        "fastmlp profile --gradient backward --rung digits",
    ),
)
@click.option("--data", "data_name", type=click.Choice(list(IMAGE_DATA)), default="digits", help="Images to train on.")
@gradient_option
@rung_option
@hidden_option
@click.option(
    "--epochs", type=click.IntRange(1, 10**6), default=3, help="Passes over the data. With --gradient, the default depends on the speed."
)
@click.option("--batch-size", type=click.IntRange(1, 10**9), default=64, help="Number of images per mini-batch.")
@click.option("--optimizer", type=click.Choice(list(OPTIMIZERS)), default="sgd", help="Optimizer that updates the weights.")
@click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), default=0.0, help="Dropout probability of hidden units.")
@click.option(
    "--dtype", type=click.Choice(["float32", "float64"]), default="float32", help="Precision. With --gradient, the default is float64."
)
@click.option("--threads", type=click.IntRange(1, 1024), default=1, help="Number of threads.")
@click.option("--trace", "trace_file", type=OutputFile(".json"), metavar="FILE", help="Write a few steps as Chrome trace events.")
@click.option("--json", "json_file", type=OutputFile(".json"), metavar="FILE", help="Write all figures to a .json file.")
@click.option("--plot", "plot_file", type=OutputFile(*PICTURES), metavar="FILE", help="Draw roofline and step (.png, .svg or .pdf).")
@click.pass_context
def profile(
    ctx: click.Context, data_name: str, gradient: str | None, rung: str, hidden: tuple[int, ...], epochs: int, batch_size: int,
    optimizer: str, dropout: float, dtype: str, threads: int, trace_file: Path | None, json_file: Path | None,
    plot_file: Path | None,
) -> None:  # fmt: skip
    """Show how the training time is divided among the phases of a step.

    The command trains a network on images with compiled code that reads the clock after each phase. The speed of the matrix products is
    also shown as a share of the cores' peak.

    With --gradient, the command profiles a gradient of the two-layer network instead, at one of the sizes of `fastmlp compare`, and
    compares it with the corresponding calls of NumPy.
    """
    refused(ctx)
    if gradient:
        show_gradient(gradient, rung, taken_from(ctx, "dtype"), taken_from(ctx, "epochs"), json_file)
        return
    plotting = pictures() if plot_file else None
    from ..measure.profiling import profile as profiled
    from .image_training import network
    from .profile_tables import print_profile
    from .terminal import console, waiting

    (X, y), _ = load(IMAGE_DATA[data_name], None)
    with refusals(), waiting("profiling"):
        model = network(X.shape[1], hidden, "relu", dropout, 0, dtype)
        traced = TRACED if trace_file else 0
        taken = profiled(model, X, y, epochs, batch_size, optimizer, threads, trace_steps=traced)
    print_profile(console(highlight=False), taken, f"{IMAGE_DATA[data_name].title}, {len(X):,} images")
    for path, content in ((trace_file, taken.trace()), (json_file, taken.to_dict())):
        write(path, content)
    if plotting and plot_file:
        with written(plot_file):
            plotting.save(plotting.profile_report(taken), plot_file)


def show_gradient(gradient: str, rung: str, dtype: str | None, epochs: int | None, json_file: Path | None) -> None:
    """Profile a gradient of the two-layer network and print the result; dtype and epochs may be None."""
    from ..measure.compilation import CompiledWhileTiming
    from ..measure.gradient_profiling import profile_rung
    from .gradient_tables import print_gradient
    from .terminal import console, waiting

    try:
        with refusals(), waiting("profiling"):
            taken = profile_rung(rung, gradient, dtype or "float64", epochs)
    except CompiledWhileTiming as error:
        raise click.ClickException(str(error)) from error
    print_gradient(console(highlight=False), taken)
    write(json_file, taken.to_dict())


def write(path: Path | None, content: dict[str, Any]) -> None:
    """Write a JSON file if a path is given."""
    if path:
        with written(path):
            write_atomically(path, json.dumps(content, indent=2, allow_nan=False).encode() + b"\n")
