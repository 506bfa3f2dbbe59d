"""What the profile of a gradient means, in one to three sentences."""

from __future__ import annotations

from collections.abc import Iterator

from ..measure.durations import duration
from ..measure.gradient_profile import GradientPhase, GradientProfile

NOTABLE, NEAR_PEAK = 0.08, 0.75
CLOCK_SHOWS = 0.05  # of the unprofiled run: from here on it is said what reading the clock costs


def sentences(taken: GradientProfile) -> list[str]:
    """At most three: on the clock if it shows, on what takes longest, on NumPy."""
    clock, numpy = list(about_the_clock(taken)), list(about_numpy(taken))
    own = [text for _, text in sorted([*about_arithmetic(taken), *about_allocation(taken), *about_others(taken)], reverse=True)]
    return clock + own[: 3 - len(clock) - len(numpy)] + numpy


def spent(taken: GradientProfile) -> str:
    """What a gradient spends its time on, in a line: at most three phases."""
    largest = sorted(taken.phases, key=lambda phase: phase.seconds, reverse=True)
    named = [phase for phase in largest[:3] if taken.share(phase) >= NOTABLE] or largest[:1]
    return ", ".join(f"{taken.share(phase):.0%} {phase.name}{at_peak(taken, phase)}" for phase in named)


def at_peak(taken: GradientProfile, phase: GradientPhase) -> str:
    """How near to the peak a phase is, if it multiplies and adds and the clock can tell."""
    return f" (at {taken.share_of_peak(phase):.0%})" if phase.operations and not taken.is_mostly_clock(phase) else ""


def about_the_clock(taken: GradientProfile) -> Iterator[str]:
    """Where it costs more than a little: what it costs, and what the figures are then worth."""
    profiled, unprofiled = taken.seconds / taken.epochs, taken.unprofiled_seconds / taken.epochs
    laps = sum(phase.calls for phase in taken.phases) / taken.epochs
    cost = laps * taken.lap_seconds / unprofiled
    if cost >= CLOCK_SHOWS:
        yield (
            f"The clock is read {laps:,.0f} times an epoch, {duration(taken.lap_seconds)} each where nothing else is done meanwhile; "
            f"the epoch takes {duration(unprofiled)} unprofiled and {duration(profiled)} profiled. "
            "Lines with < are mostly the clock's own time."
        )


def about_arithmetic(taken: GradientProfile) -> Iterator[tuple[float, str]]:
    """Products, or the loops in their place, and how near they are to the peak."""
    loops = [phase for phase in taken.phases if phase.operations and taken.gradient == "backward" and phase.name.startswith("dL_dw")]
    phases = loops or [phase for phase in taken.phases if phase.operations and not taken.is_mostly_clock(phase)]
    share = total(phases) / taken.phase_seconds
    if share < NOTABLE:
        return
    N, I, H, O = taken.sizes
    near = sum(phase.operations for phase in phases) / total(phases) / 1e9 / taken.peak_gflops
    if loops:
        products = 2 * N * H * (I + 2 * O)
        text = f"{share:.0%} of backward is its two loops over the samples, at {near:.0%} of what a core multiplies and adds"
        operations = sum(phase.operations for phase in loops) / taken.epochs
        yield share, text + f": {operations:,.0f} operations, where the products of backward_faster need {products:,.0f}."
    else:
        what = "phases that multiply matrices" if taken.gradient == "fused" else "matrix products"
        text = f"{share:.0%} of {taken.gradient} is {what}, at {near:.0%} of what a core multiplies and adds"
        yield share, text + (": only fewer weights or samples make them shorter." if near >= NEAR_PEAK else ".")


def about_allocation(taken: GradientProfile) -> Iterator[tuple[float, str]]:
    """Arrays that are made in each epoch."""
    for phase in taken.phases:
        if phase.name == "allocation" and taken.share(phase) >= NOTABLE:
            text = f"{taken.share(phase):.0%} is making and freeing arrays, {phase.allocated / taken.epochs:,.0f} bytes an epoch"
            yield taken.share(phase), text + (": `fused` makes them once." if taken.gradient != "fused" else ".")


def about_others(taken: GradientProfile) -> Iterator[tuple[float, str]]:
    """The longest phase that neither multiplies matrices nor makes arrays."""
    others = [phase for phase in taken.phases if not (phase.operations or phase.allocated or taken.is_mostly_clock(phase))]
    if others:
        phase = max(others, key=lambda phase: phase.seconds)
        if taken.share(phase) >= NOTABLE:
            yield taken.share(phase), f"{taken.share(phase):.0%} is the phase `{phase.name}`."


def about_numpy(taken: GradientProfile) -> Iterator[str]:
    """Where compilation pays."""
    numpy = taken.numpy
    if not numpy:
        return
    times = numpy.seconds * taken.epochs / taken.unprofiled_seconds
    verdict = f"compiled, an epoch takes {1 / times:.2f} x as long" if times < 1 else f"compiled, an epoch is {times:.1f} x as fast"
    if numpy.overhead >= 0.5:
        yield (
            f"{numpy.overhead:.0%} of NumPy's {duration(numpy.seconds)} is what the {numpy.count:,} calls of {numpy.gradient} would take "
            f"if each array held one number, and the Python between them: {verdict}."
        )
        return
    spent = f"{1 - numpy.overhead:.0%} of NumPy's {duration(numpy.seconds)}"
    text = f"{spent} is arithmetic and memory in {numpy.count:,} calls of {numpy.gradient}: {verdict}"
    saved = {phase: (taken.numpy_seconds(phase) or 0.0) - phase.seconds / taken.epochs for phase in taken.phases}
    best = max(saved, key=lambda phase: saved[phase])
    if saved[best] > 0:
        before, after = duration(taken.numpy_seconds(best)), duration(best.seconds / taken.epochs)
        text += f"; most is saved in `{best.name}`, {before} against {after}"
    yield text + "."


def total(phases: list[GradientPhase]) -> float:
    """Seconds of several phases."""
    return sum(phase.seconds for phase in phases)
