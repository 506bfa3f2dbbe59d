"""Parameters as JSON can hold them and labels as tensors can, and back. What comes back is checked: it may come from anywhere."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from ..engine.arguments import check_finite, shown

SCALARS = (str, int, float, bool, type(None))


def as_json(name: str, value: Any) -> Any:
    """`value` in lists and dicts that JSON keeps: a tuple is {"tuple": [...]}, a dict is {"dict": [[key, value], ...]}, an array a list.

    TypeError if there is anything else in it than numbers, strings, Booleans and None.
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
    """What `as_json` was given."""
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
    """Labels (n,) as a tensor: numbers as they are, strings as code points (n, longest), filled up with zeros."""
    if labels.dtype.kind in "biuf" and labels.dtype.itemsize <= 8:
        return labels
    if labels.dtype.kind != "U" and not all(isinstance(each, str) for each in labels):
        raise TypeError(f"{name}: expected numbers, Booleans or strings, got {shown(labels)}")
    if any(text.endswith("\0") for text in labels):
        raise ValueError(f"{name}: expected strings that do not end with a null character, got {shown(labels)}")
    return np.ascontiguousarray(labels, str).view(np.uint32).reshape(len(labels), -1)


def from_tensor(name: str, tensor: np.ndarray) -> np.ndarray:
    """The labels that `as_tensor` was given; strings in NumPy's dtype for them."""
    if tensor.size == 0 or not (tensor.ndim == 1 or (tensor.ndim == 2 and tensor.dtype == np.uint32)):
        raise ValueError(f"{name}: expected numbers (n,) or code points (n, longest) in U32, got shape {tensor.shape} in {tensor.dtype}")
    if tensor.ndim == 1:
        if tensor.dtype == bool and tensor.view(np.uint8).max() > 1:
            raise ValueError(f"{name}: expected 0 and 1, got {tensor.view(np.uint8).max()}")
        return check_finite(name, tensor).copy()
    if tensor.max() > sys.maxunicode:
        raise ValueError(f"{name}: expected code points of at most {sys.maxunicode}, got {tensor.max()}")
    return tensor.astype(np.uint32).view(f"<U{tensor.shape[1]}").reshape(len(tensor))
