"""`fit`: many epochs in one call, divergence, Ctrl-C, dropout, held-out samples, a second training, absurd losses, bad arguments."""

import json
import warnings

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal

from fastmlp import SGD, Adam, AdamW, Dense, Dropout, ReLU, Schedule, Sequential, Tanh, TrainingWarning
from fastmlp.model.data import split
from tests.children import interrupted
from tests.models import ROWS, X_NEW, Y_NEW, X, Y, make


def trained(epochs, **options):
    """Return the parameters after that many epochs."""
    model = make()
    model.fit(X, Y, epochs=epochs, **options)
    return model.parameters


def test_what_is_asked_between_epochs_changes_no_bit():
    """Without callbacks and the like, many epochs run in one compiled call."""
    alone = trained(40, batch_size=5, optimizer=Adam(0.01))
    assert_array_equal(trained(40, batch_size=5, optimizer=Adam(0.01), callbacks=[lambda *_: None]), alone)
    assert_array_equal(trained(40, batch_size=5, optimizer=Adam(0.01), validation_data=(X_NEW, Y_NEW), progress=True), alone)
    assert not np.array_equal(trained(40, batch_size=5, optimizer=Adam(0.01), shuffle=False), alone)


@pytest.mark.filterwarnings("ignore::fastmlp.TrainingWarning")  # from the epochs before
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


def test_a_divergence_seen_in_the_weights_first_goes_back_one_epoch_only():
    """The loss of the seventh epoch is still finite, before the step that makes the weights infinite."""
    models = [make("softmax_cross_entropy", dtype="float32") for _ in range(2)]
    options = {"batch_size": 24, "optimizer": SGD(0.1), "schedule": Spike()}
    with pytest.raises(FloatingPointError, match="diverged in epoch 7:"):
        models[0].fit(X, ROWS, epochs=100, **options)
    models[1].fit(X, ROWS, epochs=6, **options)
    assert_array_equal(models[0].parameters, models[1].parameters)


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
    assert f"TrainingWarning: training interrupted after epoch {losses} of 100000000; the model remains usable" in done.stderr
    assert "history = model.fit(" in done.stderr or "<string>" in done.stderr  # the line that called `fit`
    assert (stopped, usable) == ("interrupted", True)
    assert losses == seconds >= 2


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"y": Y[:5]}, ValueError, r"^y: expected 24 samples as in X, got shape \(5, 2\)"),
        ({"y": Y[:, :1]}, ValueError, r"^y: expected shape \(24, 2\), got \(24, 1\)"),
        ({"y": ROWS % 2}, ValueError, r"^y: expected shape \(24, 2\), got \(24,\); for class indices use loss='softmax_cross_entropy'$"),
        ({"y": ROWS % 2 == 1}, ValueError, "^y: expected shape .*; for class indices use loss='softmax_cross_entropy'$"),
        ({"y": ROWS[:, None] % 2}, ValueError, "^y: expected shape .*; for class indices use loss='softmax_cross_entropy'$"),
        ({"y": ROWS}, ValueError, r"^y: expected shape \(24, 2\), got \(24,\)$"),  # three classes, but two outputs
        ({"y": 1.0}, ValueError, r"^y: expected 24 samples"),
        ({"y": np.where(Y > 1, np.nan, Y)}, ValueError, "^y: expected finite numbers"),
        ({"y": Y.astype(str)}, TypeError, "^y: expected an array of numbers"),
        ({"epochs": -1}, ValueError, "^epochs: expected at least 0, got -1"),
        ({"epochs": 2.5}, TypeError, "^epochs: expected an integer, got 2.5"),
        ({"batch_size": 0}, ValueError, "^batch_size: expected at least 1, got 0"),
        ({"batch_size": "all"}, TypeError, "^batch_size: expected an integer, got 'all'"),
        ({"epochs": 2**70}, ValueError, "^epochs: expected at most 1000000000, got"),
        ({"batch_size": 2**70}, ValueError, "^batch_size: expected at most"),
        ({"optimizer": "adagrad"}, ValueError, "^optimizer: expected one of 'sgd', 'momentum', 'nesterov', 'adam', 'adamw', got 'adagrad'"),
        ({"optimizer": Adam}, TypeError, "^optimizer: expected SGD, Adam, AdamW or one of 'sgd', .*, got <class"),
        ({"schedule": "linear"}, ValueError, "^schedule: expected one of 'constant', .* got 'linear'"),
        ({"schedule": 0.5}, ValueError, "^schedule: .* got 0.5"),
        ({"validation_data": X_NEW}, ValueError, r"^validation_data: expected a pair \(X, y\)"),
        ({"validation_data": 7}, ValueError, r"^validation_data: expected a pair \(X, y\)"),
        ({"validation_data": (X_NEW[:, :2], Y_NEW)}, ValueError, r"^validation X: expected shape \(N, 4\)"),
        ({"validation_data": (X_NEW, Y_NEW[:3])}, ValueError, "^validation y: expected 10 samples"),
        ({"validation_split": -0.1}, ValueError, r"^validation_split: expected a number in \[0, 1\), got -0.1"),
        ({"validation_split": 1}, ValueError, r"^validation_split: expected a number in \[0, 1\), got 1"),
        ({"validation_split": 0.01}, ValueError, "^validation_split: expected a share that leaves .* got 0.01 of 24 samples"),
        ({"validation_split": 0.99}, ValueError, "^validation_split: expected a share that leaves .* got 0.99 of 24 samples"),
        ({"validation_split": "half"}, TypeError, "^validation_split: expected a number, got 'half'"),
        ({"validation_split": 0.5, "validation_data": (X_NEW, Y_NEW)}, ValueError, "^validation_split: expected 0 with validation_data"),
        ({"validation_split": 0.5, "sample_weight": np.eye(24)[3]}, ValueError, "^sample_weight: .* sum over the validation samples"),
        ({"n_threads": 0}, ValueError, "^n_threads: expected at least 1, got 0"),
        ({"n_threads": 2**70}, ValueError, "^n_threads: expected at most"),
        ({"n_threads": 1.5}, TypeError, "^n_threads: expected an integer, got 1.5"),
        ({"sample_weight": np.ones(3)}, ValueError, r"^sample_weight: expected shape \(24,\), got \(3,\)"),
        ({"sample_weight": -np.ones(24)}, ValueError, "^sample_weight: expected numbers of at least 0, got -1.0"),
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


@pytest.mark.parametrize("optimizer", [SGD(0.1, momentum=0.9), SGD(0.1, momentum=0.9, nesterov=True), Adam(0.01), AdamW(0.01)])
def test_a_second_fit_goes_on_with_what_the_optimizer_remembers(optimizer):
    once, twice = make(), make()
    losses = once.fit(X, Y, epochs=6, batch_size=7, optimizer=optimizer, shuffle=False).losses
    parts = [twice.fit(X, Y, epochs=3, batch_size=7, optimizer=optimizer, shuffle=False).losses for _ in range(2)]
    assert_array_equal(np.concatenate(parts), losses)
    assert_array_equal(once.parameters, twice.parameters)
    assert once.steps == twice.steps == 24


def test_what_is_remembered_survives_another_rate_only():
    class Doubling(Schedule):
        def factors(self, steps, n_steps, steps_per_epoch):
            return 2.0**steps

    expected = make()
    expected.fit(X, Y, epochs=3, batch_size=24, optimizer=Adam(0.01), schedule=Doubling(), shuffle=False)
    model = make()
    for rate in (0.01, 0.02, 0.04):
        model.train_batch(X, Y, Adam(rate))
    assert_array_equal(model.parameters, expected.parameters)

    model, fresh = make(), make()
    model.fit(X, Y, epochs=3, optimizer=SGD(0.1, momentum=0.9))
    fresh.parameters[:] = model.parameters
    for other in (Adam(0.01), Adam(0.01, beta1=0.5), Adam(0.01, l2=0.1), SGD(0.1, momentum=0.9), SGD(0.1, momentum=0.5), "adamw"):
        again = make()
        again.parameters[:] = model.parameters
        for each in (model, again):  # as if there had been no training before
            each.fit(X, Y, epochs=2, batch_size=24, optimizer=other, shuffle=False)
        assert_array_equal(model.parameters, again.parameters)


def test_no_two_steps_share_a_dropout_mask():
    """At a rate of 0 the weights do not change, so that equal masks would give equal losses. This also holds after a change of the
    optimizer, and for the next seed at the step before.
    """
    losses = []
    for seed in (7, 8, 9):
        model = Sequential([Dropout(0.5), Dense(4, 2)], seed=seed, dtype="float64")
        model.layers[1].W = np.arange(1.0, 9).reshape(4, 2)
        for optimizer in (SGD(0.0), Adam(0.0), SGD(0.0), SGD(0.0, l2=0.1)):
            losses += [model.train_batch(X, Y, optimizer) for _ in range(2)]
            losses += model.fit(X, Y, epochs=2, batch_size=24, optimizer=optimizer, shuffle=False).losses
        assert model.steps == 16
    assert len(set(losses)) == len(losses) == 48


@pytest.mark.parametrize("form", [np.asarray, scipy.sparse.csr_array, lambda X: (X * 255).astype(np.uint8)])
@pytest.mark.parametrize("weight", [None, np.arange(24) % 5 + 0.5])
def test_held_out_samples_are_validated_with_and_not_trained_on(form, weight):
    inputs = form(np.abs(X).clip(0, 1))
    model, twin = make("softmax_cross_entropy"), make("softmax_cross_entropy")
    options = {"epochs": 3, "batch_size": 7, "optimizer": "adam"}
    history = model.fit(inputs, ROWS, validation_split=0.3, sample_weight=weight, **options)
    samples, held_out = split(24, 0.3, twin.rng)
    assert sorted([*samples, *held_out]) == list(range(24))
    assert len(held_out) == 7
    kept = None if weight is None else weight[samples]
    expected = twin.fit(inputs[samples], ROWS[samples], validation_data=(inputs[held_out], ROWS[held_out]), sample_weight=kept, **options)
    assert_array_equal(model.parameters, twin.parameters)
    assert (history.losses, history.scores) == (expected.losses, expected.scores)
    judged = twin.evaluate(inputs[held_out], ROWS[held_out], None if weight is None else weight[held_out])
    assert (history.validation_losses[-1], history.validation_scores[-1]) == judged
    if weight is None:
        assert history.validation_losses == expected.validation_losses


def test_held_out_samples_are_drawn_by_the_seed():
    parts = [tuple(split(100, 0.2, Sequential([Dense(1, 1)], seed=seed).rng)[1]) for seed in (0, 0, 1)]
    assert parts[0] == parts[1] != parts[2]
    assert parts[0] != tuple(range(80, 100))  # the last samples are often of one kind


@pytest.mark.parametrize(("batch_size", "epoch", "scale"), [(5, 1, 8), (5, 2, 6), (24, 2, 20)])
@pytest.mark.parametrize("callbacks", [[], [lambda *_: None]])
def test_a_loss_that_has_grown_absurd_says_standardise_the_inputs(batch_size, epoch, scale, callbacks):
    model = Sequential([Dense(4, 5), ReLU(), Dense(5, 2)])
    message = rf"^the training loss is \S+ in epoch {epoch}, but was \S+ in the first batch: standardise the inputs"
    with pytest.warns(TrainingWarning, match=message) as caught:
        history = model.fit(scale * X, Y, epochs=epoch, batch_size=batch_size, callbacks=callbacks)
    assert history.losses[epoch - 1] > 1e7
    assert [warning.filename for warning in caught] == [__file__]


def test_a_training_that_works_gives_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for targets in (Y, np.zeros_like(Y), 1e-9 * Y, 1e9 * Y, np.where(np.arange(24)[:, None] < 5, 0, Y)):
            for batch_size in (1, 5, 24):
                make().fit(X, targets, epochs=3, batch_size=batch_size, optimizer=Adam(0.01), shuffle=False)
        make("softmax_cross_entropy").fit(100 * X, ROWS, epochs=3, optimizer=SGD(0.01))


def test_arguments_that_are_refused_settle_nothing():
    model = make()
    for options in ({"y": Y[:3]}, {"epochs": -1}, {"optimizer": 3}, {"callbacks": 3}, {"validation_split": 2}):
        with pytest.raises((ValueError, TypeError)):
            model.fit(**({"X": X.astype(np.float32), "y": Y} | options))
        assert (model.dtype, model.column_targets, model.steps) == (None, None, 0)
    with pytest.raises(ValueError, match=r"^y: expected 24 samples"):
        model.train_batch(X.astype(np.float32), Y[:3])
    assert model.dtype is None
