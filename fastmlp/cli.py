"""The `fastmlp` command. What a command needs is imported when it runs, so that every other one starts at once."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from .files import check_writable, write_atomically
from .two_layer import GRADIENTS, TrainingRun

PICTURES = (".png", ".svg", ".pdf")
MOST_RECORDS = 1_000_000  # lines of errors


class OutputFile(click.Path):
    """A file to write at the end of long work: whether that will be possible is found out at its beginning."""

    def __init__(self, *suffixes: str) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)
        self.suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """`value` as a path, if a file with such a suffix can be written there."""
        path = Path(super().convert(value, param, ctx))  # type: ignore[arg-type]
        if path.suffix.lower() not in self.suffixes:
            self.fail(f"{path}: expected a name that ends in {' or '.join(self.suffixes)}", param, ctx)
        try:
            check_writable(path)
        except OSError as error:
            self.fail(f"{path}: cannot be written: {error.strerror}", param, ctx)
        return path


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Around writing a result: says that it is there, or why not."""
    try:
        yield
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error
    click.echo(f"Wrote {path}")


def pictures() -> ModuleType:
    """The module that draws, or how to get what it needs."""
    try:
        from . import plotting
    except ModuleNotFoundError as error:
        raise click.UsageError(f'--plot: {error}; python -m pip install "fastmlp[plot]"') from error
    return plotting


def examples(*lines: str) -> str:
    """The end of a help text, its lines kept as they are."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


@contextmanager
def refusals() -> Iterator[None]:
    """Around work of the library: what it refuses is an error of usage; a run that diverges fails."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        try:
            yield
        except RuntimeWarning as warning:
            raise click.ClickException(str(warning)) from warning
        except (ValueError, TypeError, MemoryError) as error:
            raise click.UsageError(str(error)) from error


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples("fastmlp compare", "fastmlp train xor", "fastmlp train xor --help"),
)
@click.version_option(package_name="fastmlp", message="%(package)s %(version)s")
def main() -> None:
    """Multilayer perceptrons compiled with Numba: gradients you can read, check and time."""


@main.command(epilog=examples("fastmlp compare", "fastmlp compare --quick --json compare.json", "fastmlp compare --plot compare.png"))
@click.option("--quick", is_flag=True, help="Fewer repetitions, and no step that takes longer than a tenth of a second.")
@click.option("--json", "json_file", type=OutputFile(".json"), metavar="FILE", help="Write every figure to a .json file.")
@click.option("--plot", "plot_file", type=OutputFile(*PICTURES), metavar="FILE", help="Draw the comparison: a .png, .svg or .pdf file.")
def compare(quick: bool, json_file: Path | None, plot_file: Path | None) -> None:
    """Check, train with and time the three gradients.

    Compares each gradient, in NumPy and compiled, with central differences, trains XOR with each, and times a step of gradient descent at
    six sizes. Takes less than a minute. The exit status is 1 if a gradient is wrong.
    """
    plotting = pictures() if plot_file else None
    from rich.console import Console

    from .compare import FULL, QUICK
    from .report import run

    result = run(Console(), QUICK if quick else FULL)
    if json_file:
        with written(json_file):
            write_atomically(json_file, json.dumps(result.as_dict(), indent=2, allow_nan=False).encode() + b"\n")
    if plotting and plot_file:
        with written(plot_file):
            plotting.save(plotting.comparison(result), plot_file)
    if not result.passed:
        sys.exit(1)


@main.group(epilog=examples("fastmlp train xor", "fastmlp train xor --plot xor.png"))
def train() -> None:
    """Train a network and show what it learnt."""


@train.command(
    epilog=examples(
        "fastmlp train xor",
        "fastmlp train xor --hidden 8 --seed 1 --epochs 20000",
        "fastmlp train xor --gradient backward --plot xor.png",
    )
)
@click.option("--epochs", type=click.IntRange(1, 10**9), default=10_000, show_default=True, help="Updates of the weights.")
@click.option(
    "--learning-rate", "--lr", type=click.FloatRange(min=0, min_open=True), default=0.12, show_default=True, help="Length of a step."
)
@click.option("--hidden", type=click.IntRange(1, 10_000), default=3, show_default=True, help="Hidden units.")
@click.option("--gradient", type=click.Choice(GRADIENTS), default="fused", show_default=True, help="Which implementation.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="For the initial weights.  [default: the document's weights]")
@click.option("--record-every", type=click.IntRange(min=1), default=200, show_default=True, help="Epochs between two errors shown.")
@click.option("--plot", "plot_file", type=OutputFile(*PICTURES), metavar="FILE", help="Draw data, errors, decisions: .png, .svg or .pdf.")
def xor(epochs: int, learning_rate: float, hidden: int, gradient: str, seed: int | None, record_every: int, plot_file: Path | None) -> None:
    """Learn the truth table of XOR.

    As in the document: sigmoid hidden units, a linear output, no biases, full-batch gradient descent. Prints the error as it falls, then
    the truth table with the network's predictions and the classes they round to.
    """
    if epochs > MOST_RECORDS * record_every:
        raise click.UsageError(f"--record-every {record_every}: expected at least {epochs // MOST_RECORDS} for that many epochs")
    plotting = pictures() if plot_file else None
    from . import forward_pass, initialize_weights
    from . import train as train_network
    from .datasets import load_xor
    from .implementations import document_weights

    X, y = load_xor()
    w1, w2 = document_weights(hidden) if seed is None else initialize_weights(2, hidden, 1, seed)
    with refusals():
        run = train_network(X, y, epochs=epochs, learning_rate=learning_rate, gradient=gradient, w1=w1, w2=w2, record_every=record_every)
    predictions = forward_pass(X, run.w1, run.w2)[1]
    click.echo(training_record(run))
    click.echo(truth_table(X, y, predictions))
    if plotting and plot_file:
        with written(plot_file):
            plotting.save(plotting.xor_training(X, y, run), plot_file)


def training_record(run: TrainingRun) -> str:
    """The recorded errors, a line each."""
    width = max(5, len(f"{run.epochs[-1]:,}"))
    lines = [f"{epoch:>{width},}  {error:.6g}" for epoch, error in zip(run.epochs, run.errors, strict=True)]
    return "\n".join([f"{'epoch':>{width}}  error", *lines, ""])


def truth_table(X: Any, y: Any, predictions: Any) -> str:
    """Inputs, target, prediction and the class it rounds to."""
    rows = zip(X.astype(int), y[:, 0].astype(int), predictions[:, 0], strict=True)
    lines = [f" {a}  {b} {target:7d} {value:11.4f} {round(value):6d}" for (a, b), target, value in rows]
    return "\n".join(["x1 x2  target  prediction  class", *lines])
