"""Print the results of `fastmlp bench` in the terminal while it runs, and format them as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean, median
from time import perf_counter

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from ..engine.arguments import check_size
from ..measure.bench.conditions import begin
from ..measure.bench.results import Bench, Claim, Effort, Entry, Outcome, ranked, spread
from ..measure.durations import duration
from .bench_sections import chosen
from .tables import section

QUICK_NOTE = "This is a smoke test: its tasks are so small that the figures mean nothing."
READING = (
    "The libraries take turns, each in its own process, which may use as many cores as it has threads. Times are medians over the rounds, "
    "and ratios are medians of the ratios in each round. The share of peak compares the multiply-adds of training with the peak rate of "
    "fused multiply-adds, which is measured in the same process just before or after; products with zeros that fastmlp skips do not count. "
    "Accuracies are given as mean and standard deviation over the seeds."
)


def run(console: Console, only: Sequence[str] = (), seeds: int = 5, quick: bool = False) -> Bench:
    """Measure the chosen sections, printing each as soon as it is complete, and then the verdicts on the project's targets.

    Parameters
    ----------
    console : rich.console.Console
        Console to print on. If it is a terminal, a progress line is shown too.
    only : sequence of str, optional
        Keys of the sections to measure; by default all of them.
    seeds : int, default 5
        Number of training rounds, each with its own seed.
    quick : bool, default False
        Whether to use small tasks, whose figures mean little.

    Returns
    -------
    Bench
        All results.

    Raises
    ------
    ValueError, TypeError
        If a key is unknown, or `seeds` is not a positive integer.
    """
    start = perf_counter()
    sections, effort = chosen(only), Effort(check_size("seeds", seeds, 1), quick)
    bench = begin(effort)
    for line in heading(bench):
        console.print(line, highlight=False)
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, refresh_per_second=4, disable=not console.is_terminal) as progress:
        task = progress.add_task("")
        for part in sections:
            outcome = part.measure(effort, lambda what: progress.update(task, description=what, refresh=True))
            bench.outcomes.append(outcome)
            show_outcome(console, outcome)
    bench.seconds = perf_counter() - start
    show_claims(console, bench)
    return bench


def heading(bench: Bench) -> Iterator[str]:
    """Yield lines that describe the machine and the conditions of the measurement."""
    machine, conditions = bench.environment, bench.conditions
    yield f"{machine['cpu']} ({machine['cpu_name_llvm']}), {machine['cores']} cores, vectors of {machine['vector_bits']} bits; " + (
        f"{machine['operating_system']}; NumPy's BLAS: {machine['blas_numpy']}"
    )
    yield ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    yield f"Not installed and therefore not measured: {', '.join(conditions['absent']) or 'none'}. Seeds: {conditions['seeds']}."
    if machine["settings"]:
        settings = ", ".join(f"{name}={value}" for name, value in machine["settings"].items())
        yield f"Set in the environment: {settings}. Libraries that use these settings are measured with them."
    if conditions["quick"]:
        yield QUICK_NOTE


def table_of(outcome: Outcome) -> tuple[list[str], list[list[str]]]:
    """Return the headings and the rows of an outcome's table: one row for each entry, from the fastest, or for each of its parts."""
    if outcome.parts:
        return headings_of_parts(outcome), [cells_of_part(part) for part in outcome.parts]
    return headings(outcome), [cells(outcome, entry) for entry in ranked(outcome)]


def headings(outcome: Outcome) -> list[str]:
    """Return the headings of the columns that `cells` fills."""
    return ["library", "threads", f"time / {outcome.unit}", "fastmlp is", "of peak", "test accuracy"]


def cells(outcome: Outcome, entry: Entry) -> list[str]:
    """Return the row of an entry."""
    if not entry.measured:
        return [entry.who, str(entry.threads), entry.missing.partition(":")[0], "", "", ""]
    share = outcome.share(entry)
    accuracy = f"{100 * mean(entry.accuracies):.2f} ± {100 * spread(entry.accuracies):.2f} %" if entry.accuracies else ""
    return [
        entry.who,
        str(entry.threads),
        duration(median(entry.seconds)),
        advantage(outcome, entry),
        f"{100 * share:.1f} %" if share else "",
        accuracy,
    ]


def headings_of_parts(outcome: Outcome) -> list[str]:
    """Return the headings of the columns that `cells_of_part` fills."""
    return ["task", *(f"{entry.who} / {outcome.unit}" for entry in outcome.entries), "fastmlp is"]


def cells_of_part(part: Outcome) -> list[str]:
    """Return the row of a part, which compares fastmlp with one peer."""
    times = [duration(median(entry.seconds)) if entry.measured else entry.missing.partition(":")[0] for entry in part.entries]
    (peer,) = (entry for entry in part.entries if entry is not part.own)
    return [part.title, *times, advantage(part, peer) if peer.measured else ""]


def advantage(outcome: Outcome, entry: Entry) -> str:
    """Say how many times faster or slower than an entry fastmlp is."""
    if entry is outcome.own or not outcome.own.measured:
        return ""
    ratio = entry.times(outcome.own)
    return f"{ratio:.2f} x as fast" if ratio >= 1 else f"{1 / ratio:.2f} x SLOWER"


def remarks(outcome: Outcome) -> list[str]:
    """Return the lines below a table: which entries failed and why, then the notes of the outcome."""
    failed = [f"{entry.label}, {entry.missing}" for entry in outcome.entries if entry.missing.startswith("failed")]
    return failed + outcome.notes


def claim_cells(outcome: Outcome, claim: Claim) -> list[str]:
    """Return the row of a target: task, target, measured value, verdict."""
    return [outcome.title, target(claim), measurement(claim), claim.verdict]


def target(claim: Claim) -> str:
    """Describe the value that should be reached.

    Examples
    --------
    >>> target(Claim("speed", "x", 5.0, 5.1)), target(Claim("time", "s", 1.5, None, at_least=False))
    ('speed >= 5 x', 'time < 1.50 s')
    """
    bound = {"x": f"{claim.target:g} x", "%": f"{100 * claim.target:g} %", "s": duration(claim.target), "MB": f"{claim.target:g} MB"}
    return f"{claim.what} {'>=' if claim.at_least else '<'} {bound[claim.unit]}"


def measurement(claim: Claim) -> str:
    """Describe the value that was reached, or say why nothing was measured.

    Examples
    --------
    >>> measurement(Claim("share of peak", "%", 0.6, 0.7)), measurement(Claim("speed", "x", 5.0, None, missing="JAX: not installed"))
    ('70.0 %', 'JAX: not installed')
    """
    value = claim.measured
    if value is None:
        return claim.missing or "-"
    return {"x": f"{value:.2f} x", "%": f"{100 * value:.1f} %", "s": duration(value), "MB": f"{value:.0f} MB"}[claim.unit]


def show_outcome(console: Console, outcome: Outcome) -> None:
    """Print the table of a section and the verdicts on its targets."""
    colours = {"met": "green", "missed": "bold red", "not measured": "yellow"}
    lines = [f"[{colours[claim.verdict]}]{claim.verdict}[/]: {target(claim)}, measured {measurement(claim)}" for claim in outcome.claims]
    columns, rows = table_of(outcome)
    who, *right = (heading.replace(" ", "\n", 1) if heading != "fastmlp is" else heading for heading in columns)
    table = section(outcome.title, who, right=tuple(right))
    for row in rows:
        table.add_row(*row, style="bold" if row[0] == "fastmlp" else None)
    if outcome.entries:
        console.print(table)
    else:
        console.print(outcome.title, style="bold")
    for line in (*remarks(outcome), *lines, ""):
        console.print(line, highlight=False)


def tally(bench: Bench) -> str:
    """Count the targets that were met, missed and not measured."""
    verdicts = [claim.verdict for _, claim in bench.claims]
    parts = [f"{verdicts.count(verdict)} {verdict}" for verdict in ("met", "missed", "not measured")]
    return f"{len(verdicts)} targets: {', '.join(parts)}. The measurements took {bench.seconds:.0f} s."


def show_claims(console: Console, bench: Bench) -> None:
    """Print the missed targets and the tally."""
    for outcome, claim in bench.claims:
        if claim.verdict == "missed":
            console.print(f"[bold red]missed[/]: {outcome.title}: {target(claim)}, measured {measurement(claim)}")
    console.print(tally(bench), highlight=False)


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Format a table as lines of Markdown.

    Examples
    --------
    >>> markdown_table(["library", "time"], [["fastmlp", "1 s"]])
    ['| library | time |', '|---|---|', '| fastmlp | 1 s |']
    """
    lines = [list(columns), *(list(row) for row in rows)]
    rendered = [f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines]
    return [rendered[0], "|" + "---|" * len(columns), *rendered[1:]]


def as_markdown(bench: Bench) -> str:
    """Format all results as a page of Markdown."""
    parts = ["# fastmlp bench", *heading(bench), READING, tally(bench), "## Targets"]
    parts.append("\n".join(markdown_table(("task", "target", "measured", "verdict"), [claim_cells(*pair) for pair in bench.claims])))
    for outcome in bench.outcomes:
        parts.append(f"## {outcome.title}")
        if outcome.entries:
            parts.append("\n".join(markdown_table(*table_of(outcome))))
        parts += remarks(outcome)
    return "\n\n".join(parts) + "\n"
