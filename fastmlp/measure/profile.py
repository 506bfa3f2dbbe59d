"""What a profile holds: the phases of a training, and what they took."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

SCHEMA = "fastmlp.profile/1"


@dataclass(frozen=True)
class Phase:
    """One kind of work on one layer.

    Attributes
    ----------
    kind : str
        One of `fastmlp.kernels.clock.PHASES`, such as "product" or "update".
    layer : int
        Whose: 1 is the first layer of weights; 0 what belongs to none, or to the input.
    calls : int
        How often it was done, by all threads together.
    seconds : tuple of float
        What it took, thread by thread.
    operations : int
        Additions and multiplications of products, without those with zero that were skipped; 0 for other phases.
    bytes : int
        What has to be read and written if each operand came from memory once in each call: see `fastmlp.measure.traffic`.
    """

    kind: str
    layer: int
    calls: int
    seconds: tuple[float, ...]
    operations: int
    bytes: int

    @property
    def name(self) -> str:
        """Kind and layer: "product 1"."""
        return f"{self.kind} {self.layer}" if self.layer else self.kind

    @property
    def mean_seconds(self) -> float:
        """Over the threads: of all phases together, the seconds of the compiled calls."""
        return sum(self.seconds) / len(self.seconds)

    @property
    def gflops(self) -> float:
        """Of all threads together, in 1e9 operations a second."""
        return self.operations / self.mean_seconds / 1e9 if self.mean_seconds else 0.0

    @property
    def intensity(self) -> float:
        """Operations for each byte."""
        return self.operations / self.bytes if self.bytes else 0.0


@dataclass(frozen=True)
class Profile:
    """Where the time of a training went. Made by `fastmlp.profile`.

    Attributes
    ----------
    sizes : tuple of int
        Inputs, hidden units, outputs.
    dtype, optimizer : str
    batch_size, threads, samples, epochs, steps : int
        Of the training; `steps` are updates.
    pixels : bool
        Whether the inputs were uint8.
    fit_seconds : float
        The whole call of `fit`, by Python's clock.
    compiled_seconds : tuple of float
        Of that, inside compiled calls, thread by thread, by Python's clock.
    phases : tuple of Phase
        In the order in which a step goes through them, but for those that never happened.
    peak_gflops : float
        What one core multiplies and adds at most, measured before and after.
    machine : dict
        CPU and versions: `fastmlp.measure.machine.describe`.
    """

    sizes: tuple[int, ...]
    dtype: str
    optimizer: str
    batch_size: int
    threads: int
    samples: int
    epochs: int
    steps: int
    pixels: bool
    fit_seconds: float
    compiled_seconds: tuple[float, ...]
    phases: tuple[Phase, ...]
    peak_gflops: float
    machine: dict[str, Any]

    @property
    def phase_seconds(self) -> float:
        """All phases together, the mean over the threads."""
        return sum(phase.mean_seconds for phase in self.phases)

    @property
    def python_seconds(self) -> float:
        """What `fit` took outside compiled calls: checks, orders, threads, bookkeeping."""
        return self.fit_seconds - max(self.compiled_seconds)

    def share(self, phase: Phase) -> float:
        """Of the time of all phases."""
        return phase.mean_seconds / self.phase_seconds if self.phase_seconds else 0.0

    def share_of_peak(self, phase: Phase) -> float:
        """Of what as many cores as threads could multiply and add in the phase's time."""
        return phase.gflops / (self.peak_gflops * self.threads)

    def to_dict(self) -> dict[str, Any]:
        """Everything as numbers and strings: what ``fastmlp profile --json`` writes. Its "schema" changes when a name or a unit does."""
        phases = [
            asdict(phase)
            | {"name": phase.name, "share": self.share(phase), "gflops": phase.gflops, "share_of_peak": self.share_of_peak(phase)}
            for phase in self.phases
        ]
        return {"schema": SCHEMA} | asdict(self) | {"phases": phases, "python_seconds": self.python_seconds}
