"""Convert parameters to JSON and labels to tensors, and back. What is read is checked, since a file may come from any source."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..engine.arguments import check_finite, shown

SCALARS = (str, int, float, bool, type(None))


def as_json(name: str, value: Any) -> Any:
    """Convert `value` for JSON: a tuple to {"tuple": [...]}, a dict to {"dict": [[key, value], ...]}, an array to a list.

    Raise TypeError if it contains anything other than numbers, strings, Booleans and None.
    """
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if type(value) in SCALARS:
        return value
    if isinstance(value, dict):
        return {"dict": [[as_json(name, key), as_json(name, each)] for key, each in value.items()]}
    if isinstance(value, list | tuple):
        values = [as_json(name, each) for each in value]
        return values if isinstance(value, list) else {"tuple": values}
    raise TypeError(f"{name}: expected numbers, strings, lists, tuples and dicts of them, which a file can hold, got {shown(value)}")


def from_json(name: str, value: Any) -> Any:
    """Return the value that `as_json` converted."""
    if type(value) in SCALARS:
        return value
    if isinstance(value, list):
        return [from_json(name, each) for each in value]
    match value:
        case {"tuple": list(values), **rest} if not rest:
            return tuple(from_json(name, each) for each in values)
        case {"dict": list(pairs), **rest} if not rest and all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            return {from_json(name, key): from_json(name, each) for key, each in pairs}
    raise ValueError(f"{name}: expected a value as `save` writes it, got {shown(value)}")


def as_tensor(name: str, labels: np.ndarray) -> np.ndarray:
    """Convert labels (n,) to a tensor. Numbers stay the same; strings become code points (n, longest), padded with zeros."""
    if labels.dtype.kind in "biuf" and labels.dtype.itemsize <= 8:
        return labels
    if labels.dtype.kind != "U" and not all(isinstance(each, str) for each in labels):
        raise TypeError(f"{name}: expected numbers, Booleans or strings, got {shown(labels)}")
    if any(text.endswith("\0") for text in labels):
        raise ValueError(f"{name}: expected strings that do not end with a null character, got {shown(labels)}")
    return np.ascontiguousarray(labels, str).view(np.uint32).reshape(len(labels), -1)


def from_tensor(name: str, tensor: np.ndarray) -> np.ndarray:
    """Return the labels that `as_tensor` converted. Strings have NumPy's dtype for strings."""
    if tensor.size == 0 or not (tensor.ndim == 1 or (tensor.ndim == 2 and tensor.dtype == np.uint32)):
        raise ValueError(f"{name}: expected numbers (n,) or code points (n, longest) in U32, got shape {tensor.shape} in {tensor.dtype}")
    if tensor.ndim == 1:
        if tensor.dtype == bool and tensor.view(np.uint8).max() > 1:
            raise ValueError(f"{name}: expected 0 and 1, got {tensor.view(np.uint8).max()}")
        return check_finite(name, tensor).copy()
    if tensor.max() > sys.maxunicode:
        raise ValueError(f"{name}: expected code points of at most {sys.maxunicode}, got {tensor.max()}")
    return tensor.astype(np.uint32).view(f"<U{tensor.shape[1]}").reshape(len(tensor))
