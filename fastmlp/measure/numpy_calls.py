"""Time each of NumPy's calls in an epoch of the document's training.

The code of `two_layer.network` runs unchanged, on arrays of a subclass that NumPy notifies of every call.
"""

from __future__ import annotations

import time
from itertools import chain, repeat
from statistics import median
from typing import Any, NamedTuple

import numpy as np

from ..two_layer import network
from ..two_layer.laps import DELTA, DIVISION, HIDDEN, OUTPUT, PHASES, RESIDUAL, SIGMOID, SIGMOID_SLOPE, SLOPE1, SLOPE2, UPDATE
from .ladder import Problem

PROBES = 1000
SHORT, REPEATS = 50_000, 4  # calls of fewer nanoseconds than SHORT are repeated REPEATS times
# The phases of an epoch's calls, in their order: the phase, and its number of calls.
FORWARD = ((HIDDEN, 1), (SIGMOID, 4), (OUTPUT, 1), (RESIDUAL, 3), (SLOPE2, 1), (DIVISION, 1))
PRODUCTS = ((DELTA, 1), (SIGMOID_SLOPE, 3), (SLOPE1, 1), (DIVISION, 1))
WEIGHT_CALLS = 6  # calls of `backward`'s double loop for each weight in w1
STEP = ((UPDATE, 4),)


class Call(NamedTuple):
    """One call: NumPy's name of the function, and the time in nanoseconds."""

    function: str
    nanoseconds: float


def epoch_phases(gradient: str, I: int, H: int) -> list[int]:
    """Return the phase of each call of an epoch.

    Examples
    --------
    >>> len(epoch_phases("backward_pass", 2, 3)), len(epoch_phases("backward", 2, 3))
    (21, 51)
    """
    middle = ((SLOPE1, WEIGHT_CALLS * I * H),) if gradient == "backward" else PRODUCTS
    return list(chain.from_iterable(repeat(phase, count) for phase, count in (*FORWARD, *middle, *STEP)))


def timed_arrays(calls: list[Call]) -> type[np.ndarray]:
    """Make an array type that times every call of NumPy and appends it to the list.

    The code that observes the calls runs between them and replaces the epoch's code in the processor's caches, which would make a short
    call a third longer. A short call is therefore repeated immediately, and the repetitions are timed.
    """

    def timed(function: Any, name: str, inputs: Any, options: dict[str, Any]) -> Any:
        plain = [each.view(np.ndarray) if isinstance(each, Timed) else each for each in inputs]
        began = time.perf_counter_ns()
        result = function(*plain, **options)
        took, repeats = time.perf_counter_ns() - began, 1
        if took < SHORT:
            again, repeats = options | ({"out": tuple(each.copy() for each in options["out"])} if "out" in options else {}), REPEATS
            began = time.perf_counter_ns()
            for _ in range(REPEATS):
                function(*plain, **again)
            took = time.perf_counter_ns() - began
        calls.append(Call(name, max(0.0, took - cost) / repeats))
        return result.view(Timed) if isinstance(result, np.ndarray) else result

    cost = clock_cost()

    class Timed(np.ndarray):
        def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **options: Any) -> Any:
            if out is not None:
                options["out"] = tuple(each.view(np.ndarray) for each in out)
            return timed(ufunc if method == "__call__" else getattr(ufunc, method), ufunc.__name__, inputs, options)

        def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
            return timed(function, function.__name__, inputs, options)

    return Timed


def observed_epochs(gradient: str, data: Problem, epochs: int, learning_rate: float) -> list[list[Call]]:
    """Return the calls of each epoch of `network.train`'s loop, which starts from copies of the weights."""
    calls: list[Call] = []
    Timed, gradient_of = timed_arrays(calls), getattr(network, gradient)
    X, y, w1, w2 = (array.copy().view(Timed) for array in data)
    found = []
    for _ in range(epochs):
        calls.clear()
        act_hidden, y_hat = network.forward_pass(X, w1, w2)
        dL_dw2, dL_dw1, _error = gradient_of(X, y, y_hat, act_hidden, w2)
        w1 -= learning_rate * dL_dw1.view(Timed)
        w2 -= learning_rate * dL_dw2
        found.append(list(calls))
    return found


def summed(phases: list[int], epochs: list[list[Call]]) -> dict[tuple[str, str], tuple[int, float]]:
    """Return the number of calls per epoch and their seconds by phase and function, in order; seconds are medians over the epochs."""
    sums: list[dict[tuple[str, str], list[float]]] = []
    for calls in epochs:
        one: dict[tuple[str, str], list[float]] = {}
        for phase, call in zip(phases, calls, strict=True):
            one.setdefault((PHASES[phase], call.function), []).append(call.nanoseconds)
        sums.append(one)
    return {what: (len(sums[0][what]), median(sum(one[what]) for one in sums) / 1e9) for what in sums[0]}


def clock_cost() -> float:
    """Measure the nanoseconds between two readings of the clock."""
    found = []
    for _ in range(PROBES):
        began = time.perf_counter_ns()
        found.append(time.perf_counter_ns() - began)
    return median(found)
