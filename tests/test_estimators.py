"""`MLPClassifier` and `MLPRegressor`: scikit-learn's results from scikit-learn's random state, and what scikit-learn does not have."""

import pickle
import warnings
from inspect import signature

import joblib
import numpy as np
import pytest
import scipy.optimize
import scipy.sparse
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info, threadpool_limits

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.engine.threads import cpu_count

IRIS = load_iris(return_X_y=True)
CANCER = StandardScaler().fit_transform(load_breast_cancer().data), load_breast_cancer().target
DIABETES = load_diabetes(return_X_y=True)
DIGITS = load_digits(return_X_y=True)[0] / 16, load_digits().target
LABELS = make_multilabel_classification(random_state=0)
TWO = DIABETES[0], np.column_stack([DIABETES[1], np.sqrt(DIABETES[1])])
WEIGHTS = np.random.default_rng(0).uniform(size=150)

CLASSIFIERS = {
    "adam": (IRIS, {}),
    "two classes": (CANCER, {"max_iter": 50}),
    "multilabel": (LABELS, {"batch_size": 30, "max_iter": 40}),
    "digits": (DIGITS, {"hidden_layer_sizes": (30, 20), "max_iter": 15}),
    "adaptive": (IRIS, {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.1}),
    "inverse scaling": (IRIS, {"solver": "sgd", "learning_rate": "invscaling", "learning_rate_init": 0.1, "power_t": 0.2}),
    "no momentum": (IRIS, {"solver": "sgd", "momentum": 0.0, "max_iter": 30}),
    "plain momentum": (IRIS, {"solver": "sgd", "nesterovs_momentum": False, "max_iter": 30}),
    "all of the momentum": (IRIS, {"solver": "sgd", "momentum": 1.0, "learning_rate_init": 1e-4, "max_iter": 30}),
    "early stopping": (IRIS, {"early_stopping": True, "learning_rate_init": 0.01}),
    "stratified": (CANCER, {"early_stopping": True, "validation_fraction": 0.25}),
    "logistic, penalised": (CANCER, {"activation": "logistic", "alpha": 10.0, "max_iter": 40}),
    "identity": (IRIS, {"activation": "identity", "max_iter": 30}),
    "in order": (IRIS, {"shuffle": False, "batch_size": 32, "max_iter": 10}),
    "no hidden layer": (IRIS, {"hidden_layer_sizes": (), "max_iter": 30}),
    "L-BFGS": (IRIS, {"solver": "lbfgs", "max_iter": 20}),
}
REGRESSORS = {
    "adam": (DIABETES, {"max_iter": 30}),
    "two outputs": (TWO, {"hidden_layer_sizes": (20, 10), "max_iter": 30}),
    "early stopping": (TWO, {"early_stopping": True, "learning_rate_init": 0.02, "activation": "tanh", "max_iter": 60}),
    "poisson": (DIABETES, {"loss": "poisson", "learning_rate_init": 0.01, "max_iter": 60}),
    "L-BFGS": (DIABETES, {"solver": "lbfgs", "max_iter": 20}),
    "L-BFGS, two outputs": (TWO, {"solver": "lbfgs", "max_iter": 15}),
}
CASES = [("MLPClassifier", *case) for case in CLASSIFIERS.values()] + [("MLPRegressor", *case) for case in REGRESSORS.values()]
NAMES = [f"classifier, {name}" for name in CLASSIFIERS] + [f"regressor, {name}" for name in REGRESSORS]


def fitted(kind, parameters, *data, **more):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(random_state=0, **parameters).fit(*data, **more)


def assert_same(ours, others, tolerance=1e-8):
    """Everything that scikit-learn says of a training. Rounding errors grow from step to step, by less than `tolerance` allows."""
    assert (ours.n_iter_, ours.t_, ours.n_layers_, ours.n_outputs_) == (others.n_iter_, others.t_, others.n_layers_, others.n_outputs_)
    assert ours.out_activation_ == others.out_activation_
    for mine, other in zip(ours.coefs_ + ours.intercepts_, others.coefs_ + others.intercepts_, strict=True):
        assert_allclose(mine, other, rtol=tolerance, atol=tolerance)
    assert_allclose(ours.loss_, others.loss_, rtol=tolerance)
    for name in ("loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_"):
        expected = getattr(others, name, None)
        if expected is not None:
            assert_allclose(getattr(ours, name), expected, rtol=tolerance)


@pytest.mark.parametrize(("name", "data", "parameters"), CASES, ids=NAMES)
def test_same_random_state_same_results(name, data, parameters):
    ours, others = fitted(getattr(fastmlp, name), parameters, *data), fitted(getattr(theirs, name), parameters, *data)
    assert_same(ours, others)
    assert_allclose(ours.predict(data[0]), others.predict(data[0]), rtol=1e-6)
    assert ours.score(*data) == pytest.approx(others.score(*data), rel=1e-6)
    if name == "MLPClassifier":
        assert_allclose(ours.predict_proba(data[0]), others.predict_proba(data[0]), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
def test_sample_weights(solver):
    parameters = {"solver": solver, "batch_size": 32, "max_iter": 12, "alpha": 0.1}
    ours = fitted(MLPClassifier, parameters, *IRIS, sample_weight=WEIGHTS)
    assert_same(ours, fitted(theirs.MLPClassifier, parameters, *IRIS, sample_weight=WEIGHTS))


def test_early_stopping_with_sample_weights():
    parameters = {"early_stopping": True, "learning_rate_init": 0.01}
    ours = fitted(MLPClassifier, parameters, *IRIS, sample_weight=WEIGHTS)
    assert_same(ours, fitted(theirs.MLPClassifier, parameters, *IRIS, sample_weight=WEIGHTS))


@pytest.mark.parametrize("form", [scipy.sparse.csr_matrix, scipy.sparse.csc_matrix, scipy.sparse.csr_array])
def test_sparse(form):
    X, y = DIGITS
    parameters = {"max_iter": 3, "hidden_layer_sizes": (20,)}
    ours = fitted(MLPClassifier, parameters, form(X), y)
    assert_same(ours, fitted(MLPClassifier, parameters, X, y), 1e-12)
    assert_allclose(ours.predict_proba(form(X)), ours.predict_proba(X), rtol=1e-12)


def test_float32_is_kept():
    X, y = DIGITS[0].astype(np.float32), DIGITS[1]
    ours, others = (fitted(kind, {"max_iter": 5}, X, y) for kind in (MLPClassifier, theirs.MLPClassifier))
    assert {array.dtype for array in ours.coefs_ + ours.intercepts_} == {np.dtype(np.float32)}
    assert ours.predict_proba(X).dtype == np.float32
    assert_allclose(ours.coefs_[0], others.coefs_[0], atol=1e-4)
    assert fitted(MLPClassifier, {"max_iter": 5, "solver": "lbfgs"}, X, y).coefs_[0].dtype == np.float32


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_partial_fit(solver):
    ours, others = (kind(random_state=np.random.RandomState(0), solver=solver) for kind in (MLPClassifier, theirs.MLPClassifier))
    for first in range(0, 150, 30):
        for estimator in (ours, others):
            estimator.partial_fit(IRIS[0][first : first + 30], IRIS[1][first : first + 30], classes=[0, 1, 2])
    assert_same(ours, others, 1e-10)


def test_warm_start():
    ours, others = (kind(random_state=0, warm_start=True, max_iter=5) for kind in (MLPClassifier, theirs.MLPClassifier))
    for estimator in (ours, others):
        for _ in range(3):
            with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(5\) reached"):
                estimator.fit(*IRIS)
    assert_same(ours, others, 1e-10)
    with pytest.raises(ValueError, match="warm_start can only be used where `y` has the same classes"):
        ours.fit(IRIS[0], IRIS[1] + 1)


@pytest.mark.parametrize("parameters", [{"batch_size": 500}, {"solver": "lbfgs"}], ids=str)
@pytest.mark.parametrize("kind", [MLPClassifier, theirs.MLPClassifier], ids=lambda kind: kind.__module__.partition(".")[0])
def test_filters_of_sklearns_warnings_apply(kind, parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", module="sklearn")
        kind(max_iter=2, **parameters).fit(*IRIS)


def test_lbfgs_uses_one_thread_of_blas(monkeypatch):
    original, threads = scipy.optimize.minimize, []

    def minimize(*arguments, **named):
        threads.append({library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"})
        return original(*arguments, **named)

    monkeypatch.setattr(scipy.optimize, "minimize", minimize)
    with threadpool_limits(2, user_api="blas"):
        fitted(MLPClassifier, {"solver": "lbfgs", "max_iter": 2}, *IRIS)
        assert {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"} == {2}
    assert threads == [{1}]


def test_labels_of_any_type():
    names = load_iris().target_names[IRIS[1]]
    model = fitted(MLPClassifier, {"max_iter": 100}, IRIS[0], names)
    assert_array_equal(model.classes_, np.unique(names))
    assert set(model.predict(IRIS[0])) <= set(names)
    assert model.score(IRIS[0], names) > 0.8


def test_coefficients_can_be_changed():
    model = fitted(MLPClassifier, {"max_iter": 20}, *IRIS)
    other = fitted(MLPClassifier, {"max_iter": 5}, *IRIS)
    model.coefs_ = [array.copy() for array in other.coefs_]
    model.intercepts_[0] = other.intercepts_[0]
    model.intercepts_[1][:] = other.intercepts_[1]
    assert_array_equal(model.predict_proba(IRIS[0]), other.predict_proba(IRIS[0]))


@pytest.mark.parametrize("parameters", [{}, {"solver": "lbfgs"}, {"early_stopping": True}])
def test_pickle(parameters):
    model = fitted(MLPClassifier, {"max_iter": 12, "warm_start": True, **parameters}, *IRIS)
    stored = pickle.dumps(model)
    assert len(stored) < 3 * 8 * sum(array.size for array in model.coefs_) + 20_000  # the parameters, the optimizer's memory, no data
    again = pickle.loads(stored)
    assert_array_equal(again.predict_proba(IRIS[0]), model.predict_proba(IRIS[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert_array_equal(again.fit(*IRIS).coefs_[0], model.fit(*IRIS).coefs_[0])


def test_clone_and_representation():
    model = MLPClassifier((5, 4), "tanh", alpha=0.1, dropout=[0.1, 0.0])
    assert clone(model).get_params() == model.get_params()
    assert " ".join(repr(model).split()) == "MLPClassifier(activation='tanh', alpha=0.1, dropout=[0.1, 0.0], hidden_layer_sizes=(5, 4))"
    assert MLPRegressor("huber", 7).hidden_layer_sizes == 7


def test_grid_search_in_two_processes():
    pipeline = make_pipeline(StandardScaler(), MLPClassifier((10,), max_iter=30, random_state=0))
    searches = [GridSearchCV(pipeline, {"mlpclassifier__alpha": [1e-4, 1.0]}, cv=3, n_jobs=jobs) for jobs in (1, 2)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        alone, together = (search.fit(*IRIS).cv_results_["mean_test_score"] for search in searches)
    assert_array_equal(alone, together)


# What scikit-learn does not have.


def test_validation_data_of_the_users_own():
    X, y = CANCER
    held_out = {"X_val": X[400:], "y_val": y[400:]}
    model = fitted(MLPClassifier, {"max_iter": 200, "early_stopping": True, "learning_rate_init": 0.01}, X[:400], y[:400], **held_out)
    assert len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_ < 200
    assert model.score(X[400:], y[400:]) == max(model.validation_scores_) == model.best_validation_score_
    probabilities = model.predict_proba(X[400:])[np.arange(len(X) - 400), y[400:]]
    model.fit(X[:400], y[:400], X_val=X[400:], y_val=y[400:], sample_weight_val=np.full(len(y) - 400, 2.0))
    best = int(np.argmax(model.validation_scores_))
    assert model.validation_loss_curve_[best] == pytest.approx(-np.log(probabilities).mean())
    plain = fitted(MLPClassifier, {"max_iter": 7}, X[:400], y[:400], **held_out)
    assert len(plain.validation_scores_) == 7
    assert_array_equal(plain.coefs_[0], fitted(MLPClassifier, {"max_iter": 7}, X[:400], y[:400]).coefs_[0])


def test_partial_fit_with_early_stopping_scores_the_validation_data():
    model = MLPClassifier(random_state=0, early_stopping=True)
    for _ in range(3):
        model.partial_fit(*IRIS, classes=[0, 1, 2], X_val=IRIS[0], y_val=IRIS[1])
    assert len(model.validation_scores_) == 3
    assert model.validation_scores_[-1] == model.score(*IRIS)


def test_partial_fit_of_multilabel_targets():
    X, Y = LABELS
    model = MLPClassifier(random_state=0)
    for _ in range(20):
        model.partial_fit(X, Y, classes=range(5))
    assert model.predict(X).shape == Y.shape
    assert model.loss_curve_[-1] < model.loss_curve_[0]


def test_class_weights_are_sample_weights():
    weight = {0: 1.0, 1: 5.0, 2: 0.5}
    ours = fitted(MLPClassifier, {"max_iter": 10, "class_weight": weight}, *IRIS)
    expected = fitted(theirs.MLPClassifier, {"max_iter": 10}, *IRIS, sample_weight=np.array([1.0, 5.0, 0.5])[IRIS[1]])
    assert_same(ours, expected, 1e-10)
    rare = IRIS[1] > 1
    balanced = fitted(MLPClassifier, {"max_iter": 10, "class_weight": "balanced"}, IRIS[0], rare)
    assert_same(balanced, fitted(MLPClassifier, {"max_iter": 10}, IRIS[0], rare, sample_weight=np.where(rare, 1.5, 0.75)), 1e-10)


def test_label_smoothing_makes_predictions_less_certain():
    sharp, smooth = (fitted(MLPClassifier, {"max_iter": 200, "label_smoothing": share}, *IRIS) for share in (0.0, 0.2))
    assert smooth.predict_proba(IRIS[0]).max() < sharp.predict_proba(IRIS[0]).max()
    with np.errstate(divide="ignore"):
        targets = np.eye(3)[IRIS[1]] * 0.8 + 0.2 / 3
        lowest = -(targets * np.log(targets)).sum(axis=1).mean()
    assert smooth.loss_ > lowest


@pytest.mark.parametrize("activation", ["leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "mish", ["relu", "tanh"]])
def test_activations(activation):
    model = fitted(MLPClassifier, {"hidden_layer_sizes": (20, 10), "activation": activation, "max_iter": 300}, *IRIS)
    assert model.score(*IRIS) > 0.9


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle"])
def test_schedules_over_all_epochs(schedule):
    parameters = {"learning_rate": schedule, "learning_rate_init": 0.02, "max_iter": 60, "batch_size": 32, "n_iter_no_change": 1000}
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)  # to train for all epochs is what the schedule is for
        assert MLPClassifier(random_state=0, solver="adamw", **parameters).fit(*IRIS).score(*IRIS) > 0.95


@pytest.mark.parametrize("loss", ["absolute_error", "huber"])
def test_robust_losses(loss):
    X, y = DIABETES
    y = (y - y.mean()) / y.std()
    model = fitted(MLPRegressor, {"loss": loss, "max_iter": 300, "learning_rate_init": 0.01}, X, y)
    assert model.score(X, y) > 0.4


def test_dropout_is_drawn_anew_by_the_random_state():
    first, again = (fitted(MLPClassifier, {"dropout": 0.5, "max_iter": 20}, *IRIS) for _ in range(2))
    assert_array_equal(first.coefs_[0], again.coefs_[0])
    assert np.abs(first.coefs_[0] - fitted(MLPClassifier, {"max_iter": 20}, *IRIS).coefs_[0]).max() > 1e-3


def test_weights_are_the_same_for_every_number_of_threads():
    one, two = (fitted(MLPClassifier, {"n_threads": threads, "max_iter": 4}, *DIGITS) for threads in (1, 2))
    assert_array_equal(one.coefs_[0], two.coefs_[0])
    assert one.loss_curve_ == two.loss_curve_


WRONG = [
    ({"alpha": -1}, "The 'alpha' parameter of MLPClassifier must be"),
    ({"hidden_layer_sizes": (5, 0)}, r"hidden_layer_sizes must be > 0, got \[5, 0\]"),
    ({"activation": ["relu"], "hidden_layer_sizes": (5, 5)}, "activation: expected one value, or one for each of 2 hidden layers, got 1"),
    ({"activation": ["relu", "step"], "hidden_layer_sizes": (5, 5)}, "activation: expected names among identity, .*, got 'step'"),
    ({"dropout": [1.5]}, r"dropout: expected rates in \[0, 1\), got 1.5"),
    ({"solver": "newton"}, "The 'solver' parameter of MLPClassifier must be"),
    ({"class_weight": "even"}, "The 'class_weight' parameter of MLPClassifier must be"),
    ({"solver": "lbfgs", "dropout": 0.2}, "dropout: expected 0 for solver='lbfgs'"),
]


@pytest.mark.parametrize(("parameters", "message"), WRONG)
def test_wrong_parameters(parameters, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(**parameters).fit(*IRIS)


def test_wrong_data():
    X, y = IRIS
    with pytest.raises(ValueError, match="Input X contains NaN"):
        MLPClassifier().fit(np.where(X > 7, np.nan, X), y)
    with pytest.raises(ValueError, match=r"y: expected numbers of at least 0 for loss='poisson', got -1\.0"):
        MLPRegressor("poisson").fit(X, y - 1.0)
    with pytest.raises(ValueError, match="X_val, y_val: expected both or neither, got X_val alone"):
        MLPClassifier().fit(X, y, X_val=X)
    with pytest.raises(ValueError, match=r"y: expected classes among \[0 1 2\], got 5"):
        MLPClassifier().fit(X, y, X_val=X, y_val=np.where(y == 2, 5, y))
    with pytest.raises(AttributeError, match="has no attribute 'partial_fit'") as raised:
        MLPClassifier(solver="lbfgs").partial_fit(X, y)
    assert str(raised.value.__cause__) == "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."


def test_divergence_says_where():
    X, y = DIABETES
    model = MLPRegressor(solver="sgd", learning_rate_init=10.0, random_state=0, max_iter=50)
    with pytest.raises(ValueError, match=r"non-finite parameter weights\. .*Training diverged in epoch \d+: .*\(10\)"):
        model.fit(1000 * X, y)
    assert all(np.isfinite(array).all() for array in model.coefs_)


def test_divergence_after_a_validation_score_ends_the_training_with_the_best_weights():
    X, y = DIABETES
    model = MLPRegressor(activation="identity", solver="sgd", learning_rate_init=1.0, random_state=0, early_stopping=True, max_iter=50)
    with pytest.warns(UserWarning, match=r"Training diverged in epoch \d+: .* those of the best validation score.* \(1\)") as warned:
        model.fit(100 * X, y, X_val=100 * X, y_val=y)
    assert [warning.category for warning in warned] == [UserWarning]
    assert np.isnan(model.validation_scores_[-1])
    assert len(model.loss_curve_) == len(model.validation_scores_) == len(model.validation_loss_curve_) == model.n_iter_ < 50
    assert model.score(100 * X, y) == pytest.approx(model.best_validation_score_) == np.nanmax(model.validation_scores_)


# Parity: nothing that scikit-learn's estimators have is missing.


@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
def test_parameters_and_defaults_are_scikit_learns(kind):
    ours, others = (signature(getattr(library, kind)).parameters for library in (fastmlp, theirs))
    assert {name: (parameter.default, parameter.kind) for name, parameter in ours.items() if name in others} == {
        name: (parameter.default, parameter.kind) for name, parameter in others.items()
    }
    assert all(parameter.kind is parameter.KEYWORD_ONLY for name, parameter in ours.items() if name not in others)


@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True}, {"solver": "lbfgs"}])
@pytest.mark.parametrize(("kind", "data"), [("MLPClassifier", IRIS), ("MLPRegressor", DIABETES)])
def test_methods_and_fitted_attributes_are_scikit_learns(kind, data, parameters):
    ours, others = (fitted(getattr(library, kind), {"max_iter": 15, **parameters}, *data) for library in (fastmlp, theirs))
    public = {name for name in dir(others) if not name.startswith("_")}
    if kind == "MLPRegressor" and ours.solver == "lbfgs":
        public.remove("partial_fit")  # scikit-learn's test of the solver is not called there, so that the method exists
    assert public <= set(dir(ours))
    for name in public:
        assert callable(getattr(ours, name)) == callable(getattr(others, name)), name


def test_workers_of_joblib_share_the_processors():
    """Two workers have half of the processors each, so that a search does not have more threads than there are processors."""
    workers = joblib.Parallel(n_jobs=2)(joblib.delayed(cpu_count)() for _ in range(2))
    assert workers == [max(1, cpu_count() // 2)] * 2
