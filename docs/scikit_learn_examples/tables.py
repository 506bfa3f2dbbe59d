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

    @property
    def title(self) -> str:
        """The name in words, which a narrow column can break."""
        return self.name.removeprefix("plot_").replace("_", " ")


def tables(rows: list[Row], repeats: int) -> str:
    """Write all tables, with the machine and the versions."""
    machine = describe()
    head = (
        f"CPU: {machine['cpu']} ({machine['cpu_name_llvm']}), {machine['cores']} cores; scikit-learn {sklearn.__version__}, "
        f"NumPy {np.__version__}, Numba {numba.__version__}. Times are medians of {repeats} run{'s' * (repeats > 1)}."
    )
    return "\n\n".join([head, times(rows), agreements(rows), scores(rows)]) + "\n"


def times(rows: list[Row]) -> str:
    """Write the table of seconds."""
    lines = [
        "| example | `fit`, scikit-learn | `fit`, fastmlp | ratio | whole script, scikit-learn | fastmlp | ratio |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [row.title]
        for seconds in (lambda run: run.fit_seconds, lambda run: run.seconds):
            theirs, ours = (median(seconds(run) for run in runs) for runs in (row.theirs, row.ours))
            cells += [f"{theirs:.2f} s", f"{ours:.2f} s", f"{theirs / ours:.2g}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def agreements(rows: list[Row]) -> str:
    """Write the table of differences."""
    lines = [
        "| example | fits | same epochs | losses | outputs | numbers | different | pixels |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        found = row.agreement
        different = f"{found.different_numbers}, by up to {found.largest_number:.2g}" if found.different_numbers else "none"
        lines.append(
            f"| {row.title} | {found.fits} | {'yes' if found.same_epochs else 'no'} | {found.loss:.1g} | {found.prediction:.1g} | "
            f"{found.numbers} | {different} | {100 * found.different_pixels:.2g} % |"
        )
    return "\n".join(lines)


def scores(rows: list[Row]) -> str:
    """Write the table of the scores that are printed."""
    lines = ["| example | prints with scikit-learn | with fastmlp |", "|---|---|---|"]
    for row in rows:
        name = row.title
        pairs = list(zip(*[SCORE.findall(runs[0].printed) for runs in (row.theirs, row.ours)], strict=True))
        for theirs, ours in pairs[:MOST]:
            lines.append(f"| {name} | {theirs} | {ours} |")
            name = ""
        if len(pairs) > MOST:
            equal = sum(theirs == ours for theirs, ours in pairs[MOST:])
            lines.append(f"| | {len(pairs) - MOST} more | {equal} of them the same |")
    return "\n".join(lines)
