"""Time one step of gradient descent at each size of the ladder, for every competitor."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..engine.cost import training_operations
from .gradients import TRAINING, Competitor
from .ladder import LADDER, Sizes, problem
from .timing import StepTimes, guarded_seconds, run_seconds, step_seconds

COMPETITORS: tuple[Competitor, ...] = (
    ("backward", "NumPy"),
    ("backward_pass", "NumPy"),
    *((gradient, "compiled") for gradient in TRAINING),
)
PROBED_UNITS = 2  # hidden units of the small network from which the time of a step of a naive loop is predicted
ALWAYS_MEASURED = 1.0  # seconds: a step predicted to take less is measured, however little time is left
LEAST_SECONDS = 0.2  # per problem size


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    seconds: float  # per problem size
    longest_step: Mapping[str, float]  # seconds by way; a step predicted to take longer is not measured

    def within(self, seconds: float) -> Effort:
        """Return the same effort, or less if only `seconds` remain for all sizes together after compiling.

        Steps of less than ALWAYS_MEASURED are always measured, so that which of them are shown does not depend on the time of compiling.

        Examples
        --------
        >>> Effort(seconds=2.0, longest_step={"compiled": 8.0}).within(0.0)
        Effort(seconds=0.2, longest_step={'compiled': 1.0})
        """
        share = max(seconds, 0.0) / (len(LADDER) + 2)
        limits = {way: min(limit, max(ALWAYS_MEASURED, 2 * share)) for way, limit in self.longest_step.items()}
        return Effort(min(self.seconds, max(LEAST_SECONDS, share)), limits)


@dataclass(frozen=True)
class Rung:
    """Seconds of one step of gradient descent at one size, by way and gradient; None for a step that `not_measured` explains."""

    name: str
    sizes: dict[str, int]
    seconds_per_step: dict[str, dict[str, float | None]]
    fastest: dict[str, str]
    not_measured: dict[str, str]
    compiled_while_timing: bool

    @property
    def operations(self) -> int:
        """Additions and multiplications of one step by matrix products."""
        return self.sizes["N"] * training_operations([self.sizes["I"], self.sizes["H"], self.sizes["O"]])

    def seconds(self, gradient: str, way: str = "compiled") -> float | None:
        """Return the seconds of one step; None if it was not measured."""
        return self.seconds_per_step[way][gradient]


def predicted_seconds(who: Competitor, sizes: Sizes) -> float:
    """Predict how long a step of a naive loop takes, from the time of a network with few hidden units.

    The time of `backward`'s loops is proportional to the number of hidden units. The rest of a step makes the prediction too long, by less
    than a hundredth of a second. Matrix products are never slow; their prediction is 0.
    """
    gradient, way = who
    if gradient != "backward":
        return 0.0
    units = min(PROBED_UNITS, sizes.H)
    training, data = TRAINING[gradient][way], problem(sizes._replace(H=units))
    run_seconds(training, data, 1)
    return min(guarded_seconds(who, training, data, 1) for _ in range(2)) * sizes.H / units


def measure_rung(name: str, effort: Effort, measured: StepTimes | None = None) -> Rung:
    """Time a step at one size for each competitor whose step is short enough; `measured` are times that are already known."""
    sizes = LADDER[name]
    predicted = dict.fromkeys(COMPETITORS, 0.0) if measured else {who: predicted_seconds(who, sizes) for who in COMPETITORS}
    affordable = {who: TRAINING[who[0]][who[1]] for who in COMPETITORS if predicted[who] <= effort.longest_step[who[1]]}
    times = measured or step_seconds(affordable, problem(sizes), effort.seconds)
    table: dict[str, dict[str, float | None]] = {"NumPy": {}, "compiled": {}}
    for gradient, way in COMPETITORS:
        table[way][gradient] = times.seconds.get((gradient, way))
    gradient, way = min((who for who in COMPETITORS if who in times.seconds), key=lambda who: times.seconds[who])
    skipped = {f"{who[1]} {who[0]}": f"a step would take about {predicted[who]:.2g} s" for who in COMPETITORS if who not in times.seconds}
    return Rung(name, sizes._asdict(), table, {"gradient": gradient, "way": way}, skipped, times.compiled_while_timing)
