"""How tables look."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table


def section(title: str, *left: str, right: tuple[str, ...] = ()) -> Table:
    """An empty table in the house style; columns to the left, then to the right."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    for heading in left:
        table.add_column(heading, no_wrap=True)
    for heading in right:
        table.add_column(heading, no_wrap=True, justify="right")
    return table


def show(console: Console, table: Table, *notes: str) -> None:
    """A table and the lines under it."""
    console.print(table)
    for note in notes:
        console.print(note, highlight=False)
    console.print()
