"""What was measured, and whether it meets a target: figures only, which other modules show as tables and pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from statistics import mean, median, stdev
from typing import Any, NamedTuple

from scipy.special import stdtrit

Progress = Callable[[str], None]  # called with a description of what is being measured
SAME_ACCURACY, SAME_SAMPLES = 0.002, 2  # differences that always count as noise: 20 of 10,000 test images, or 2 of few samples


class Effort(NamedTuple):
    """How much to measure."""

    seeds: int  # rounds of training, one per seed
    quick: bool  # a smoke run of small tasks, whose figures mean little


class Round(NamedTuple):
    """One turn of one competitor."""

    seconds: float  # of an epoch, or of a prediction
    accuracy: float | None
    peak: float  # multiply-add peak of one core just before or after, in 1e9 operations per second


@dataclass
class Entry:
    """The figures of one competitor: each list has one value per round, in the order of the rounds; `missing` says why there are none."""

    who: str
    threads: int = 1
    seconds: list[float] = field(default_factory=list)  # per unit of the outcome
    accuracies: list[float] = field(default_factory=list)
    peaks: list[float] = field(default_factory=list)
    missing: str = ""
    instructions: dict[str, str] = field(default_factory=dict)  # what each library in its process says that it uses

    def add(self, turn: Round) -> None:
        """Append the figures of one turn."""
        self.seconds.append(turn.seconds)
        self.peaks.append(turn.peak)
        if turn.accuracy is not None:
            self.accuracies.append(turn.accuracy)

    @property
    def measured(self) -> bool:
        """Whether there are figures."""
        return bool(self.seconds) and not self.missing

    @property
    def label(self) -> str:
        """Name and threads."""
        return f"{self.who}, {self.threads} thread{'s' if self.threads > 1 else ''}"

    def times(self, other: Entry) -> float:
        """Return how many times as long as the other it takes: the median of the rounds' ratios, in which a drifting clock cancels.

        Examples
        --------
        >>> Entry("a", seconds=[2.0, 6.0, 9.0]).times(Entry("b", seconds=[1.0, 2.0, 3.0]))
        3.0
        """
        return median(own / its for own, its in zip(self.seconds, other.seconds, strict=True))


@dataclass(frozen=True)
class Claim:
    """A target of the project, and the figure that this run measured for it."""

    what: str
    unit: str  # "x", "%", "s" or "MB"
    target: float
    measured: float | None
    at_least: bool = True  # False if the target is an upper bound
    missing: str = ""

    @property
    def verdict(self) -> str:
        """Whether the target is met, in words.

        Examples
        --------
        >>> [Claim("speed", "x", 5.0, measured).verdict for measured in (5.1, 4.9, None)]
        ['met', 'missed', 'not measured']
        >>> Claim("time", "s", 1.0, 0.9, at_least=False).verdict
        'met'
        """
        if self.measured is None or not math.isfinite(self.measured):
            return "not measured"
        return "met" if (self.measured >= self.target if self.at_least else self.measured < self.target) else "missed"


@dataclass
class Outcome:
    """One row of the table: the times of the competitors, and the targets."""

    key: str
    title: str
    unit: str  # that the seconds refer to, such as "epoch"
    entries: list[Entry]
    operations: float = 0.0  # per unit
    skipped: float = 0.0  # the part of them that fastmlp skips: products with zero
    claims: list[Claim] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    parts: list[Outcome] = field(default_factory=list)  # the rows of a section that measures many tasks; its own entries have no figures

    @property
    def own(self) -> Entry:
        """The entry of fastmlp with the most threads."""
        return max((entry for entry in self.entries if entry.who == "fastmlp"), key=lambda entry: entry.threads)

    def entry(self, who: str, threads: int | None = None) -> Entry:
        """Return an entry by its name, by default with as many threads as fastmlp's own."""
        wanted = self.own.threads if threads is None else threads
        return next(entry for entry in self.entries if (entry.who, entry.threads) == (who, wanted))

    def share(self, entry: Entry) -> float | None:
        """Return the share of its cores' measured peak that an entry reached, without the operations that it skips."""
        if not entry.peaks or not self.operations:
            return None
        done = self.operations - (self.skipped if entry.who == "fastmlp" else 0)
        return median(done / s / (peak * 1e9 * entry.threads) for s, peak in zip(entry.seconds, entry.peaks, strict=True))

    def as_dict(self) -> dict[str, Any]:
        """Return every figure, and those derived from them, for JSON."""
        entries = []
        for entry in self.entries:
            derived: dict[str, Any] = {}
            if entry.measured:
                derived = {"median_seconds": median(entry.seconds), "share_of_peak": self.share(entry)}
                derived["times_fastmlp"] = entry.times(self.own) if self.own.measured else None
            entries.append(asdict(entry) | derived)
        claims = [asdict(claim) | {"verdict": claim.verdict} for claim in self.claims]
        head = {"key": self.key, "title": self.title, "unit": self.unit, "operations": self.operations, "skipped": self.skipped}
        parts = [part.as_dict() for part in self.parts]
        return head | {"entries": entries, "claims": claims, "notes": self.notes, "parts": parts}


@dataclass
class Bench:
    """The results of one run."""

    environment: dict[str, Any]
    conditions: dict[str, Any]
    outcomes: list[Outcome]
    seconds: float

    @property
    def claims(self) -> list[tuple[Outcome, Claim]]:
        """Every target, together with its row."""
        return [(outcome, claim) for outcome in self.outcomes for claim in outcome.claims]

    def as_dict(self) -> dict[str, Any]:
        """Return everything for JSON."""
        return {
            "schema": 1,
            "environment": self.environment,
            "conditions": self.conditions,
            "outcomes": [outcome.as_dict() for outcome in self.outcomes],
            "seconds": self.seconds,
        }


def ranked(outcome: Outcome) -> list[Entry]:
    """Sort the entries from the fastest to the slowest; those that were not measured come last."""
    return sorted(outcome.entries, key=lambda entry: median(entry.seconds) if entry.measured else math.inf)


def spread(values: list[float]) -> float:
    """Return the standard deviation, which is 0 for a single value."""
    return stdev(values) if len(values) > 1 else 0.0


def same_accuracy(own: list[float], other: list[float], tested: int) -> bool:
    """Whether two means differ by no more than chance allows in 99 of 100 cases (Student's t), or by too little to matter.

    `tested` is the number of samples on which each accuracy was measured.

    Examples
    --------
    >>> same_accuracy([0.87, 0.88, 0.89], [0.88, 0.89, 0.90], 1000), same_accuracy([0.87, 0.88, 0.89], [0.77, 0.78, 0.79], 1000)
    (True, False)
    """
    freedom = len(own) + len(other) - 2
    if freedom == 0:
        return True
    error = math.sqrt(spread(own) ** 2 / len(own) + spread(other) ** 2 / len(other))
    return abs(mean(own) - mean(other)) <= max(float(stdtrit(freedom, 0.995)) * error, SAME_ACCURACY, SAME_SAMPLES / tested)
