"""Schedules: their factors, how `fit` asks for them, and how it handles an invalid answer."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import SGD, Adaptive, Cosine, InverseScaling, OneCycle, Schedule, StepDecay
from fastmlp.model.schedules import SCHEDULES, as_schedule
from tests.models import X, Y, make


def factors(schedule, epochs=4, batch_size=8):
    """Return the factor of every step in the way in which `fit` asks for them, epoch by epoch."""
    steps_per_epoch = -(-len(X) // batch_size)
    steps = np.split(np.arange(epochs * steps_per_epoch), epochs)
    return np.concatenate([as_schedule(schedule).factors(part, epochs * steps_per_epoch, steps_per_epoch) for part in steps])


def test_factors_of_the_schedules():
    t = np.arange(12)
    assert_array_equal(factors(None), np.ones(12))
    assert_array_equal(factors("constant"), np.ones(12))
    assert_allclose(factors("inverse_scaling"), 1 / np.sqrt(1 + t), rtol=1e-15)
    assert_allclose(factors(InverseScaling(2)), (1.0 + t) ** -2, rtol=1e-15)
    assert_array_equal(factors(StepDecay(epochs=2, factor=0.5)), [1] * 6 + [0.5] * 6)
    assert_allclose(factors(Cosine(0.2)), 0.2 + 0.8 * (1 + np.cos(np.pi * t / 12)) / 2, rtol=1e-15)
    one_cycle = factors(OneCycle(warm_up=0.25, initial=0.1, final=0.01))
    assert one_cycle[0] == pytest.approx(0.1)
    assert one_cycle[3] == 1
    assert np.all(np.diff(one_cycle[:4]) > 0)
    assert np.all(np.diff(one_cycle[3:]) < 0)
    assert_allclose(one_cycle[[1, 6]], [0.1 + 0.9 * 0.25, 0.01 + 0.99 * 0.75], rtol=1e-14)  # a third of the way along either half cosine
    assert set(SCHEDULES) == {"constant", "inverse_scaling", "adaptive", "step", "cosine", "one_cycle"}


@pytest.mark.parametrize("schedule", ["inverse_scaling", "step", "cosine", "one_cycle", InverseScaling(1.5)])
def test_schedules_set_the_rate_of_every_step(schedule):
    model, by_hand = make(), make()
    history = model.fit(X, Y, epochs=4, batch_size=8, optimizer=SGD(0.1), schedule=schedule, shuffle=False)
    for step, factor in enumerate(factors(schedule)):
        batch = slice(step % 3 * 8, step % 3 * 8 + 8)
        by_hand.train_batch(X[batch], Y[batch], SGD(0.1 * factor))
    assert_allclose(model.parameters, by_hand.parameters, rtol=0, atol=1e-14)
    assert_allclose(history.learning_rates, 0.1 * factors(schedule)[2::3], rtol=1e-14)


def test_adaptive_divides_when_the_loss_stays():
    schedule, seen = Adaptive(patience=2, tolerance=0.1, divisor=4), []
    for loss in (3.0, 2.0, 1.95, 1.93, 1.0, 0.99, 0.98, 0.97, 0.96):
        schedule.observe(loss)
        seen.append(schedule.factors(np.arange(1), 9, 1).item())
    assert seen == [1, 1, 1, 0.25, 0.25, 0.25, 0.0625, 0.0625, 0.015625]


def test_a_schedule_begins_anew_in_every_run():
    schedule = Adaptive(patience=1, tolerance=1e9)
    first, second = (make().fit(X, Y, epochs=4, schedule=schedule, optimizer=SGD(1e-3)).learning_rates for _ in range(2))
    assert_allclose(first, [1e-3, 1e-3, 2e-4, 4e-5], rtol=1e-14)
    assert second == first


class Returning(Schedule):
    """A user's own schedule, which returns what a function computes from the steps."""

    def __init__(self, function):
        self.function = function

    def factors(self, steps, n_steps, steps_per_epoch):
        return self.function(steps)


def test_schedules_of_ones_own():
    class Triangle(Schedule):
        def factors(self, steps, n_steps, steps_per_epoch):
            return np.minimum(steps, n_steps - steps) / n_steps

    assert make().fit(X, Y, epochs=4, batch_size=24, optimizer=SGD(1.0), schedule=Triangle()).learning_rates == [0, 0.25, 0.5, 0.25]
    for function in (lambda steps: [1] * len(steps), lambda steps: np.ones(len(steps), np.float32), lambda steps: steps // 99 + 1):
        assert make().fit(X, Y, epochs=2, optimizer=SGD(0.5), schedule=Returning(function)).learning_rates == [0.5, 0.5]


@pytest.mark.parametrize(
    ("function", "error", "message"),
    [
        (lambda steps: np.ones(len(steps) - 1), ValueError, r"got shape \(2,\)"),
        (lambda steps: 1.0, ValueError, r"got shape \(\)"),
        (lambda steps: np.ones((len(steps), 1)), ValueError, r"got shape \(3, 1\)"),
        (lambda steps: np.where(steps == 4, -0.5, 1.0), ValueError, "got -0.5 for step 4"),
        (lambda steps: np.where(steps == 4, np.nan, 1.0), ValueError, "got nan for step 4"),
        (lambda steps: np.where(steps == 4, np.inf, 1.0), ValueError, "got inf for step 4"),
        (lambda steps: None, TypeError, "got None"),
        (lambda steps: ["a"] * len(steps), TypeError, r"got \['a', 'a', 'a'\]"),
        (lambda steps: np.ones(len(steps), complex), TypeError, r"got array\("),
    ],
)
def test_wrong_factors_name_the_schedule_and_its_method(function, error, message):
    expected = "Returning.factors: expected 3 finite numbers of at least 0, one for each step, "
    with pytest.raises(error, match="^" + expected + message):
        make().fit(X, Y, epochs=4, batch_size=8, schedule=Returning(function), callbacks=[lambda *_: None])


def test_periods_may_be_longer_than_any_training():
    for epochs in (2**62, 2**63 - 1):
        assert_array_equal(factors(StepDecay(epochs)), np.ones(12))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: InverseScaling(-1), ValueError, "^power: expected a number in"),
        (lambda: StepDecay(epochs=0), ValueError, "^epochs: expected at least 1, got 0"),
        (lambda: StepDecay(epochs=2**63), ValueError, "^epochs: expected at most"),
        (lambda: StepDecay(factor=-0.5), ValueError, "^factor: "),
        (lambda: Cosine("low"), TypeError, "^final: expected a number, got 'low'"),
        (lambda: OneCycle(warm_up=1.5), ValueError, r"^warm_up: expected a number in \[0, 1\), got 1.5"),
        (lambda: OneCycle(initial=-1), ValueError, "^initial: "),
        (lambda: OneCycle(final=np.nan), ValueError, "^final: "),
        (lambda: Adaptive(patience=0), ValueError, "^patience: expected at least 1, got 0"),
        (lambda: Adaptive(tolerance=-1), ValueError, "^tolerance: "),
        (lambda: Adaptive(divisor=0), ValueError, "^divisor: expected a number in"),
        (lambda: as_schedule("linear"), ValueError, "^schedule: expected one of 'constant', .* got 'linear'"),
        (lambda: as_schedule(0.5), ValueError, "^schedule: .* got 0.5"),
    ],
)
def test_settings_of_schedules_are_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()
