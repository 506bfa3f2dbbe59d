"""What a profile of one of the document's gradients holds: the phases of an epoch, and NumPy's calls beside them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..two_layer.laps import PARTS, PHASES
from .ladder import Sizes

SCHEMA = "fastmlp.gradient_profile/1"
WHOLES = {PHASES[whole]: {PHASES[part] for part in parts} for whole, parts in PARTS.items()}
MOSTLY = 0.5  # of a phase's time: from here on it is the clock that was measured


@dataclass(frozen=True)
class GradientPhase:
    """One kind of work in all epochs of the profiled run.

    Attributes
    ----------
    name : str
        One of `fastmlp.two_layer.laps.PHASES`, such as "X w1" or "update".
    calls : int
        How often the clock was read at its end.
    seconds : float
        What it took, with reading the clock.
    operations : int
        Additions and multiplications of matrix products, or of the loops that stand in their place, as the formula has them; 0 for others.
    allocated : int
        Bytes of arrays that were made; 0 for all phases but "allocation".
    """

    name: str
    calls: int
    seconds: float
    operations: int
    allocated: int

    @property
    def parts(self) -> set[str]:
        """The phases of the document's epoch that it does at once; of most phases, themselves."""
        return WHOLES.get(self.name, {self.name})

    @property
    def gflops(self) -> float:
        """1e9 operations a second."""
        return self.operations / self.seconds / 1e9 if self.seconds else 0.0


@dataclass(frozen=True)
class NumpyCall:
    """Calls of one of NumPy's functions in one phase of an epoch.

    Attributes
    ----------
    phase : str
        Which of the compiled phases does the same.
    function : str
        NumPy's name: "matmul", "exp".
    count : int
        In an epoch.
    seconds : float
        All of them in an epoch, without reading the clock.
    least_seconds : float
        The same if each array held one number: what NumPy needs before there is anything to compute.
    """

    phase: str
    function: str
    count: int
    seconds: float
    least_seconds: float


@dataclass(frozen=True)
class NumpyProfile:
    """The same gradient in NumPy.

    Attributes
    ----------
    gradient : str
        Which: `fused`, which has no counterpart, stands beside `backward_faster`.
    seconds : float
        Of an epoch in which nothing is timed but the whole.
    calls : tuple of NumpyCall
        In the order in which an epoch comes to them.
    """

    gradient: str
    seconds: float
    calls: tuple[NumpyCall, ...]

    @property
    def count(self) -> int:
        """Calls in an epoch."""
        return sum(call.count for call in self.calls)

    @property
    def between(self) -> float:
        """Seconds of an epoch between the calls: Python, which indexes, loops and makes arrays."""
        return max(0.0, self.seconds - sum(call.seconds for call in self.calls))

    @property
    def exceeded(self) -> bool:
        """Whether the calls add up to clearly more than the epoch that was timed as a whole.

        NumPy reuses the memory of large temporary arrays, unless somebody else sees them, as the code that times the calls does.
        """
        return sum(call.seconds for call in self.calls) > 1.05 * self.seconds

    @property
    def overhead(self) -> float:
        """The share of an epoch that its calls would take if each array held one number, with what is between them."""
        return min(1.0, (sum(min(call.least_seconds, call.seconds) for call in self.calls) + self.between) / self.seconds)


@dataclass(frozen=True)
class GradientProfile:
    """Where the time of an epoch with one of the document's gradients goes. Made by `fastmlp.profile_gradient`.

    Attributes
    ----------
    problem : str
        A rung of the ladder, or "" for other data.
    sizes : Sizes
        N samples, I inputs, H hidden units, O outputs.
    gradient, dtype : str
    way : str
        The compiled function that ran: "document_epochs", or one of `fused`'s ways.
    epochs : int
        Of each run.
    seconds : float
        The profiled compiled call, by Python's clock: of many runs the fastest, since what other programs do only adds. The phases are
        those of this run.
    unprofiled_seconds : float
        The same call without a clock: the fastest of the runs that alternated with the profiled ones.
    lap_seconds : float
        Of reading the clock at the end of a phase, if nothing can be computed meanwhile.
    phases : tuple of GradientPhase
        In the order in which an epoch goes through them, but for those that never happened.
    numpy : NumpyProfile or None
        None if `not_measured` says why.
    not_measured : str
    peak_gflops : float
        What one core multiplies and adds at most, measured before and after.
    blas_threads : int or None
        Of NumPy's and the compiled matrix products; None if that is not known.
    machine : dict
        CPU and versions: `fastmlp.measure.machine.describe`.
    """

    problem: str
    sizes: Sizes
    gradient: str
    dtype: str
    way: str
    epochs: int
    seconds: float
    unprofiled_seconds: float
    lap_seconds: float
    phases: tuple[GradientPhase, ...]
    numpy: NumpyProfile | None
    not_measured: str
    peak_gflops: float
    blas_threads: int | None
    machine: dict[str, Any]

    @property
    def phase_seconds(self) -> float:
        """All phases together."""
        return sum(phase.seconds for phase in self.phases)

    @property
    def overhead(self) -> float:
        """How much longer the profiled run took than the unprofiled one, as a share of the latter."""
        return self.seconds / self.unprofiled_seconds - 1

    def share(self, phase: GradientPhase) -> float:
        """Of the time of all phases."""
        return phase.seconds / self.phase_seconds if self.phase_seconds else 0.0

    def share_of_peak(self, phase: GradientPhase) -> float:
        """Of what a core could multiply and add in the phase's time."""
        return phase.gflops / self.peak_gflops

    def share_of_clock(self, phase: GradientPhase) -> float:
        """How much of the phase's time reading the clock would take, were there nothing else to do meanwhile; at most 1."""
        return min(1.0, phase.calls * self.lap_seconds / phase.seconds) if phase.seconds else 0.0

    def is_mostly_clock(self, phase: GradientPhase) -> bool:
        """Whether the phase is too short for the clock to tell how long it is."""
        return self.share_of_clock(phase) >= MOSTLY

    def numpy_seconds(self, phase: GradientPhase) -> float | None:
        """Seconds of an epoch in NumPy's calls that do the same; None if there are none."""
        found = [call.seconds for call in self.numpy.calls if call.phase in phase.parts] if self.numpy else []
        return sum(found) if found else None

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers and strings: what ``fastmlp profile --gradient NAME --json FILE`` writes.

        Its "schema" changes when a name or a unit does.
        """
        phases = [
            asdict(phase)
            | {"share": self.share(phase), "gflops": phase.gflops, "share_of_peak": self.share_of_peak(phase)}
            | {"share_of_clock": self.share_of_clock(phase), "numpy_seconds_per_epoch": self.numpy_seconds(phase)}
            for phase in self.phases
        ]
        return {"schema": SCHEMA} | asdict(self) | {"phases": phases}
