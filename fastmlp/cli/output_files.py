"""Files that commands write at the end: check at the start that they can be written, and print their names once they are."""

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
    """Parameter type for a file that is written at the end of long work; it is checked at the start that this will be possible."""

    def __init__(self, *suffixes: str) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)
        self.suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Convert `value` to a path after checking its suffix and that the file can be written."""
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
    """Print the name of a file once it has been written, or fail with the reason why it was not."""
    try:
        yield
    except OSError as error:
        raise click.FileError(str(path), error.strerror) from error
    click.echo(f"Wrote {path}")


def pictures() -> ModuleType:
    """Import the plotting module, or raise a usage error that says how to install what it needs."""
    try:
        from .. import plotting
    except ModuleNotFoundError as error:
        raise click.UsageError(f'--plot: {error}; to install it, run python -m pip install "fastmlp[plot]"') from error
    return plotting
