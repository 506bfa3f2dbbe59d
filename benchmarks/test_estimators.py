"""`MLPClassifier` and `MLPRegressor` against scikit-learn's, with its defaults: fit, predict and score, and a search over a grid.

Both get the same random state, and before the clock runs their losses are compared: they do the same work. BLAS has one thread. Nothing
here fails for being slow.
"""

import warnings
from functools import cache

import numpy as np
import pytest
from sklearn import neural_network
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

import fastmlp
from fastmlp.engine.threads import cpu_count
from fastmlp.measure.bench.estimator_problems import FOLDS, GRID, PROBLEMS, SEARCHED, TOLERANCE, load
from fastmlp.measure.machine import one_blas_thread

ROUNDS = 5
WAYS = {"scikit-learn": neural_network, "fastmlp": fastmlp}
ENTRANTS = [("scikit-learn", 1), *(("fastmlp", threads) for threads in range(1, min(cpu_count(), 2) + 1))]
IDS = [f"{who}-{threads}" for who, threads in ENTRANTS]


@cache
def data(name, dtype):
    try:
        return load(name, dtype)
    except (ImportError, OSError) as error:
        pytest.skip(str(error))


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
        estimator = getattr(WAYS[who], SEARCHED.kind)(random_state=0, **SEARCHED.parameters)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return GridSearchCV(estimator, GRID, cv=FOLDS, n_jobs=2).fit(*data("digits", "float64"))

    found = search()
    assert found.best_score_ > 0.9
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()
    benchmark.group = f"search 16 settings on digits, {FOLDS} folds, 2 processes"
    benchmark.pedantic(search, rounds=3)
    if benchmark.enabled:
        report.append(f"grid search {who:>14}{benchmark.stats.stats.median:8.2f} s, best score {found.best_score_:.4f}")
