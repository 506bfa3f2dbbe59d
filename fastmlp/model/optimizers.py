"""The optimizers: settings only. What they remember between steps belongs to the model that is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.arguments import check_choice, check_range
from ..kernels import optimizers as codes
from ..kernels.network import Rule as Settings


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """What the optimizers share. All numbers become plain floats.

    Parameters
    ----------
    learning_rate : float
        At least 0; times the factor of the schedule.
    l2 : float, default 0
        Penalty l2 / 2 * |W|^2 on the weights, not the biases. Its gradient l2 * W is added to the loss's: the sum is what `clip_norm`
        measures, and what momentum and Adam remember.
    clip_norm : float, default 0
        Longest gradient: where the Euclidean length of the whole gradient, over all layers and with that of the penalty, is larger, the
        gradient is scaled to this length. 0 for no limit.
    """

    learning_rate: float = field(default=0.05, kw_only=False)
    l2: float = 0.0
    clip_norm: float = 0.0

    def __post_init__(self) -> None:
        for name in ("learning_rate", "l2", "clip_norm"):
            self._check(name)

    def _check(self, name: str, high: float = float("inf")) -> None:
        """Have the number of that name be a float in [0, high)."""
        object.__setattr__(self, name, check_range(name, getattr(self, name), 0, high))

    def settings(self) -> Settings:
        """As the kernels take it; without the learning rate, so that equal settings are the same optimizer at whatever rate."""
        raise TypeError(f"optimizer: expected SGD, Adam or AdamW, got {type(self).__name__}")


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """Stochastic gradient descent: w <- w - learning_rate * g, with g the gradient.

    With momentum: v <- momentum * v - learning_rate * g; then w <- w + v, or with `nesterov` w <- w + momentum * v - learning_rate * g
    (Sutskever et al. 2013).

    Parameters
    ----------
    learning_rate : float, default 0.05
    momentum : float, default 0
        In [0, 1). With 0.9 steps in one direction add up to ten times their length.
    nesterov : bool, default False
        Take the gradient's step from where the momentum leads.
    l2, clip_norm : float, default 0
        As described for `Optimizer`.

    Raises
    ------
    ValueError, TypeError
        If a setting is out of its range.

    Examples
    --------
    >>> from fastmlp import SGD
    >>> SGD(0.1, momentum=0.9).momentum
    0.9
    """

    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("momentum", 1)
        if not isinstance(self.nesterov, bool | np.bool_):
            raise TypeError(f"nesterov: expected True or False, got {self.nesterov!r}")
        object.__setattr__(self, "nesterov", bool(self.nesterov))

    def settings(self) -> Settings:
        """As the kernels take it."""
        code = codes.SGD if self.momentum == 0 else codes.NESTEROV if self.nesterov else codes.MOMENTUM
        return Settings(code, self.momentum, 0.0, 0.0, self.l2, 0.0, self.clip_norm)


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, Algorithm 1).

    With the gradient g of step t, all operations element by element: m <- beta1 * m + (1 - beta1) * g and
    v <- beta2 * v + (1 - beta2) * g^2; then w <- w - learning_rate * m_hat / (sqrt(v_hat) + epsilon), where m_hat = m / (1 - beta1^t) and
    v_hat = v / (1 - beta2^t) correct that m and v began at 0.

    Parameters
    ----------
    learning_rate : float, default 0.001
    beta1, beta2 : float, default 0.9, 0.999
        Decay of the running means of the gradient and of its square, in [0, 1).
    epsilon : float, default 1e-8
        At least 0; added once the mean and the root are corrected for their bias towards zero (Algorithm 1 there, and PyTorch).
    epsilon_hat : bool, default False
        Add epsilon before that correction, as at the end of section 2 there, and as scikit-learn does.
    l2, clip_norm : float, default 0
        As described for `Optimizer`.

    Raises
    ------
    ValueError, TypeError
        If a setting is out of its range.

    Examples
    --------
    >>> from fastmlp import Adam
    >>> Adam(0.004)
    Adam(learning_rate=0.004, l2=0.0, clip_norm=0.0, beta1=0.9, beta2=0.999, epsilon=1e-08, epsilon_hat=False)
    """

    learning_rate: float = field(default=0.001, kw_only=False)
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    epsilon_hat: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("beta1", 1)
        self._check("beta2", 1)
        self._check("epsilon")

    def settings(self) -> Settings:
        """As the kernels take it."""
        code = codes.ADAM_HAT if self.epsilon_hat else codes.ADAM
        return Settings(code, self.beta1, self.beta2, self.epsilon, self.l2, 0.0, self.clip_norm)


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: in each step the weights, not the biases, also shrink by learning_rate * weight_decay * W.

    Parameters
    ----------
    learning_rate : float, default 0.001
    weight_decay : float, default 0.01
        At least 0 (Loshchilov and Hutter 2019). It is no part of the gradient: neither `clip_norm` nor the running means see it.
    beta1, beta2, epsilon, l2, clip_norm : float
        As described for `Adam`.

    Raises
    ------
    ValueError, TypeError
        If a setting is out of its range.

    Examples
    --------
    >>> from fastmlp import AdamW
    >>> AdamW(weight_decay=0.1).weight_decay
    0.1
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("weight_decay")

    def settings(self) -> Settings:
        """As the kernels take it."""
        return super().settings()._replace(decay=self.weight_decay)


# The names that `fit` and the command line take, each with the rate it has there unless another is named. Momentum adds up steps, so that
# its rate is smaller than plain SGD's.
OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": SGD(),
    "momentum": SGD(0.01, momentum=0.9),
    "nesterov": SGD(0.01, momentum=0.9, nesterov=True),
    "adam": Adam(),
    "adamw": AdamW(),
}


def as_optimizer(optimizer: Any) -> Optimizer:
    """An optimizer, or the one of that name; None is "sgd"."""
    if optimizer is None or isinstance(optimizer, str):
        return OPTIMIZERS[check_choice("optimizer", "sgd" if optimizer is None else optimizer, OPTIMIZERS)]
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer: expected SGD, Adam, AdamW or one of {', '.join(map(repr, OPTIMIZERS))}, got {optimizer!r}")
    return optimizer
