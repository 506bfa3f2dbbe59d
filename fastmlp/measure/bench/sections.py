"""Sections of the table that compare peers: training, and prediction.

Each peer runs in a process of its own, and their runs alternate, so that a drifting clock affects all of them equally. A peer that is not
installed, or that fails, becomes an entry without figures that gives the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from statistics import mean, median
from typing import NamedTuple

from ...engine.cost import forward_operations, training_operations
from ...engine.threads import cpu_count
from ...kernels.vectors import many_registers
from ..instruction_sets import CANNOT_BE_HELD, held_to, in_use
from .peers import PEERS
from .predictors import PREDICTORS
from .results import Claim, Effort, Entry, Outcome, Progress, same_accuracy
from .tasks import Data, Task, load, sizes, skipped, steps
from .workers import PeerError, Worker, predict, prepare_prediction, prepare_training, train

NOT_INSTALLED = "not installed"


class Target(NamedTuple):
    """A bound on one of the measured figures."""

    kind: str  # a key of FIGURES
    wide: float  # the bound on CPUs with 32 vector registers
    narrow: float  # the bound on CPUs with 16, such as those with AVX2
    who: str = ""

    @property
    def bound(self) -> float:
        """The bound for the CPU on which this runs."""
        return self.wide if many_registers() else self.narrow


def take_turns(
    outcome: Outcome,
    rounds: int,
    prepare: Callable[[Worker, Entry], None],
    turn: Callable[[Worker, Entry, int], None],
    working_on: Progress,
) -> None:
    """Fill the outcome's entries: prepare each peer, then give each one turn per round, starting every round with another peer."""
    with ExitStack() as stack:
        workers: list[tuple[Entry, Worker]] = []
        for entry in outcome.entries:
            if not entry.missing:
                working_on(f"{outcome.title}: {entry.label}, starting")
                with excused(entry):
                    worker = stack.enter_context(Worker(entry.threads))
                    prepare(worker, entry)
                    entry.instructions = worker.call(in_use)
                    workers.append((entry, worker))
        for number in range(rounds):
            first = number % max(len(workers), 1)
            for entry, worker in workers[first:] + workers[:first]:
                if not entry.missing:
                    working_on(f"{outcome.title}: round {number + 1} of {rounds}, {entry.label}")
                    with excused(entry):
                        turn(worker, entry, number)
    if held_to():
        told = {f"{library}: {what}": None for entry in outcome.entries for library, what in entry.instructions.items()}
        outcome.notes.append(f"Restricted to {held_to()}. The libraries report that they use {'; '.join(told)}.")


@contextmanager
def excused(entry: Entry) -> Iterator[None]:
    """Guard the work of a peer: if it fails, its entry gives the reason and the other peers continue."""
    try:
        yield
    except PeerError as error:
        entry.missing = f"failed: {error}"


def entries(entrants: tuple[tuple[str, int], ...], missing: Callable[[str], str]) -> list[Entry]:
    """Make entries without figures; those that cannot take part give the reason."""
    found = []
    for who, threads in entrants:
        reason = NOT_INSTALLED if missing(who) else f"this machine has {cpu_count()} core" if threads > cpu_count() else ""
        if not reason and held_to() and who in CANNOT_BE_HELD:
            reason = f"cannot be restricted to {held_to()}"
        found.append(Entry(who, threads, missing=reason))
    return found


@dataclass(frozen=True)
class Training:
    """A section in which several peers train a network, timed and tested with every seed."""

    key: str
    title: str
    task: Task
    entrants: tuple[tuple[str, int], ...]
    targets: tuple[Target, ...]
    unit: str = "epoch"  # or "step", or "run"

    def measure(self, effort: Effort, working_on: Progress) -> Outcome:
        """Train with each seed, and return the row of the table."""
        task = self.task.smaller() if effort.quick else self.task
        outcome = Outcome(self.key, self.title, self.unit, entries(self.entrants, lambda who: PEERS[who].missing()))

        def prepare(worker: Worker, entry: Entry) -> None:
            worker.call(prepare_training, entry.who, task, entry.threads)

        def turn(worker: Worker, entry: Entry, seed: int) -> None:
            entry.add(worker.call(train, seed))

        take_turns(outcome, effort.seeds, prepare, turn, working_on)
        if outcome.own.measured:
            self._finish(outcome, task, load(task))
        outcome.claims = [claim(outcome, target) for target in self.targets]
        return outcome

    def _finish(self, outcome: Outcome, task: Task, data: Data) -> None:
        """Convert seconds per epoch to the section's unit, count the operations, and compare the accuracies."""
        factor = {"epoch": 1.0, "step": 1 / steps(task, data), "run": task.epochs}[self.unit]
        widths = sizes(task, data)
        outcome.operations = training_operations(widths) * len(data.X) * factor
        outcome.skipped = skipped(data.X, widths[1], task.batch_size) * len(data.X) * factor
        if outcome.skipped > 0:
            outcome.notes.append(f"{outcome.skipped / outcome.operations:.0%} of the operations are products with zero that fastmlp skips.")
        for entry in outcome.entries:
            entry.seconds = [seconds * factor for seconds in entry.seconds]
        others = [entry for entry in outcome.entries if entry.measured and entry is not outcome.own]
        different = [entry for entry in others if not same_accuracy(outcome.own.accuracies, entry.accuracies, len(data.y_test))]
        for entry in different:
            points = 100 * (mean(entry.accuracies) - mean(outcome.own.accuracies))
            outcome.notes.append(f"Test accuracy differs beyond noise: {entry.label}, {points:+.2f} points from fastmlp's.")
        if others and not different:
            outcome.notes.append("Test accuracies are equal within noise.")


@dataclass(frozen=True)
class Prediction:
    """A section in which one thread predicts the classes of `rows` rows."""

    key: str
    title: str
    sizes: tuple[int, ...]
    rows: int
    targets: tuple[Target, ...]
    unit: str = "call"

    def measure(self, effort: Effort, working_on: Progress) -> Outcome:
        """Predict in five rounds, and return the row of the table."""
        found = entries(tuple((who, 1) for who in PREDICTORS), missing_predictor)
        outcome = Outcome(self.key, self.title, self.unit, found)
        outcome.operations = float(forward_operations(self.sizes) * self.rows)

        def prepare(worker: Worker, entry: Entry) -> None:
            worker.call(prepare_prediction, entry.who, list(self.sizes), self.rows, entry.threads)

        def turn(worker: Worker, entry: Entry, number: int) -> None:
            entry.add(worker.call(predict, 1 if effort.quick else 5))

        take_turns(outcome, 2 if effort.quick else 5, prepare, turn, working_on)
        outcome.claims = [claim(outcome, target) for target in self.targets]
        return outcome


def missing_predictor(who: str) -> str:
    """Name the packages that a predictor needs and that are not installed."""
    return ", ".join(name for name in PREDICTORS[who][0] if find_spec(name) is None)


# kind of target -> its description, its unit, and whether it is a lower bound
FIGURES = {
    "times": ("as fast as {who}", "x", True),
    "times one thread": ("as fast as one thread", "x", True),
    "best peer": ("as fast as the best peer", "x", True),
    "share": ("share of the FMA peak", "%", True),
    "accuracy": ("test accuracy", "%", True),
    "seconds": ("time of a {unit}", "s", False),
}


def claim(outcome: Outcome, target: Target) -> Claim:
    """Compare the measured figure with a target."""
    text, unit, at_least = FIGURES[target.kind]
    what = text.format(who=target.who, unit=outcome.unit)
    own = outcome.own
    rivals = {
        "times": lambda: [outcome.entry(target.who)],
        "times one thread": lambda: [outcome.entry("fastmlp", 1)],
        "best peer": lambda: [entry for entry in outcome.entries if entry.who != "fastmlp" and entry.measured],
    }.get(target.kind, lambda: [])()
    absent = [f"{entry.label}: {entry.missing}" for entry in [own, *rivals] if not entry.measured]
    if target.kind == "best peer" and not rivals:
        absent.append("no peer was measured")
    if absent:
        return Claim(what, unit, target.bound, None, at_least, absent[0])
    if rivals:
        best = min(rivals, key=lambda entry: entry.times(own))
        what += f", {best.who}," if target.kind == "best peer" else ""
        return Claim(what, unit, target.bound, best.times(own), at_least)
    measured = {"share": outcome.share(own), "accuracy": median(own.accuracies or [0.0]), "seconds": median(own.seconds)}
    return Claim(what, unit, target.bound, measured[target.kind], at_least)
