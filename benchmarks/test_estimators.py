"""`MLPClassifier` and `MLPRegressor` against scikit-learn's, with its defaults: fit, predict and score, and a search over a grid.

Both get the same random state, and before the clock runs their losses are compared: they do the same work. BLAS has one thread. Nothing
here fails for being slow.
"""

import warnings
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import minmax_scale, scale

import fastmlp
from fastmlp.datasets import load_fashion_mnist, normalize
from fastmlp.engine.threads import cpu_count
from fastmlp.measure.machine import one_blas_thread

ROUNDS = 5
TOLERANCE = {"float32": 1e-2, "float64": 1e-6}  # of the last loss: rounding, amplified over some hundred epochs
ROWS = 10_000  # of Fashion-MNIST
GRID = {"alpha": [1e-5, 1e-4, 1e-3, 1e-2], "learning_rate_init": [1e-3, 3e-3, 1e-2, 3e-2]}  # 16 settings


class Problem(NamedTuple):
    kind: str
    parameters: dict[str, Any]


PROBLEMS = {
    "iris": Problem("MLPClassifier", {}),
    "breast cancer": Problem("MLPClassifier", {}),
    "diabetes": Problem("MLPRegressor", {}),
    "digits": Problem("MLPClassifier", {}),
    "Fashion-MNIST": Problem("MLPClassifier", {"max_iter": 5}),
}
LOADERS = {"iris": load_iris, "breast cancer": load_breast_cancer, "diabetes": load_diabetes, "digits": load_digits}
WAYS = {"scikit-learn": neural_network, "fastmlp": fastmlp}
ENTRANTS = [("scikit-learn", 1), *(("fastmlp", threads) for threads in range(1, min(cpu_count(), 2) + 1))]
IDS = [f"{who}-{threads}" for who, threads in ENTRANTS]


@cache
def data(name, dtype):
    """The data as a user would prepare them: standardised, pixels scaled to [0, 1]."""
    if name == "Fashion-MNIST":
        try:
            (X, y), _ = load_fashion_mnist()
        except (ImportError, OSError) as error:
            pytest.skip(str(error))
        return normalize(X[:ROWS], dtype), y[:ROWS]
    X, y = LOADERS[name](return_X_y=True)
    return (minmax_scale(X) if name == "digits" else scale(X)).astype(dtype), scale(y) if name == "diabetes" else y


def fit(name, who, threads, dtype):
    problem = PROBLEMS[name]
    more = {"n_threads": threads} if who == "fastmlp" else {}
    estimator = getattr(WAYS[who], problem.kind)(random_state=0, **problem.parameters, **more)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator.fit(*data(name, dtype))


@cache
def reference(name, dtype):
    """scikit-learn's estimator after the same training."""
    return fit(name, "scikit-learn", 1, dtype)


@pytest.mark.parametrize(("who", "threads"), ENTRANTS, ids=IDS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", PROBLEMS)
def test_fit(benchmark, report, name, dtype, who, threads):
    with one_blas_thread():
        ours, theirs = fit(name, who, threads, dtype), reference(name, dtype)
        assert ours.loss_ == pytest.approx(theirs.loss_, rel=TOLERANCE[dtype])
        benchmark.group = f"fit {name}, {dtype}, {theirs.n_iter_} epochs"
        benchmark.pedantic(fit, (name, who, threads, dtype), rounds=ROUNDS)
    if benchmark.enabled:
        report.append(f"fit {name:16}{dtype:9}{who:>14}{threads:3} thread(s){1e3 * benchmark.stats.stats.median:10.1f} ms")


@pytest.mark.parametrize("method", ["predict", "score"])
@pytest.mark.parametrize("who", WAYS)
@pytest.mark.parametrize("name", PROBLEMS)
def test_use(benchmark, report, name, who, method):
    X, y = data(name, "float64")
    with one_blas_thread():
        estimator, theirs = fit(name, who, 1, "float64"), reference(name, "float64")
        assert estimator.score(X, y) == pytest.approx(theirs.score(X, y), abs=2e-3)
        benchmark.group = f"{method} {name}, {len(X)} rows"
        benchmark(getattr(estimator, method), *((X, y) if method == "score" else (X,)))
    if benchmark.enabled:
        report.append(f"{method} {name:16}{who:>14}{1e6 * benchmark.stats.stats.median:10.0f} us")


@pytest.mark.parametrize("who", WAYS)
def test_grid_search(benchmark, report, who):
    """Sixteen settings in two processes, the whole wall time; the processes are started before."""

    def search():
        estimator = WAYS[who].MLPClassifier(random_state=0, max_iter=50)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return GridSearchCV(estimator, GRID, cv=3, n_jobs=2).fit(*data("digits", "float64"))

    found = search()
    assert found.best_score_ > 0.9
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()
    benchmark.group = "search 16 settings on digits, 3 folds, 2 processes"
    benchmark.pedantic(search, rounds=3)
    if benchmark.enabled:
        report.append(f"grid search {who:>14}{benchmark.stats.stats.median:8.2f} s, best score {found.best_score_:.4f}")
