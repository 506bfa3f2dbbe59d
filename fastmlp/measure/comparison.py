"""The measurements of `fastmlp compare`: are the gradients right, what do they learn, and who is fast at which size.

Nothing here prints; `report` shows what these functions return. Competitors are named (gradient, way), as in `implementations`.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from statistics import median
from typing import Any

import numpy as np
from numba.core import event

from . import numpy_two_layer as notebook
from .gradients import GRADIENTS, PUBLISHED, TRAINING, TRAINING_AS_PUBLISHED, Training
from .ladder import LADDER, LADDER_LEARNING_RATE, Sizes, problem
from .numpy_two_layer import Array, Gradient

Competitor = tuple[str, str]
Data = tuple[Array, Array, Array, Array]  # X, y, w1, w2
Slopes = tuple[Array, Array, float]  # dL_dw2, dL_dw1, error

AS_PUBLISHED: Competitor = ("backward_as_published", "NumPy")
# XOR and two sizes with several outputs; between them `fused` takes each of its three ways through an epoch (with vectors of 64 bytes).
CHECKED = (LADDER["XOR"], Sizes(20, 5, 4, 3), Sizes(33, 17, 12, 5))
TOLERANCE = 1e-6  # a central difference is right to about 1e-9 of the largest slope; the errata are off by more than 1
EPOCHS, LEARNING_RATE = 10_000, 0.12  # the document's
CLIMBERS = (("backward", "NumPy"), ("backward_pass", "NumPy"), *((gradient, "compiled") for gradient in TRAINING))
SAMPLE_SECONDS = 0.02  # a timed run lasts about so long: then Python's 20 µs around a compiled run do not show


@dataclass(frozen=True)
class Effort:
    """How long to measure."""

    seconds: float  # per problem size
    longest_step: Mapping[str, float]  # seconds by way: a step predicted to take longer is not measured

    def within(self, seconds: float) -> Effort:
        """The same, or less where compiling left only so many seconds for all sizes together."""
        share = max(seconds, 0.0) / (len(LADDER) + 2)
        limits = {way: min(limit, 2 * share) for way, limit in self.longest_step.items()}
        return Effort(min(self.seconds, max(0.2, share)), limits)


FULL = Effort(seconds=2.0, longest_step={"NumPy": 2.0, "compiled": 8.0})
QUICK = Effort(seconds=0.3, longest_step={"NumPy": 0.1, "compiled": 0.1})


@dataclass(frozen=True)
class FirstCall:
    """The first call of a compiled function in this process."""

    function: str
    seconds: float
    compiled: bool  # False: its machine code was in the cache, or in memory already


@dataclass(frozen=True)
class Check:
    """One gradient against central differences, and against the right ones among the others; distances relative to the largest slope."""

    gradient: str
    way: str
    distance_to_central_differences: float
    distance_to_others: float  # NaN if none of them is right
    correct: bool
    expected_correct: bool


@dataclass(frozen=True)
class Learnt:
    """What XOR's training with one gradient came to, and the time it takes."""

    gradient: str
    final_error: float
    predictions: list[float]
    numpy_seconds_per_epoch: float | None
    compiled_seconds_per_epoch: float | None
    speed_up: float | None


@dataclass(frozen=True)
class Rung:
    """Seconds of one gradient-descent step at one size, by way and gradient; None where `not_measured` says why."""

    name: str
    sizes: dict[str, int]
    seconds_per_step: dict[str, dict[str, float | None]]
    fastest: dict[str, str]
    not_measured: dict[str, str]

    @property
    def operations(self) -> int:
        """Multiplications and additions of a step by matrix products: two with I and three with O."""
        return 2 * self.sizes["N"] * self.sizes["H"] * (2 * self.sizes["I"] + 3 * self.sizes["O"])

    def seconds(self, gradient: str, way: str = "compiled") -> float | None:
        """Seconds of one step; None if it was not measured."""
        return self.seconds_per_step[way][gradient]


@dataclass
class Comparison:
    """All of one run of `fastmlp compare`."""

    environment: dict[str, Any]
    first_calls: list[FirstCall]
    checks: list[Check]
    xor: list[Learnt]
    ladder: list[Rung]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether every gradient is right, and the published one is found out."""
        return all(check.correct == check.expected_correct for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """For JSON: plain dictionaries, lists and numbers, None for those that are not finite; units stand in the names."""
        checked = [sizes._asdict() for sizes in CHECKED]
        conditions = {"epochs": EPOCHS, "learning_rate": LEARNING_RATE, "tolerance": TOLERANCE, "checked_sizes": checked}
        text = json.dumps({"schema": 1, "passed": self.passed, "conditions": conditions, **asdict(self)})
        plain: dict[str, Any] = json.loads(text, parse_constant=lambda _: None)
        return plain


def first_call(function: str, call: Callable[[], object]) -> FirstCall:
    """Call it, and see whether that compiled anything."""
    with event.install_recorder("numba:compile") as compilations:
        start = time.perf_counter()
        call()
        seconds = time.perf_counter() - start
    return FirstCall(function, seconds, compiled=len(compilations.buffer) > 0)


def first_calls() -> dict[str, Callable[[], FirstCall]]:
    """The calls that load or compile all that is compared."""
    data = problem(LADDER["XOR"])
    X, y, w1, w2 = data
    act_hidden, y_hat = notebook.forward_pass(X, w1, w2)
    trainings = {f"train, {name}": partial(ways["compiled"], *data, 1, LEARNING_RATE, 1) for name, ways in TRAINING.items()}
    gradients = {name: partial(ways["compiled"], X, y, y_hat, act_hidden, w2) for name, ways in GRADIENTS.items()}
    return {name: partial(first_call, name, call) for name, call in (trainings | gradients).items()}


def slopes(gradient: Gradient, data: Data) -> Slopes:
    """What a gradient gives after the forward pass it belongs to."""
    X, y, w1, w2 = data
    act_hidden, y_hat = notebook.forward_pass(X, w1, w2)
    return gradient(X, y, y_hat, act_hidden, w2)


def slopes_of_step(training: Training, data: Data) -> Slopes:
    """The gradient inside a training loop, as one step of rate 1 shows it."""
    w1, w2 = data[2:]
    run = training(*data, 1, 1.0, 1)
    return w2 - run.w2, w1 - run.w1, run.errors[0]


def central_differences(data: Data, step: float = 1e-5) -> Slopes:
    """The slopes of the error from its values on either side of each weight."""
    X, y, w1, w2 = data
    weights = np.concatenate([w2.ravel(), w1.ravel()])

    def error(weights: Array) -> float:
        w2_, w1_ = np.split(weights, [w2.size])
        return notebook.mse(notebook.forward_pass(X, w1_.reshape(w1.shape), w2_.reshape(w2.shape))[1], y)[1]

    nudges = step * np.eye(weights.size)
    slope = np.array([(error(weights + nudge) - error(weights - nudge)) / (2 * step) for nudge in nudges])
    dL_dw2, dL_dw1 = np.split(slope, [w2.size])
    return dL_dw2.reshape(w2.shape), dL_dw1.reshape(w1.shape), error(weights)


def distance(a: list[Slopes], b: list[Slopes]) -> float:
    """The largest difference anywhere, relative to the largest number of the array it is in."""
    pairs = [(np.asarray(p), np.asarray(q)) for one, other in zip(a, b, strict=True) for p, q in zip(one, other, strict=True)]
    return float(np.max([np.abs(p - q).max() / np.abs(q).max() for p, q in pairs]))


def check_gradients() -> list[Check]:
    """Every gradient of the registry, the fused step, and last the published one."""
    problems = [problem(sizes) for sizes in CHECKED]
    found: dict[Competitor, list[Slopes]] = {
        (name, way): [slopes(gradient, data) for data in problems] for name, ways in GRADIENTS.items() for way, gradient in ways.items()
    }
    found["fused", "compiled"] = [slopes_of_step(TRAINING["fused"]["compiled"], data) for data in problems]
    found[AS_PUBLISHED] = [slopes(PUBLISHED, data) for data in problems]
    expected = [central_differences(data) for data in problems]
    off = {who: distance(result, expected) for who, result in found.items()}
    right = [who for who in found if off[who] <= TOLERANCE]
    return [
        Check(
            *who,
            distance_to_central_differences=off[who],
            distance_to_others=max((distance(found[who], found[other]) for other in right if other != who), default=math.nan),
            correct=who in right,
            expected_correct=who != AS_PUBLISHED,
        )
        for who in found
    ]


def run_seconds(training: Training, data: Data, steps: int) -> float:
    """Seconds of one run."""
    start = time.perf_counter()
    training(*data, steps, LADDER_LEARNING_RATE, steps)
    return time.perf_counter() - start


def step_seconds(trainings: Mapping[Competitor, Training], data: Data, budget: float) -> dict[Competitor, float]:
    """Median seconds of one step of each competitor.

    First each finds out how many steps make a run of SAMPLE_SECONDS. Then they take turns, so that a drifting clock meets all alike,
    for at least three rounds and until the budget is spent. One whose single step takes a quarter of the budget is timed once.
    """
    steps: dict[Competitor, int] = {}
    samples: dict[Competitor, list[float]] = {}
    for who, training in trainings.items():
        count = 1
        while (seconds := run_seconds(training, data, count)) < SAMPLE_SECONDS / 4:
            count *= 4
        if seconds / count > budget / 4:
            samples[who] = [seconds / count]
        else:
            steps[who], samples[who] = max(1, round(count * SAMPLE_SECONDS / seconds)), []
    end = time.perf_counter() + budget
    rounds = 0
    while steps and (rounds < 3 or time.perf_counter() < end):
        for who, count in steps.items():
            samples[who].append(run_seconds(trainings[who], data, count) / count)
        rounds += 1
    return {who: median(values) for who, values in samples.items()}


def time_xor(effort: Effort) -> dict[Competitor, float]:
    """Seconds of one epoch of XOR by everybody, the published gradient included."""
    trainings = {(name, way): training for name, ways in TRAINING.items() for way, training in ways.items()}
    return step_seconds(trainings | {AS_PUBLISHED: TRAINING_AS_PUBLISHED}, problem(LADDER["XOR"]), effort.seconds)


def learn_xor(seconds: Mapping[Competitor, float]) -> list[Learnt]:
    """Train with each gradient from the document's weights; `seconds` per epoch come from `time_xor`."""
    data = problem(LADDER["XOR"])
    fastest_numpy = min(seconds[name, "NumPy"] for name in GRADIENTS)
    results = []
    for name, training in [(name, ways["compiled"]) for name, ways in TRAINING.items()] + [(AS_PUBLISHED[0], TRAINING_AS_PUBLISHED)]:
        run = training(*data, EPOCHS, LEARNING_RATE, EPOCHS - 1)  # records the first epoch's error and the last one's
        predictions = notebook.forward_pass(data[0], run.w1, run.w2)[1].ravel().tolist()
        numpy, compiled = seconds.get((name, "NumPy")), seconds.get((name, "compiled"))
        speed_up = (numpy or fastest_numpy) / compiled if compiled else None
        results.append(Learnt(name, float(run.errors[-1]), predictions, numpy, compiled, speed_up))
    return results


def naive_products(sizes: Mapping[str, int]) -> int:
    """What a naive loop multiplies in one gradient."""
    return sizes["N"] * sizes["I"] * sizes["H"] * sizes["O"]


def predict(who: Competitor, sizes: Mapping[str, int], rungs: Sequence[Rung]) -> float:
    """Seconds a step of a naive loop will take, judged by the last rung where it was measured; 0 for matrix products, never slow."""
    known = [(rung.sizes, seconds) for rung in rungs if (seconds := rung.seconds(*who)) is not None]
    if who[0] != "backward" or not known:
        return 0.0
    below, seconds = known[-1]
    return seconds * naive_products(sizes) / naive_products(below)


def climb(name: str, effort: Effort, rungs: Sequence[Rung], measured: Mapping[Competitor, float] | None = None) -> Rung:
    """Time the next rung of the ladder; `rungs` are those below, `measured` are times that are known already."""
    sizes = LADDER[name]._asdict()
    predicted = {who: predict(who, sizes, rungs) for who in CLIMBERS}
    affordable = {who: TRAINING[who[0]][who[1]] for who in CLIMBERS if predicted[who] <= effort.longest_step[who[1]]}
    seconds = measured or step_seconds(affordable, problem(LADDER[name]), effort.seconds)
    table: dict[str, dict[str, float | None]] = {"NumPy": {}, "compiled": {}}
    for gradient, way in CLIMBERS:
        table[way][gradient] = seconds.get((gradient, way))
    gradient, way = min((who for who in CLIMBERS if who in seconds), key=lambda who: seconds[who])
    skipped = {f"{who[1]} {who[0]}": f"a step would take about {predicted[who]:.2g} s" for who in CLIMBERS if who not in seconds}
    return Rung(name, sizes, table, {"gradient": gradient, "way": way}, skipped)


def duration(seconds: float | None) -> str:
    """Three significant digits in the unit that suits.

    Examples
    --------
    >>> [duration(s) for s in (4.2e-8, 1.234e-5, 0.0999, 7.5, 0, None)]
    ['42.0 ns', '12.3 µs', '99.9 ms', '7.50 s', '0 s', '-']
    """
    if seconds is None:
        return "-"
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6), ("ns", 1e-9)):
        if float(f"{seconds:.3g}") >= size:
            return f"{float(f'{seconds / size:.3g}'):#.3g} {unit}".replace(". ", " ")
    return f"{seconds:.3g} s"
