"""Data frames as they come: categories and missing values, as scikit-learn's encoders treat them."""

import copy
import datetime
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn import neural_network
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import fastmlp
from fastmlp import MLPClassifier, MLPRegressor
from fastmlp.estimators.encoding import MOST_CATEGORIES, learn
from tests.estimators import FRAME, X, y
from tests.frames import CATEGORIES, COLUMNS, FRAMES, IS_CATEGORICAL, LABELS, NUMBERS, TARGET, N, replaced

pytestmark = [pytest.mark.any_cpu, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]
PANDAS, POLARS = FRAMES.values()
both = pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
QUICK = {"hidden_layer_sizes": (8,), "max_iter": 5, "random_state": 0, "categorical_features": "from_dtype"}


def classifier(frame=PANDAS, **parameters):
    return MLPClassifier(**QUICK | parameters).fit(frame, LABELS)


def encoders(frame):
    """The same encoding by scikit-learn. Its encoder of categories would take a missing value for one, if it were to find them."""
    series = [frame[name] for name in CATEGORIES]
    seen = [sorted(set(each.drop_nulls() if isinstance(each, pl.Series) else each.dropna())) for each in series]
    one_hot = OneHotEncoder(categories=seen, handle_unknown="ignore", sparse_output=False)
    return ColumnTransformer([("numbers", SimpleImputer(add_indicator=True), NUMBERS), ("categories", one_hot, CATEGORIES)])


@both
@pytest.mark.parametrize("kind", ["MLPClassifier", "MLPRegressor"])
@pytest.mark.parametrize("parameters", [{}, {"early_stopping": True}, {"solver": "lbfgs"}], ids=str)
def test_results_are_those_of_scikit_learns_encoders_and_estimator(frame, kind, parameters):
    target = LABELS == "high" if kind == "MLPClassifier" else TARGET  # scikit-learn 1.6 stops early on strings with an error
    settings = QUICK | parameters
    ours = getattr(fastmlp, kind)(**settings).fit(frame, target)
    del settings["categorical_features"]
    theirs = make_pipeline(encoders(frame), getattr(neural_network, kind)(**settings)).fit(frame, target)
    for mine, other in zip(ours.coefs_, theirs[-1].coefs_, strict=True):
        assert_allclose(mine, other, rtol=1e-6, atol=1e-8)
    later = replaced(frame, city=["nowhere", None] * (N // 2), size=[None] * (N // 2) + [1.0] * (N // 2))
    method = "predict_proba" if kind == "MLPClassifier" else "predict"
    for samples in (frame, later):
        assert_allclose(getattr(ours, method)(samples), getattr(theirs, method)(samples), rtol=1e-6, atol=1e-9)
    assert ours.score(frame, target) == pytest.approx(theirs.score(frame, target))


@both
def test_attributes_are_of_the_given_columns(frame):
    model = classifier(frame)
    assert model.n_features_in_ == 7
    assert_array_equal(model.feature_names_in_, list(COLUMNS))
    assert_array_equal(model.is_categorical_, IS_CATEGORICAL)
    assert model.coefs_[0].shape == (3 + 1 + 4 + 3 + 2 + 0, 8)


def test_off_is_scikit_learns_behaviour():
    with pytest.raises(ValueError, match="Input X contains NaN"):
        MLPClassifier().fit(PANDAS[["size"]], LABELS)
    with pytest.raises(ValueError, match="could not convert string to float"):
        MLPClassifier().fit(FRAMES["pandas"][["open", "city"]].dropna(), LABELS[: N - 22])
    assert MLPClassifier(max_iter=1).fit(X, y).is_categorical_ is None
    tags = [MLPClassifier(categorical_features=each).__sklearn_tags__().input_tags for each in (None, "from_dtype", [0])]
    assert [(each.allow_nan, each.sparse) for each in tags] == [(False, True), (True, True), (True, False)]


def test_complete_numbers_are_not_changed():
    on, off = (MLPClassifier(**QUICK | {"categorical_features": each}).fit(FRAME, y) for each in ("from_dtype", None))
    assert on.is_categorical_ is None
    assert_array_equal(on.predict_proba(FRAME), off.predict_proba(FRAME), strict=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_missing_numbers_of_arrays(dtype):
    samples = X.astype(dtype)
    samples[::5, 1] = np.nan
    samples[:, 2] = np.nan
    encoding = learn(samples, "from_dtype")
    assert encoding.dtype == dtype
    assert_allclose(encoding.means, [X[:, 0].mean(), np.nanmean(samples[:, 1]), 0, X[:, 3].mean()], rtol=1e-6)
    imputed = SimpleImputer(add_indicator=True, keep_empty_features=True).fit_transform(samples)
    assert_allclose(encoding.encode(samples), imputed, rtol=1e-6)
    model = MLPClassifier(**QUICK).fit(samples, y)
    assert model.coefs_[0].dtype == dtype
    assert model.coefs_[0].shape == (6, 8)
    assert_allclose(model.predict_proba(np.full((1, 4), np.nan)).sum(), 1, rtol=1e-6)  # a column may lack a value in predict alone


@pytest.mark.parametrize("columns", [["city", "rank"], [3, 4], [False, False, False, True, True, False, False]], ids=str)
def test_columns_are_chosen(columns):
    frame = PANDAS.drop(columns="never")
    if isinstance(columns[0], bool):
        columns = columns[:6]
    model = classifier(frame, categorical_features=columns)
    assert_array_equal(model.is_categorical_, [False, False, False, True, True, False])
    array = frame.astype(object).where(frame.notna(), None).to_numpy()
    if isinstance(columns[0], str):
        columns = [3, 4]
    for samples in (array, array.tolist()):
        same = classifier(samples, categorical_features=columns)
        assert_array_equal(same.predict_proba(array), model.predict_proba(frame))


def test_dtypes_of_pandas():
    text = PANDAS["city"]
    kinds = {
        "object": text.astype(object), "string": text.astype("string"), "category": text.astype("category"),
        "boolean": pd.array([True, None, False] * (N // 3), dtype="boolean"),
    }  # fmt: skip
    numbers = {"Int8": pd.array([1, None] * (N // 2), dtype="Int8"), "objects": pd.Series([1, None, 2.5] * (N // 3), dtype=object)}
    model = classifier(pd.DataFrame(kinds | numbers))
    assert_array_equal(model.is_categorical_, [True, True, True, True, False, False])
    assert model.coefs_[0].shape[0] == 4 + 4 + 4 + 2 + 2 + 2
    weights = model.coefs_[0]
    encoded = model._encoding.encode(pd.DataFrame(kinds | numbers))
    assert encoded.shape == (N, weights.shape[0])
    assert_array_equal(encoded[:3, 4:8], encoded[:3, 8:12])
    assert_array_equal(encoded[:3, -2:], [[0, 1], [0, 0], [1, 0]])
    small = PANDAS[["size", "weight", "city"]].astype({"size": "Float32", "weight": "float32"})
    assert classifier(small).predict_proba(small).dtype == np.float32
    assert classifier(small[["city"]]).predict_proba(small[["city"]]).dtype == np.float64


def test_dtypes_of_polars():
    frame = POLARS.select(
        pl.col("city"), pl.col("city").cast(pl.Categorical).alias("category"), pl.col("open"), pl.col("weight").cast(pl.Float32),
        pl.col("count").cast(pl.Decimal(10, 2)).alias("decimal"), pl.lit(None).alias("null"),
    )  # fmt: skip
    assert_array_equal(classifier(frame).is_categorical_, [True, True, True, False, False, True])
    assert classifier(frame.select("city", "weight")).coefs_[0].dtype == np.float32


def test_equal_numbers_of_any_type_are_the_same_category():
    frame = pd.DataFrame({"a": pd.Categorical([1, 2, 3, 1])})
    encoding = learn(frame, "from_dtype")
    expected = np.eye(3)[[0, 1, 2, 0]]
    for values in ([1, 2, 3, 1], [1.0, 2.0, 3.0, 1.0], pd.array([1, 2, 3, 1], dtype="Int8"), np.array([1, 2, 3, True], object)):
        assert_array_equal(encoding.encode(pd.DataFrame({"a": values})), expected)
    assert_array_equal(encoding.encode(pd.DataFrame({"a": [None, 7, np.nan, 3]})), [[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1]])


def test_many_categories_are_sparse_and_too_many_refused():
    values = [f"key {i}" for i in range(MOST_CATEGORIES)]
    encoded = learn(pd.DataFrame({"id": values}), "from_dtype").encode(pd.DataFrame({"id": values[:50]}))
    assert sparse.issparse(encoded)
    assert encoded.shape == (50, MOST_CATEGORIES)
    assert encoded.nnz == 50
    with pytest.raises(ValueError, match=r"Categorical feature 'id' is expected to have a cardinality <= 10000 but .* of 100000\."):
        MLPClassifier(categorical_features="from_dtype").fit(pd.DataFrame({"id": [str(i) for i in range(100_000)]}), np.arange(100_000) % 2)


def test_sparse_and_dense_rows_are_trained_alike():
    wide = pd.DataFrame({"size": PANDAS["size"], "id": [f"{i % 40}" for i in range(N)]})
    model = classifier(wide)
    rows = model._encoding.encode(wide)
    assert sparse.issparse(rows)
    dense = MLPClassifier(**QUICK | {"categorical_features": None}).fit(rows.toarray(), LABELS)
    assert_allclose(model.predict_proba(wide), dense.predict_proba(rows.toarray()), rtol=1e-12)


def test_sparse_data():
    matrix = sparse.csr_array(np.where(X > 2, X, 0))
    model = MLPClassifier(**QUICK).fit(matrix, y)
    plain = MLPClassifier(**QUICK | {"categorical_features": None}).fit(matrix, y)
    assert_array_equal(model.predict_proba(matrix), plain.predict_proba(matrix))
    assert model.predict(np.full((1, 4), np.nan)) == model.predict(matrix.mean(axis=0).reshape(1, -1))
    samples = X.copy()
    samples[0, 0] = np.nan
    indicated = MLPClassifier(**QUICK).fit(samples, y)
    assert_array_equal(indicated.predict(sparse.csc_array(X)), indicated.predict(X))
    with pytest.raises(ValueError, match="X: expected no missing values in a sparse matrix, got NaN"):
        indicated.predict(sparse.csr_array(samples))
    with pytest.raises(TypeError, match="X: expected an array or a data frame, since columns of categories cannot be sparse"):
        MLPClassifier(**QUICK | {"categorical_features": [0]}).fit(matrix, y)


@both
def test_validation_data_scorers_and_partial_fit(frame):
    held_out = replaced(frame, city=["nowhere"] * N)
    by_scorer, by_outputs = (
        MLPClassifier(**QUICK, scoring=scoring, early_stopping=True).fit(frame, LABELS, X_val=held_out, y_val=LABELS)
        for scoring in ("accuracy", None)
    )
    assert by_scorer.validation_scores_ == by_outputs.validation_scores_
    assert by_scorer.score(held_out, LABELS) == by_scorer.best_validation_score_
    split = MLPClassifier(**QUICK, early_stopping=True, scoring="accuracy").fit(frame, LABELS)
    assert len(split.validation_scores_) == split.n_iter_
    online = MLPClassifier(**QUICK).partial_fit(frame, LABELS, classes=["high", "low"])
    first = copy.deepcopy(online._encoding)
    online.partial_fit(held_out, LABELS)
    assert online._encoding.categories == first.categories
    assert_array_equal(online._encoding.means, first.means)


def test_a_warm_start_keeps_what_was_learned_and_a_new_fit_does_not():
    model = classifier(warm_start=True)
    later = PANDAS.assign(city="nowhere", size=1.0)
    learned = model._encoding
    assert model.fit(later, LABELS)._encoding is learned
    model.set_params(warm_start=False).fit(later, LABELS)
    assert list(model._encoding.categories[0]) == ["nowhere"]
    assert not model._encoding.indicated.any()
    model.set_params(categorical_features=None)
    assert len(model.predict(later)) == N  # until the next fit
    model.fit(X[:150], y)
    assert (model._encoding, model.is_categorical_, model.n_features_in_) == (None, None, 4)


@both
def test_copies_pickles_searches_and_pipelines(frame):
    model = classifier(frame)
    assert clone(model).categorical_features == "from_dtype"
    again = pickle.loads(pickle.dumps(model))
    assert_array_equal(again.predict_proba(frame), model.predict_proba(frame))
    search = GridSearchCV(MLPClassifier(**QUICK), {"hidden_layer_sizes": [(4,), (8,)], "categorical_features": ["from_dtype"]}, cv=3)
    assert search.fit(frame, LABELS).score(frame, LABELS) > 0
    assert len(cross_val_score(MLPRegressor(**QUICK), frame, TARGET, cv=3)) == 3
    scaled = ColumnTransformer([("scale", StandardScaler(), NUMBERS)], remainder="passthrough", verbose_feature_names_out=False)
    library = "polars" if isinstance(frame, pl.DataFrame) else "pandas"
    pipeline = make_pipeline(scaled.set_output(transform=library), MLPClassifier(**QUICK | {"max_iter": 60, "learning_rate_init": 0.01}))
    assert pipeline.fit(frame, LABELS).score(frame, LABELS) > 0.8
    assert_array_equal(pipeline[-1].is_categorical_, IS_CATEGORICAL)


def test_quantiles_of_frames():
    model = MLPRegressor(**QUICK, loss="quantile", quantile=[0.1, 0.9]).fit(PANDAS, TARGET)
    assert model.predict(PANDAS).shape == (N, 2)
    assert model.score(PANDAS, TARGET) <= 1


# What is refused.

DATES = [datetime.date(2020, 1, 1)] * N
WRONG_FEATURES = [
    (PANDAS, ["name"], "categorical_features has an item value 'name' which is not a valid feature name"),
    (PANDAS, [7], r"integer indices must be in \[0, n_features - 1\]"),
    (PANDAS, [-1], r"integer indices must be in \[0, n_features - 1\]"),
    (PANDAS, [True], r"mask must have shape \(n_features,\), got: \(1,\)"),
    (PANDAS, [0.5], "must be an array-like of bool, int or str, got: float64"),
    (PANDAS, np.array([b"size", 1.3], object), "must be an array-like of bool, int or str, got: bytes, float"),
    (X, ["size"], "should be passed as an array of integers or as a boolean mask"),
    (PANDAS, "all", "The 'categorical_features' parameter of MLPClassifier must be"),
]


@pytest.mark.parametrize(("samples", "features", "message"), WRONG_FEATURES)
def test_wrong_features_are_refused_with_scikit_learns_text(samples, features, message):
    with pytest.raises(ValueError, match=message):
        MLPClassifier(categorical_features=features).fit(samples, LABELS[: len(samples)])


@both
@pytest.mark.parametrize(("column", "error", "message"), [
    (DATES, TypeError, "X: expected numbers, strings or Booleans in column 'new', got (date|Timestamp)"),
    ([[1]] * N, TypeError, "X: expected numbers, strings or Booleans in column 'new', got values that are not hashable"),
    ([b"a"] * N, TypeError, "X: expected numbers, strings or Booleans in column 'new', got bytes"),
    ([np.inf] * N, ValueError, "Input X contains infinity"),
], ids=["dates", "lists", "bytes", "infinity"])  # fmt: skip
def test_wrong_columns_are_refused_by_name(frame, column, error, message):
    with pytest.raises(error, match=message):
        classifier(replaced(frame, new=column))


def test_wrong_categories_are_refused_by_name():
    for values, error, message in (
        (["a", 1] * (N // 2), TypeError, "all strings or all numbers as categories in column 'new', got int, str"),
        (pd.cut(PANDAS["weight"], 3), TypeError, "got Interval; convert them to strings"),
        (pd.Categorical([2**60 + 1, 1] * (N // 2)), ValueError, "finite numbers of float64, as categories in column 'new', got 1152"),
        (pd.Categorical([np.inf, 1] * (N // 2)), ValueError, "finite numbers of float64, as categories in column 'new', got inf"),
    ):
        with pytest.raises(error, match=message):
            classifier(PANDAS.assign(new=values))
    with pytest.raises(ValueError, match="finite numbers of float64, as categories in column 0, got 1000"):
        learn(np.array([[10**400], [1]], object), [0])
    with pytest.raises(ValueError, match=r"X: expected numbers in column 'city', got '.*'; name the column in categorical_features"):
        classifier(PANDAS, categorical_features=["rank"])
    with pytest.raises(TypeError, match="X: expected numbers in column 'new', got "):
        classifier(PANDAS.assign(new=pd.Timestamp("2020")), categorical_features=["rank", "city", "never"])
    with pytest.raises(ValueError, match=r"Found array with 0 feature\(s\)"):
        classifier(PANDAS[["never"]])


@both
def test_what_does_not_fit_the_columns_of_fit_is_refused(frame):
    model = classifier(frame)
    for columns in (list(COLUMNS)[::-1], list(COLUMNS)[:3]):
        with pytest.raises(ValueError, match="The feature names should match those that were passed during fit"):
            model.predict(frame[columns])
    for change, error, message in (
        ({"city": [3] * N}, TypeError, "X: expected strings in column 'city', as in fit, got 3"),
        ({"open": ["yes"] * N}, TypeError, "X: expected numbers in column 'open', as in fit, got yes|'yes'"),
        ({"size": ["1.5"] * N}, ValueError, "X: expected numbers in column 'size', got '1.5'"),
        ({"size": DATES}, TypeError, "X: expected numbers in column 'size', got "),
        ({"city": [[1]] * N}, TypeError, "X: expected numbers, strings or Booleans in column 'city', got values that are not hashable"),
        ({"size": [-np.inf] * N}, ValueError, "Input X contains infinity"),
    ):
        with pytest.raises(error, match=message):
            model.predict(replaced(frame, **change))
    assert len(model.predict(replaced(frame, city=[np.nan] * N))) == N  # a column of NaN has no type
    with pytest.raises(ValueError, match=r"Found array with 0 sample\(s\)"):
        model.predict(frame[:0])


def test_targets_are_checked_too():
    for target, message in ((None, "requires y to be passed"), (LABELS[:-1], "inconsistent numbers of samples")):
        with pytest.raises(ValueError, match=message):
            MLPClassifier(categorical_features="from_dtype").fit(PANDAS, target)


def test_categories_are_sorted():
    values = np.array([["b", True, None], [None, 0, pd.NaT], ["a", 2.5, np.nan], ["b", pd.NA, pd.NA]], object)
    for samples in (values, pd.DataFrame(values)):
        categories = learn(samples, [0, 1, 2]).categories
        assert [list(places.items()) for places in categories] == [[("a", 0), ("b", 1)], [(0.0, 0), (1.0, 1), (2.5, 2)], []]
