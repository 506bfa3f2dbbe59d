"""How `fastmlp compare` looks while it works: a progress bar, and each table as soon as it is measured."""

from __future__ import annotations

import math
import time
from typing import Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..measure import comparison as compare
from ..measure import machine as environment
from ..measure.comparison import CLIMBERS, Check, Comparison, Effort, FirstCall, Learnt, Rung, duration
from ..measure.gradients import GRADIENTS
from ..measure.ladder import LADDER

WHY_PUBLISHED_FAILS = "As published: sigmoid(act_hidden) stands where its derivative sigmoid_(act_hidden) belongs."
TIME_LIMIT = 50.0  # seconds for everything, on a machine slow to compile too: what is measured afterwards adapts


def run(console: Console, effort: Effort) -> Comparison:
    """Measure everything, showing each section when it is there."""
    start = time.perf_counter()
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    # Drawing four times a second costs the measurements nothing that their medians would show.
    bar = Progress(*columns, console=console, transient=True, refresh_per_second=4, disable=not console.is_terminal)
    with environment.one_blas_thread() as blas_threads, bar as progress:
        machine = environment.describe() | {"loop_threads": 1, "blas_threads": blas_threads}
        show_environment(console, machine)
        calls = compare.first_calls()
        task = progress.add_task("", total=len(calls) + 2 + len(LADDER))

        def working_on(what: str) -> None:
            progress.update(task, description=what, refresh=True)

        first = []
        for name, call in calls.items():
            working_on(f"compiling {name}")
            first.append(call())
            progress.advance(task)
        effort = effort.within(TIME_LIMIT - (time.perf_counter() - start))
        working_on("checking the gradients")
        checks = compare.check_gradients()
        show_checks(console, checks)
        progress.advance(task)
        working_on("training XOR")
        seconds = compare.time_xor(effort)
        learnt = compare.learn_xor(seconds)
        show_xor(console, learnt, first)
        progress.advance(task)
        ladder: list[Rung] = []
        for name in LADDER:
            working_on(f"timing {name}")
            ladder.append(compare.climb(name, effort, ladder, None if ladder else seconds))
            progress.advance(task)
    show_ladder(console, ladder)
    comparison = Comparison(machine, first, checks, learnt, ladder, time.perf_counter() - start)
    console.print(verdict(comparison))
    return comparison


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


def show_environment(console: Console, machine: dict[str, Any]) -> None:
    """The machine, two columns."""
    table = section("Environment")
    table.show_header = False
    table.add_column(style="dim")
    table.add_column()
    cores = f"{machine['cores']} cores, vectors of {machine['vector_bits']} bits"
    blas_threads = machine["blas_threads"] or "as many as it chooses (pip install threadpoolctl to compare on one)"
    table.add_row("CPU", f"{machine['cpu']} ({machine['cpu_name_llvm']}), {cores}")
    table.add_row("threads", f"{machine['loop_threads']} in fastmlp's loops; in BLAS: {blas_threads}")
    table.add_row("BLAS", f"NumPy: {machine['blas_numpy']}; compiled products: {machine['blas_compiled']}")
    table.add_row("versions", ", ".join(f"{name} {version}" for name, version in machine["versions"].items()))
    table.add_row("system", machine["operating_system"])
    show(console, table)


def show_checks(console: Console, checks: list[Check]) -> None:
    """Each gradient's distances and verdict."""
    title = "Gradients against central differences and each other"
    table = section(title, "gradient", "way", right=("central\ndifferences", "the\nothers"))
    table.add_column("")
    for check in checks:
        distances = (check.distance_to_central_differences, check.distance_to_others)
        table.add_row(check.gradient, check.way, *(f"{value:.1e}" for value in distances), judgement(check))
    show(console, table, "Differences are relative to the largest slope.", WHY_PUBLISHED_FAILS)


def judgement(check: Check) -> str:
    """In one word and its colour."""
    if check.correct != check.expected_correct:
        return "[bold red]WRONG[/]" if check.expected_correct else "[bold red]RIGHT, though known to be wrong: the check is broken[/]"
    return "[green]right[/]" if check.correct else "[yellow]wrong, as expected[/]"


def show_xor(console: Console, learnt: list[Learnt], first: list[FirstCall]) -> None:
    """What each gradient learnt, and how fast."""
    title = f"XOR: {compare.EPOCHS:,} epochs at learning rate {compare.LEARNING_RATE} from the document's weights"
    right = ("final\nerror", "the four\npredictions", "NumPy\nepoch", "compiled\nepoch", "speed-up")
    table = section(title, "gradient", right=right)
    for row in learnt:
        table.add_row(
            row.gradient.replace("_as_", "\nas "),
            f"{row.final_error:.2e}",
            " ".join(f"{value:.2f}" for value in row.predictions),
            duration(row.numpy_seconds_per_epoch),
            duration(row.compiled_seconds_per_epoch),
            f"{row.speed_up:.0f} x" if row.speed_up else "-",
        )
    seconds = {call.function: call.seconds for call in first}
    gradients = sum(seconds[f"train, {name}"] for name in GRADIENTS)
    origin = "Compiling took" if any(call.compiled for call in first) else "Already compiled; loading from the cache took"
    compiling = f"{origin} {duration(gradients)} for the loop with the three gradients, {duration(seconds['train, fused'])} for fused."
    show(console, table, compiling, "fused has no counterpart in NumPy: its speed-up is over the fastest that NumPy has.")


def show_ladder(console: Console, ladder: list[Rung]) -> None:
    """One row a size, the fastest highlighted; then why."""
    headings = tuple(f"{way}\n{gradient.replace('_', '_' + chr(10))}" for gradient, way in CLIMBERS)
    table = section("One step of gradient descent: forward pass, gradient, update", "size\nN I H O", right=headings)
    for rung in ladder:
        cells = []
        for gradient, way in CLIMBERS:
            shown = duration(rung.seconds(gradient, way))
            fastest = rung.fastest == {"gradient": gradient, "way": way}
            cells.append(f"[bold green]{shown}[/]" if fastest else shown)
        table.add_row(f"{rung.name}\n[dim]{' '.join(map(str, rung.sizes.values()))}[/]", *cells)
    missing = [f"- {rung.name}, {who}: {reason}." for rung in ladder for who, reason in rung.not_measured.items()]
    show(console, table, *missing, *(f"* {line}" for line in explain(ladder)))


def explain(ladder: list[Rung]) -> list[str]:
    """Who wins where and why, one line a regime, with the figures of this run."""
    return [small_sizes(ladder[0]), the_turn(ladder), large_sizes(ladder[-1]), fused_wins(ladder)]


def known(seconds: float | None) -> float:
    """Seconds, infinitely many if they were too many to measure."""
    return math.inf if seconds is None else seconds


def small_sizes(rung: Rung) -> str:
    """Overhead decides."""
    numpy, naive, products = (known(rung.seconds(*who)) for who in (("backward_pass", "NumPy"), ("backward",), ("backward_pass",)))
    line = f"{rung.name}: NumPy's {duration(numpy)} pay for its calls, not for {rung.operations} additions and multiplications. "
    if naive < products:
        return line + f"Compiled, the naive loop is {products / naive:.1f} x as fast as matrix products, which allocate and call BLAS."
    return line + "Compiled, matrix products are no slower than the naive loop even here."


def the_turn(ladder: list[Rung]) -> str:
    """Where matrix products overtake the naive loop."""
    for rung in ladder:
        naive, products = known(rung.seconds("backward")), known(rung.seconds("backward_pass"))
        if naive > products:
            ratio = "" if math.isinf(naive) else f" ({naive / products:.1f} x there)"
            return f"From {rung.name} on matrix products beat the naive loop{ratio}: it multiplies N I H O times, they N H (I + O) times."
    return "The naive loop beats matrix products at every size measured."


def large_sizes(rung: Rung) -> str:
    """BLAS decides."""
    best, numpy = known(rung.seconds(rung.fastest["gradient"], rung.fastest["way"])), known(rung.seconds("backward_pass", "NumPy"))
    line = f"{rung.name}: the fastest step does {rung.operations / best / 1e9:.0f} GFLOP/s, nearly all of it in matrix products; "
    if rung.fastest["way"] == "NumPy":
        return line + "it is NumPy's: there is no overhead left to save."
    return line + f"NumPy's backward_pass, with the same products, takes {numpy / best:.2f} x as long."


def fused_wins(ladder: list[Rung]) -> str:
    """How often, and by how much it loses elsewhere."""
    lost = {}
    for rung in ladder:
        best = known(rung.seconds(rung.fastest["gradient"], rung.fastest["way"]))
        if rung.fastest["gradient"] != "fused":
            lost[rung.name] = known(rung.seconds("fused")) / best
    line = f"fused is the fastest at {len(ladder) - len(lost)} of {len(ladder)} sizes: one pass without temporaries, or products in place"
    return line + "".join(f"; at {name} it takes {ratio:.2f} x the fastest" for name, ratio in lost.items()) + "."


def verdict(comparison: Comparison) -> str:
    """The last line."""
    wrong = [f"{check.gradient} ({check.way})" for check in comparison.checks if check.correct != check.expected_correct]
    if wrong:
        return f"[bold red]The gradient check failed for {', '.join(wrong)}.[/]"
    return f"[green]Every gradient is right, and the published one is found out.[/] Measured in {comparison.seconds:.0f} s."
