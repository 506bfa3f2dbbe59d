"""The option `--hidden 100 200`, which takes all values up to the next option. The options of click cannot do this."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

OPTION = "--hidden"
DEFAULT = (100, 200)  # the network of the second notebook
LARGEST = 100_000


class Widths(click.ParamType):
    """Parameter type for widths of layers, separated by commas."""

    name = "integers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Convert `value` to a tuple of integers."""
        if isinstance(value, tuple):
            return value
        try:
            widths = tuple(int(width) for width in value.split(","))
        except ValueError:
            self.fail(f"expected whole numbers, such as 100 200 or 100,200, got {value!r}", param, ctx)
        if not all(1 <= width <= LARGEST for width in widths):
            self.fail(f"expected numbers from 1 to {LARGEST:,}, got {value}", param, ctx)
        return widths


class CommandWithHidden(click.Command):
    """A command that has the option `--hidden`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse `--hidden 100 200` like `--hidden 100 --hidden 200`."""
        return super().parse_args(ctx, repeat_option(args))


def repeat_option(args: Sequence[str]) -> list[str]:
    """Repeat the option before each of its values.

    Examples
    --------
    >>> repeat_option(["--hidden", "100", "200", "--lr", "0.1"])
    ['--hidden', '100', '--hidden', '200', '--lr', '0.1']
    """
    repeated: list[str] = []
    taking = False
    for arg in args:
        if arg.startswith("-") and not arg[1:2].isdigit():  # -5 is a wrong value, not an option
            taking = arg.partition("=")[0] == OPTION
        elif taking and repeated[-1] != OPTION:
            repeated.append(OPTION)
        repeated.append(arg)
    return repeated


hidden_option = click.option(
    OPTION,
    type=Widths(),
    multiple=True,
    default=(DEFAULT,),
    show_default=" ".join(map(str, DEFAULT)),
    metavar="N [N ...]",
    callback=lambda ctx, param, parts: tuple(width for part in parts for width in part),
    help="Number of units in each hidden layer.",
)
