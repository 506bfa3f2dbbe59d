"""The command `fastmlp train xor`, which trains the two-layer network of the source document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..two_layer import GRADIENTS, TrainingRun
from .failures import refusals
from .help_text import examples
from .output_files import PICTURES, OutputFile, pictures, written

MOST_RECORDS = 1_000_000  # largest number of printed errors


@click.command(
    epilog=examples(
        "fastmlp train xor",
        "fastmlp train xor --hidden 8 --seed 1 --epochs 20000",
        "fastmlp train xor --gradient backward --plot xor.png",
    )
)
@click.option("--epochs", type=click.IntRange(1, 10**9), default=10_000, show_default=True, help="Number of weight updates.")
@click.option(
    "--learning-rate", "--lr", type=click.FloatRange(min=0, min_open=True), default=0.12, show_default=True, help="Learning rate."
)
@click.option("--hidden", type=click.IntRange(1, 10_000), default=3, show_default=True, help="Number of hidden units.")
@click.option("--gradient", type=click.Choice(GRADIENTS), default="fused", show_default=True, help="Implementation of the gradient.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Seed of the initial weights.  [default: weights of the source document]")
@click.option("--record-every", type=click.IntRange(1, 10**9), default=200, show_default=True, help="Epochs between printed errors.")
@click.option("--plot", "plot_file", type=OutputFile(*PICTURES), metavar="FILE", help="Draw data, errors, decisions (.png, .svg or .pdf).")
def xor(epochs: int, learning_rate: float, hidden: int, gradient: str, seed: int | None, record_every: int, plot_file: Path | None) -> None:
    """Train a network to learn the truth table of XOR.

    The network has one hidden layer of sigmoid units, a linear output and no biases, and is trained by full-batch gradient descent, as in
    the source document. The command prints the error during training, and at the end the truth table with the predictions and the classes
    to which they round.
    """
    if epochs > MOST_RECORDS * record_every:
        raise click.UsageError(f"--record-every {record_every}: expected at least {-(-epochs // MOST_RECORDS)} for this number of epochs")
    plotting = pictures() if plot_file else None
    from ..datasets import load_xor
    from ..measure.ladder import document_weights
    from ..two_layer.functions import forward_pass, initialize_weights
    from ..two_layer.train import train as train_network

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
    """Format the recorded errors, one per line."""
    width = max(5, len(f"{run.epochs[-1]:,}"))
    lines = [f"{epoch:>{width},}  {error:.6g}" for epoch, error in zip(run.epochs, run.errors, strict=True)]
    return "\n".join([f"{'epoch':>{width}}  error", *lines, ""])


def truth_table(X: Any, y: Any, predictions: Any) -> str:
    """Format the truth table: inputs, target, prediction, and the class to which it rounds."""
    rows = zip(X.astype(int), y[:, 0].astype(int), predictions[:, 0], strict=True)
    lines = [f" {a}  {b} {target:7d} {value:11.4f} {round(value):6d}" for (a, b), target, value in rows]
    return "\n".join(["x1 x2  target  prediction  class", *lines])
