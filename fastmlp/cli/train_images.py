"""The commands `fastmlp train digits | mnist | fashion-mnist` and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..model.layers import ACTIVATION_LAYERS
from ..model.optimizers import OPTIMIZERS
from ..model.schedules import SCHEDULES
from .failures import INTERRUPTED
from .help_text import examples
from .hidden_option import CommandWithHidden, hidden_option
from .image_data import ImageData
from .image_training import Settings, carry_out
from .output_files import PICTURES, OutputFile

RATES = ", ".join(f"{name} {optimizer.learning_rate:g}" for name, optimizer in OPTIMIZERS.items())
HELP = """Train a network to classify the images of {title}.

The network consists of fully connected layers and is trained on mini-batches with softmax and cross-entropy. The command prints loss and
accuracy during training, and at the end the accuracy on the test images, the training time, and the speed as a share of the peak of the
processor's cores. (Products with inputs that are zero are counted, although they are skipped.)

Ctrl-C ends the training early; the results so far are still printed and saved, and the exit status is 130.
"""


def image_command(name: str, data: ImageData) -> click.Command:
    """Create the command that trains on this data set."""
    command = f"fastmlp train {name}"
    shown = examples(command, f"{command} --hidden 128 --optimizer adam --epochs 5", f"{command} --hidden 100 200 --plot {name}.png")

    @click.command(name, cls=CommandWithHidden, help=HELP.format(title=data.title), epilog=shown, context_settings={"show_default": True})
    @hidden_option
    @click.option("--epochs", type=click.IntRange(1, 10**6), default=32, help="Number of passes over the training images.")
    @click.option("--batch-size", type=click.IntRange(1, 10**9), default=64, help="Number of images per mini-batch.")
    @click.option("--optimizer", type=click.Choice(list(OPTIMIZERS)), default="sgd", help="Optimizer that updates the weights.")
    @click.option("--learning-rate", "--lr", type=click.FloatRange(min=0, min_open=True), show_default=RATES, help="Learning rate.")
    @click.option("--schedule", type=click.Choice(list(SCHEDULES)), default="constant", help="Learning-rate schedule.")
    @click.option("--activation", type=click.Choice(list(ACTIVATION_LAYERS)), default="relu", help="Activation of hidden units.")
    @click.option("--dropout", type=click.FloatRange(0, 1, max_open=True), default=0.0, help="Dropout probability of hidden units.")
    @click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float32", help="Precision.")
    @click.option("--threads", type=click.IntRange(1, 1024), show_default="as many as useful", help="Number of threads.")
    @click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, help="Seed of weights, sample order and dropout.")
    @click.option("--plot", "plot_file", type=OutputFile(*PICTURES), metavar="FILE", help="Draw curves and images (.png, .svg or .pdf).")
    @click.option("--save", "save_file", type=OutputFile(".safetensors"), metavar="FILE", help="Save the model in a .safetensors file.")
    @click.pass_context
    def train_images(ctx: click.Context, **settings: Any) -> None:
        if carry_out(data, Settings(**settings)):
            ctx.exit(INTERRUPTED)

    if data.source:
        folder = click.Path(exists=True, file_okay=False, path_type=Path)
        train_images.params.append(click.Option(["--data"], type=folder, metavar="FOLDER", help="Folder with the four IDX files."))
    return train_images
