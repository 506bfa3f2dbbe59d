"""Explain the profile of a gradient in one to three sentences."""

from __future__ import annotations

from collections.abc import Iterator

from ..measure.durations import duration
from ..measure.gradient_profile import GradientPhase, GradientProfile

NOTABLE, NEAR_PEAK = 0.08, 0.75
CLOCK_SHOWS = 0.05  # share of the unprofiled time; if reading the clock costs more, a sentence says so


def sentences(taken: GradientProfile) -> list[str]:
    """Return at most three sentences: on the cost of the clock if it is notable, on what takes longest, and on NumPy."""
    clock, numpy = list(about_the_clock(taken)), list(about_numpy(taken))
    own = [text for _, text in sorted([*about_arithmetic(taken), *about_allocation(taken), *about_others(taken)], reverse=True)]
    return clock + own[: 3 - len(clock) - len(numpy)] + numpy


def spent(taken: GradientProfile) -> str:
    """Name at most three phases on which a gradient spends most of its time."""
    largest = sorted(taken.phases, key=lambda phase: phase.seconds, reverse=True)
    named = [phase for phase in largest[:3] if taken.share(phase) >= NOTABLE] or largest[:1]
    return ", ".join(f"{taken.share(phase):.0%} {phase.name}{at_peak(taken, phase)}" for phase in named)


def at_peak(taken: GradientProfile, phase: GradientPhase) -> str:
    """Give the share of the peak that a phase reaches, if it does arithmetic and is long enough to be timed."""
    return f" (at {taken.share_of_peak(phase):.0%})" if phase.operations and not taken.is_mostly_clock(phase) else ""


def about_the_clock(taken: GradientProfile) -> Iterator[str]:
    """Say what reading the clock costs, and which figures it distorts, if the cost is notable."""
    profiled, unprofiled = taken.seconds / taken.epochs, taken.unprofiled_seconds / taken.epochs
    laps = sum(phase.calls for phase in taken.phases) / taken.epochs
    cost = laps * taken.lap_seconds / unprofiled
    if cost >= CLOCK_SHOWS:
        yield (
            f"The clock is read {laps:,.0f} times per epoch, and reading it takes {duration(taken.lap_seconds)} if nothing else is "
            f"executed meanwhile. An epoch takes {duration(unprofiled)} unprofiled and {duration(profiled)} profiled. "
            "Where a line is marked with <, most of its time is that of the clock itself."
        )


def about_arithmetic(taken: GradientProfile) -> Iterator[tuple[float, str]]:
    """Say which share of the time matrix products or loops take, and which share of the peak they reach."""
    loops = [phase for phase in taken.phases if phase.operations and taken.gradient == "backward" and phase.name.startswith("dL_dw")]
    phases = loops or [phase for phase in taken.phases if phase.operations and not taken.is_mostly_clock(phase)]
    share = total(phases) / taken.phase_seconds
    if share < NOTABLE:
        return
    N, I, H, O = taken.sizes
    near = sum(phase.operations for phase in phases) / total(phases) / 1e9 / taken.peak_gflops
    if loops:
        products = 2 * N * H * (I + 2 * O)
        text = f"{share:.0%} of the time of backward is spent in its two loops over the samples, at {near:.0%} of a core's peak"
        operations = sum(phase.operations for phase in loops) / taken.epochs
        yield share, text + f". They need {operations:,.0f} operations, and the matrix products of backward_faster only {products:,.0f}."
    else:
        what = "phases with matrix products" if taken.gradient == "fused" else "matrix products"
        text = f"{share:.0%} of the time of {taken.gradient} is spent on {what}, which run at {near:.0%} of a core's peak"
        yield share, text + ("; only fewer weights or samples would shorten them." if near >= NEAR_PEAK else ".")


def about_allocation(taken: GradientProfile) -> Iterator[tuple[float, str]]:
    """Say which share of the time is spent on allocating arrays."""
    for phase in taken.phases:
        if phase.name == "allocation" and taken.share(phase) >= NOTABLE:
            text = (
                f"{taken.share(phase):.0%} of the time is spent on allocating and freeing arrays, "
                f"{phase.allocated / taken.epochs:,.0f} bytes per epoch"
            )
            yield taken.share(phase), text + ("; `fused` allocates them only once." if taken.gradient != "fused" else ".")


def about_others(taken: GradientProfile) -> Iterator[tuple[float, str]]:
    """Name the longest phase that neither multiplies matrices nor allocates arrays."""
    others = [phase for phase in taken.phases if not (phase.operations or phase.allocated or taken.is_mostly_clock(phase))]
    if others:
        phase = max(others, key=lambda phase: phase.seconds)
        if taken.share(phase) >= NOTABLE:
            yield taken.share(phase), f"{taken.share(phase):.0%} of the time is spent in the phase `{phase.name}`."


def about_numpy(taken: GradientProfile) -> Iterator[str]:
    """Say what NumPy spends its time on, and how much compilation saves."""
    numpy = taken.numpy
    if not numpy:
        return
    times = numpy.seconds * taken.epochs / taken.unprofiled_seconds
    verdict = f"Compiled, an epoch takes {1 / times:.2f} x as long" if times < 1 else f"Compiled, an epoch is {times:.1f} x as fast"
    if numpy.overhead >= 0.5:
        yield (
            f"{numpy.overhead:.0%} of NumPy's {duration(numpy.seconds)} is overhead: the time that the {numpy.count:,} calls of "
            f"{numpy.gradient} would take on arrays with one element, and that of the Python code between them. {verdict}."
        )
        return
    spent = f"{1 - numpy.overhead:.0%} of NumPy's {duration(numpy.seconds)}"
    text = f"{spent} is spent on arithmetic and memory access in {numpy.count:,} calls of {numpy.gradient}. {verdict}"
    saved = {phase: (taken.numpy_seconds(phase) or 0.0) - phase.seconds / taken.epochs for phase in taken.phases}
    best = max(saved, key=lambda phase: saved[phase])
    if saved[best] > 0:
        before, after = duration(taken.numpy_seconds(best)), duration(best.seconds / taken.epochs)
        text += f"; the largest saving is in `{best.name}`, from {before} to {after}"
    yield text + "."


def total(phases: list[GradientPhase]) -> float:
    """Return the total seconds of several phases."""
    return sum(phase.seconds for phase in phases)
