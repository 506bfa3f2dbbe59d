"""`fit` between epochs: schedules, early stopping, callbacks, history, divergence, Ctrl-C, the progress bar, bad arguments."""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import (
    SGD,
    Adam,
    Adaptive,
    Cosine,
    Dense,
    Dropout,
    EarlyStopping,
    InverseScaling,
    OneCycle,
    ReLU,
    Schedule,
    Sequential,
    StepDecay,
    Tanh,
)
from fastmlp.model.schedules import SCHEDULES, as_schedule
from tests.children import interrupted

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 4)), RNG.normal(size=(24, 2))
X_NEW, Y_NEW = RNG.normal(size=(10, 4)), RNG.normal(size=(10, 2))
ROWS = X[:, :3].argmax(axis=1)


def make(loss="squared_error", **options):
    return Sequential([Dense(4, 5), Tanh(), Dense(5, 2 if loss == "squared_error" else 3)], loss=loss, **options)


def trained(epochs, **options):
    """Parameters after that many epochs."""
    model = make()
    model.fit(X, Y, epochs=epochs, **options)
    return model.parameters


def rates(schedule, epochs=4, batch_size=8):
    """Every step's learning rate, over that of the optimizer, as `fit` asks for them: epoch by epoch."""
    steps_per_epoch = -(-len(X) // batch_size)
    steps = np.split(np.arange(epochs * steps_per_epoch), epochs)
    return np.concatenate([as_schedule(schedule).factors(part, epochs * steps_per_epoch, steps_per_epoch) for part in steps])


def test_factors_of_the_schedules():
    t = np.arange(12)
    assert_array_equal(rates(None), np.ones(12))
    assert_array_equal(rates("constant"), np.ones(12))
    assert_allclose(rates("inverse_scaling"), 1 / np.sqrt(1 + t), rtol=1e-15)
    assert_allclose(rates(InverseScaling(2)), (1.0 + t) ** -2, rtol=1e-15)
    assert_array_equal(rates(StepDecay(epochs=2, factor=0.5)), [1] * 6 + [0.5] * 6)
    assert_allclose(rates(Cosine(0.2)), 0.2 + 0.8 * (1 + np.cos(np.pi * t / 12)) / 2, rtol=1e-15)
    one_cycle = rates(OneCycle(warm_up=0.25, initial=0.1, final=0.01))
    assert one_cycle[0] == pytest.approx(0.1)
    assert one_cycle[3] == 1
    assert np.all(np.diff(one_cycle[:4]) > 0)
    assert np.all(np.diff(one_cycle[3:]) < 0)
    assert_allclose(one_cycle[[1, 6]], [0.1 + 0.9 * 0.25, 0.01 + 0.99 * 0.75], rtol=1e-14)  # a third of either half cosine
    assert set(SCHEDULES) == {"constant", "inverse_scaling", "adaptive", "step", "cosine", "one_cycle"}


@pytest.mark.kernels
@pytest.mark.parametrize("schedule", ["inverse_scaling", "step", "cosine", "one_cycle", InverseScaling(1.5)])
def test_schedules_set_the_rate_of_every_step(schedule):
    model, by_hand = make(), make()
    history = model.fit(X, Y, epochs=4, batch_size=8, optimizer=SGD(0.1), schedule=schedule, shuffle=False)
    for step, factor in enumerate(rates(schedule)):
        batch = slice(step % 3 * 8, step % 3 * 8 + 8)
        by_hand.train_batch(X[batch], Y[batch], SGD(0.1 * factor))
    assert_allclose(model.parameters, by_hand.parameters, rtol=0, atol=1e-14)
    assert_allclose(history.learning_rates, 0.1 * rates(schedule)[2::3], rtol=1e-14)


def test_adaptive_divides_when_the_loss_stays():
    schedule, seen = Adaptive(patience=2, tolerance=0.1, divisor=4), []
    for loss in (3.0, 2.0, 1.95, 1.93, 1.0, 0.99, 0.98, 0.97, 0.96):
        schedule.observe(loss)
        seen.append(schedule.factors(np.arange(1), 9, 1).item())
    assert seen == [1, 1, 1, 0.25, 0.25, 0.25, 0.0625, 0.0625, 0.015625]


@pytest.mark.kernels
def test_a_schedule_begins_anew_in_every_run():
    schedule = Adaptive(patience=1, tolerance=1e9)
    first, second = (make().fit(X, Y, epochs=4, schedule=schedule, optimizer=SGD(1e-3)).learning_rates for _ in range(2))
    assert_allclose(first, [1e-3, 1e-3, 2e-4, 4e-5], rtol=1e-14)
    assert second == first


class Triangle(Schedule):
    def factors(self, steps, n_steps, steps_per_epoch):
        return np.minimum(steps, n_steps - steps) / n_steps


def test_schedules_of_ones_own():
    assert make().fit(X, Y, epochs=4, batch_size=24, optimizer=SGD(1.0), schedule=Triangle()).learning_rates == [0, 0.25, 0.5, 0.25]


@pytest.mark.kernels
def test_history_has_a_value_an_epoch():
    history = make().fit(X, Y, epochs=7, validation_data=(X_NEW, Y_NEW))
    assert [len(values) for values in (history.losses, history.learning_rates, history.seconds)] == [7, 7, 7]
    assert [len(values) for values in (history.scores, history.validation_losses, history.validation_scores)] == [0, 7, 7]
    assert history.stopped == ""
    assert min(history.seconds) > 0
    model = make("softmax_cross_entropy")
    history = model.fit(X, ROWS, epochs=300, validation_data=(X, ROWS), optimizer=Adam(0.01))
    assert (len(history.losses), len(history.scores), len(history.validation_scores)) == (300, 300, 300)
    assert (history.validation_losses[-1], history.validation_scores[-1]) == model.evaluate(X, ROWS)
    assert history.scores[-1] > 0.9
    assert abs(history.losses[-1] - history.validation_losses[-1]) < 0.02  # before and after the last update
    assert make().fit(X, Y, epochs=0).losses == []


@pytest.mark.kernels
def test_what_is_asked_between_epochs_changes_no_bit():
    """Without callbacks and the like many epochs run in one compiled call."""
    alone = trained(40, batch_size=5, optimizer=Adam(0.01))
    assert_array_equal(trained(40, batch_size=5, optimizer=Adam(0.01), callbacks=[lambda *_: None]), alone)
    assert_array_equal(trained(40, batch_size=5, optimizer=Adam(0.01), validation_data=(X_NEW, Y_NEW), progress=True), alone)
    assert not np.array_equal(trained(40, batch_size=5, optimizer=Adam(0.01), shuffle=False), alone)


@pytest.mark.kernels
def test_callbacks_see_every_epoch_and_stop():
    model, seen = make(), []

    def watch(epoch, same_model, history):
        assert same_model is model
        seen.append((epoch, len(history.losses)))

    history = model.fit(X, Y, epochs=9, callbacks=[watch, lambda epoch, *_: epoch == 4])
    assert seen == [(epoch, epoch + 1) for epoch in range(5)]
    assert (len(history.losses), history.stopped) == (5, "callback")
    assert_array_equal(model.parameters, trained(5))
    with pytest.raises(RuntimeError, match="mine"):
        model.fit(X, Y, callbacks=[lambda *_: (_ for _ in ()).throw(RuntimeError("mine"))])
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.kernels
@pytest.mark.parametrize("monitor", ["validation_loss", "validation_score", "loss"])
def test_early_stopping_restores_the_best_weights(monitor):
    kept = []
    model = make("softmax_cross_entropy")
    history = model.fit(
        X, ROWS, epochs=500, batch_size=4, optimizer=SGD(0.8, momentum=0.9), validation_data=(X_NEW, X_NEW[:, :3].argmax(axis=1)),
        early_stopping=EarlyStopping(monitor, patience=4, min_delta=0.0),
        callbacks=[lambda _, model, __: kept.append(model.parameters.copy())],
    )  # fmt: skip
    values = {
        "validation_loss": history.validation_losses,
        "validation_score": [-s for s in history.validation_scores],
        "loss": history.losses,
    }
    best = int(np.argmin(values[monitor]))
    assert history.stopped == "early stopping"
    assert len(history.losses) == best + 5
    assert_array_equal(model.parameters, kept[best])
    assert not np.array_equal(model.parameters, kept[-1])


@pytest.mark.kernels
def test_early_stopping_can_keep_the_last_weights_and_ask_for_more():
    kept = []
    keep = [lambda _, model, __: kept.append(model.parameters.copy())]
    model = make()
    history = model.fit(
        X, Y, epochs=50, early_stopping=EarlyStopping("loss", patience=3, min_delta=1e9, restore_best=False), callbacks=keep
    )
    assert len(history.losses) == 4  # the first is better than nothing
    assert_array_equal(model.parameters, kept[-1])
    model = make()
    model.fit(X, Y, epochs=3, early_stopping=EarlyStopping("loss", min_delta=1e9))  # ended by the epochs: best weights all the same
    assert_array_equal(model.parameters, kept[0])


@pytest.mark.kernels
@pytest.mark.parametrize("batch_size", [24, 5])
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("optimizer", [SGD(3.0), SGD(3.0, momentum=0.5), SGD(1e160), SGD(1e308)])
def test_divergence_leaves_the_weights_of_the_last_finite_epoch(optimizer, together, batch_size):
    model = Sequential([Dense(4, 5), ReLU(), Dense(5, 2)])
    options = {"batch_size": batch_size, "optimizer": optimizer, "callbacks": [] if together else [lambda *_: None]}
    with pytest.raises(FloatingPointError, match=r"^training diverged in epoch \d+: .*Lower the learning rate") as caught:
        model.fit(X, Y, epochs=1000, **options)
    good = int(str(caught.value).split("epoch ")[1].split(":")[0]) - 1
    again = Sequential([Dense(4, 5), ReLU(), Dense(5, 2)])
    losses = again.fit(X, Y, epochs=good, **options).losses
    assert np.isfinite(losses).all()
    assert np.isfinite(model.parameters).all()
    assert_array_equal(model.parameters, again.parameters)


class Spike(Schedule):
    def factors(self, steps, n_steps, steps_per_epoch):
        return np.where(steps == 6, 1e42, 1.0)  # more than float32 can hold


@pytest.mark.kernels
def test_a_divergence_seen_in_the_weights_first_goes_back_one_epoch_only():
    """The loss of the seventh epoch is finite, before the step that makes the weights infinite."""
    models = [make("softmax_cross_entropy", dtype="float32") for _ in range(2)]
    options = {"batch_size": 24, "optimizer": SGD(0.1), "schedule": Spike()}
    with pytest.raises(FloatingPointError, match="diverged in epoch 7:"):
        models[0].fit(X, ROWS, epochs=100, **options)
    models[1].fit(X, ROWS, epochs=6, **options)
    assert_array_equal(models[0].parameters, models[1].parameters)


@pytest.mark.kernels
def test_dropout_acts_in_training_only_and_repeats():
    runs = []
    for rate in (0.5, 0.5, 0.0):
        model = Sequential([Dropout(rate / 2), Dense(4, 5), Tanh(), Dropout(rate), Dense(5, 2)], seed=3)
        model.fit(X, Y, epochs=5, batch_size=7)
        runs.append(model.parameters)
        assert_allclose(model.predict(X), model.forward(X, all_layers=True)[-1], rtol=1e-12)
    assert_array_equal(runs[0], runs[1])
    assert not np.allclose(runs[0], runs[2], rtol=1e-3)


INTERRUPTED = """
import json, sys
import numpy as np
from fastmlp import Adam, Dense, ReLU, Schedule, Sequential

n_threads, delay, callbacks = int(sys.argv[1]), float(sys.argv[2]), [lambda *_: None] * int(sys.argv[3])
rng = np.random.default_rng(0)
X, Y = rng.normal(size=(20 if n_threads == 1 else 2000, 4)), rng.normal(size=(20 if n_threads == 1 else 2000, 2))
model = Sequential([Dense(4, 5), ReLU(), Dense(5, 2)])


class InterruptedAtTheThirdCall(Schedule):
    calls = 0

    def factors(self, steps, n_steps, steps_per_epoch):
        self.calls += 1
        if self.calls == 3:
            ctrl_c(after=delay)
        return np.ones(len(steps))


history = model.fit(X, Y, 10**8, optimizer=Adam(), schedule=InterruptedAtTheThirdCall(), n_threads=n_threads, callbacks=callbacks)
again = model.fit(X, Y, epochs=2, n_threads=n_threads)
usable = bool(np.isfinite(model.predict(X)).all()) and len(again.losses) == 2
print(json.dumps([history.stopped, len(history.losses), len(history.seconds), usable]))
"""


@pytest.mark.parametrize(("n_threads", "delay", "callbacks"), [(1, 0.05, 1), (2, 0.0, 0), (2, 0.05, 1)])
def test_ctrl_c_returns_the_history_so_far_and_a_usable_model(n_threads, delay, callbacks):
    done = interrupted(INTERRUPTED, n_threads, delay, callbacks)
    assert done.returncode == 0, done.stderr
    stopped, losses, seconds, usable = json.loads(done.stdout)
    assert (stopped, usable) == ("interrupted", True)
    assert losses == seconds >= 2


@pytest.mark.kernels
def test_the_bar_is_shown_only_when_asked_for(capfd):
    make().fit(X, Y, epochs=3)
    make().fit(X, Y, epochs=3, progress=False)
    assert capfd.readouterr() == ("", "")
    make("softmax_cross_entropy").fit(X, ROWS, epochs=3, progress=True, validation_data=(X, ROWS))
    out, err = capfd.readouterr()
    assert out == ""
    for shown in ("3/3", "loss 1.", "accuracy 0.", " / 0.", " samples/s 0:00:00"):
        assert shown in err


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"y": Y[:5]}, ValueError, r"^y: expected 24 samples as in X, got shape \(5, 2\)"),
        ({"y": Y[:, :1]}, ValueError, r"^y: expected shape \(24, 2\), got \(24, 1\)"),
        ({"y": 1.0}, ValueError, r"^y: expected 24 samples"),
        ({"y": np.where(Y > 1, np.nan, Y)}, ValueError, "^y: expected finite numbers"),
        ({"y": Y.astype(str)}, TypeError, "^y: expected an array of numbers"),
        ({"epochs": -1}, ValueError, "^epochs: expected at least 0, got -1"),
        ({"epochs": 2.5}, TypeError, "^epochs: expected an integer, got 2.5"),
        ({"batch_size": 0}, ValueError, "^batch_size: expected at least 1, got 0"),
        ({"batch_size": "all"}, TypeError, "^batch_size: expected an integer, got 'all'"),
        ({"optimizer": "adam"}, TypeError, "^optimizer: expected SGD, Adam or AdamW, got 'adam'"),
        ({"optimizer": Adam}, TypeError, "^optimizer: expected SGD, Adam or AdamW, got <class"),
        ({"schedule": "linear"}, ValueError, "^schedule: expected one of 'constant', .* got 'linear'"),
        ({"schedule": 0.5}, ValueError, "^schedule: .* got 0.5"),
        ({"validation_data": X_NEW}, ValueError, r"^validation_data: expected a pair \(X, y\)"),
        ({"validation_data": 7}, ValueError, r"^validation_data: expected a pair \(X, y\)"),
        ({"validation_data": (X_NEW[:, :2], Y_NEW)}, ValueError, r"^validation X: expected shape \(N, 4\)"),
        ({"validation_data": (X_NEW, Y_NEW[:3])}, ValueError, "^validation y: expected 10 samples"),
        ({"early_stopping": True}, TypeError, "^early_stopping: expected EarlyStopping, got True"),
        ({"early_stopping": EarlyStopping()}, ValueError, "^validation_data: early_stopping monitors 'validation_loss'"),
        ({"callbacks": print}, TypeError, "^callbacks: expected a sequence of callables"),
        ({"callbacks": ["print"]}, TypeError, "^callbacks: expected a sequence of callables"),
        ({"n_threads": 0}, ValueError, "^n_threads: expected at least 1, got 0"),
        ({"n_threads": 1.5}, TypeError, "^n_threads: expected an integer, got 1.5"),
        ({"sample_weight": np.ones(3)}, ValueError, r"^sample_weight: expected shape \(24,\), got \(3,\)"),
        ({"sample_weight": -np.ones(24)}, ValueError, "^sample_weight: expected finite numbers of at least 0 with a positive sum"),
        ({"sample_weight": np.zeros(24)}, ValueError, "^sample_weight: "),
        ({"sample_weight": np.full(24, np.nan)}, ValueError, "^sample_weight: "),
        ({"sample_weight": "balanced"}, TypeError, "^sample_weight: expected an array of numbers"),
    ],
)
def test_arguments_of_fit_that_do_not_fit_are_refused(options, error, message):
    model = make()
    before = model.parameters.copy()
    with pytest.raises(error, match=message):
        model.fit(**({"X": X, "y": Y, "epochs": 1} | options))
    assert_array_equal(model.parameters, before)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: InverseScaling(-1), ValueError, "^power: expected a number in"),
        (lambda: StepDecay(epochs=0), ValueError, "^epochs: expected at least 1, got 0"),
        (lambda: StepDecay(factor=-0.5), ValueError, "^factor: "),
        (lambda: Cosine("low"), TypeError, "^final: expected a number, got 'low'"),
        (lambda: OneCycle(warm_up=1.5), ValueError, r"^warm_up: expected a number in \[0, 1\), got 1.5"),
        (lambda: OneCycle(initial=-1), ValueError, "^initial: "),
        (lambda: OneCycle(final=np.nan), ValueError, "^final: "),
        (lambda: Adaptive(patience=0), ValueError, "^patience: expected at least 1, got 0"),
        (lambda: Adaptive(tolerance=-1), ValueError, "^tolerance: "),
        (lambda: Adaptive(divisor=0), ValueError, "^divisor: expected a number in"),
        (lambda: EarlyStopping("accuracy"), ValueError, "^monitor: expected 'validation_loss', .* got 'accuracy'"),
        (lambda: EarlyStopping(patience=0), ValueError, "^patience: expected at least 1, got 0"),
        (lambda: EarlyStopping(min_delta="none"), TypeError, "^min_delta: expected a number, got 'none'"),
    ],
)
def test_settings_of_schedules_and_early_stopping_are_refused_by_name(make, error, message):
    with pytest.raises(error, match=message):
        make()
