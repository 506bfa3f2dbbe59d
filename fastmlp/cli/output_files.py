"""Files that commands write at the end of their work: checked at its beginning, announced when they are there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from ..files.atomic import check_writable

PICTURES = (".png", ".svg", ".pdf")


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
        from .. import plotting
    except ModuleNotFoundError as error:
        raise click.UsageError(f'--plot: {error}; python -m pip install "fastmlp[plot]"') from error
    return plotting
