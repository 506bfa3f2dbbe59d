"""Print the output of `fastmlp profile`: a table of the phases and an explanation."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from ..measure.durations import duration
from ..measure.profile import Profile
from .profile_sentences import sentences
from .tables import section, show

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

WIDTH = 100  # characters per line in notebooks
PREFORMATTED = '<pre style="background: none; color: inherit; line-height: 1.25; font-family: monospace">{code}</pre>'
RIGHT = ("calls", "per step", "share", "GFLOP/s", "flop/byte", "GB/s", "of roof")


def print_profile(console: Console, taken: Profile, data: str) -> None:
    """Print the table of phases with their totals, and the sentences that explain it."""
    console.print(f"{data}: {training(taken)}\n{machine(taken)}\n")
    show(console, as_table(taken), *sentences(taken))


def training(taken: Profile) -> str:
    """Describe the network and its training in one line."""
    return f"{'-'.join(map(str, taken.sizes))}, batches of {taken.batch_size}, {taken.optimizer}, {taken.dtype}"


def machine(taken: Profile) -> str:
    """Describe the processor in one line."""
    return f"{taken.machine['cpu']}, {taken.threads} of {taken.machine['cores']} cores, {taken.peak_gflops:.0f} GFLOP/s per core"


def as_html(taken: Profile) -> str:
    """Return the same output as HTML for a notebook, in the colours of its page and a monospaced font."""
    from rich.console import Console

    console = Console(record=True, file=io.StringIO(), width=WIDTH, highlight=False)
    console.print(f"{training(taken)}\n{machine(taken)}\n", markup=False)
    show(console, as_table(taken), *sentences(taken))
    return console.export_html(inline_styles=True, code_format=PREFORMATTED)


def as_table(taken: Profile) -> Table:
    """Return a table with one row for each phase, followed by the totals."""
    table = section(f"{taken.steps:,} steps", "phase", right=RIGHT)
    for phase in taken.phases:
        seconds = phase.mean_seconds
        row = [phase.name, f"{phase.calls:,}", duration(seconds / taken.steps), f"{taken.share(phase):.1%}"]
        row += [f"{phase.gflops:.1f}", f"{phase.intensity:.1f}"] if phase.operations else ["", ""]
        row += [f"{phase.bytes / seconds / 1e9:.1f}", f"{taken.share_of_roof(phase):.0%}"] if phase.bytes and seconds else ["", ""]
        table.add_row(*row)
    table.add_section()
    table.add_row("all phases", "", duration(taken.phase_seconds / taken.steps), "100.0%", *[""] * 4)
    compiled = sum(taken.compiled_seconds) / taken.threads
    for name, seconds in (("compiled calls", compiled), ("Python around them", taken.python_seconds)):
        table.add_row(name, "", duration(seconds / taken.steps), f"{seconds / taken.phase_seconds:.1%}", *[""] * 4)
    return table
