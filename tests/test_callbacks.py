"""Callbacks: when each hook is called, what its return value does, and what it may not do; early stopping."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from fastmlp import SGD, Adam, Callback, Dense, Dropout, EarlyStopping, Sequential, Tanh
from fastmlp.engine.run import Run
from tests.models import ROWS, X_NEW, X, Y, make


class Recorder(Callback):
    """Record every call; return True from the call with this hook and number."""

    def __init__(self, log, hook="", number=0, name="first"):
        self.log, self.hook, self.number, self.name = log, hook, number, name

    def note(self, hook, *arguments):
        said = hook == self.hook and sum(call[:2] == (self.name, hook) for call in self.log) == self.number
        self.log.append((self.name, hook, *arguments))
        return said

    def on_train_begin(self, model, history):
        return self.note("begin", len(history.losses))

    def on_batch_end(self, batch, loss, model, history):
        return self.note("batch", batch, len(history.losses))

    def on_epoch_end(self, epoch, model, history):
        return self.note("epoch", epoch, len(history.losses))

    def on_train_end(self, model, history):
        self.note("end", history.stopped)


def test_hooks_are_called_in_order_and_ended_in_the_opposite_one():
    log = []
    history = make().fit(X, Y, epochs=2, batch_size=12, callbacks=[Recorder(log), Recorder(log, name="second")])
    assert history.stopped == ""
    epoch = [("batch", 0), ("batch", 1), ("epoch",)]
    assert [call[1:-1] for call in log if call[0] == "first"] == [("begin",), *epoch[:2], ("epoch", 0), *epoch[:2], ("epoch", 1), ("end",)]
    assert [call[0] for call in log] == ["first", "second"] * 7 + ["second", "first"]
    assert [call[-1] for call in log if call[1] == "epoch"] == [1, 1, 2, 2]


@pytest.mark.parametrize(
    ("hook", "number", "epochs", "steps"), [("begin", 0, 0, 0), ("batch", 4, 2, 5), ("batch", 2, 1, 3), ("epoch", 1, 2, 6)]
)
def test_true_from_a_hook_ends_the_training(hook, number, epochs, steps):
    model, log = make(), []
    history = model.fit(X, Y, epochs=9, batch_size=8, optimizer=SGD(0.1), shuffle=False, callbacks=[Recorder(log, hook, number)])
    assert history.stopped == log[-1][-1] == "callback"
    assert [len(values) for values in (history.losses, history.learning_rates, history.seconds)] == [epochs] * 3
    assert model.steps == steps
    by_hand = make()
    losses = [by_hand.train_batch(X[k % 3 * 8 :][:8], Y[k % 3 * 8 :][:8], SGD(0.1)) for k in range(steps)]
    assert_array_equal(model.parameters, by_hand.parameters)
    if hook == "batch":  # the epoch that was cut short counts with the batches that it had
        np.testing.assert_allclose(history.losses[-1], np.mean(losses[(epochs - 1) * 3 :]), rtol=1e-13)
        assert log[-2][:3] == ("first", "epoch", epochs - 1)


def test_true_is_true_in_numpy_and_nothing_else_is():
    for answer, epochs in ((np.True_, 1), (True, 1), (1, 3), ("stop", 3), (None, 3), (False, 3)):
        assert len(make().fit(X, Y, epochs=3, callbacks=[lambda *_, answer=answer: answer]).losses) == epochs


@pytest.mark.parametrize("optimizer", [SGD(0.1), Adam(0.01)])
def test_batch_by_batch_training_has_the_same_bits(optimizer):
    class Watch(Callback):
        losses = ()

        def on_batch_end(self, batch, loss, model, history):
            self.losses += (loss,)

    runs = []
    for callbacks in ([], [watch := Watch()]):
        model = Sequential([Dropout(0.2), Dense(4, 5), Tanh(), Dense(5, 3)], loss="softmax_cross_entropy", seed=4)
        history = model.fit(X, ROWS, epochs=5, batch_size=7, optimizer=optimizer, callbacks=callbacks, sample_weight=1.0 + ROWS)
        runs.append((model.parameters, history.losses, history.scores, history.learning_rates))
    for one, other in zip(*runs, strict=True):
        assert_array_equal(one, other)
    assert len(watch.losses) == 20
    assert np.isfinite(watch.losses).all()


def test_the_loss_of_a_batch_is_that_before_its_update():
    model, seen = make(), []

    class Watch(Callback):
        before = model.evaluate(X[:6], Y[:6])[0], model.evaluate(X[6:12], Y[6:12])[0]

        def on_batch_end(self, batch, loss, model, history):
            seen.append(loss)

    model.fit(X[:12], Y[:12], epochs=1, batch_size=6, optimizer=SGD(0.0), shuffle=False, callbacks=[Watch()])
    np.testing.assert_allclose(seen, Watch.before, rtol=1e-12)


def test_hooks_that_nobody_overrides_cost_no_call(monkeypatch):
    calls = []
    epochs = Run.epochs

    def counted(self, *args):
        calls.append(args)
        return epochs(self, *args)

    class AtTheEnd(Callback):
        def on_train_end(self, model, history):
            self.epochs = len(history.losses)

    class Now(Callback):
        every_epoch = False
        heard = ()

        def on_epoch_end(self, epoch, model, history):
            self.heard += (epoch,)

    monkeypatch.setattr(Run, "epochs", counted)
    now, end = Now(), AtTheEnd()
    make().fit(X, Y, epochs=300, batch_size=8, callbacks=[now, end])
    assert end.epochs == 300
    assert now.heard[-1] == 299
    assert len(now.heard) <= len(calls) < 100  # the first epoch takes two calls; later ones share calls
    calls.clear()
    make().fit(X, Y, epochs=10, batch_size=8, callbacks=[Recorder([])])
    assert len(calls) == 31  # one without epochs, to compile; then one per batch


@pytest.mark.parametrize("hook", ["on_train_begin", "on_batch_end", "on_epoch_end"])
@pytest.mark.parametrize(
    ("method", "arguments"), [("add_layer", (Tanh(),)), ("fit", (X, Y)), ("train_batch", (X, Y))], ids=["add_layer", "fit", "train_batch"]
)
def test_a_model_in_training_is_neither_changed_nor_trained_by_its_callbacks(hook, method, arguments):
    model = make()
    Meddling = type("Meddling", (Callback,), {hook: lambda *_: getattr(model, method)(*arguments)})
    with pytest.raises(RuntimeError, match=f"^{method}: cannot be called while `fit` trains the model; call it before or after$"):
        model.fit(X, Y, epochs=3, callbacks=[Meddling()])
    assert len(model.layers) == 3
    model.fit(X, Y, epochs=1)  # after the training, it may be trained and changed
    model.add_layer(Tanh())


def test_an_error_in_a_hook_is_told_to_the_others():
    model, log = make(), []

    def fail(*_):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        model.fit(X, Y, callbacks=[Recorder(log), fail])
    assert log[-1] == ("first", "end", "error")
    assert np.isfinite(model.predict(X)).all()


def test_plain_functions_see_every_epoch_and_stop():
    model, seen = make(), []

    def watch(epoch, same_model, history):
        assert same_model is model
        seen.append((epoch, len(history.losses)))

    history = model.fit(X, Y, epochs=9, callbacks=[watch, lambda epoch, *_: epoch == 4])
    assert seen == [(epoch, epoch + 1) for epoch in range(5)]
    assert (len(history.losses), history.stopped) == (5, "callback")
    other = make()
    other.fit(X, Y, epochs=5)
    assert_array_equal(model.parameters, other.parameters)


@pytest.mark.parametrize("monitor", ["validation_losses", "validation_scores", "losses", "scores"])
def test_early_stopping_restores_the_best_weights(monitor):
    kept = []
    model = make("softmax_cross_entropy")
    stopping = EarlyStopping(monitor, patience=4, min_delta=0.0)
    history = model.fit(
        X, ROWS, epochs=500, batch_size=4, optimizer=SGD(0.8, momentum=0.9), validation_data=(X_NEW, X_NEW[:, :3].argmax(axis=1)),
        callbacks=[lambda _, model, __: kept.append(model.parameters.copy()), stopping],
    )  # fmt: skip
    values = np.array(getattr(history, monitor))
    best = int(np.argmax(values) if monitor.endswith("scores") else np.argmin(values))
    assert history.stopped == "early stopping"
    assert stopping.best_epoch == best
    assert len(history.losses) == best + 5
    assert_array_equal(model.parameters, kept[best])
    assert not np.array_equal(model.parameters, kept[-1])


def test_early_stopping_can_keep_the_last_weights_and_ask_for_more():
    kept = []
    keep = [lambda _, model, __: kept.append(model.parameters.copy())]
    model = make()
    stopping = EarlyStopping("losses", patience=3, min_delta=1e9, restore_best=False)
    history = model.fit(X, Y, epochs=50, callbacks=[*keep, stopping])
    assert len(history.losses) == 4  # the first epoch always counts as an improvement
    assert_array_equal(model.parameters, kept[-1])
    model = make()
    model.fit(X, Y, epochs=3, callbacks=[EarlyStopping("losses", min_delta=1e9)])  # the best weights are restored
    assert_array_equal(model.parameters, kept[0])


def test_early_stopping_restores_what_the_optimizer_remembered_then():
    model, other = make(), make()
    model.fit(X, Y, epochs=5, optimizer=Adam(0.01), shuffle=False, callbacks=[EarlyStopping("losses", patience=4, min_delta=1e9)])
    other.fit(X, Y, epochs=1, optimizer=Adam(0.01), shuffle=False)
    for each in (model, other):
        each.fit(X, Y, epochs=3, optimizer=Adam(0.01), shuffle=False)
    assert_array_equal(model.parameters, other.parameters)


def test_early_stopping_counts_anew_in_every_training():
    stopping = EarlyStopping("losses", patience=2, min_delta=1e9)
    assert [len(make().fit(X, Y, epochs=9, callbacks=[stopping]).losses) for _ in range(2)] == [3, 3]


@pytest.mark.parametrize(
    ("callbacks", "error", "message"),
    [
        (print, TypeError, "^callbacks: expected a sequence of Callback objects or functions, got <built-in"),
        (["print"], TypeError, "^callbacks: expected a sequence of Callback objects or functions"),
        (EarlyStopping(), TypeError, "^callbacks: expected a sequence of Callback objects or functions, got EarlyStopping"),
        ([EarlyStopping], TypeError, "^callbacks: expected a sequence of Callback objects or functions, got .*class"),
        ([EarlyStopping()], ValueError, "^monitor: 'validation_losses' needs validation data, got a training that records losses$"),
        ([EarlyStopping("scores")], ValueError, "^monitor: 'scores' needs a cross-entropy loss, got a training that records losses$"),
    ],
)
def test_callbacks_that_do_not_fit_are_refused(callbacks, error, message):
    model = make()
    before = model.parameters.copy()
    with pytest.raises(error, match=message):
        model.fit(X, Y, epochs=1, callbacks=callbacks)
    assert_array_equal(model.parameters, before)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"monitor": "accuracy"}, ValueError, "^monitor: expected one of 'validation_losses', .* got 'accuracy'"),
        ({"monitor": "validation_loss"}, ValueError, "^monitor: expected one of 'validation_losses', .* got 'validation_loss'"),
        ({"patience": 0}, ValueError, "^patience: expected at least 1, got 0"),
        ({"min_delta": "none"}, TypeError, "^min_delta: expected a number, got 'none'"),
        ({"min_delta": -1e-3}, ValueError, "^min_delta: expected a number in"),
    ],
)
def test_settings_of_early_stopping_are_refused_by_name(arguments, error, message):
    with pytest.raises(error, match=message):
        EarlyStopping(**arguments)
