"""What the estimators say of bad input: what scikit-learn's say, where they say something, and what is meant, where they do not."""

import re
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn import neural_network as theirs

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor

pytestmark = [pytest.mark.any_cpu, pytest.mark.filterwarnings("ignore")]

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4))
Y = {"MLPClassifier": np.arange(30) % 3, "MLPRegressor": X[:, 0] * 2}
NAN, INF = X.copy(), X.copy()
NAN[0, 0], INF[1, 1] = np.nan, np.inf
AT_3 = np.arange(30) == 3

INPUTS = {
    "of one dimension": X[:, 0], "of three dimensions": X[None], "None": None, "a string": "abc", "words": np.full(X.shape, "a"),
    "objects": np.full(X.shape, object()), "NaN": NAN, "infinite": INF, "sparse NaN": scipy.sparse.csr_matrix(NAN), "no samples": X[:0],
    "no features": X[:, :0], "complex": X + 1j, "another length": X[:-1], "nearly out of range": np.finfo(float).max * np.sign(X),
}  # fmt: skip
TARGETS = {
    "None": lambda y: None, "another length": lambda y: y[:-1], "NaN": lambda y: np.where(y > 1, np.nan, y), "a string": lambda y: "a",
    "infinite": lambda y: np.where(y > 1, np.inf, y), "of three dimensions": lambda y: y[:, None, None], "complex": lambda y: y + 1j,
    "ragged": lambda y: [[1], [1, 2]] * 15, "mixed": lambda y: np.array([1, "a", 2.0] * 10, object),
    "no column": lambda y: np.zeros((30, 0)),
}  # fmt: skip
WEIGHTS = {
    "NaN": np.where(AT_3, np.nan, 1), "infinite": np.where(AT_3, np.inf, 1), "all zero": np.zeros(30), "another length": np.ones(29),
    "of two dimensions": np.ones((30, 1)), "words": np.full(30, "a"), "None": np.full(30, None), "a string": "a",
}  # fmt: skip
PARAMETERS = [
    {"hidden_layer_sizes": size} for size in ((0,), (-1,), -3, 0, "a", None, np.nan, 2.0)
] + [
    {"alpha": -1}, {"alpha": "a"}, {"alpha": None}, {"alpha": np.nan}, {"batch_size": 0}, {"batch_size": 2.5}, {"batch_size": "a"},
    {"learning_rate_init": 0}, {"learning_rate_init": np.inf}, {"power_t": "a"}, {"max_iter": 0}, {"max_iter": np.inf}, {"shuffle": "yes"},
    {"random_state": "a"}, {"random_state": -1}, {"tol": -1}, {"tol": np.nan}, {"verbose": "a"}, {"warm_start": None}, {"momentum": 2},
    {"nesterovs_momentum": None}, {"early_stopping": "a"}, {"validation_fraction": 1}, {"validation_fraction": 0, "early_stopping": True},
    {"beta_1": 1}, {"beta_2": -1}, {"epsilon": 0}, {"n_iter_no_change": 0}, {"n_iter_no_change": None}, {"max_fun": 2.5},
]  # fmt: skip


def failure(library, name, parameters, *data, **more):
    """The error of a fit, and of what kind it is."""
    with pytest.raises((ValueError, TypeError)) as raised:
        getattr(library, name)(**{"max_iter": 5, "random_state": 0} | parameters).fit(*data, **more)
    return type(raised.value), str(raised.value)


def assert_same_failure(name, parameters, *data):
    kind, text = failure(theirs, name, parameters, *data)
    ours, said = failure(fastmlp, name, parameters, *data)
    assert ours is kind
    assert said.startswith(text)  # a divergence is described in more detail


@pytest.mark.parametrize("name", Y)
@pytest.mark.parametrize("wrong", INPUTS)
def test_inputs(name, wrong):
    assert_same_failure(name, {}, INPUTS[wrong], Y[name])


@pytest.mark.parametrize("name", Y)
@pytest.mark.parametrize("wrong", TARGETS)
def test_targets(name, wrong):
    assert_same_failure(name, {}, X, TARGETS[wrong](Y[name]))


@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True}, {"solver": "lbfgs"}])
@pytest.mark.parametrize("name", Y)
@pytest.mark.parametrize("wrong", WEIGHTS)
def test_weights(name, wrong, parameters):
    assert_same_failure(name, parameters, X, Y[name], WEIGHTS[wrong])


@pytest.mark.parametrize("name", Y)
@pytest.mark.parametrize("parameters", PARAMETERS, ids=str)
def test_parameters(name, parameters):
    assert_same_failure(name, parameters, X, Y[name])


def test_targets_of_the_wrong_kind():
    assert_same_failure("MLPClassifier", {}, X, Y["MLPRegressor"])  # continuous
    assert_same_failure("MLPClassifier", {}, X, np.column_stack([Y["MLPClassifier"]] * 2))
    with pytest.raises(TypeError, match="Sparse data was passed for y, but dense data is required"):
        MLPRegressor().fit(X, scipy.sparse.eye(30, format="csr"))


@pytest.mark.parametrize("name", Y)
def test_few_samples_and_columns_without_variance(name):
    for rows, parameters in ((1, {}), (1, {"solver": "lbfgs"}), (30, {})):
        inputs = X[:rows] if rows == 1 else np.ones_like(X)
        model = getattr(fastmlp, name)(max_iter=5, random_state=0, **parameters).fit(inputs, Y[name][:rows])
        expected = getattr(theirs, name)(max_iter=5, random_state=0, **parameters).fit(inputs, Y[name][:rows])
        np.testing.assert_allclose(model.predict(X), expected.predict(X), rtol=1e-9)
    one_class = MLPClassifier(max_iter=5).fit(X, np.full(30, 7))
    assert (one_class.predict(X) == 7).all()


def say(error, text):
    return pytest.raises(error, match=re.escape(text))


OURS = [
    ({"hidden_layer_sizes": (3.5,)}, TypeError, "hidden_layer_sizes: expected integers, got 3.5 in (3.5,)"),
    ({"hidden_layer_sizes": ("a",)}, TypeError, "hidden_layer_sizes: expected integers, got 'a' in ('a',)"),
    ({"hidden_layer_sizes": (3, None)}, TypeError, "hidden_layer_sizes: expected integers, got None in (3, None)"),
    ({"hidden_layer_sizes": ((3, 4), 5)}, TypeError, "hidden_layer_sizes: expected integers, got (3, 4) in ((3, 4), 5)"),
    ({"hidden_layer_sizes": True}, TypeError, "hidden_layer_sizes: expected integers, got True in True"),
    ({"hidden_layer_sizes": (10**9, 10**9)}, MemoryError, "hidden_layer_sizes: expected a network that fits into memory, got "),
    ({"hidden_layer_sizes": 10**30}, MemoryError, "hidden_layer_sizes: expected a network that fits into memory, got 8000"),
    ({"activation": [None]}, ValueError, "activation: expected names among identity, logistic, tanh, relu"),
    ({"activation": (["relu"],)}, ValueError, "activation: expected names among identity, logistic, tanh, relu"),
    ({"activation": []}, ValueError, "activation: expected one value, or one for each of 1 hidden layers, got 0"),
    ({"dropout": [0.1, 0.2]}, ValueError, "dropout: expected one value, or one for each of 1 hidden layers, got 2"),
    ({"dropout": ["a"]}, ValueError, "dropout: expected rates in [0, 1), got 'a'"),
    ({"dropout": [[0.1]]}, ValueError, "dropout: expected rates in [0, 1), got [0.1]"),
    ({"dropout": None}, ValueError, "The 'dropout' parameter of MLPClassifier must be a float in the range [0.0, 1.0)"),
    ({"weight_decay": -1}, ValueError, "The 'weight_decay' parameter of MLPClassifier must be"),
    ({"clip_norm": np.nan}, ValueError, "The 'clip_norm' parameter of MLPClassifier must be"),
    ({"label_smoothing": 1}, ValueError, "The 'label_smoothing' parameter of MLPClassifier must be"),
    ({"scoring": "best"}, ValueError, "The 'scoring' parameter of MLPClassifier must be"),
    ({"n_threads": 0}, ValueError, "The 'n_threads' parameter of MLPClassifier must be"),
    ({"class_weight": 3}, ValueError, "The 'class_weight' parameter of MLPClassifier must be"),
    ({"class_weight": {7: 1}}, ValueError, "class_weight: expected a weight for each class, got {7: 1}: The classes, [0, 1, 2], are not"),
    ({"class_weight": {0: "a"}}, ValueError, "class_weight: expected a weight for each class, got {0: 'a'}: could not convert"),
    ({"class_weight": [1]}, ValueError, "class_weight: expected a weight for each class, got [1]"),
    ({"class_weight": {0: np.nan}}, ValueError, "class_weight: expected numbers of at least 0, not all of them 0, got {0: nan}"),
    ({"class_weight": {0: -1}}, ValueError, "class_weight: expected numbers of at least 0, not all of them 0, got {0: -1}"),
    ({"class_weight": {0: 0, 1: 0, 2: 0}}, ValueError, "class_weight: expected numbers of at least 0, not all of them 0, got {0: 0, 1: 0"),
]


@pytest.mark.parametrize(("parameters", "error", "text"), OURS, ids=str)
def test_parameters_that_only_we_have_or_only_we_explain(parameters, error, text):
    with say(error, text):
        MLPClassifier(**parameters).fit(X, Y["MLPClassifier"])


VALIDATION = [
    ({"X_val": X[:, :2]}, ValueError, "X_val, y_val: X has 2 features, but MLPClassifier is expecting 4 features as input."),
    ({"X_val": X[0]}, ValueError, "X_val, y_val: Expected 2D array, got 1D array instead"),
    ({"X_val": NAN}, ValueError, "X_val, y_val: Input X contains NaN."),
    ({"X_val": X[:0], "y_val": []}, ValueError, "X_val, y_val: Found array with 0 sample(s)"),
    ({"X_val": None}, ValueError, "X_val, y_val: expected both or neither, got y_val alone"),
    ({"y_val": np.arange(29) % 3}, ValueError, "X_val, y_val: Found input variables with inconsistent numbers of samples: [30, 29]"),
    ({"y_val": np.arange(30) % 4}, ValueError, "X_val, y_val: y: expected classes among [0 1 2], got 3"),
    ({"y_val": np.full(30, "a")}, ValueError, "X_val, y_val: y: expected classes among [0 1 2], got a"),
    ({"y_val": np.ones((30, 2))}, ValueError, "X_val, y_val: y: expected one class for each sample, got shape (30, 2)"),
    ({"y_val": "a"}, TypeError, "X_val, y_val: Input should have at least 1 dimension"),
    ({"sample_weight_val": np.ones(3)}, ValueError, "sample_weight_val: sample_weight.shape == (3,), expected (30,)!"),
    ({"sample_weight_val": np.zeros(30)}, ValueError, "sample_weight_val: Sample weights must contain at least one non-zero number."),
    ({"X_val": None, "y_val": None, "sample_weight_val": np.ones(30)}, ValueError, "sample_weight_val: expected None without X_val"),
]


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize(("wrong", "error", "text"), VALIDATION, ids=str)
def test_validation_data(wrong, error, text, early_stopping):
    y = Y["MLPClassifier"]
    with say(error, text):
        MLPClassifier(max_iter=3, early_stopping=early_stopping).fit(X, y, **{"X_val": X, "y_val": y} | wrong)


def test_validation_data_of_other_targets():
    y = np.arange(30) % 3
    labels = np.column_stack([y > 0, y > 1])
    with say(ValueError, "X_val, y_val: y: expected classes among ['a' 'b'], got c"):
        MLPClassifier().fit(X, np.where(y > 0, "a", "b"), X_val=X, y_val=np.array(["a", "b", "c"])[y])
    for other in (y, np.column_stack([labels, y > 1])):
        with say(ValueError, f"X_val, y_val: y: expected an indicator of 2 labels for each sample, got shape {other.shape}"):
            MLPClassifier().fit(X, labels, X_val=X, y_val=other)
    with say(ValueError, "X_val, y_val: y: expected as many targets per sample as the network has outputs, 1, got 2"):
        MLPRegressor().fit(X, y * 1.0, X_val=X, y_val=np.ones((30, 2)))


def test_validation_data_that_lbfgs_does_not_use():
    with pytest.warns(UserWarning, match="X_val, y_val: solver='lbfgs' does not use them") as warned:
        MLPRegressor(solver="lbfgs", max_iter=3).fit(X, Y["MLPRegressor"], X_val=X, y_val=Y["MLPRegressor"])
    assert warned[0].filename == __file__


@pytest.mark.parametrize(("first", "then"), [(1, 2), (2, 1), (3, 2)])
def test_later_calls_have_as_many_targets(first, then):
    model = MLPRegressor(warm_start=True, max_iter=3).fit(X, np.ones((30, first)))
    for train in (model.fit, model.partial_fit):
        with say(ValueError, f"y: expected as many targets per sample as the network has outputs, {first}, got {then}"):
            train(X, np.ones((30, then)))


def test_other_quantiles_are_no_warm_start():
    model = MLPRegressor("quantile", quantile=[0.1, 0.9], warm_start=True, max_iter=3).fit(X, Y["MLPRegressor"])
    with say(ValueError, "y: expected as many targets per sample as the network has outputs, 2, got 1"), warnings.catch_warnings():
        model.set_params(quantile=0.5).fit(X, Y["MLPRegressor"])


def test_coefficients_that_do_not_fit():
    model = MLPClassifier(max_iter=3).fit(X, Y["MLPClassifier"])
    whole = list(model.coefs_)
    for wrong, text in (
        (None, "coefs_: expected a list of 2 arrays, got None"),
        (whole[:1], "coefs_: expected a list of 2 arrays, got [array("),
        ([np.zeros((2, 2)), whole[1]], "coefs_[0]: W: expected shape (4, 100), got (2, 2)"),
    ):
        model.coefs_ = wrong
        with say(ValueError, text):
            model.predict(X)


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("name", Y)
def test_a_learning_rate_at_which_training_diverges(name, solver):
    model = getattr(fastmlp, name)(solver=solver, learning_rate_init=1e300, random_state=0)
    with pytest.raises(ValueError, match=r"^Solver produced non-finite .* diverged in epoch 2: .* before that epoch.* \(1e\+300\)"):
        model.fit(X, Y[name])
    assert all(np.isfinite(array).all() for array in model.coefs_ + model.intercepts_)
    one = getattr(fastmlp, name)(solver=solver, learning_rate_init=1e300, random_state=0, max_iter=1).fit(X, Y[name])
    np.testing.assert_array_equal(model.coefs_[0], one.coefs_[0])
