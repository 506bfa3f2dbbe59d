"""All measurements of `fastmlp compare`: whether the gradients are correct, what they learn, and which is fastest at which size.

Nothing here prints. Competitors are named (gradient, way), as in `gradients`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from ..two_layer import network
from .compilation import FirstCall, first_call
from .gradient_checks import CHECKED, TOLERANCE, Check, check_gradients
from .gradient_profile import GradientProfile
from .gradient_profiling import profile_rung
from .gradients import GRADIENTS, TRAINING
from .ladder import LADDER, problem
from .machine import describe, one_blas_thread
from .rungs import Effort, Rung, measure_rung
from .xor_training import EPOCHS, LEARNING_RATE, Learnt, learn_xor, time_xor

FULL = Effort(seconds=2.0, longest_step={"NumPy": 2.0, "compiled": 8.0})
QUICK = Effort(seconds=0.3, longest_step={"NumPy": 0.1, "compiled": 0.1})
PROFILED = "digits"  # the rung whose gradients are profiled: large enough for the clock; all four take less than a second
TIME_LIMIT = 50.0  # seconds for everything: if compiling takes most of it, steps of more than a second are left out


@dataclass
class Comparison:
    """The results of one run of `fastmlp compare`."""

    environment: dict[str, Any]
    first_calls: list[FirstCall] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    xor: list[Learnt] = field(default_factory=list)
    ladder: list[Rung] = field(default_factory=list)
    profiles: list[GradientProfile] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether every gradient is correct and the published one is found to be wrong."""
        return all(check.correct == check.expected_correct for check in self.checks)

    def as_dict(self) -> dict[str, Any]:
        """Return plain dictionaries, lists and numbers for JSON; numbers that are not finite become None; names contain the units."""
        checked = [sizes._asdict() for sizes in CHECKED]
        conditions = {"epochs": EPOCHS, "learning_rate": LEARNING_RATE, "tolerance": TOLERANCE, "checked_sizes": checked}
        profiles = [taken.to_dict() for taken in self.profiles]
        text = json.dumps({"schema": 1, "passed": self.passed, "conditions": conditions, **asdict(self), "profiles": profiles})
        plain: dict[str, Any] = json.loads(text, parse_constant=lambda _: None)
        return plain


def first_calls() -> dict[str, Callable[[], FirstCall]]:
    """Return the calls that load or compile what is compared; `fused` is called at both ends of the ladder, where its code differs."""
    data = problem(LADDER["XOR"])
    largest, sizes = list(LADDER.items())[-1]
    act_hidden, y_hat = network.forward_pass(data.X, data.w1, data.w2)
    calls: dict[str, Callable[[], object]]
    calls = {f"train, {name}": partial(ways["compiled"], *data, 1, LEARNING_RATE, 1) for name, ways in TRAINING.items()}
    calls[f"train, fused, {largest}"] = partial(TRAINING["fused"]["compiled"], *problem(sizes), 1, LEARNING_RATE, 1)
    calls |= {name: partial(ways["compiled"], data.X, data.y, y_hat, act_hidden, data.w2) for name, ways in GRADIENTS.items()}
    return {name: partial(first_call, name, call) for name, call in calls.items()}


def compare(
    effort: Effort,
    working_on: Callable[[str, float], None] = lambda what, done: None,
    finished: Callable[[str, Comparison], None] = lambda section, comparison: None,
    profiled: bool = False,
) -> Comparison:
    """Measure everything, with BLAS on one thread if possible.

    Parameters
    ----------
    effort : Effort
        How long to measure.
    working_on : callable, optional
        Called as ``working_on(what, done)`` before each piece of work; `done` is the share of the pieces that are finished.
    finished : callable, optional
        Called as ``finished(section, comparison)`` after each section: "environment", "checks", "xor", "ladder", "profiles".
    profiled : bool, default False
        Whether to profile the gradients as well.

    Returns
    -------
    Comparison

    Raises
    ------
    CompiledWhileTiming
        If a time contains compilation.
    """
    start = time.perf_counter()
    calls = first_calls()
    pieces, done = len(calls) + 2 + len(LADDER) + len(TRAINING) * profiled, 0

    def begin(what: str) -> None:
        nonlocal done
        working_on(what, done / pieces)
        done += 1

    with one_blas_thread() as blas_threads:
        comparison = Comparison(describe() | {"loop_threads": 1, "blas_threads": blas_threads})
        finished("environment", comparison)
        for name, call in calls.items():
            begin(f"compiling {name}")
            comparison.first_calls.append(call())
        effort = effort.within(TIME_LIMIT - (time.perf_counter() - start))
        begin("checking the gradients")
        comparison.checks = check_gradients()
        finished("checks", comparison)
        begin("training XOR")
        times = time_xor(effort.seconds)
        comparison.xor = learn_xor(times.seconds)
        finished("xor", comparison)
        for name in LADDER:
            begin(f"timing {name}")
            comparison.ladder.append(measure_rung(name, effort, None if comparison.ladder else times))
        finished("ladder", comparison)
        for name in TRAINING if profiled else ():
            begin(f"profiling {name}")
            comparison.profiles.append(profile_rung(PROFILED, name))
        if profiled:
            finished("profiles", comparison)
    comparison.seconds = time.perf_counter() - start
    return comparison
