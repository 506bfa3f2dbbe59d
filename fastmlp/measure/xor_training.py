"""Train XOR with each of the gradients, and time it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..two_layer import network
from .gradients import AS_PUBLISHED, GRADIENTS, TRAINING, TRAINING_AS_PUBLISHED, Competitor
from .ladder import LADDER, problem
from .timing import StepTimes, step_seconds

EPOCHS, LEARNING_RATE = 10_000, 0.12  # as in the document


@dataclass(frozen=True)
class Learnt:
    """The result of training XOR with one gradient, and the time that it takes."""

    gradient: str
    final_error: float
    predictions: list[float]
    numpy_seconds_per_epoch: float | None
    compiled_seconds_per_epoch: float | None
    speed_up: float | None


def time_xor(budget: float) -> StepTimes:
    """Time one epoch of XOR in seconds, for every competitor, including the published gradient."""
    trainings = {(name, way): training for name, ways in TRAINING.items() for way, training in ways.items()}
    return step_seconds(trainings | {AS_PUBLISHED: TRAINING_AS_PUBLISHED}, problem(LADDER["XOR"]), budget)


def learn_xor(seconds: Mapping[Competitor, float]) -> list[Learnt]:
    """Train with each gradient from the document's weights; `seconds` per epoch are those of `time_xor`."""
    data = problem(LADDER["XOR"])
    fastest_numpy = min(seconds[name, "NumPy"] for name in GRADIENTS)
    results = []
    for name, training in [(name, ways["compiled"]) for name, ways in TRAINING.items()] + [(AS_PUBLISHED[0], TRAINING_AS_PUBLISHED)]:
        run = training(*data, EPOCHS, LEARNING_RATE, EPOCHS - 1)  # records the errors of the first and of the last epoch
        predictions = network.forward_pass(data.X, run.w1, run.w2)[1].ravel().tolist()
        numpy, compiled = seconds.get((name, "NumPy")), seconds.get((name, "compiled"))
        speed_up = (numpy or fastest_numpy) / compiled if compiled else None
        results.append(Learnt(name, float(run.errors[-1]), predictions, numpy, compiled, speed_up))
    return results
