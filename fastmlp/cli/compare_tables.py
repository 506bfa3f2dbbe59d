"""Print the output of `fastmlp compare`: a progress bar, and each table as soon as it is measured."""

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

WHY_PUBLISHED_FAILS = "The published gradient uses sigmoid(act_hidden) in place of its derivative sigmoid_(act_hidden)."


def run(console: Console, effort: Effort, profiled: bool = False) -> Comparison:
    """Measure everything, including a profile of the gradients if `profiled`, and print each section as soon as it is complete."""
    columns = SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn()
    # Drawing four times a second does not affect the medians of the measurements.
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
    """Print the section that has just been measured."""
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
    """Print a table that describes the machine."""
    table = section("Environment")
    table.show_header = False
    table.add_column(style="dim")
    table.add_column()
    cores = f"{machine['cores']} cores, vectors of {machine['vector_bits']} bits"
    blas_threads = machine["blas_threads"] or "as many as it chooses (install threadpoolctl to compare on one thread)"
    table.add_row("CPU", f"{machine['cpu']} ({machine['cpu_name_llvm']}), {cores}")
    table.add_row("threads", f"{machine['loop_threads']} in fastmlp's loops; in BLAS: {blas_threads}")
    table.add_row("BLAS", f"NumPy: {machine['blas_numpy']}; compiled products: {machine['blas_compiled']}")
    table.add_row("versions", ", ".join(f"{name} {version}" for name, version in machine["versions"].items()))
    table.add_row("system", machine["operating_system"])
    show(console, table)


def show_checks(console: Console, checks: list[Check]) -> None:
    """Print the distances of each gradient and whether it is correct."""
    title = "Gradients compared with central differences and with each other"
    table = section(title, "gradient", "way", right=("central\ndifferences", "other\ngradients"))
    table.add_column("")
    for check in checks:
        distances = (check.distance_to_central_differences, check.distance_to_others)
        table.add_row(check.gradient, check.way, *(f"{value:.1e}" for value in distances), judgement(check))
    show(console, table, "Differences are relative to the largest derivative.", WHY_PUBLISHED_FAILS)


def judgement(check: Check) -> str:
    """Return the verdict on a gradient, with its colour."""
    if check.correct != check.expected_correct:
        return "[bold red]WRONG[/]" if check.expected_correct else "[bold red]RIGHT, although known to be wrong: the check is broken[/]"
    return "[green]right[/]" if check.correct else "[yellow]wrong, as expected[/]"


def show_xor(console: Console, learnt: list[Learnt], first: list[FirstCall]) -> None:
    """Print what each gradient learnt and how long it took."""
    title = f"XOR: {EPOCHS:,} epochs at learning rate {LEARNING_RATE}, from the initial weights of the source document"
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
    origin = "Compilation took" if any(call.compiled for call in first) else "The code was compiled before; loading it from the cache took"
    compiling = f"{origin} {duration(gradients)} for the loop with the three gradients, {duration(fused)} for fused."
    show(console, table, compiling, "fused has no counterpart in NumPy; its speed-up is relative to NumPy's fastest gradient.")


def show_ladder(console: Console, ladder: list[Rung]) -> None:
    """Print one row per size with the fastest time highlighted, and then an explanation."""
    headings = tuple(f"{way}\n{gradient.replace('_', '_' + chr(10))}" for gradient, way in COMPETITORS)
    table = section("One step of gradient descent: forward pass, gradient, update", "size\nN I H O", right=headings)
    for rung in ladder:
        cells = []
        for gradient, way in COMPETITORS:
            shown = duration(rung.seconds(gradient, way))
            fastest = rung.fastest == {"gradient": gradient, "way": way}
            cells.append(f"[bold green]{shown}[/]" if fastest else shown)
        table.add_row(f"{rung.name}\n[dim]{' '.join(map(str, rung.sizes.values()))}[/]", *cells)
    missing = [f"- {rung.name}, {who}: not measured, because {reason}." for rung in ladder for who, reason in rung.not_measured.items()]
    show(console, table, *missing, *(f"* {line}" for line in explain(ladder)))


def show_profiles(console: Console, profiles: list[GradientProfile]) -> None:
    """Print one line for each gradient that says on what it spends its time."""
    table = section(f"Where the compiled gradients spend their time: {profiles[0].problem}", "gradient", right=("per epoch",))
    table.add_column("")
    for taken in profiles:
        table.add_row(taken.gradient, duration(taken.unprofiled_seconds / taken.epochs), spent(taken))
    show(console, table, "In brackets: the share of a core's peak. `fastmlp profile --gradient NAME` shows all phases.")


def verdict(comparison: Comparison) -> str:
    """Return the last line of the output."""
    wrong = [f"{check.gradient} ({check.way})" for check in comparison.checks if check.correct != check.expected_correct]
    if wrong:
        return f"[bold red]The gradient check failed for {', '.join(wrong)}.[/]"
    return f"[green]All gradients are correct, and the mistake in the published one is detected.[/] This took {comparison.seconds:.0f} s."
