"""What a profile holds: the phases of a training, and what they took."""

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
    """Kind and layer: "product 1"; the kind alone where it belongs to no layer."""
    return f"{kind} {layer}" if layer else kind


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
        Additions and multiplications of products, without those with zero that were skipped; 0 for phases that have no products.
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
        """As the tables call it."""
        return name_of(self.kind, self.layer)

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


def _shown_by(module: str) -> Any:
    """The module of a floor above that shows what is measured: found by its name and only when asked for, since imports go down."""
    return importlib.import_module(f"fastmlp.{module}")


class Lap(NamedTuple):
    """One phase, once: of which thread, and when, in seconds from the first one on."""

    thread: int
    kind: str
    layer: int
    begin: float
    end: float


@dataclass(frozen=True)
class Profile:
    """Where the time of a training went. Made by `fastmlp.profile`.

    Attributes
    ----------
    sizes : tuple of int
        Inputs, hidden units, outputs.
    dtype, optimizer : str
    batch_size, threads, samples, epochs, steps : int
        Of the training; `samples` are those of an epoch, `steps` are updates.
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
    bandwidth : dict
        1e9 bytes a second that as many cores as threads read from each level of memory: see `fastmlp.measure.roof`.
    laps : tuple of Lap
        Every phase of the first steps one by one, if they were asked for.
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
    bandwidth: dict[str, float]
    laps: tuple[Lap, ...]
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

    def level(self, phase: Phase) -> str:
        """Where a phase's operands come from: the first level of memory that has room for those of a call; samples come from memory."""
        if phase.kind == "gather":
            return "memory"
        return next((f"L{level}" for level in (1, 2, 3) if phase.bytes / phase.calls <= cache_size(level)), "memory")

    def share_of_roof(self, phase: Phase) -> float:
        """Of the least time that its operations or its bytes would take, whichever is longer; 0 if neither is known.

        Source: the roofline model of Williams, Waterman and Patterson (2009).
        """
        seconds = max(phase.operations / (self.peak_gflops * self.threads), phase.bytes / self.bandwidth[self.level(phase)]) / 1e9
        return seconds / phase.mean_seconds if phase.mean_seconds else 0.0

    def plot(self, ax: Axes | None = None) -> Figure:
        """Draw the roofline with a point for each phase that computes and, in a figure of its own, a step phase by phase beside it.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Draw the roofline alone, here.

        Returns
        -------
        matplotlib.figure.Figure
            A notebook shows it; ``fastmlp.plotting.save(figure, path)`` or its ``savefig`` writes it.

        Raises
        ------
        ImportError
            Without matplotlib, which the extra "plot" brings.

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
        """What notebooks show: the table of the phases, and what it means."""
        html: str = _shown_by("cli.profile_tables").as_html(self)
        return html

    def trace(self) -> dict[str, Any]:
        """`laps` as Chrome's trace events, which Perfetto, speedscope and chrome://tracing open; times in microseconds.

        They are rounded to 1/1024 of one, some nanosecond. Sums of such numbers are exact, and a phase ends just where the next one begins:
        viewers put one into the other where they overlap, be it by a rounding.
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
        """Everything but the laps as numbers and strings: what ``fastmlp profile --json`` writes.

        Its "schema" changes when a name or a unit does.
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
