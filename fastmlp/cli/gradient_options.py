"""`--gradient` and `--rung`: options of `fastmlp profile` that turn it to the document's gradients, and those that then mean nothing."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from ..measure.ladder import LADDER
from ..two_layer import GRADIENTS

SHARED = {"gradient", "rung", "dtype", "epochs", "json_file"}

gradient_option = click.option("--gradient", type=click.Choice(GRADIENTS), help="Profile one of the document's gradients instead.")
rung_option = click.option("--rung", type=click.Choice(list(LADDER), case_sensitive=False), default="digits", help="Its size.")


def refused(ctx: click.Context) -> None:
    """Refuse options of the one kind of profile beside those of the other."""
    gradient = ctx.params["gradient"]
    if gradient is None and given(ctx, "rung"):
        raise click.UsageError("--rung: expected --gradient as well; images are chosen with --data")
    for option in ctx.command.params if gradient else ():
        if option.name and option.name not in SHARED and given(ctx, option.name):
            allowed = ", ".join(each.opts[0] for each in ctx.command.params if each.name in SHARED - {"gradient"})
            raise click.UsageError(f"{option.opts[0]}: not an option of the document's gradients, which take {allowed}")


def given(ctx: click.Context, name: str) -> bool:
    """Whether the user gave that option."""
    return ctx.get_parameter_source(name) not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP, None)


def taken_from(ctx: click.Context, name: str) -> Any:
    """The option's value if the user gave it, else None."""
    return ctx.params[name] if given(ctx, name) else None
