"""The `fastmlp` command, which collects the subcommands. Each of them is defined in its own file."""

from __future__ import annotations

import click

from .bench import bench
from .compare import compare
from .failures import Commands
from .help_text import examples
from .image_data import IMAGE_DATA
from .info import info
from .inspect import inspect
from .profile import profile
from .train_images import image_command
from .train_xor import xor
from .warmup import warmup


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples("fastmlp compare", "fastmlp train xor", "fastmlp train mnist --hidden 100 200", "fastmlp train xor --help"),
)
@click.version_option(package_name="fastmlp", message="%(package)s %(version)s")
def main() -> None:
    """Train, measure and inspect multilayer perceptrons that are compiled with Numba."""


@main.group(epilog=examples("fastmlp train xor", "fastmlp train mnist --hidden 100 200 --epochs 10 --plot mnist.png"))
def train() -> None:
    """Train a network on a data set and show the result."""


train.add_command(xor)
for name, data in IMAGE_DATA.items():
    train.add_command(image_command(name, data))
for command in (compare, profile, inspect, bench, info, warmup):
    main.add_command(command)
