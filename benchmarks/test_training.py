"""Time an epoch of the networks of `fastmlp bench` on random data: `Sequential.fit` compared with the second notebook's loop in NumPy.

Each run must first reach the losses of the NumPy loop in float64, from the same weights and with the same order of the samples. BLAS has
one thread. No benchmark fails for being slow. Other libraries take part in `fastmlp bench`. After fastmlp has been timed, the same run is
profiled once, and its phases are saved with the figures.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest

from fastmlp.engine.cost import training_operations
from fastmlp.engine.threads import cpu_count
from fastmlp.measure.bench.numpy_network import NumpyNetwork
from fastmlp.measure.bench.peers import sequential
from fastmlp.measure.bench.tasks import initial_layers
from fastmlp.measure.machine import one_blas_thread
from fastmlp.measure.peak import peak_gflops
from fastmlp.measure.profiling import profile
from fastmlp.model.optimizers import OPTIMIZERS

ROUNDS = 5
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}  # of the mean loss of an epoch: rounding errors, amplified from batch to batch


class Problem(NamedTuple):
    sizes: list[int]
    samples: int
    batch_size: int
    optimizer: str
    learning_rate: float
    dtype: str


FASHION = Problem([784, 100, 200, 10], 6400, 64, "sgd", 0.05, "float32")
PROBLEMS = {
    "Fashion-MNIST": FASHION,
    "Fashion-MNIST, Adam": FASHION._replace(optimizer="adam", learning_rate=1e-3),
    "Fashion-MNIST, float64": FASHION._replace(dtype="float64"),
    "wide": FASHION._replace(sizes=[784, 1024, 1024, 10], samples=1280, batch_size=128),
    "iris": Problem([4, 100, 3], 150, 150, "adam", 1e-3, "float64"),
    "breast cancer": Problem([30, 100, 2], 569, 200, "adam", 1e-3, "float64"),
    "digits": Problem([64, 100, 10], 1797, 200, "adam", 1e-3, "float64"),
}
SMALL = 3000  # samples


def data(problem):
    """Draw samples around one centre per class, so that there is something to learn."""
    rng = np.random.default_rng(problem.samples)
    y = rng.integers(0, problem.sizes[-1], problem.samples)
    X = rng.normal(size=(problem.sizes[-1], problem.sizes[0]))[y] + rng.normal(size=(problem.samples, problem.sizes[0]))
    return (X / np.sqrt(problem.sizes[0])).astype(problem.dtype), y


def epochs(problem):
    """Return enough epochs for a run that is long compared with its call."""
    return 1 if problem.samples > SMALL or problem.sizes[1] > 100 else 50


def fastmlp_model(problem):
    return sequential(initial_layers(problem.sizes, 0, problem.dtype), "softmax_cross_entropy")


def optimizer(problem):
    return replace(OPTIMIZERS[problem.optimizer], learning_rate=problem.learning_rate)


def train_fastmlp(model, problem, X, y, threads):
    return model.fit(X, y, epochs(problem), problem.batch_size, optimizer(problem), shuffle=False, n_threads=threads, progress=False).losses


def phases(problem, X, y, threads):
    """Return the phases of such a run by name: share, and seconds of the whole run (the mean over the threads)."""
    taken = profile(fastmlp_model(problem), X, y, epochs(problem), problem.batch_size, optimizer(problem), threads, shuffle=False)
    return {phase.name: {"share": taken.share(phase), "seconds": phase.mean_seconds} for phase in taken.phases}


def numpy_model(problem):
    return NumpyNetwork(initial_layers(problem.sizes, 0, problem.dtype), problem.optimizer, problem.learning_rate)


def train_numpy(model, problem, X, y, threads):
    return model.train(X, y, problem.batch_size, [np.arange(len(X))] * epochs(problem))


WAYS = {"NumPy": (numpy_model, train_numpy), "fastmlp": (fastmlp_model, train_fastmlp)}
ENTRANTS = [("NumPy", 1), *(("fastmlp", threads) for threads in range(1, min(cpu_count(), 2) + 1))]


@pytest.mark.parametrize(("who", "threads"), ENTRANTS, ids=[f"{who}-{threads}" for who, threads in ENTRANTS])
@pytest.mark.parametrize("name", PROBLEMS)
def test_training(benchmark, report, name, who, threads):
    problem = PROBLEMS[name]
    exact = problem._replace(dtype="float64")
    make, train = WAYS[who]
    arguments = problem, *data(problem), threads
    kind = np.dtype(problem.dtype).type
    with one_blas_thread():
        expected = train_numpy(numpy_model(exact), exact, *data(exact), 1)
        np.testing.assert_allclose(train(make(problem), *arguments), expected, rtol=TOLERANCE[problem.dtype])
        benchmark.group = f"{name}: {'-'.join(map(str, problem.sizes))}, batch {problem.batch_size}, {epochs(problem)} epochs"
        before = peak_gflops(kind)
        benchmark.pedantic(train, setup=lambda: ((make(problem), *arguments), {}), rounds=ROUNDS)
        peak = threads * max(before, peak_gflops(kind))
    if benchmark.enabled:
        rate = training_operations(problem.sizes) * problem.samples * epochs(problem) / benchmark.stats.stats.median / 1e9
        benchmark.extra_info |= {"threads": threads, "gflops": rate, "peak_gflops": peak, "share_of_peak": rate / peak}
        if who == "fastmlp":
            benchmark.extra_info["phases"] = phases(*arguments)
        report.append(f"{name:24}{who:>9}{threads:3} thread(s){rate:9.1f} GFLOP/s{rate / peak:8.1%} of the FMA peak")
