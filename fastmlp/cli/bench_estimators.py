"""Sections of `fastmlp bench` that compare the estimators with scikit-learn's: fit, predict, score, and a search over a grid.

Both libraries get the same random states and do the same work, so that their losses agree. They take turns, each in a process of its own.
The sections stand here, above the estimators, because nothing of `measure` may import them.
"""

from __future__ import annotations

import importlib
import os
import signal
import warnings
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np

from ..measure.bench.estimator_problems import FOLDS, GRID, PROBLEMS, SEARCHED, TOLERANCE, Problem, load
from ..measure.bench.results import Effort, Entry, Outcome, Progress
from ..measure.bench.sections import Target, claim, entries, take_turns
from ..measure.bench.workers import THREAD_VARIABLES, Worker, check_threads, seconds_of_a_call
from ..measure.compilation import timed_region

OWN, PEER = "fastmlp", "scikit-learn"
METHODS = ("fit", "predict", "score")
FIT_TARGETS = {  # how many times as fast as scikit-learn
    "iris": Target("times", 5, 5, PEER),
    "breast cancer": Target("times", 5, 5, PEER),
    "diabetes": Target("times", 5, 5, PEER),
    "digits": Target("times", 3, 2, PEER),
    "Fashion-MNIST": Target("times", 3, 2, PEER),
}
SEARCH_TARGET = Target("times", 4, 4, PEER)


class Turn(NamedTuple):
    """What one training of one library gave."""

    seconds: tuple[float, float, float]  # of each of METHODS
    loss: float  # of the last epoch


def missing(who: str) -> str:
    """Name the package that is not installed; fastmlp's estimators need scikit-learn too."""
    return "" if importlib.util.find_spec("sklearn") else "sklearn"


def estimator(who: str, problem: Problem, seed: int) -> Any:
    """Make an estimator of one of the two libraries."""
    if who == OWN:
        from .. import estimators as library
    else:
        library = importlib.import_module("sklearn.neural_network")
    return getattr(library, problem.kind)(random_state=seed, **problem.parameters)


@dataclass(frozen=True)
class Defaults:
    """A section with the estimators' default parameters: a row for each problem and method."""

    dtype: str
    threads: int
    unit: str = "call"

    @property
    def key(self) -> str:
        """Name of the section."""
        return f"estimators-{self.dtype}-{self.threads}"

    @property
    def title(self) -> str:
        """Heading of the section."""
        return f"Estimators with default parameters, {self.dtype}, {self.threads} thread{'s' if self.threads > 1 else ''}"

    def measure(self, effort: Effort, working_on: Progress) -> Outcome:
        """Fit with each seed as random state, predict and score; compare the losses."""
        outcome = Outcome(self.key, self.title, self.unit, entries(((OWN, self.threads), (PEER, self.threads)), missing))
        problems = {name: problem.smaller() if effort.quick else problem for name, problem in PROBLEMS.items()}
        if not missing(OWN):
            try:
                load("Fashion-MNIST", self.dtype)
            except (ImportError, OSError) as error:
                del problems["Fashion-MNIST"]
                outcome.notes.append(f"Fashion-MNIST was not measured: {error}")
        turns: dict[str, list[list[Turn]]] = {entry.who: [] for entry in outcome.entries}

        def prepare(worker: Worker, entry: Entry) -> None:
            worker.call(prepare_estimators, entry.who, self.dtype, problems, entry.threads)

        def turn(worker: Worker, entry: Entry, seed: int) -> None:
            turns[entry.who].append(worker.call(fit_and_use, seed))

        take_turns(outcome, effort.seeds, prepare, turn, working_on)
        losses = {}
        for place, name in enumerate(problems):
            of_problem = {who: [each[place] for each in rounds] for who, rounds in turns.items()}
            self._add_rows(outcome, name, of_problem)
            losses[name] = [[turn.loss for turn in of_problem[who]] for who in (OWN, PEER)]
        if all(entry.measured for part in outcome.parts for entry in part.entries):
            outcome.notes.append(agreement(losses, TOLERANCE[self.dtype]))
        return outcome

    def _add_rows(self, outcome: Outcome, name: str, turns: dict[str, list[Turn]]) -> None:
        """Add a problem's rows, and for one thread the target of its fit."""
        for place, method in enumerate(METHODS):
            part = Outcome(f"{self.key}-{method}-{name.replace(' ', '-')}", f"{method} {name}", self.unit, [])
            for entry in outcome.entries:
                part.entries.append(replace(entry, seconds=[turn.seconds[place] for turn in turns[entry.who]]))
            outcome.parts.append(part)
            if method == "fit" and self.threads == 1:
                of_part = claim(part, FIT_TARGETS[name])
                outcome.claims.append(replace(of_part, what=f"{part.title} {of_part.what}"))


def agreement(losses: dict[str, list[list[float]]], tolerance: float) -> str:
    """Say whether the losses of the two libraries, one for each random state, agree on all problems.

    Examples
    --------
    >>> agreement({"iris": [[0.5, 0.25], [0.5, 0.25]]}, tolerance=1e-6)
    'With the same random states the losses agree: they differ by at most 0.0e+00 of their size.'
    >>> agreement({"iris": [[0.5, 0.25], [0.5, 0.5]]}, tolerance=1e-6)
    'With the same random states the losses DIFFER on iris, by up to 5.0e-01 of their size.'
    """
    differences = {name: max(abs(a - b) / abs(b) for a, b in zip(own, its, strict=True)) for name, (own, its) in losses.items()}
    beyond = [name for name, difference in differences.items() if not difference <= tolerance]
    largest = max(differences.values())
    if beyond:
        return f"With the same random states the losses DIFFER on {', '.join(beyond)}, by up to {largest:.1e} of their size."
    return f"With the same random states the losses agree: they differ by at most {largest:.1e} of their size."


@dataclass(frozen=True)
class Search:
    """A section in which `GridSearchCV` compares the settings of GRID on digits, in as many processes as there are threads."""

    key: str = "estimators-search"
    title: str = f"GridSearchCV: 16 settings of MLPClassifier on digits, {FOLDS} folds, float64, 2 processes"
    unit: str = "search"

    def measure(self, effort: Effort, working_on: Progress) -> Outcome:
        """Search with each seed as random state; times are those of the whole search."""
        outcome = Outcome(self.key, self.title, self.unit, entries(((OWN, 2), (PEER, 2)), missing))
        problem = SEARCHED.smaller() if effort.quick else SEARCHED
        scores: dict[str, list[np.ndarray]] = {entry.who: [] for entry in outcome.entries}

        def prepare(worker: Worker, entry: Entry) -> None:
            worker.call(prepare_search, entry.who, problem, entry.threads)
            worker.before_end = end_processes

        def turn(worker: Worker, entry: Entry, seed: int) -> None:
            seconds, of_settings = worker.call(search, seed)
            entry.seconds.append(seconds)
            scores[entry.who].append(of_settings)

        take_turns(outcome, effort.seeds, prepare, turn, working_on)
        if all(entry.measured for entry in outcome.entries):
            difference = np.abs(np.subtract(scores[OWN], scores[PEER])).max()
            outcome.notes.append(f"Mean accuracies of the folds differ by at most {100 * difference:.2f} points in any setting.")
        outcome.claims.append(claim(outcome, SEARCH_TARGET))
        return outcome


Section = Defaults | Search
SECTIONS: tuple[Section, ...] = (*(Defaults(dtype, threads) for threads in (1, 2) for dtype in ("float64", "float32")), Search())

present: dict[str, Any] = {}  # in a worker, what it works on


def prepare_estimators(who: str, dtype: str, problems: dict[str, Problem], threads: int) -> None:
    """Load the data, and compile everything that the estimators need."""
    present["who"], present["problems"] = who, [(problem, *load(name, dtype)) for name, problem in problems.items()]
    for problem, X, y in present["problems"]:
        model = estimator(who, problem.smaller(), 0)
        seconds_of_a_fit(model, X, y)
        model.predict(X)
        model.score(X, y)
    check_threads(threads)


def fit_and_use(seed: int) -> list[Turn]:
    """Fit an estimator to each problem, and let it predict and score."""
    turns = []
    for problem, X, y in present["problems"]:
        model = estimator(present["who"], problem, seed)
        with timed_region(f"{present['who']}'s estimator"):
            seconds = (
                seconds_of_a_fit(model, X, y),
                seconds_of_a_call(model.predict, X, samples=1),
                seconds_of_a_call(model.score, X, y, samples=1),
            )
        turns.append(Turn(seconds, float(model.loss_)))
    return turns


def seconds_of_a_fit(model: Any, X: np.ndarray, y: np.ndarray) -> float:
    """Time a call of fit, which may end before it converges."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", importlib.import_module("sklearn.exceptions").ConvergenceWarning)
        start = perf_counter()
        model.fit(X, y)
        return perf_counter() - start


def prepare_search(who: str, problem: Problem, threads: int) -> None:
    """Start the processes of joblib, and compile everything in them or load it from the cache.

    joblib gives each process its share of the threads, but not if the environment says how many there are to be.
    """
    for name in THREAD_VARIABLES:
        os.environ.pop(name, None)
    if hasattr(os, "killpg"):  # if this process is terminated after Ctrl-C, joblib's would remain
        os.setpgrp()
        signal.signal(signal.SIGTERM, terminate_group)
    present["who"], present["problem"], present["threads"], present["data"] = who, problem, threads, load("digits", "float64")
    search(0)


def terminate_group(*_: object) -> None:
    """Terminate this process and those that it started."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.killpg(os.getpgrp(), signal.SIGTERM)


def end_processes() -> None:
    """End joblib's processes, for which the end of their parent would otherwise wait until they had been idle for five minutes."""
    importlib.import_module("joblib.externals.loky").get_reusable_executor().shutdown(kill_workers=True)


def search(seed: int) -> tuple[float, np.ndarray]:
    """Search the grid; return the seconds and the mean score of each setting (16,)."""
    GridSearchCV = importlib.import_module("sklearn.model_selection").GridSearchCV
    model = estimator(present["who"], present["problem"], seed)
    found = GridSearchCV(model, GRID, cv=FOLDS, n_jobs=present["threads"])
    seconds = seconds_of_a_fit(found, *present["data"])
    return seconds, found.cv_results_["mean_test_score"]
