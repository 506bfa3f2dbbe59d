"""The profile of one of the document's gradients: the phases of an epoch, compared with NumPy's calls."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ..two_layer.laps import PARTS, PHASES
from .ladder import Sizes

SCHEMA = "fastmlp.gradient_profile/1"
WHOLES = {PHASES[whole]: {PHASES[part] for part in parts} for whole, parts in PARTS.items()}
MOSTLY = 0.5  # share of a phase's time from which on it is mostly the clock that was measured


@dataclass(frozen=True)
class GradientPhase:
    """One kind of work, summed over all epochs of the profiled run.

    Attributes
    ----------
    name : str
        One of `fastmlp.two_layer.laps.PHASES`, such as "X w1" or "update".
    calls : int
        How often the clock was read at the end of this phase.
    seconds : float
        Time of the phase, including the time of reading the clock.
    operations : int
        Additions and multiplications of matrix products, or of the loops that replace them, as the formula has them; 0 for other phases.
    allocated : int
        Bytes of arrays that were allocated; 0 for all phases but "allocation".
    """

    name: str
    calls: int
    seconds: float
    operations: int
    allocated: int

    @property
    def parts(self) -> set[str]:
        """The phases of the document's epoch that this phase combines; for most phases, only the phase itself."""
        return WHOLES.get(self.name, {self.name})

    @property
    def gflops(self) -> float:
        """1e9 operations per second."""
        return self.operations / self.seconds / 1e9 if self.seconds else 0.0


@dataclass(frozen=True)
class NumpyCall:
    """The calls of one NumPy function in one phase of an epoch.

    Attributes
    ----------
    phase : str
        The compiled phase that does the same work.
    function : str
        NumPy's name of the function, such as "matmul" or "exp".
    count : int
        Calls per epoch.
    seconds : float
        Time of all these calls per epoch, without reading the clock.
    least_seconds : float
        The same time if each array held one number: the overhead of the calls, without any computation.
    """

    phase: str
    function: str
    count: int
    seconds: float
    least_seconds: float


@dataclass(frozen=True)
class NumpyProfile:
    """The profile of the same gradient in NumPy.

    Attributes
    ----------
    gradient : str
        Its name; for `fused`, which has no counterpart in NumPy, this is `backward_faster`.
    seconds : float
        Time of an epoch that is timed only as a whole.
    calls : tuple of NumpyCall
        In the order in which they occur in an epoch.
    """

    gradient: str
    seconds: float
    calls: tuple[NumpyCall, ...]

    @property
    def count(self) -> int:
        """Number of calls per epoch."""
        return sum(call.count for call in self.calls)

    @property
    def between(self) -> float:
        """Seconds per epoch between the calls: the time in which Python indexes, loops and makes arrays."""
        return max(0.0, self.seconds - sum(call.seconds for call in self.calls))

    @property
    def exceeded(self) -> bool:
        """Whether the sum of the timed calls is clearly more than the epoch that was timed as a whole.

        NumPy reuses the memory of large temporary arrays unless something else refers to them, as the code that times the calls does.
        """
        return sum(call.seconds for call in self.calls) > 1.05 * self.seconds

    @property
    def overhead(self) -> float:
        """The share of an epoch that would remain if each array held one number, including the time between the calls."""
        return min(1.0, (sum(min(call.least_seconds, call.seconds) for call in self.calls) + self.between) / self.seconds)


@dataclass(frozen=True)
class GradientProfile:
    """Where the time of an epoch with one of the document's gradients goes; made by `fastmlp.profile_gradient`.

    Attributes
    ----------
    problem : str
        Name of a rung of the ladder, or "" for other data.
    sizes : Sizes
        N samples, I inputs, H hidden units, O outputs.
    gradient, dtype : str
    way : str
        The compiled function that ran: "document_epochs", or one of the ways of `fused`.
    epochs : int
        Epochs of each run.
    seconds : float
        Time of the profiled compiled call, by Python's clock. It is the fastest of many runs, because other programs can only add time.
        The phases are those of this run.
    unprofiled_seconds : float
        Time of the same call without a clock inside: the fastest of the runs that alternated with the profiled ones.
    lap_seconds : float
        Time of reading the clock at the end of a phase, if nothing can be computed meanwhile.
    phases : tuple of GradientPhase
        In the order of an epoch, without those that never occurred.
    numpy : NumpyProfile or None
        None if NumPy was not measured; `not_measured` then says why.
    not_measured : str
    peak_gflops : float
        Multiply-add peak of one core, measured before and after.
    blas_threads : int or None
        Threads of NumPy's and of the compiled matrix products; None if that is not known.
    machine : dict
        CPU and versions, as `fastmlp.measure.machine.describe` returns them.
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
        """Seconds of all phases together."""
        return sum(phase.seconds for phase in self.phases)

    @property
    def overhead(self) -> float:
        """Additional time of the profiled run, as a share of the unprofiled one."""
        return self.seconds / self.unprofiled_seconds - 1

    def share(self, phase: GradientPhase) -> float:
        """Return the share of the phase in the time of all phases."""
        return phase.seconds / self.phase_seconds if self.phase_seconds else 0.0

    def share_of_peak(self, phase: GradientPhase) -> float:
        """Return the operations of the phase as a share of those that a core at its peak does in the same time."""
        return phase.gflops / self.peak_gflops

    def share_of_clock(self, phase: GradientPhase) -> float:
        """Return the share of the phase's time that reading the clock would take if nothing else could be done meanwhile; at most 1."""
        return min(1.0, phase.calls * self.lap_seconds / phase.seconds) if phase.seconds else 0.0

    def is_mostly_clock(self, phase: GradientPhase) -> bool:
        """Whether the phase is too short for the clock to resolve."""
        return self.share_of_clock(phase) >= MOSTLY

    def numpy_seconds(self, phase: GradientPhase) -> float | None:
        """Return the seconds per epoch of NumPy's calls that do the same work; None if there are none."""
        found = [call.seconds for call in self.numpy.calls if call.phase in phase.parts] if self.numpy else []
        return sum(found) if found else None

    def to_dict(self) -> dict[str, Any]:
        """Return everything as numbers and strings: what ``fastmlp profile --gradient NAME --json FILE`` writes.

        The "schema" changes when a name or a unit changes.
        """
        phases = [
            asdict(phase)
            | {"share": self.share(phase), "gflops": phase.gflops, "share_of_peak": self.share_of_peak(phase)}
            | {"share_of_clock": self.share_of_clock(phase), "numpy_seconds_per_epoch": self.numpy_seconds(phase)}
            for phase in self.phases
        ]
        return {"schema": SCHEMA} | asdict(self) | {"phases": phases}
