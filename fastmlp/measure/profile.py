"""The profile of a training: its phases and their times."""

from __future__ import annotations

import importlib
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from ..files.optional import optional
from ..kernels.caches import cache_size

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SCHEMA = "fastmlp.profile/1"


def name_of(kind: str, layer: int) -> str:
    """Name a phase by its kind and layer, such as "product 1", or by its kind alone if it does not belong to a layer."""
    return f"{kind} {layer}" if layer else kind


@dataclass(frozen=True)
class Phase:
    """One kind of work on one layer.

    Attributes
    ----------
    kind : str
        One of `fastmlp.kernels.clock.PHASES`, such as "product" or "update".
    layer : int
        The layer it belongs to: 1 is the first layer of weights; 0 stands for the input, or for no layer.
    calls : int
        How often it was done, by all threads together.
    seconds : tuple of float
        Time in each thread.
    operations : int
        Additions and multiplications of products, without the skipped ones with zero; 0 for phases without products.
    bytes : int
        Bytes to read and write if each operand is transferred once per call: see `fastmlp.measure.traffic`.
    """

    kind: str
    layer: int
    calls: int
    seconds: tuple[float, ...]
    operations: int
    bytes: int

    @property
    def name(self) -> str:
        """Name of the phase in tables."""
        return name_of(self.kind, self.layer)

    @property
    def mean_seconds(self) -> float:
        """Mean over the threads, in seconds. Summed over all phases, these are the seconds of the compiled calls."""
        return sum(self.seconds) / len(self.seconds)

    @property
    def gflops(self) -> float:
        """1e9 operations per second of all threads together."""
        return self.operations / self.mean_seconds / 1e9 if self.mean_seconds else 0.0

    @property
    def intensity(self) -> float:
        """Arithmetic intensity: operations per byte."""
        return self.operations / self.bytes if self.bytes else 0.0


def _shown_by(module: str) -> Any:
    """Import the module of a higher floor that shows the profile, by name and only when asked for, since imports go down."""
    return importlib.import_module(f"fastmlp.{module}")


class Lap(NamedTuple):
    """One occurrence of a phase: its thread, and its begin and end in seconds since the first one began."""

    thread: int
    kind: str
    layer: int
    begin: float
    end: float


@dataclass(frozen=True)
class Profile:
    """Where the time of a training went; made by `fastmlp.profile`.

    Attributes
    ----------
    sizes : tuple of int
        Number of inputs, of units in each hidden layer, and of outputs.
    dtype, optimizer : str
    batch_size, threads, samples, epochs, steps : int
        Those of the training; `samples` are the samples of one epoch, `steps` are updates.
    pixels : bool
        Whether the inputs were uint8.
    fit_seconds : float
        Time of the whole call of `fit`, by Python's clock.
    compiled_seconds : tuple of float
        Time inside compiled calls in each thread, by Python's clock.
    phases : tuple of Phase
        In the order of a step, without those that never occurred.
    peak_gflops : float
        Multiply-add peak of one core, measured before and after.
    bandwidth : dict
        1e9 bytes per second that as many cores as threads read from each level of memory: see `fastmlp.measure.roof`.
    laps : tuple of Lap
        Every phase of the first steps one by one, if this was asked for.
    machine : dict
        CPU and versions, as `fastmlp.measure.machine.describe` returns them.
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
    bandwidth: dict[str, float]
    laps: tuple[Lap, ...]
    machine: dict[str, Any]

    @property
    def phase_seconds(self) -> float:
        """Seconds of all phases together, as the mean over the threads."""
        return sum(phase.mean_seconds for phase in self.phases)

    @property
    def python_seconds(self) -> float:
        """Time of `fit` outside compiled calls: checks, orders, threads, bookkeeping."""
        return self.fit_seconds - max(self.compiled_seconds)

    def share(self, phase: Phase) -> float:
        """Return the share of the phase in the time of all phases."""
        return phase.mean_seconds / self.phase_seconds if self.phase_seconds else 0.0

    def share_of_peak(self, phase: Phase) -> float:
        """Return the operations of the phase as a share of those that `threads` cores at their peak do in the same time."""
        return phase.gflops / (self.peak_gflops * self.threads)

    def level(self, phase: Phase) -> str:
        """Return the level of memory that the operands come from: the first that can hold those of one call; memory for samples."""
        if phase.kind == "gather":
            return "memory"
        return next((f"L{level}" for level in (1, 2, 3) if phase.bytes / phase.calls <= cache_size(level)), "memory")

    def share_of_roof(self, phase: Phase) -> float:
        """Return the least time that the operations or the bytes need, whichever is longer, as a share of the phase's time.

        It is 0 if neither is known. Source: the roofline model of Williams, Waterman and Patterson (2009).
        """
        seconds = max(phase.operations / (self.peak_gflops * self.threads), phase.bytes / self.bandwidth[self.level(phase)]) / 1e9
        return seconds / phase.mean_seconds if phase.mean_seconds else 0.0

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw the roofline, with a point for each phase that computes; in a figure of its own, also draw the phases of one step.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw the roofline alone.

        Returns
        -------
        matplotlib.figure.Figure
            Notebooks show it; ``fastmlp.plotting.save(figure, path)`` or its method ``savefig`` writes it to a file.

        Raises
        ------
        ImportError
            If matplotlib is missing; the extra "plot" installs it.

        See Also
        --------
        fastmlp.plotting.profile_report, fastmlp.plotting.roofline, fastmlp.plotting.step_bar

        Examples
        --------
        >>> from fastmlp import Dense, Sequential, profile
        >>> taken = profile(Sequential([Dense(2, 1)]), [[0.0, 1.0], [1.0, 1.0]], [0.0, 1.0], n_threads=1)
        >>> [ax.get_xlabel() for ax in taken.plot().axes]
        ['operations per byte', '']
        """
        optional("matplotlib", "plot", "Profile.plot")
        plotting = _shown_by("plotting")
        figure: Figure = plotting.profile_report(self) if ax is None else plotting.roofline(self, ax)
        return figure

    def _repr_html_(self) -> str:
        """Return what notebooks show: the table of the phases, and what it means."""
        html: str = _shown_by("cli.profile_tables").as_html(self)
        return html

    def trace(self) -> dict[str, Any]:
        """Return `laps` as Chrome's trace events, which Perfetto, speedscope and chrome://tracing open; times are in microseconds.

        Times are rounded to 1/1024 microsecond, which is about a nanosecond. Sums of such numbers are exact, so that a phase ends exactly
        where the next one begins. Viewers nest phases that overlap, even if they overlap only by a rounding error.
        """
        about = {"name": "thread_name", "ph": "M", "pid": 1}
        names = [about | {"tid": thread, "args": {"name": f"thread {thread}"}} for thread in range(self.threads)]
        events = [
            {
                "name": name_of(lap.kind, lap.layer),
                "cat": lap.kind,
                "ph": "X",
                "pid": 1,
                "tid": lap.thread,
                "ts": begin / 1024,
                "dur": (end - begin) / 1024,
            }
            for lap in self.laps
            for begin, end in [(round(lap.begin * 1e6 * 1024), round(lap.end * 1e6 * 1024))]
        ]
        return {"traceEvents": [*names, *events], "displayTimeUnit": "ns", "otherData": {"schema": SCHEMA, "cpu": self.machine["cpu"]}}

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the laps as numbers and strings: what ``fastmlp profile --json`` writes.

        The "schema" changes when a name or a unit changes.
        """
        phases = [
            asdict(phase)
            | {"name": phase.name, "share": self.share(phase), "gflops": phase.gflops, "share_of_peak": self.share_of_peak(phase)}
            | {"level": self.level(phase), "share_of_roof": self.share_of_roof(phase)}
            for phase in self.phases
        ]
        everything = {"schema": SCHEMA} | asdict(self) | {"phases": phases, "python_seconds": self.python_seconds}
        del everything["laps"]
        return everything
