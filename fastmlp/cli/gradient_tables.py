"""Print the output of `fastmlp profile --gradient`: a table of the phases, a table of NumPy's calls, and an explanation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..measure.durations import duration
from ..measure.gradient_profile import GradientPhase, GradientProfile, NumpyProfile
from .gradient_sentences import sentences
from .tables import section, show

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

SHORTER = "<"  # marks times that are too short for the clock to resolve
EXCEEDED = (
    "NumPy's calls add up to more than its epoch. When each call is timed separately, NumPy cannot store a result in the memory of an "
    "argument that is no longer needed, as it otherwise does. (Other programs may also have disturbed the measurement.)"
)


def print_gradient(console: Console, taken: GradientProfile) -> None:
    """Print both tables and the sentences that explain them."""
    N, *widths = taken.sizes
    blas = f"{taken.blas_threads} in BLAS" if taken.blas_threads else "in BLAS as many as it chooses"
    console.print(f"{taken.problem}: {N:,} samples, {'-'.join(map(str, widths))}, {taken.gradient} ({taken.way}), {taken.dtype}")
    console.print(f"{taken.machine['cpu']}, threads: 1 in loops, {blas}; {taken.peak_gflops:.0f} GFLOP/s per core\n")
    numpy = taken.numpy
    phases = section(
        f"Compiled, {taken.epochs:,} epochs per run", "phase", right=("per epoch", "share", "GFLOP/s", "of peak", "clock", "NumPy", "times")
    )
    for phase in taken.phases:
        phases.add_row(*phase_row(taken, phase))
    for name in numpy_alone(taken):
        seconds = sum(call.seconds for call in numpy.calls if call.phase == name) if numpy else 0.0
        phases.add_row(name, *[""] * 5, duration(seconds), "")
    if numpy:
        phases.add_row("Python code", *[""] * 5, duration(numpy.between), "")
    phases.add_section()
    whole = numpy.seconds if numpy else None
    for name, seconds in (("profiled", taken.seconds), ("unprofiled", taken.unprofiled_seconds)):
        ratio = f"{whole * taken.epochs / seconds:.1f}" if whole else ""
        share = f"{seconds / taken.phase_seconds:.1%}"
        phases.add_row(name, duration(seconds / taken.epochs), share, *[""] * 3, duration(whole) if whole else "", ratio)
    show(console, phases)
    if numpy:
        notes = [EXCEEDED] if numpy.exceeded else []
        show(console, calls_table(numpy), *notes, *sentences(taken))
    else:
        for line in (f"NumPy is not shown: {taken.not_measured}.", *sentences(taken)):
            console.print(line, highlight=False)


def phase_row(taken: GradientProfile, phase: GradientPhase) -> list[str]:
    """Return the row of a phase. If the phase is too short for the clock, its time is an upper limit."""
    short = taken.is_mostly_clock(phase)
    mark, beside = SHORTER if short else "", taken.numpy_seconds(phase)
    row = [phase.name, f"{mark}{duration(phase.seconds / taken.epochs)}", f"{mark}{taken.share(phase):.1%}"]
    row += [f"{phase.gflops:.1f}", f"{taken.share_of_peak(phase):.0%}"] if phase.operations and not short else ["", ""]
    row += [f"{taken.share_of_clock(phase):.0%}", "" if beside is None else duration(beside)]
    return [*row, "" if beside is None or short else f"{beside * taken.epochs / phase.seconds:.1f}"]


def numpy_alone(taken: GradientProfile) -> list[str]:
    """Return the phases that occur only in NumPy's epoch."""
    covered = {part for phase in taken.phases for part in phase.parts}
    names = dict.fromkeys(call.phase for call in taken.numpy.calls) if taken.numpy else {}
    return [name for name in names if name not in covered]


def calls_table(numpy: NumpyProfile) -> Table:
    """Return a table of NumPy's calls in an epoch, in their order."""
    right = ("calls", "per epoch", "per call", "at least", "share")
    table = section(f"NumPy's {numpy.gradient}, call by call", "phase", "function", right=right)
    for call in numpy.calls:
        times = [duration(seconds) for seconds in (call.seconds, call.seconds / call.count, call.least_seconds / call.count)]
        table.add_row(call.phase, call.function, f"{call.count:,}", *times, f"{call.seconds / numpy.seconds:.1%}")
    table.add_row("Python code", "", "", duration(numpy.between), "", "", f"{numpy.between / numpy.seconds:.1%}")
    table.add_section()
    table.add_row("whole epoch", "", f"{numpy.count:,}", duration(numpy.seconds), "", "", "100.0%")
    return table
