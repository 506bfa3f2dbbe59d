"""The options `--gradient` and `--rung`, which make `fastmlp profile` profile a gradient of the two-layer network instead."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from ..measure.ladder import LADDER
from ..two_layer import GRADIENTS

SHARED = {"gradient", "rung", "dtype", "epochs", "json_file"}

gradient_option = click.option("--gradient", type=click.Choice(GRADIENTS), help="Profile this gradient of the two-layer network instead.")
rung_option = click.option(
    "--rung", type=click.Choice(list(LADDER), case_sensitive=False), default="digits", help="Problem size to use with --gradient."
)


def refused(ctx: click.Context) -> None:
    """Raise a usage error if options of the two kinds of profile are mixed."""
    gradient = ctx.params["gradient"]
    if gradient is None and given(ctx, "rung"):
        raise click.UsageError("--rung: expected --gradient as well; use --data to choose images")
    for option in ctx.command.params if gradient else ():
        if option.name and option.name not in SHARED and given(ctx, option.name):
            allowed = ", ".join(each.opts[0] for each in ctx.command.params if each.name in SHARED - {"gradient"})
            raise click.UsageError(f"{option.opts[0]}: cannot be used with --gradient, which allows only {allowed}")


def given(ctx: click.Context, name: str) -> bool:
    """Return whether the user gave the option."""
    return ctx.get_parameter_source(name) not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP, None)


def taken_from(ctx: click.Context, name: str) -> Any:
    """Return the value of the option if the user gave it, otherwise None."""
    return ctx.params[name] if given(ctx, name) else None
