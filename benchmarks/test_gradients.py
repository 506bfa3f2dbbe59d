"""Time the document's gradients from XOR to MNIST's size: one call each, a run of training, and the first call of a process.

Before anything is timed, it must return what `fastmlp.reference` returns; that call also compiles it.
"""

import functools
import os
import subprocess
import sys
from math import prod
from pathlib import Path

import numpy as np
import pytest

from fastmlp import reference
from fastmlp.measure.gradients import GRADIENTS, TRAINING
from fastmlp.measure.ladder import LADDER, LADDER_LEARNING_RATE, problem

NAIVE_LIMIT = 1e8  # largest N * I * H * O for `backward`'s loops: a call takes 0.1 s there, and several seconds at the next rung
GRADIENT_TOLERANCE = 1e-10  # relative to the largest entry, for float64 sums over up to 4096 samples in any order
TRAINING_TOLERANCE = 1e-8  # the same after up to 10,000 epochs of such sums
FIRST_CALL = """
import sys
from fastmlp.measure.gradients import TRAINING
from fastmlp.measure.ladder import LADDER, LADDER_LEARNING_RATE, problem
print(TRAINING[sys.argv[1]]["compiled"](*problem(LADDER["XOR"]), 1, LADDER_LEARNING_RATE, 1).errors[0])
"""


def rows(registry):
    """List (rung, name, way) for all combinations that do not take too long."""
    return [
        pytest.param(rung, name, way, id=f"{rung}-{name}-{way}")
        for rung, sizes in LADDER.items()
        for name, ways in registry.items()
        for way in ways
        if name != "backward" or prod(sizes) <= NAIVE_LIMIT
    ]


def heading(rung):
    """Name the group; the number keeps the groups in the ladder's order."""
    sizes = ", ".join(f"{letter} {size}" for letter, size in LADDER[rung]._asdict().items())
    return f"{list(LADDER).index(rung) + 1} {rung} ({sizes})"


def epochs_at(rung):
    """Return enough epochs that the fused loop is long compared with its call, but no competitor's run takes more than a second."""
    N, I, H, O = LADDER[rung]
    return int(np.clip(2e6 // (N * H * (I + O)), 2, 10_000))


@functools.cache
def forward(rung):
    """Return the arguments of a gradient at that rung."""
    X, y, w1, w2 = problem(LADDER[rung])
    act_hidden, y_hat = reference.forward_pass(X, w1, w2)
    return X, y, y_hat, act_hidden, w2


@functools.cache
def expected_gradient(rung):
    return reference.backward(*forward(rung))


@functools.cache
def expected_run(rung):
    X, y, w1, w2 = problem(LADDER[rung])
    return reference.train(X, y, epochs=epochs_at(rung), learning_rate=LADDER_LEARNING_RATE, w1=w1, w2=w2, record_every=1)


def assert_agrees(result, expected, tolerance):
    """Compare every array of the result, to `tolerance` times the largest expected entry."""
    for number, (got, want) in enumerate(zip(result, expected, strict=True)):
        np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * np.abs(want).max(), err_msg=f"result {number}")


@pytest.mark.parametrize(("rung", "name", "way"), rows(GRADIENTS))
def test_gradient(benchmark, rung, name, way):
    """Time one call from Python, as in a notebook; it includes the compiled function's check of its arguments."""
    gradient = GRADIENTS[name][way]
    assert_agrees(gradient(*forward(rung)), expected_gradient(rung), GRADIENT_TOLERANCE)
    benchmark.group = f"one gradient: {heading(rung)}"
    benchmark(gradient, *forward(rung))


@pytest.mark.parametrize(("rung", "name", "way"), rows(TRAINING))
def test_training(benchmark, rung, name, way):
    """Time a run of training: forward pass, gradient and update, `epochs_at` times."""
    epochs = epochs_at(rung)
    arguments = (*problem(LADDER[rung]), epochs, LADDER_LEARNING_RATE, 1)
    training = TRAINING[name][way]
    assert_agrees(training(*arguments), expected_run(rung), TRAINING_TOLERANCE)
    benchmark.group = f"training: {heading(rung)}, {epochs} epochs"
    benchmark(training, *arguments)


@pytest.mark.parametrize("cache", ["cold", "warm"])
@pytest.mark.parametrize("name", ["backward_faster", "fused"])
def test_first_call(benchmark, tmp_path_factory, name, cache):
    """Time a process that imports fastmlp and trains for one epoch, with an empty cache of compiled code and with the cache of this run.

    The difference between cold and warm is compilation. The document's three gradients share one compiled loop, so one of them is enough.
    """

    def environment():
        own_cache = {"NUMBA_CACHE_DIR": str(tmp_path_factory.mktemp("cold"))} if cache == "cold" else {}
        return (os.environ | own_cache,), {}

    def process(environment):
        command = [sys.executable, "-c", FIRST_CALL, name]
        return float(subprocess.check_output(command, env=environment, cwd=Path(__file__).parents[1], text=True))

    benchmark.group = "first call in a process"
    error = benchmark.pedantic(process, setup=environment, rounds=3, warmup_rounds=1 if cache == "warm" else 0)
    assert error == pytest.approx(expected_run("XOR").errors[0], rel=GRADIENT_TOLERANCE, abs=0)
