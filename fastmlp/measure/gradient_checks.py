"""Check whether each gradient is the slope of the error, against central differences and against the other gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..two_layer import network
from .gradients import AS_PUBLISHED, GRADIENTS, PUBLISHED, TRAINING, Array, Competitor, Gradient, Training
from .ladder import LADDER, Problem, Sizes, problem

Slopes = tuple[Array, Array, float]  # dL_dw2, dL_dw1, error

# XOR, and sizes with several outputs for which `fused` takes its other ways through an epoch, for every vector length.
CHECKED = (LADDER["XOR"], Sizes(20, 5, 4, 3), Sizes(300, 17, 12, 5), Sizes(2, 5, 4, 3), Sizes(7, 5, 4, 3), Sizes(6, 17, 12, 5))
TOLERANCE = 1e-6  # central differences are accurate to about 1e-9 of the largest slope; the published gradient is off by more than 1


@dataclass(frozen=True)
class Check:
    """One gradient compared with central differences and with the other correct gradients; distances are relative to the largest slope."""

    gradient: str
    way: str
    distance_to_central_differences: float
    distance_to_others: float  # NaN if none of the others is correct
    correct: bool
    expected_correct: bool


def slopes(gradient: Gradient, data: Problem) -> Slopes:
    """Evaluate a gradient after its forward pass."""
    X, y, w1, w2 = data
    act_hidden, y_hat = network.forward_pass(X, w1, w2)
    return gradient(X, y, y_hat, act_hidden, w2)


def slopes_of_step(training: Training, data: Problem) -> Slopes:
    """Derive the gradient inside a training loop from one step with learning rate 1."""
    run = training(*data, 1, 1.0, 1)
    return data.w2 - run.w2, data.w1 - run.w1, run.errors[0]


def central_differences(data: Problem, step: float = 1e-5) -> Slopes:
    """Estimate the slopes of the error from its values on either side of each weight."""
    X, y, w1, w2 = data
    weights = np.concatenate([w2.ravel(), w1.ravel()])

    def error(weights: Array) -> float:
        w2_, w1_ = np.split(weights, [w2.size])
        return network.mse(network.forward_pass(X, w1_.reshape(w1.shape), w2_.reshape(w2.shape))[1], y)[1]

    nudges = step * np.eye(weights.size)
    slope = np.array([(error(weights + nudge) - error(weights - nudge)) / (2 * step) for nudge in nudges])
    dL_dw2, dL_dw1 = np.split(slope, [w2.size])
    return dL_dw2.reshape(w2.shape), dL_dw1.reshape(w1.shape), error(weights)


def distance(a: list[Slopes], b: list[Slopes]) -> float:
    """Return the largest absolute difference, relative to the largest number of the array in which it occurs."""
    pairs = [(np.asarray(p), np.asarray(q)) for one, other in zip(a, b, strict=True) for p, q in zip(one, other, strict=True)]
    return float(np.max([np.abs(p - q).max() / np.abs(q).max() for p, q in pairs]))


def check_gradients() -> list[Check]:
    """Check every gradient of the registry, then the fused step, and finally the published gradient."""
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
