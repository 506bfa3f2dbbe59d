"""The encoding of columns in a file: which columns have categories or indicators as JSON, categories and means as tensors."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ..engine.arguments import check_finite, check_size, shown
from ..model.saving import check_fields
from ..model.sequential import Sequential
from .encoding import MOST_CATEGORIES, Encoding, is_text
from .stored import as_tensor, from_tensor

MEANS = "means"


def described_encoding(encoding: Encoding) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return the description of an encoding for a file, and its tensors: the means, and the categories of each column that has any."""
    categorical = np.flatnonzero(encoding.is_categorical).tolist()
    numeric = np.flatnonzero(~encoding.is_categorical)
    tensors = {MEANS: encoding.means} if len(numeric) else {}
    for at, places in zip(categorical, encoding.categories, strict=True):
        if places:
            tensors[tensor_of(at)] = as_tensor(tensor_of(at), np.array(list(places), object if is_text(places) else np.float64))
    return {"categorical": categorical, "indicated": numeric[encoding.indicated].tolist()}, tensors


def restored_encoding(described: Any, tensors: dict[str, np.ndarray], n_features: int, network: Sequential) -> Encoding:
    """Return the encoding that was described, and remove its tensors. Raise ValueError or TypeError if it does not fit the network."""
    check_fields("encoding", described, ("categorical", "indicated"))
    categorical = check_columns("categorical", described["categorical"], n_features)
    indicated = check_columns("indicated", described["indicated"], n_features)
    if both := set(categorical) & set(indicated):
        raise ValueError(f"indicated: expected columns of numbers, got {min(both)}, which has categories")
    dtype = network.parameters.dtype
    means = tensors.pop(MEANS, np.zeros(0, dtype))
    n_numbers = n_features - len(categorical)
    if means.shape != (n_numbers,) or means.dtype != dtype:
        raise ValueError(f"tensor {MEANS!r}: expected shape ({n_numbers},) in {dtype}, got shape {means.shape} in {means.dtype}")
    check_finite(f"tensor {MEANS!r}", means)
    is_categorical, has_indicator = np.zeros(n_features, bool), np.zeros(n_features, bool)
    is_categorical[categorical] = has_indicator[indicated] = True
    categories = tuple(restored_categories(tensor_of(at), tensors) for at in categorical)
    encoding = Encoding(dtype, is_categorical, categories, means.copy(), has_indicator[~is_categorical])
    if encoding.n_inputs != network.n_inputs:
        raise ValueError(f"encoding: expected one input for each of {network.n_inputs} inputs of the network, got {encoding.n_inputs}")
    return encoding


def tensor_of(column: int) -> str:
    """Return the name of the tensor with the categories of a column."""
    return f"categories{column}"


def check_columns(name: str, columns: Any, n_features: int) -> list[int]:
    """Return indices of columns, which must be in range and in ascending order."""
    if not isinstance(columns, list):
        raise ValueError(f"{name}: expected a list of columns, got {shown(columns)}")
    checked = [check_size(name, column, 0, n_features - 1) for column in columns]
    if any(first >= second for first, second in pairwise(checked)):
        raise ValueError(f"{name}: expected each column once, in ascending order, got {shown(columns)}")
    return checked


def restored_categories(name: str, tensors: dict[str, np.ndarray]) -> dict[Any, int]:
    """Return the places of the categories in a tensor, which is removed. A column without a value has none."""
    if name not in tensors:
        return {}
    found = from_tensor(name, tensors.pop(name))
    if len(found) > MOST_CATEGORIES or (found.dtype != np.float64 and found.dtype.kind != "U"):
        raise ValueError(f"{name}: expected at most {MOST_CATEGORIES} strings or float64, got {len(found)} of {found.dtype}")
    if not (found[:-1] < found[1:]).all():
        raise ValueError(f"{name}: expected each category once, in ascending order, got {shown(found)}")
    return {category: place for place, category in enumerate(found.tolist())}
