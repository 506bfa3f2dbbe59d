"""What a model minimises: the name of a loss, or the loss of quantiles with their levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ..kernels import losses as codes
from .arguments import check_choice, check_real, shown


@dataclass(frozen=True, init=False, repr=False)
class Quantile:
    """The loss whose least expectation is at a quantile: of one level for every output, or of a level of its own for each.

    With r = output - target, the loss of an output at level q is (1 - q) r where r > 0 and -q r below (Koenker and Bassett 1978); it
    is also called the pinball loss. A model gives quantiles of several levels in ascending order: predictions are its outputs, sorted.
    They have no larger a loss than the outputs themselves, whatever the target is, for the sum of q times the quantile is largest where
    both are in the same order, and all else in the sum of the losses does not depend on the order. They are also nearer to the true
    quantiles (Chernozhukov, Fernández-Val and Galichon 2010).

    Parameters
    ----------
    levels : float or sequence of float, default 0.5
        Between 0 and 1, exclusive. One level applies to every output, each of which has a target of its own; 0.5 is the median. Several,
        in ascending order, are those of as many outputs, which share one target.

    Raises
    ------
    ValueError, TypeError
        If a level is not such a number, or they do not ascend.

    References
    ----------
    Koenker and Bassett, "Regression Quantiles", Econometrica 46 (1978). Chernozhukov, Fernández-Val and Galichon, "Quantile and
    Probability Curves Without Crossing", Econometrica 78 (2010).

    Examples
    --------
    >>> import numpy as np
    >>> from fastmlp import Adam, Dense, Quantile, Sequential
    >>> model = Sequential([Dense(1, 3)], loss=Quantile([0.1, 0.5, 0.9]))
    >>> y = np.linspace(0, 1, 101)
    >>> history = model.fit(np.zeros((101, 1)), y, epochs=1000, optimizer=Adam(0.003))
    >>> model.predict([[0.0]]).round(1)
    array([[0.1, 0.5, 0.9]])
    """

    levels: tuple[float, ...]

    def __init__(self, levels: float | Sequence[float] = 0.5) -> None:
        object.__setattr__(self, "levels", check_levels("levels", levels))

    def __repr__(self) -> str:
        return f"Quantile({list(self.levels) if self.is_several else self.levels[0]})"

    @property
    def is_several(self) -> bool:
        """Whether there is more than one level, so that all outputs share one target."""
        return len(self.levels) > 1


Loss = str | Quantile


def check_levels(name: str, levels: Any) -> tuple[float, ...]:
    """Levels of quantiles, one or several, as a tuple."""
    given = list(levels) if isinstance(levels, Sequence) or np.ndim(levels) else [levels]
    numbers = tuple(check_real(name, level) for level in given)
    if not numbers or not all(0 < number < 1 for number in numbers):
        raise ValueError(f"{name}: expected levels between 0 and 1, exclusive, got {shown(levels)}")
    if any(before >= after for before, after in pairwise(numbers)):
        raise ValueError(f"{name}: expected levels in ascending order, each once, got {shown(levels)}")
    return numbers


def as_loss(loss: Any) -> Loss:
    """The loss if it is a Quantile or a name; "quantile" is the median's."""
    if isinstance(loss, Quantile):
        return loss
    name = check_choice("loss", loss, codes.LOSSES)
    return Quantile() if name == "quantile" else name


def as_kernel_loss(loss: Loss, n_outputs: int) -> codes.Loss:
    """The loss as the kernels take it."""
    if isinstance(loss, Quantile):
        return codes.Loss(codes.QUANTILE, np.resize(loss.levels, n_outputs))
    return codes.Loss(codes.LOSSES[loss], np.zeros(0))
