"""From the columns of a data frame as it comes to a network's inputs: categories become columns of 0 and 1, missing numbers the mean."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import repeat
from numbers import Real
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.utils import _safe_indexing, check_array
from sklearn.utils.validation import validate_data

from ..engine.arguments import is_frame, shown

FLOATS = (np.float64, np.float32)
NUMBERS = (Real, Decimal, np.bool_)
BOOLEANS = (bool, np.bool_)
CATEGORY_DTYPES = ("CategoricalDtype", "Categorical", "Enum")  # of pandas, and twice of polars
MISSING_TYPES = ("NoneType", "NAType", "NaTType")  # None, and pandas' markers
MOST_CATEGORIES = 10_000  # a column with more is a key or free text, and each category would have weights of its own
WIDE = 4  # inputs per given column from which rows are sparse: dense ones of many categories would not fit into memory


@dataclass(frozen=True, eq=False)
class Encoding:
    """What was learned of the columns in the first `fit`, and the inputs that follow from it.

    The inputs are the numbers in the order of their columns, with missing ones replaced by the mean of the column; then an indicator, 0 or
    1, for each of these columns that had missing values; then, for each column of categories, one input per category. A category that is
    missing or was not seen has 0 in all of them. scikit-learn's `SimpleImputer(add_indicator=True)` and
    `OneHotEncoder(handle_unknown="ignore")` do the same, except that the latter takes a missing value for a category and refuses pandas'
    `NA`. For these two reasons they are not used here; besides, loading a file would have to refit them on made-up rows.

    Attributes
    ----------
    dtype : dtype
        The dtype of the inputs: float32 if all numbers are, otherwise float64.
    is_categorical : ndarray of bool (n_features,)
        Which columns contain categories.
    categories : tuple of dict
        For each of these columns, the place of each category, in ascending order: strings, or floats.
    means : ndarray of `dtype` (n_numbers,)
        The means of the other columns, 0 where all values are missing.
    indicated : ndarray of bool (n_numbers,)
        Which of them had missing values.
    """

    dtype: np.dtype
    is_categorical: np.ndarray
    categories: tuple[dict[Any, int], ...]
    means: np.ndarray
    indicated: np.ndarray

    @property
    def n_inputs(self) -> int:
        """The number of inputs."""
        return len(self.means) + int(self.indicated.sum()) + sum(map(len, self.categories))

    @property
    def has_strings(self) -> bool:
        """Whether a column contains strings."""
        return any(is_text(places) for places in self.categories)

    def encode(self, X: Any) -> Any:
        """Return the inputs (n_samples, n_inputs) as an array, or as a CSR matrix if they are many or X is sparse."""
        numbers = self._numbers(X)
        if not self.is_categorical.any():
            return numbers
        codes = [
            codes_of(name_of(X, at), *factorized(X, at), places)
            for at, places in zip(np.flatnonzero(self.is_categorical).tolist(), self.categories, strict=True)
        ]
        ones = self._one_hot(np.column_stack(codes))
        if self.n_inputs > WIDE * len(self.is_categorical):
            return sparse.hstack([sparse.csr_array(numbers), ones], format="csr")
        return np.hstack([numbers, ones.toarray()])

    def _numbers(self, X: Any) -> Any:
        """Return the numbers without missing ones, and the indicators."""
        if sparse.issparse(X):
            check_no_categories(self.is_categorical)
            if np.isnan(X.data).any():
                raise ValueError("X: expected no missing values in a sparse matrix, got NaN; in an array they are replaced by means")
            empty = sparse.csr_array((X.shape[0], int(self.indicated.sum())), dtype=self.dtype)
            return sparse.hstack([X, empty], format="csr", dtype=self.dtype) if self.indicated.any() else X
        rows = numbers_of(X, np.flatnonzero(~self.is_categorical)).astype(self.dtype, copy=False)
        missing = np.isnan(rows)
        if missing.any():
            rows = np.where(missing, self.means, rows)
        return np.hstack([rows, missing[:, self.indicated].astype(self.dtype)]) if self.indicated.any() else rows

    def _one_hot(self, codes: np.ndarray) -> sparse.csr_array:
        """Return ones at the places of the categories (n_samples, n_categories); a code of -1 has none."""
        sizes = np.array([len(places) for places in self.categories])
        known = codes >= 0
        ends = np.concatenate([[0], np.cumsum(known.sum(axis=1))])
        at = (codes + np.cumsum(sizes) - sizes)[known]
        return sparse.csr_array((np.ones(len(at), self.dtype), at, ends), shape=(len(codes), int(sizes.sum())))


def encoded(estimator: Any, X: Any, reset: bool) -> Any:
    """Return the inputs for X, of which names and number of columns are checked. With `reset` the estimator's encoding is learned first."""
    if is_frame(X):
        validate_data(estimator, X, reset=reset, skip_check_array=True)
    else:
        chosen = estimator.categorical_features if reset else estimator.is_categorical_
        has_numbers = sparse.issparse(X) or chosen is None or isinstance(chosen, str)
        X = X if has_numbers or hasattr(X, "dtype") else np.array(X, object)  # an array of strings would be made of mixed types
        dtype = FLOATS if has_numbers else None
        X = validate_data(estimator, X, accept_sparse=["csr", "csc"], dtype=dtype, ensure_all_finite=False, reset=reset)
    if reset:
        estimator._encoding = encoding = learn(X, estimator.categorical_features)
        estimator.is_categorical_ = encoding.is_categorical if encoding.is_categorical.any() else None
    return estimator._encoding.encode(X)


def learn(X: Any, categorical_features: Any) -> Encoding:
    """Return the encoding for these samples: a data frame, an array (n_samples, n_features), or a sparse matrix without categories."""
    is_categorical = categorical_columns(X, categorical_features)
    if sparse.issparse(X):
        check_no_categories(is_categorical)
        means = np.asarray(X.mean(axis=0), X.dtype).reshape(-1)
        return Encoding(X.dtype, is_categorical, (), means, np.zeros(len(means), bool))
    categories = tuple(categories_of(name_of(X, at), factorized(X, at)[1]) for at in np.flatnonzero(is_categorical).tolist())
    numeric = np.flatnonzero(~is_categorical)
    rows, of_columns = numbers_of(X, numeric), list(X.dtypes) if is_frame(X) else [X.dtype] * X.shape[1]
    dtype = np.dtype(np.float32 if {str(of_columns[at]).lower() for at in numeric} == {"float32"} else np.float64)  # "Float32" may be null
    missing = np.isnan(rows)
    with np.errstate(over="ignore", invalid="ignore"):  # infinite numbers are refused later
        sums = np.where(missing, 0, rows).sum(axis=0, dtype=np.float64)
        means = (sums / np.maximum((~missing).sum(axis=0), 1)).astype(dtype)
    return Encoding(dtype, is_categorical, categories, means, missing.any(axis=0))


def categorical_columns(X: Any, categorical_features: Any) -> np.ndarray:
    """Return which columns (n_features,) contain categories. Raise scikit-learn's errors if `categorical_features` does not fit X."""
    n_features = X.shape[1]
    found = np.zeros(n_features, bool)
    if isinstance(categorical_features, str):  # "from_dtype"
        found[:] = [has_categories(X, at, dtype) for at, dtype in enumerate(X.dtypes)] if is_frame(X) else False
        return found
    chosen = np.asarray(categorical_features)
    if chosen.size == 0:
        return found
    types = {type(each).__name__ for each in chosen} if chosen.dtype == object else {chosen.dtype.name}
    if chosen.dtype.kind not in "ibUO" or (chosen.dtype == object and types != {"str"}):
        raise ValueError(f"categorical_features must be an array-like of bool, int or str, got: {', '.join(sorted(types))}.")
    if chosen.dtype.kind == "b":
        if chosen.shape != found.shape:
            raise ValueError(f"categorical_features set as a boolean mask must have shape (n_features,), got: {chosen.shape}")
        return chosen.copy()
    if chosen.dtype.kind == "i":
        if chosen.min() < 0 or chosen.max() >= n_features:
            raise ValueError("categorical_features set as integer indices must be in [0, n_features - 1]")
        found[chosen] = True
        return found
    if not is_frame(X):
        raise ValueError(
            "categorical_features should be passed as an array of integers or as a boolean mask when the model is fitted on data without "
            "feature names."
        )
    names = list(X.columns)
    for name in chosen.ravel():
        if name not in names:
            raise ValueError(
                f"categorical_features has an item value '{name}' which is not a valid feature name of the training data. "
                f"Observed feature names: {names}"
            )
        found[names.index(name)] = True
    return found


def check_no_categories(is_categorical: np.ndarray) -> None:
    """Raise TypeError for a sparse matrix of which columns are categories."""
    if is_categorical.any():
        raise TypeError("X: expected an array or a data frame, since columns of categories cannot be sparse, got a sparse matrix")


def has_categories(X: Any, at: int, dtype: Any) -> bool:
    """Return whether a column of a data frame contains categories: by its dtype, or strings or Booleans by its values."""
    if type(dtype).__name__ in CATEGORY_DTYPES or holds_numbers(dtype):
        return not holds_numbers(dtype)
    distinct = factorized(X, at)[1]
    if not all(isinstance(value, (str, *NUMBERS)) for value in distinct):
        raise TypeError(f"X: expected numbers, strings or Booleans in column {name_of(X, at)!r}, got {type_names(distinct)}")
    return not distinct or any(isinstance(value, (str, *BOOLEANS)) for value in distinct)


def holds_numbers(dtype: Any) -> bool:
    """Return whether a dtype of pandas or polars is one of real numbers, without Booleans."""
    return bool(dtype.is_numeric() if hasattr(dtype, "is_numeric") else dtype.kind in "iuf")


def name_of(X: Any, at: int) -> Any:
    """Return the name of a column, or its index if it has none."""
    return list(X.columns)[at] if is_frame(X) else at


def factorized(X: Any, at: int) -> tuple[np.ndarray, list[Any]]:
    """Return the distinct values of a column as objects of Python, and of each sample which it has (n_samples,), -1 for a missing one."""
    column = _safe_indexing(X, at, axis=1) if is_frame(X) else X[:, at]
    try:
        if hasattr(column, "factorize"):  # of pandas, which makes no object of Python for each value
            codes, distinct = column.factorize()
            return codes, distinct.tolist()
        values = column.to_list() if is_frame(X) else column.tolist()
        places = {value: place for place, value in enumerate(value for value in set(values) if not is_missing(value))}
        return np.fromiter(map(places.get, values, repeat(-1)), np.int64, len(values)), list(places)
    except TypeError:
        name = name_of(X, at)
        raise TypeError(f"X: expected numbers, strings or Booleans in column {name!r}, got values that are not hashable") from None


def numbers_of(X: Any, columns: np.ndarray) -> np.ndarray:
    """Return columns of numbers (n_samples, n_columns) in float32 or float64, with NaN for missing ones."""
    if not is_frame(X):
        rows = X if len(columns) == X.shape[1] else X[:, columns]
    elif dtypes := [list(X.dtypes)[at] for at in columns.tolist()]:
        rows = _safe_indexing(X, columns, axis=1)
        if not all(map(holds_numbers, dtypes)):
            rows = np.column_stack([
                floats_of(name_of(X, at), *factorized(X, at)) if not holds_numbers(dtype) else numbers_of(X, np.array([at])).ravel()
                for at, dtype in zip(columns.tolist(), dtypes, strict=True)
            ])  # fmt: skip
    else:
        rows = np.zeros((X.shape[0], 0))
    anything = {"ensure_all_finite": False, "ensure_min_features": 0, "ensure_min_samples": 0}
    checked = check_array(rows, order="C", dtype=FLOATS, accept_sparse="csr", input_name="X", **anything)
    return checked.toarray() if sparse.issparse(checked) else np.asarray(checked)  # columns of pandas may be sparse


def floats_of(name: Any, codes: np.ndarray, distinct: list[Any]) -> np.ndarray:
    """Return the values of a column that came as objects, which must be numbers, as an array (n_samples,), with NaN for missing ones."""
    for value in distinct:
        if not isinstance(value, NUMBERS):
            hint = "; name the column in categorical_features if it has categories" if isinstance(value, str) else ""
            raise (ValueError if hint else TypeError)(f"X: expected numbers in column {name!r}, got {shown(value)}{hint}")
    return np.array([*map(as_float, distinct), np.nan])[codes]


def categories_of(name: Any, distinct: list[Any]) -> dict[Any, int]:
    """Return the place of each category of a column, in ascending order: strings, or numbers as floats."""
    strings = sum(isinstance(value, str) for value in distinct)
    if strings < len(distinct) and (strings or not all(isinstance(value, NUMBERS) for value in distinct)):
        raise TypeError(
            f"X: expected all strings or all numbers as categories in column {name!r}, got {type_names(distinct)}; convert them to strings"
        )
    if len(distinct) > MOST_CATEGORIES:
        raise ValueError(
            f"Categorical feature {name!r} is expected to have a cardinality <= {MOST_CATEGORIES} "
            f"but actually has a cardinality of {len(distinct)}."
        )
    if strings:
        return {str(value): place for place, value in enumerate(sorted(distinct))}
    inexact = [value for value in distinct if not np.isfinite(as_float(value)) or as_float(value) != value]
    if inexact:
        raise ValueError(f"X: expected strings, or finite numbers of float64, as categories in column {name!r}, got {shown(inexact[0])}")
    return {float(value): place for place, value in enumerate(sorted(distinct))}


def codes_of(name: Any, codes: np.ndarray, distinct: list[Any], places: dict[Any, int]) -> np.ndarray:
    """Return the places of the categories (n_samples,), -1 for what is missing or was not seen. Equal numbers of any type are the same."""
    kind: Any = str if is_text(places) else NUMBERS if places else (str, *NUMBERS)
    for value in distinct:
        if not isinstance(value, kind):
            expected = "strings" if kind is str else "numbers" if places else "strings or numbers"
            raise TypeError(f"X: expected {expected} in column {name!r}, as in fit, got {shown(value)}")
    return np.array([*(places.get(value, -1) for value in distinct), -1])[codes]


def is_text(places: dict[Any, int]) -> bool:
    """Return whether categories are strings."""
    return isinstance(next(iter(places), None), str)


def is_missing(value: Any) -> bool:
    """Return whether a value is None, NaN, or a marker of pandas for missing values."""
    return type(value).__name__ in MISSING_TYPES or (isinstance(value, Real | Decimal) and bool(value != value))


def as_float(value: Any) -> float:
    """Return a number as a float, which is infinite beyond the range of floats."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


def type_names(values: Iterable[Any]) -> str:
    """Return the names of the types of values."""
    return ", ".join(sorted({type(value).__name__ for value in values}))
