"""Create and print tables in one style."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table


def section(title: str, *left: str, right: tuple[str, ...] = ()) -> Table:
    """Create an empty table; the columns `left` are aligned to the left, the columns `right` to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in left:
        table.add_column(heading, no_wrap=True)
    for heading in right:
        table.add_column(heading, no_wrap=True, justify="right")
    return table


def show(console: Console, table: Table, *notes: str) -> None:
    """Print a table and the notes below it."""
    console.print(table)
    for note in notes:
        console.print(note, highlight=False)
    console.print()
