"""Estimators under scikit-learn's callback protocol, and what `verbose=True` shows."""

import io
import sys
import warnings

import numpy as np
import pytest
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV

from fastmlp import MLPClassifier, MLPRegressor
from tests.children import python

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from version 1.9 on")
pytestmark = [pytest.mark.any_cpu, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

IRIS = load_iris(return_X_y=True)


class Log:
    """Notes every hook, and asks for the end after so many epochs."""

    def __init__(self, epochs=np.inf):
        self.epochs, self.events, self.fitted, self.data = epochs, [], [], []

    def setup(self, estimator, context):
        self.events.append(("setup", context.task_name, context.max_subtasks))

    def on_fit_task_begin(self, estimator, context):
        self.events.append(("begin", context.task_name, context.task_id))

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self.events.append(("end", context.task_name, context.task_id))
        self.fitted.append(fitted_estimator)
        self.data.append((X, y, metadata))
        return context.task_name == "epoch" and context.task_id + 1 >= self.epochs

    def teardown(self, estimator, context):
        self.events.append(("teardown", context.task_name, context.max_subtasks))


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_every_epoch_is_a_task_of_the_fit(solver):
    log = Log()
    model = MLPClassifier(random_state=0, max_iter=4, solver=solver).set_callbacks(log)
    assert model.fit(*IRIS) is model
    epochs = [(what, "epoch", epoch) for epoch in range(4) for what in ("begin", "end")]
    assert log.events == [("setup", "fit", 4), ("begin", "fit", 0), *epochs, ("end", "fit", 0), ("teardown", "fit", 4)]
    plain = MLPClassifier(random_state=0, max_iter=4, solver=solver).fit(*IRIS)
    np.testing.assert_array_equal(model.coefs_[0], plain.coefs_[0])
    assert (model.n_iter_, model.loss_) == (plain.n_iter_, plain.loss_)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_the_fitted_estimator_is_the_one_of_its_epoch(solver):
    log = Log()
    MLPClassifier(random_state=0, max_iter=4, solver=solver).set_callbacks(log).fit(*IRIS)
    for epochs, fitted in enumerate(log.fitted[:4], 1):
        expected = MLPClassifier(random_state=0, max_iter=epochs, solver=solver).fit(*IRIS)
        np.testing.assert_allclose(fitted.predict_proba(IRIS[0]), expected.predict_proba(IRIS[0]), rtol=1e-12)
        np.testing.assert_allclose(fitted.coefs_[0], expected.coefs_[0], rtol=1e-12)


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_callback_can_end_the_training(solver):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = MLPClassifier(random_state=0, solver=solver).set_callbacks(Log(epochs=3)).fit(*IRIS)
    expected = MLPClassifier(random_state=0, max_iter=3, solver=solver).fit(*IRIS)
    assert model.n_iter_ == 3
    assert model.loss_ == pytest.approx(expected.loss_, rel=1e-13)
    np.testing.assert_allclose(model.coefs_[0], expected.coefs_[0], rtol=1e-12)


def test_callbacks_are_given_what_is_trained_on():
    log, weight = Log(), np.arange(150) + 1.0
    frame = load_iris(as_frame=True).data
    MLPClassifier(random_state=0, max_iter=2).set_callbacks(log).fit(frame, IRIS[1], sample_weight=weight)
    assert log.data[0][0] is frame
    assert log.data[0][1] is IRIS[1]
    assert log.data[0][2] == {"sample_weight": weight}
    log = Log()
    model = MLPClassifier(random_state=0, max_iter=2, early_stopping=True).set_callbacks(log).fit(frame, IRIS[1], sample_weight=weight)
    X, y, metadata = log.data[0]
    assert len(X) == len(y) == 135
    np.testing.assert_array_equal(metadata["sample_weight"], weight[X.index])
    np.testing.assert_array_equal(y, IRIS[1][X.index])
    assert len(model.validation_scores_) == 2


def test_partial_fit_is_a_task_of_one_epoch():
    log = Log()
    model = MLPRegressor(random_state=0).set_callbacks(log)
    for _ in range(2):
        model.partial_fit(*IRIS)
    once = ["setup", "begin", "begin", "end", "end", "teardown"]
    assert [event[0] for event in log.events] == 2 * once
    assert model.loss_curve_[1] < model.loss_curve_[0]


def test_teardown_comes_after_errors_too():
    X, y = load_diabetes(return_X_y=True)
    log = Log()
    with pytest.raises(ValueError, match="diverged"):
        MLPRegressor(solver="sgd", learning_rate_init=10.0, random_state=0).set_callbacks(log).fit(1000 * X, y)
    assert log.events[0][0] == "setup"
    assert log.events[-1][0] == "teardown"


def test_scikit_learns_callbacks(capfd):
    pytest.importorskip("rich")
    monitor = callback.ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    model = MLPClassifier(random_state=0, max_iter=6).set_callbacks(monitor, callback.ProgressBar()).fit(*IRIS)
    rows = monitor.get_logs().data
    assert [row["task_id_path"] for row in rows] == [(0,)] + [(0, epoch) for epoch in range(6)]
    assert rows[0]["accuracy"] == rows[-1]["accuracy"] == model.score(*IRIS)
    assert [row["neg_log_loss"] for row in rows[1:]] == sorted(row["neg_log_loss"] for row in rows[1:])
    assert "MLPClassifier - fit" in capfd.readouterr().out
    assert clone(model).set_callbacks().fit(*IRIS).n_iter_ == 6


def test_a_search_passes_its_callbacks_on(capfd):
    search = GridSearchCV(MLPClassifier(max_iter=3, random_state=0), {"alpha": [1e-4, 1.0]}, cv=2)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None)).fit(*IRIS)
    assert capfd.readouterr().out.count("MLPClassifier - fit") >= 5  # two candidates, two splits, and once on all data


def test_without_callbacks_in_scikit_learn_there_are_none():
    program = """
import sys
import numpy as np
import sklearn.callback
import sklearn.model_selection, sklearn.neural_network
kept = sys.modules["sklearn.callback"]
sys.modules["sklearn.callback"] = None  # as before version 1.9
from fastmlp import MLPRegressor
sys.modules["sklearn.callback"] = kept
model = MLPRegressor(max_iter=500).fit(np.ones((9, 2)), np.ones(9))
print(hasattr(model, "set_callbacks"), model.n_iter_ > 0)
"""
    assert python(program).stdout.split() == ["False", "True"]


# What `verbose=True` shows.


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    "parameters", [{}, {"early_stopping": True, "learning_rate_init": 0.01}, {"solver": "sgd", "learning_rate": "adaptive"}]
)
def test_lines_are_scikit_learns(parameters, capsys):
    said = []
    for kind in (MLPClassifier, theirs.MLPClassifier):
        kind(random_state=0, max_iter=60, verbose=True, tol=0.01, **parameters).fit(*IRIS)
        said.append(capsys.readouterr())
    assert said[0] == said[1]
    assert "Iteration 1, loss = " in said[0].out


def test_lines_of_lbfgs(capsys):
    model = MLPClassifier(random_state=0, max_iter=3, verbose=True, solver="lbfgs").fit(*IRIS)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(",")[0] for line in lines] == ["Iteration 1", "Iteration 2", "Iteration 3"]
    assert lines[-1] == f"Iteration 3, loss = {model.loss_:.8f}"


@pytest.mark.parametrize("solver", ["adam", "lbfgs"])
def test_a_bar_in_a_terminal(solver, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    model = MLPClassifier(random_state=0, max_iter=4, verbose=True, solver=solver).fit(*IRIS)
    assert capsys.readouterr().out == ""
    assert "4/4" in terminal.getvalue()
    assert f"loss {model.loss_:.4f}" in terminal.getvalue()
    model.set_params(early_stopping=True, solver="adam").fit(*IRIS)
    assert f"validation score {model.validation_scores_[-1]:.4f}" in terminal.getvalue()


def test_nothing_is_shown_unasked(capfd, monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    MLPClassifier(random_state=0, max_iter=4).fit(*IRIS)
    assert terminal.getvalue() == capfd.readouterr().out == ""


def test_a_wrong_parameter_shows_no_bar(monkeypatch):
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0"):
        MLPClassifier((0,), verbose=True).fit(*IRIS)
    assert terminal.getvalue() == ""
