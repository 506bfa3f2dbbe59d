"""The estimators within scikit-learn: data frames, metadata routing, searches, ensembles and inspection, with its own results."""

import copy
import warnings

import joblib
import numpy as np
import pytest
import sklearn
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import neural_network as theirs
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier, StackingClassifier, VotingClassifier, VotingRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.feature_selection import RFE, SequentialFeatureSelector
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    cross_val_predict,
    cross_val_score,
    cross_validate,
    learning_curve,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import fastmlp

pytestmark = [pytest.mark.any_cpu, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]

IRIS = load_iris(return_X_y=True)
SCALED = StandardScaler().fit_transform(IRIS[0]), IRIS[1]
DIABETES = StandardScaler().fit_transform(load_diabetes().data)[:, :4], load_diabetes().target / 100
CANCER = StandardScaler().fit_transform(load_breast_cancer().data)[:, :6], load_breast_cancer().target
GRID = {"alpha": [1e-4, 1.0], "hidden_layer_sizes": [(8,), (6, 4)]}


def classifier(library, **parameters):
    return library.MLPClassifier(**{"hidden_layer_sizes": (8,), "max_iter": 25, "random_state": 0} | parameters)


def regressor(library, **parameters):
    return library.MLPRegressor(**{"hidden_layer_sizes": (8,), "max_iter": 25, "random_state": 0} | parameters)


def halving(library):
    search = HalvingGridSearchCV(classifier(library), GRID, resource="max_iter", max_resources=40, min_resources=10, cv=3, random_state=0)
    search.fit(*SCALED)
    return search.cv_results_["mean_test_score"], search.best_params_["alpha"], search.predict_proba(SCALED[0])


def grid(library):
    search = GridSearchCV(classifier(library), GRID, cv=3, scoring="neg_log_loss").fit(*SCALED)
    return search.cv_results_["mean_test_score"], search.predict_proba(SCALED[0])


def incremental(library):
    sizes = {"train_sizes": [0.3, 0.6, 1.0], "cv": 3, "exploit_incremental_learning": True, "shuffle": True, "random_state": 0}
    return learning_curve(classifier(library), *SCALED, scoring="neg_log_loss", **sizes)[1:]


def stacked(library):
    inner = [("mlp", classifier(library)), ("linear", LogisticRegression())]
    return (StackingClassifier(inner, cv=3).fit(*SCALED).predict_proba(SCALED[0]),)


def voting(library):
    inner = [("one", classifier(library)), ("other", classifier(library, activation="tanh"))]
    return (VotingClassifier(inner, voting="soft", weights=[1, 2]).fit(*SCALED).predict_proba(SCALED[0]),)


def dependence(library):
    model = regressor(library).fit(*DIABETES)
    return tuple(partial_dependence(model, DIABETES[0], features, grid_resolution=5)["average"] for features in ([0], [1, 2]))


def importances(library):
    found = permutation_importance(regressor(library).fit(*DIABETES), *DIABETES, n_repeats=3, random_state=0)
    return (found.importances,)


def several_labels(library):
    labels = np.column_stack([IRIS[1] == 0, IRIS[1]])
    model = MultiOutputClassifier(classifier(library)).fit(SCALED[0], labels)
    return model.predict(SCALED[0]), *model.predict_proba(SCALED[0])


def incremental_outputs(library):
    model = MultiOutputRegressor(regressor(library))
    for _ in range(3):
        model.partial_fit(DIABETES[0], np.column_stack([DIABETES[1], -DIABETES[1]]))
    return (model.predict(DIABETES[0]),)


def selected(library):
    """`RFE` has no coefficients to rank features by, but a function of the estimator can give them."""
    importance = lambda model: np.abs(model.coefs_[0]).sum(axis=1)  # noqa: E731
    return (RFE(regressor(library), n_features_to_select=2, importance_getter=importance).fit(*DIABETES).ranking_,)


def of_pipeline(library):
    model = make_pipeline(StandardScaler(), classifier(library)).fit(*IRIS, mlpclassifier__sample_weight=np.arange(150) % 3 + 0.5)
    return (model.predict_proba(IRIS[0]),)


PLACES = {
    "HalvingGridSearchCV": halving,
    "GridSearchCV": grid,
    "learning_curve, incremental": incremental,
    "StackingClassifier": stacked,
    "VotingClassifier": voting,
    "partial_dependence": dependence,
    "permutation_importance": importances,
    "MultiOutputClassifier": several_labels,
    "MultiOutputRegressor, partial_fit": incremental_outputs,
    "RFE": selected,
    "Pipeline with weights": of_pipeline,
    "cross_val_score": lambda library: (cross_val_score(regressor(library), *DIABETES, cv=3),),
    "cross_val_predict": lambda library: (cross_val_predict(classifier(library), *SCALED, cv=3, method="predict_proba"),),
    "validation_curve": lambda library: validation_curve(regressor(library), *DIABETES, param_name="alpha", param_range=[0.1, 10], cv=3),
    "BaggingClassifier": lambda library: (
        BaggingClassifier(classifier(library), 4, max_samples=0.6, random_state=0).fit(*SCALED).predict_proba(SCALED[0]),
    ),
    "AdaBoostClassifier": lambda library: (
        AdaBoostClassifier(classifier(library, max_iter=100), n_estimators=3, random_state=0).fit(*SCALED).predict_proba(SCALED[0]),
    ),
    "CalibratedClassifierCV": lambda library: (CalibratedClassifierCV(classifier(library), cv=3).fit(*CANCER).predict_proba(CANCER[0]),),
    "OneVsRestClassifier": lambda library: (OneVsRestClassifier(classifier(library)).fit(*SCALED).predict_proba(SCALED[0]),),
    "OneVsOneClassifier": lambda library: (OneVsOneClassifier(classifier(library)).fit(*SCALED).decision_function(SCALED[0]),),
    "ClassifierChain": lambda library: (
        ClassifierChain(classifier(library)).fit(SCALED[0], np.column_stack([IRIS[1] > 0, IRIS[1] > 1])).predict_proba(SCALED[0]),
    ),
    "TransformedTargetRegressor": lambda library: (
        TransformedTargetRegressor(regressor(library), func=np.log, inverse_func=np.exp).fit(*DIABETES).predict(DIABETES[0]),
    ),
    "VotingRegressor": lambda library: (VotingRegressor([("mlp", regressor(library))]).fit(*DIABETES).predict(DIABETES[0]),),
    "SequentialFeatureSelector": lambda library: (
        SequentialFeatureSelector(regressor(library, max_iter=5), n_features_to_select=2, cv=2).fit(*DIABETES).get_support(),
    ),
}


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES.keys())
def test_the_results_are_scikit_learns(place):
    for ours, others in zip(place(fastmlp), place(theirs), strict=True):
        assert_allclose(ours, others, rtol=1e-6, atol=1e-9)


@pytest.fixture(params=["pandas", "polars"])
def frame(request):
    """A function that makes a data frame of an array and names of its columns."""
    library = pytest.importorskip(request.param)
    return lambda X, names: library.DataFrame(dict(zip(names, X.T, strict=True)))


def test_data_frames(frame):
    X, names = frame(IRIS[0], "abcd"), list("abcd")
    model, other = (classifier(library).fit(X, IRIS[1]) for library in (fastmlp, theirs))
    assert_array_equal(model.feature_names_in_, names)
    assert_array_equal(model.predict_proba(X), classifier(fastmlp).fit(*IRIS).predict_proba(IRIS[0]))
    texts = []
    for wrong in (frame(IRIS[0], "abce"), frame(IRIS[0][:, ::-1], "dcba")):
        for estimator in (model, other):
            with pytest.raises(ValueError, match="feature names should match those that were passed during fit") as raised:
                estimator.predict(wrong)
            texts.append(str(raised.value))
    assert texts[0] == texts[1]
    assert texts[2] == texts[3]
    with pytest.warns(UserWarning, match="X does not have valid feature names, but MLPClassifier was fitted with feature names"):
        model.predict(IRIS[0])
    with pytest.raises(ValueError, match="feature names should match"):
        model.partial_fit(frame(IRIS[0], "abce"), IRIS[1])


def test_frames_of_targets_weights_and_validation_data(frame):
    X, y = frame(IRIS[0], "abcd"), frame(IRIS[1][:, None], "y")["y"]
    weight = frame(np.arange(150.0)[:, None], "w")["w"]
    model = classifier(fastmlp).fit(X, y, sample_weight=weight, X_val=X, y_val=y, sample_weight_val=weight)
    expected = classifier(fastmlp).fit(*IRIS, np.arange(150.0), *IRIS, np.arange(150.0))
    assert_array_equal(model.coefs_[0], expected.coefs_[0])
    assert model.validation_scores_ == expected.validation_scores_
    by_scorer = classifier(fastmlp, early_stopping=True, scoring="accuracy").fit(X, y, sample_weight=weight)
    assert_allclose(by_scorer.validation_scores_, classifier(fastmlp, early_stopping=True).fit(*IRIS, np.arange(150.0)).validation_scores_)
    outputs = frame(np.column_stack([IRIS[1], -IRIS[1]]), "uv")
    assert regressor(fastmlp).fit(X, outputs).predict(X).shape == (150, 2)


@pytest.mark.parametrize("output", ["pandas", "polars"])
def test_frames_between_the_steps_of_a_pipeline(output):
    pytest.importorskip(output)
    X, y = load_iris(as_frame=True).data, IRIS[1]
    names = X.columns
    steps = ColumnTransformer([("scaled", StandardScaler(), list(names[:3]))], verbose_feature_names_out=False)
    model = make_pipeline(steps, classifier(fastmlp)).set_output(transform=output).fit(X, y)
    assert_array_equal(model[-1].feature_names_in_, names[:3])
    expected = classifier(fastmlp).fit(SCALED[0][:, :3], y).predict_proba(SCALED[0][:, :3])
    assert_array_equal(model.predict_proba(X), expected)


def test_routed_weights():
    weight = np.arange(150) % 4 + 0.5
    with sklearn.config_context(enable_metadata_routing=True):
        scores = [
            cross_validate(classifier(library).set_fit_request(sample_weight=True).set_score_request(sample_weight=True), *SCALED, cv=3,
                           params={"sample_weight": weight})["test_score"]
            for library in (fastmlp, theirs)
        ]  # fmt: skip
        assert_allclose(*scores)
        plain = cross_validate(classifier(fastmlp), *SCALED, cv=3)["test_score"]
        with pytest.raises(sklearn.exceptions.UnsetMetadataPassedError, match=r"\[sample_weight\] are passed but are not"):
            cross_validate(classifier(fastmlp), *SCALED, cv=3, params={"sample_weight": weight})
    assert np.abs(plain - scores[0]).max() > 0


@pytest.mark.parametrize("make", [classifier, regressor])
def test_validation_data_routed_through_a_pipeline(make):
    """`transform_input` has the pipeline's transformers transform the validation data as well."""
    validation = {"X_val": IRIS[0][::2], "y_val": IRIS[1][::2], "sample_weight_val": np.arange(75) + 1.0}
    with sklearn.config_context(enable_metadata_routing=True):
        last = make(fastmlp, early_stopping=True).set_fit_request(X_val=True, y_val=True, sample_weight_val=True)
        model = make_pipeline(StandardScaler(), last, transform_input=["X_val"]).fit(*IRIS, **validation)
    scaler = StandardScaler().fit(IRIS[0])
    expected = make(fastmlp, early_stopping=True)
    expected.fit(scaler.transform(IRIS[0]), IRIS[1], **validation | {"X_val": scaler.transform(IRIS[0][::2])})
    assert model[-1].validation_scores_ == expected.validation_scores_
    assert_array_equal(model[-1].coefs_[0], expected.coefs_[0])


@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True}, {"solver": "lbfgs"}, {"warm_start": True, "dropout": 0.2}])
@pytest.mark.parametrize(("make", "data"), [(classifier, SCALED), (regressor, DIABETES)])
def test_copies(make, data, parameters, tmp_path):
    model = make(fastmlp, **parameters).fit(*data)
    joblib.dump(model, tmp_path / "model.joblib", compress=True)
    for again in (joblib.load(tmp_path / "model.joblib"), copy.deepcopy(model), copy.copy(model)):
        assert_array_equal(again.predict(data[0]), model.predict(data[0]))
    deep = copy.deepcopy(model)
    before = deep.predict(data[0])
    model.coefs_[0][:] = 0
    assert_array_equal(deep.predict(data[0]), before)
    if parameters.get("solver") != "lbfgs":
        one, two = copy.deepcopy(deep).partial_fit(*data), copy.deepcopy(deep).partial_fit(*data)
        assert_array_equal(one.coefs_[0], two.coefs_[0])


def test_memory_maps(tmp_path):
    """Workers of joblib are given large arrays as read-only memory maps."""
    joblib.dump(IRIS, tmp_path / "data.joblib")
    X, y = joblib.load(tmp_path / "data.joblib", mmap_mode="r")
    assert isinstance(X, np.memmap)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        model = classifier(fastmlp, early_stopping=True).fit(X, y)
    assert_array_equal(model.predict_proba(X), classifier(fastmlp, early_stopping=True).fit(*IRIS).predict_proba(IRIS[0]))
