"""The data of a fit as they were given, beside what the engine makes of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils import _safe_indexing, indexable

from ..model.data import Data


class Given(NamedTuple):
    """Data as the user gave them, for what works on those: scorers and callbacks."""

    X: Any
    y: Any
    weights: Any = None
    rows: np.ndarray | None = None  # which of the samples; None for all

    def taken(self) -> tuple[Any, Any, Any]:
        """X, y and weights of these samples."""
        if self.rows is None:
            return self.X, self.y, self.weights
        X, y, weights = indexable(self.X, self.y, self.weights)
        of_rows = None if weights is None else _safe_indexing(weights, self.rows)
        return _safe_indexing(X, self.rows), _safe_indexing(y, self.rows), of_rows


class Validation(NamedTuple):
    """Data to validate with, as the engine takes them and as they were given, but with weights that have the classes' in them."""

    data: Data
    given: Given


@contextmanager
def about(name: str) -> Iterator[None]:
    """Have errors of scikit-learn's, which speak of X, y and sample_weight, say which arguments were meant."""
    try:
        yield
    except (ValueError, TypeError) as error:
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(f"{name}: {error}") from error
