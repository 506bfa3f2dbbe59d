"""Test scores of the estimators and of scikit-learn's, both with their default parameters, over several seeds: a table in Markdown.

    python benchmarks/accuracy.py                                     # all problems, 5 seeds
    python benchmarks/accuracy.py --only digits --only diabetes       # some of them

Each seed draws a split into training and test data, except for Fashion-MNIST, which has test data of its own. scikit-learn's estimator
gets the seed as its `random_state`. fastmlp's is trained twice: with the same random state, where only rounding differs, and with another
one, so that the two libraries have independent initial weights and orders of the samples.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from statistics import mean, stdev
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import fastmlp
from fastmlp.datasets import load_fashion_mnist, normalize
from fastmlp.engine.threads import cpu_count
from fastmlp.measure.bench.estimator_problems import load
from fastmlp.measure.machine import cpu_model, one_blas_thread

OTHER = 1000  # what is added to a seed for a random state that is independent of it
Split = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # X, X_test, y, y_test


class Comparison(NamedTuple):
    """Test scores, accuracy or R^2, with one value for each seed, and the median seconds of `fit`."""

    theirs: list[float]
    same: list[float]  # fastmlp's with the same random states
    other: list[float]  # fastmlp's with others
    seconds_theirs: float
    seconds: float

    @property
    def largest(self) -> float:
        """The largest difference with the same random states."""
        return max(abs(own - its) for own, its in zip(self.same, self.theirs, strict=True))

    @property
    def difference(self) -> tuple[float, float]:
        """The mean difference with independent random states, and its standard error from the pairs of each split."""
        pairs = [own - its for own, its in zip(self.other, self.theirs, strict=True)]
        return mean(pairs), stdev(pairs) / np.sqrt(len(pairs))


def bundled(name: str) -> Callable[[int], Split]:
    """Return a function that splits one of scikit-learn's data sets, a quarter for testing."""
    return lambda seed: tuple(train_test_split(*load(name, "float64"), random_state=seed))


def california_like(seed: int) -> Split:
    """Split made-up data of the size and the shapes of the California housing data, a quarter for testing, columns standardized.

    There are 20,640 rows. Median income, rooms, bedrooms, population and occupancy are log-normal, with the long tails of such averages;
    the age of the houses is uniform with a clump at its limit of 52 years; the places lie around two cities. The value, in units of
    $100,000, grows with income and towards the cities, falls with occupancy, has noise that grows with it, and is cut off at 5.
    """
    rng, n = np.random.default_rng(20_640), 20_640
    income = np.clip(rng.lognormal(1.25, 0.47, n), 0.5, 15)
    age = np.minimum(rng.uniform(1, 60, n), 52)
    rooms = rng.lognormal(1.55, 0.25, n) + (rng.random(n) < 0.01) * rng.exponential(15, n)
    bedrooms = rooms / 5 * rng.lognormal(0, 0.08, n)
    population, occupancy = rng.lognormal(7.0, 0.7, n), 1 + rng.lognormal(0.55, 0.35, n)
    city = np.array([[34.0, -118.2], [37.7, -122.2]])[(rng.random(n) < 0.4).astype(int)]
    latitude, longitude = (city + rng.normal(0, [0.9, 0.8], (n, 2))).T
    distance = np.hypot(latitude - city[:, 0], longitude - city[:, 1])
    value = 0.65 * income * np.exp(-0.45 * distance) + 0.004 * age - 0.25 * np.log(occupancy) + 0.12 * rooms / occupancy + 0.3
    value = np.clip(value * rng.lognormal(0, 0.35, n), 0.15, 5)
    X = np.stack([income, age, rooms, bedrooms, population, occupancy, latitude, longitude], axis=1)
    X, X_test, y, y_test = train_test_split(X, value, random_state=seed)
    scaler = StandardScaler().fit(X)
    return scaler.transform(X), scaler.transform(X_test), y, y_test


def fashion(seed: int) -> Split:
    """Return all of Fashion-MNIST, the same for every seed."""
    (X, y), (X_test, y_test) = load_fashion_mnist()
    return normalize(X), normalize(X_test), y, y_test


PROBLEMS: dict[str, tuple[str, dict[str, Any], Callable[[int], Split]]] = {
    "digits": ("MLPClassifier", {}, bundled("digits")),
    "breast cancer": ("MLPClassifier", {}, bundled("breast cancer")),
    "diabetes": ("MLPRegressor", {}, bundled("diabetes")),
    "California-like": ("MLPRegressor", {}, california_like),
    "Fashion-MNIST, 5 epochs": ("MLPClassifier", {"max_iter": 5}, fashion),
}


def compare(name: str, seeds: int) -> Comparison:
    """Train with each seed, the libraries by turns, and test.

    Parameters
    ----------
    name : str
        A key of PROBLEMS.
    seeds : int
        Number of splits and random states, at least 2.

    Returns
    -------
    Comparison
        Scores and seconds.
    """
    kind, parameters, split = PROBLEMS[name]
    scores: list[list[float]] = [[], [], []]
    seconds: list[list[float]] = [[], [], []]
    for seed in range(seeds):
        X, X_test, y, y_test = split(seed)
        for place, (library, state) in enumerate(((neural_network, seed), (fastmlp, seed), (fastmlp, OTHER + seed))):
            threads = {"n_threads": 1} if library is fastmlp else {}
            model = getattr(library, kind)(random_state=state, **parameters, **threads)
            start = perf_counter()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(X, y)
            seconds[place].append(perf_counter() - start)
            scores[place].append(float(model.score(X_test, y_test)))
    return Comparison(*scores, float(np.median(seconds[0])), float(np.median(seconds[2])))


def row(name: str, found: Comparison) -> str:
    """Return a row of the table: accuracies in percent, R^2 as they are."""
    factor, digits = (100, 2) if PROBLEMS[name][0] == "MLPClassifier" else (1, 4)

    def number(value: float, sign: str = "") -> str:
        return f"{factor * value:{sign}.{digits}f}"

    scores = [f"{number(mean(each))} ± {number(stdev(each))}" for each in (found.theirs, found.other)]
    difference, error = found.difference
    cells = [name, "accuracy, %" if factor == 100 else "R²", *scores, f"{number(difference, '+')} ± {number(error)}"]
    cells += [f"{factor * found.largest:.1g}", f"{found.seconds_theirs:.2f} s", f"{found.seconds:.2f} s"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table, each row as soon as it is complete."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="number of splits and random states (default: 5)")
    parser.add_argument("--only", action="append", choices=PROBLEMS, help="a problem; may be repeated (default: all)")
    options = parser.parse_args()
    if options.seeds < 2:
        parser.error(f"--seeds: expected at least 2, got {options.seeds}")
    print(f"{cpu_model()}, {cpu_count()} cores, 1 thread; {options.seeds} seeds\n")
    print("| | score | scikit-learn | fastmlp | difference | largest difference, same seeds | scikit-learn's `fit` | fastmlp's |")
    print("|" + "---|" * 8, flush=True)
    with one_blas_thread():
        for name in options.only or PROBLEMS:
            print(row(name, compare(name, options.seeds)), flush=True)


if __name__ == "__main__":
    main()
