"""Searches in several processes: their workers compile nothing, share the processors, and find the scores that one process finds."""

import gc
import os

import numpy as np
import pytest
from joblib.externals.loky import get_reusable_executor
from numba.core.registry import CPUDispatcher
from numpy.testing import assert_array_equal
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV

from fastmlp import MLPClassifier
from fastmlp.engine.threads import choose_threads, cpu_count

pytestmark = [pytest.mark.any_cpu, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

X, Y = load_digits(return_X_y=True)
GRID = {"alpha": [1e-4, 1e-1], "hidden_layer_sizes": [(20,), (30, 20)]}
SEVERAL = [{}, {"early_stopping": True}, {"solver": "lbfgs"}]


def scored(model, X, y):
    """The score of a fit, and what the process in which it ran has done so far."""
    kernels = [each for each in gc.get_objects() if issubclass(type(each), CPUDispatcher)]
    return {
        "score": model.score(X, y),
        "loaded": sum(sum(kernel.stats.cache_hits.values()) for kernel in kernels),
        "compiled": sum(sum(kernel.stats.cache_misses.values()) for kernel in kernels),
        "threads": choose_threads(None, 10**12),  # of the largest network
        "process": os.getpid(),
    }


def searched(processes, **parameters):
    """What a search found and did: an array of all fits for each of the numbers that `scored` returns."""
    model = MLPClassifier(random_state=0, max_iter=8, **parameters)
    search = GridSearchCV(model, GRID, cv=2, n_jobs=processes, scoring=scored, refit=False).fit(X / 16, Y)
    names = "score", "loaded", "compiled", "threads", "process"
    return {name: np.array([search.cv_results_[f"split{split}_test_{name}"] for split in range(2)]) for name in names}


@pytest.mark.parametrize("parameters", SEVERAL)
def test_workers_compile_nothing_and_find_the_same_scores(parameters):
    alone = searched(1, **parameters)  # compiles what is not in the cache yet
    get_reusable_executor().shutdown(wait=True)  # workers of an earlier test may have compiled
    together = searched(2, **parameters)
    assert (together["compiled"] == 0).all()
    assert (together["loaded"] > 0).all()
    assert (together["threads"] <= max(1, cpu_count() // 2)).all()
    assert os.getpid() not in together["process"]
    assert_array_equal(together["score"], alone["score"])
