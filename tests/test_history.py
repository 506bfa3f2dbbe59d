"""`History`: every recorded list has one value per epoch, scores are weighted, and an interrupted epoch is left out."""

import numpy as np
import pytest

from fastmlp import SGD, Adam, Callback, TrainingWarning
from tests.models import ROWS, X_NEW, Y_NEW, X, Y, make


def test_a_value_an_epoch():
    history = make().fit(X, Y, epochs=7, validation_data=(X_NEW, Y_NEW))
    assert [len(values) for values in (history.losses, history.learning_rates, history.seconds)] == [7, 7, 7]
    assert [len(values) for values in (history.scores, history.validation_losses, history.validation_scores)] == [0, 7, 7]
    assert history.stopped == ""
    assert min(history.seconds) > 0
    model = make("softmax_cross_entropy")
    history = model.fit(X, ROWS, epochs=300, validation_data=(X, ROWS), optimizer=Adam(0.01))
    assert (len(history.losses), len(history.scores), len(history.validation_scores), history.epochs) == (300, 300, 300, 300)
    assert (history.validation_losses[-1], history.validation_scores[-1]) == model.evaluate(X, ROWS)
    assert history.scores[-1] > 0.9
    assert abs(history.losses[-1] - history.validation_losses[-1]) < 0.02  # the loss before the last update, and after it
    assert make().fit(X, Y, epochs=0).losses == []


@pytest.mark.parametrize("loss", ["squared_error", "softmax_cross_entropy"])
@pytest.mark.parametrize("split", [0.0, 0.5])
def test_what_is_recorded_has_values(loss, split):
    history = make(loss).fit(X, Y if loss == "squared_error" else ROWS, epochs=3, validation_split=split)
    lists = ("losses", "scores", "validation_losses", "validation_scores", "learning_rates", "seconds")
    assert [name for name in lists if name in history.recorded] == [name for name in lists if getattr(history, name)]


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "binary_cross_entropy"])
@pytest.mark.parametrize("weight", [np.arange(24) % 4, np.full(24, 1e-3), np.eye(24)[5]])
def test_scores_are_weighted_as_losses_are(loss, weight):
    model = make(loss)
    targets = ROWS if loss == "softmax_cross_entropy" else np.eye(3)[ROWS]
    expected = model.evaluate(X, targets, sample_weight=weight)
    history = model.fit(X, targets, epochs=1, batch_size=24, sample_weight=weight, optimizer=SGD(0.0))
    np.testing.assert_allclose((history.losses[0], history.scores[0]), expected, rtol=1e-12)
    if weight.sum() > 1:
        assert history.scores[0] != pytest.approx(model.evaluate(X, targets)[1])


def test_an_epoch_that_is_interrupted_half_recorded_is_left_out():
    class Interrupting(Callback):
        def on_epoch_end(self, epoch, model, history):
            if epoch == 2:
                history.validation_losses.pop()  # as if validation had not been done yet
                raise KeyboardInterrupt

    with pytest.warns(TrainingWarning, match=r"^training interrupted after epoch 2 of 9; the model remains usable$") as caught:
        history = make().fit(X, Y, epochs=9, validation_data=(X_NEW, Y_NEW), callbacks=[Interrupting()])
    assert history.stopped == "interrupted"
    assert {len(getattr(history, name)) for name in history.recorded} == {2}
    assert [warning.filename for warning in caught] == [__file__]
