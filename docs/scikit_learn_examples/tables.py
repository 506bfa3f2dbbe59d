"""The tables of times, agreement and scores, in Markdown."""

import re
from statistics import median
from typing import NamedTuple

import numba
import numpy as np
import sklearn

from docs.scikit_learn_examples.comparing import Agreement
from docs.scikit_learn_examples.running import Run
from fastmlp.measure.machine import describe

SCORE = re.compile(r"^.*\bscore: .*$", re.MULTILINE)
MOST = 4  # scores of an example that are shown


class Row(NamedTuple):
    """An example and its runs."""

    name: str
    agreement: Agreement
    theirs: list[Run]
    ours: list[Run]


def tables(rows: list[Row], repeats: int) -> str:
    """Write all tables, with the machine and the versions."""
    machine = describe()
    head = (
        f"Medians of {repeats} runs on {machine['cores']} cores of an {machine['cpu']} ({machine['cpu_name_llvm']}), with scikit-learn "
        f"{sklearn.__version__}, NumPy {np.__version__} and Numba {numba.__version__}:"
    )
    return "\n\n".join([head, times(rows), agreements(rows), scores(rows)]) + "\n"


def times(rows: list[Row]) -> str:
    """Write the table of seconds."""
    lines = [
        "| example | `fit`, scikit-learn | `fit`, fastmlp | ratio | whole script, scikit-learn | fastmlp | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [f"`{row.name}`"]
        for seconds in (lambda run: run.fit_seconds, lambda run: run.seconds):
            theirs, ours = (median(seconds(run) for run in runs) for runs in (row.theirs, row.ours))
            cells += [f"{theirs:.2f} s", f"{ours:.2f} s", f"{theirs / ours:.2g}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def agreements(rows: list[Row]) -> str:
    """Write the table of differences."""
    lines = [
        "| example | networks | same epochs | losses differ by | predictions | printed and drawn numbers | of them different | pixels |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, found, *_ in rows:
        different = f"{found.different_numbers}, by up to {found.largest_number:.2g}" if found.different_numbers else "none"
        lines.append(
            f"| `{name}` | {found.fits} | {'yes' if found.same_epochs else 'no'} | {found.loss:.0e} | {found.prediction:.0e} | "
            f"{found.numbers} | {different} | {100 * found.different_pixels:.2g} % |"
        )
    return "\n".join(lines)


def scores(rows: list[Row]) -> str:
    """Write the table of the scores that are printed."""
    lines = ["| example | prints with scikit-learn | with fastmlp |", "|---|---|---|"]
    for row in rows:
        theirs, ours = (SCORE.findall(runs[0].printed) for runs in (row.theirs, row.ours))
        lines += [f"| `{row.name}` | {a} | {b} |" for a, b in list(zip(theirs, ours, strict=True))[:MOST]]
        if len(theirs) > MOST:
            equal = sum(a == b for a, b in zip(theirs[MOST:], ours[MOST:], strict=True))
            lines.append(f"| `{row.name}` | {len(theirs) - MOST} more, of which {equal} are the same | |")
    return "\n".join(lines)
