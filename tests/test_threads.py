"""Threads and processes: results have the same bits for every number of them, and they do not disturb each other."""

import itertools
import multiprocessing
import os
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastmlp import SGD, Adam, AdamW, Dense, Dropout, ReLU, Sequential, Tanh
from fastmlp.engine.threads import as_team
from fastmlp.kernels.barrier import ABANDONED, Team, barrier
from tests.children import PATIENCE
from tests.problems import assert_same

DTYPES = ["float32", "float64"]
OPTIMIZERS = {
    "sgd": SGD(0.1),
    "clipped nesterov": SGD(0.1, momentum=0.9, nesterov=True, clip_norm=0.1, l2=0.01),
    "clipped adam": Adam(0.01, clip_norm=0.1),
    "adamw": AdamW(0.01, l2=0.01),
}


def trained(n_threads, optimizer="clipped adam", dtype="float64", dropout=0.2, biases=True, seed=0, epochs=3):
    """Return parameters, losses and outputs of a model with layers of odd widths, trained in batches of odd sizes."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(61, 37)) * (rng.uniform(size=(61, 37)) < 0.3), rng.integers(0, 7, size=61)
    layers = [Dropout(dropout), Dense(37, 23, biases), ReLU(), Dropout(dropout), Dense(23, 17, biases), Tanh(), Dense(17, 7, biases)]
    model = Sequential(layers, loss="softmax_cross_entropy", seed=seed, dtype=dtype)
    history = model.fit(X, y, epochs, batch_size=19, optimizer=OPTIMIZERS[optimizer], n_threads=n_threads, sample_weight=1.0 + y)
    return model.parameters, history.losses, history.scores, model.predict_proba(X, n_threads=n_threads)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize(("dropout", "biases"), [(0.2, True), (0.0, False)])
def test_the_same_bits_for_every_number_of_threads(dtype, optimizer, dropout, biases):
    expected = trained(1, optimizer, dtype, dropout, biases)
    assert np.isfinite(expected[0]).all()
    for n_threads in (None, 2, 3, 4):
        assert_same(trained(n_threads, optimizer, dtype, dropout, biases), expected)


def test_threads_that_are_chosen_by_trial_change_no_bit():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(1600, 150)).astype(np.float32), rng.integers(0, 10, size=1600)

    def parameters(n_threads):
        model = Sequential([Dense(150, 150), ReLU(), Dropout(0.3), Dense(150, 10)], loss="softmax_cross_entropy")
        model.fit(X, y, epochs=3, batch_size=100, optimizer=Adam(), n_threads=n_threads)
        return model.parameters

    assert_array_equal(parameters(None), parameters(1))


@pytest.mark.parametrize("widths", [(1, 1), (2, 3, 1), (5, 40, 2), (130, 6, 5)])
def test_more_threads_than_there_is_to_share(widths):
    rng = np.random.default_rng(widths)
    X, y = rng.normal(size=(5, widths[0])), rng.normal(size=(5, widths[-1]))

    def parameters(n_threads):
        model = Sequential([Dense(I, O) for I, O in itertools.pairwise(widths)])
        model.fit(X, y, epochs=4, batch_size=3, optimizer=SGD(0.01), n_threads=n_threads)
        return model.parameters

    expected = parameters(1)
    for n_threads in (2, 7):
        assert_array_equal(parameters(n_threads), expected)


def test_several_models_are_trained_at_once():
    expected = [trained(1, seed=seed, epochs=20) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for result, wanted in zip(pool.map(lambda seed: trained(2, seed=seed, epochs=20), range(4)), expected, strict=True):
            assert_same(result, wanted)


@pytest.mark.parametrize("dtype", DTYPES)
def test_one_model_predicts_in_several_threads(dtype):
    """A few rows take another path."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(64, 200)).astype(dtype)
    model = Sequential([Dense(200, 150), ReLU(), Dense(150, 150), ReLU(), Dense(150, 3)], dtype=dtype)
    expected = {rows: [model.predict(X[k : k + rows]) for k in range(32)] for rows in (1, 5, 20)}

    def predict(rows):
        return all(np.array_equal(model.predict(X[k : k + rows]), expected[rows][k]) for _ in range(20) for k in range(32))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(predict, [1, 5, 20, 1, 5, 1])) == [True] * 6


def test_a_member_that_fails_releases_the_others_from_their_barrier():
    arrivals, passed, stop = np.zeros(1, np.int64), np.zeros((2, 8), np.int64), np.zeros(1, np.uint8)

    def work(thread):
        if thread == 1:
            raise MemoryError("no room for the second")
        barrier(Team(thread, 2, arrivals, passed, stop))

    with pytest.raises(MemoryError, match="no room for the second"):
        as_team(2, work, stop)
    assert stop[0] == ABANDONED
    assert arrivals[0] == 1  # the first thread did wait


class SecondNeverStarts(threading.Thread):
    """A thread that does not start, as if the system allowed no more threads."""

    started = 0

    def start(self):
        if SecondNeverStarts.started:
            raise RuntimeError("can't start new thread")
        SecondNeverStarts.started += 1
        super().start()


def test_a_thread_that_cannot_start_is_an_error_and_the_model_stays_usable(monkeypatch):
    X, y = np.random.default_rng(0).normal(size=(50, 4)), np.arange(50) % 3
    model = Sequential([Dense(4, 5), ReLU(), Dense(5, 3)], loss="softmax_cross_entropy")
    model.fit(X, y, epochs=1, n_threads=2)
    before = model.parameters.copy()
    with monkeypatch.context() as patch:
        patch.setattr("fastmlp.engine.threads.Thread", SecondNeverStarts)
        with pytest.raises(RuntimeError, match="n_threads: expected 2 threads, but the system started only 1: can't start new thread"):
            model.fit(X, y, epochs=1, n_threads=2)
    assert_array_equal(model.parameters, before)
    assert model.predict(X).shape == (50,)


@pytest.mark.parametrize("method", ["spawn", "fork"] if hasattr(os, "fork") and sys.platform != "darwin" else ["spawn"])
def test_processes_train_as_this_one_does(method):
    expected = trained(2, seed=5)  # threads have run in this process before the fork
    context = multiprocessing.get_context(method)
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        assert_same(pool.submit(trained, 2, seed=5).result(timeout=PATIENCE), expected)


def test_joblib_processes_train_and_give_models_back():
    expected = [trained(1, seed=seed) for seed in range(2)]
    results = joblib.Parallel(n_jobs=2, timeout=PATIENCE)(joblib.delayed(trained)(2, seed=seed) for seed in range(2))
    for result, wanted in zip(results, expected, strict=True):
        assert_same(result, wanted)
    model = Sequential([Dense(3, 2)], dtype="float64")
    (fitted,) = joblib.Parallel(n_jobs=2, timeout=PATIENCE)(joblib.delayed(fit)(model) for _ in range(1))
    fit(model)
    assert_array_equal(fitted.parameters, model.parameters)
    assert np.shares_memory(fitted.layers[0].W, fitted.parameters)


def fit(model):
    model.fit(np.eye(3), np.ones((3, 2)), epochs=3)
    return model
