"""Time one step of gradient descent, without what happens only once, above all compilation."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median
from typing import NamedTuple

from .compilation import compilations, timed_region
from .gradients import Competitor, Training
from .ladder import LADDER_LEARNING_RATE, Problem

SAMPLE_SECONDS = 0.02  # approximate duration of a timed run, beside which Python's 20 µs around a compiled run are negligible
LEAST_STEPS = 4  # of a timed run, so that what a run does only once, such as laying out its samples, is a small share of it


class StepTimes(NamedTuple):
    """The result of `step_seconds`."""

    seconds: dict[Competitor, float]  # median of one step
    compiled_while_timing: bool  # as Numba's compiler reports


def run_seconds(training: Training, data: Problem, steps: int) -> float:
    """Time one run, in seconds."""
    start = time.perf_counter()
    training(*data, steps, LADDER_LEARNING_RATE, steps)
    return time.perf_counter() - start


def guarded_seconds(who: Competitor, training: Training, data: Problem, steps: int) -> float:
    """Time one run as `run_seconds` does, but raise an error if anything is compiled in it."""
    gradient, way = who
    with timed_region(f"{way} {gradient}, {' x '.join(map(str, data.sizes))}"):
        return run_seconds(training, data, steps)


def step_seconds(trainings: Mapping[Competitor, Training], data: Problem, budget: float) -> StepTimes:
    """Measure the median seconds of one step of each competitor.

    Each competitor is first called once on these very data, since a training may use different compiled code for another size. The number
    of steps is then chosen so that a run takes SAMPLE_SECONDS, and is at least LEAST_STEPS. Finally the runs of all competitors alternate,
    so that a drifting clock affects all of them equally, for at least three rounds and until the budget is spent. A competitor whose
    single step takes a quarter of the budget is timed once.
    """
    first, cold = {}, {}
    for who, training in trainings.items():
        with compilations() as seen:
            first[who] = run_seconds(training, data, 1)
        cold[who] = seen.loaded
    steps: dict[Competitor, int] = {}
    samples: dict[Competitor, list[float]] = {}
    with compilations() as seen:
        for who, training in trainings.items():
            count, seconds = 1, first[who]
            if cold[who] or seconds <= budget / 4:
                while (seconds := guarded_seconds(who, training, data, count)) < SAMPLE_SECONDS / 4:
                    count *= 4
            if seconds / count > budget / 4:
                samples[who] = [seconds / count]
            else:
                steps[who], samples[who] = max(LEAST_STEPS, round(count * SAMPLE_SECONDS / seconds)), []
        end = time.perf_counter() + budget
        rounds = 0
        while steps and (rounds < 3 or time.perf_counter() < end):
            for who, count in steps.items():
                samples[who].append(guarded_seconds(who, trainings[who], data, count) / count)
            rounds += 1
    return StepTimes({who: median(values) for who, values in samples.items()}, compiled_while_timing=seen.loaded)
