"""How `fastmlp compare` looks while it works: a progress bar, and each table as soon as it is measured."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

from ..measure.comparison import Comparison, compare
from ..measure.compilation import FirstCall
from ..measure.durations import duration
from ..measure.gradient_checks import Check
from ..measure.gradient_profile import GradientProfile
from ..measure.gradients import GRADIENTS
from ..measure.rungs import COMPETITORS, Effort, Rung
from ..measure.xor_training import EPOCHS, LEARNING_RATE, Learnt
from .compare_sentences import explain
from .gradient_sentences import spent
from .tables import section, show

WHY_PUBLISHED_FAILS = "As published: sigmoid(act_hidden) stands where its derivative sigmoid_(act_hidden) belongs."


def run(console: Console, effort: Effort, profiled: bool = False) -> Comparison:
    """Measure everything, and profile the gradients if that is asked for, showing each section when it is there."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    # Drawing four times a second costs the measurements nothing that their medians would show.
    bar = Progress(*columns, console=console, transient=True, refresh_per_second=4, disable=not console.is_terminal)
    with bar as progress:
        task = progress.add_task("", total=1.0)
        comparison = compare(
            effort,
            working_on=lambda what, done: progress.update(task, description=what, completed=done, refresh=True),
            finished=lambda section, so_far: show_section(console, section, so_far),
            profiled=profiled,
        )
    console.print(verdict(comparison))
    return comparison


def show_section(console: Console, section: str, comparison: Comparison) -> None:
    """The section that has just been measured."""
    if section == "environment":
        show_environment(console, comparison.environment)
    elif section == "checks":
        show_checks(console, comparison.checks)
    elif section == "xor":
        show_xor(console, comparison.xor, comparison.first_calls)
    elif section == "ladder":
        show_ladder(console, comparison.ladder)
    else:
        show_profiles(console, comparison.profiles)


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
    title = f"XOR: {EPOCHS:,} epochs at learning rate {LEARNING_RATE} from the document's weights"
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
    fused = sum(value for function, value in seconds.items() if function.startswith("train, fused"))
    origin = "Compiling took" if any(call.compiled for call in first) else "Already compiled; loading from the cache took"
    compiling = f"{origin} {duration(gradients)} for the loop with the three gradients, {duration(fused)} for fused."
    show(console, table, compiling, "fused has no counterpart in NumPy: its speed-up is over the fastest that NumPy has.")


def show_ladder(console: Console, ladder: list[Rung]) -> None:
    """One row for each size, the fastest highlighted; then why."""
    headings = tuple(f"{way}\n{gradient.replace('_', '_' + chr(10))}" for gradient, way in COMPETITORS)
    table = section("One step of gradient descent: forward pass, gradient, update", "size\nN I H O", right=headings)
    for rung in ladder:
        cells = []
        for gradient, way in COMPETITORS:
            shown = duration(rung.seconds(gradient, way))
            fastest = rung.fastest == {"gradient": gradient, "way": way}
            cells.append(f"[bold green]{shown}[/]" if fastest else shown)
        table.add_row(f"{rung.name}\n[dim]{' '.join(map(str, rung.sizes.values()))}[/]", *cells)
    missing = [f"- {rung.name}, {who}: {reason}." for rung in ladder for who, reason in rung.not_measured.items()]
    show(console, table, *missing, *(f"* {line}" for line in explain(ladder)))


def show_profiles(console: Console, profiles: list[GradientProfile]) -> None:
    """What each gradient spends its time on, one line for each."""
    table = section(f"Where an epoch's time goes, compiled: {profiles[0].problem}", "gradient", right=("an epoch",))
    table.add_column("")
    for taken in profiles:
        table.add_row(taken.gradient, duration(taken.unprofiled_seconds / taken.epochs), spent(taken))
    show(console, table, "In brackets: the share of a core's peak. `fastmlp profile --gradient NAME` shows the rest.")


def verdict(comparison: Comparison) -> str:
    """The last line."""
    wrong = [f"{check.gradient} ({check.way})" for check in comparison.checks if check.correct != check.expected_correct]
    if wrong:
        return f"[bold red]The gradient check failed for {', '.join(wrong)}.[/]"
    return f"[green]Every gradient is right, and the published one is found out.[/] Measured in {comparison.seconds:.0f} s."
