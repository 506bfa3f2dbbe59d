"""The optimizers. An optimizer holds only settings; its state, such as momentum, belongs to the model that is trained."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.arguments import check_choice, check_range
from ..kernels import optimizers as codes
from ..kernels.network import Rule as Settings


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """Base class of the optimizers, with the settings that all of them have. All numbers are converted to plain floats.

    Parameters
    ----------
    learning_rate : float
        Learning rate, at least 0. In each step it is multiplied by the factor of the learning-rate schedule.
    l2 : float, default 0
        Strength of the penalty l2 / 2 * |W|^2 on the weights (not on the biases), at least 0. The gradient of the penalty, l2 * W, is
        added to the gradient of the loss before clipping, momentum and Adam's running means are computed.
    clip_norm : float, default 0
        Largest norm of the gradient, or 0 for no limit. If the Euclidean norm of the whole gradient, taken over all layers and including
        the gradient of the penalty, is larger, the gradient is scaled down to this norm.
    """

    learning_rate: float = field(default=0.05, kw_only=False)
    l2: float = 0.0
    clip_norm: float = 0.0

    def __post_init__(self) -> None:
        for name in ("learning_rate", "l2", "clip_norm"):
            self._check(name)

    def _check(self, name: str, high: float = float("inf")) -> None:
        """Convert the setting of that name to a float, and check that it lies in [0, high)."""
        object.__setattr__(self, name, check_range(name, getattr(self, name), 0, high))

    def settings(self) -> Settings:
        """Return the settings in the form that the kernels use.

        They do not contain the learning rate, so that an optimizer keeps its state when only its learning rate changes.
        """
        raise TypeError(f"optimizer: expected SGD, Adam or AdamW, got {type(self).__name__}")


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """Stochastic gradient descent, optionally with momentum.

    Without momentum, a step with the gradient g is w <- w - learning_rate * g. With momentum, it is
    v <- momentum * v - learning_rate * g followed by w <- w + v, or with `nesterov` by
    w <- w + momentum * v - learning_rate * g (Sutskever et al. 2013).

    Parameters
    ----------
    learning_rate : float, default 0.05
        Learning rate, at least 0.
    momentum : float, default 0
        Momentum, in [0, 1). With 0.9, repeated steps in one direction grow to ten times their length.
    nesterov : bool, default False
        Whether to use Nesterov's momentum.
    l2, clip_norm : float, default 0
        L2 penalty and gradient clipping, as described for `Optimizer`.

    Raises
    ------
    ValueError, TypeError
        If a setting is out of range.

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
        """Return the settings in the form that the kernels use."""
        code = codes.SGD if self.momentum == 0 else codes.NESTEROV if self.nesterov else codes.MOMENTUM
        return Settings(code, self.momentum, 0.0, 0.0, self.l2, 0.0, self.clip_norm)


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """The Adam optimizer (Kingma and Ba 2015, Algorithm 1).

    Step t with the gradient g first updates two running means, m <- beta1 * m + (1 - beta1) * g and
    v <- beta2 * v + (1 - beta2) * g^2, and then the parameters, w <- w - learning_rate * m_hat / (sqrt(v_hat) + epsilon). Here
    m_hat = m / (1 - beta1^t) and v_hat = v / (1 - beta2^t) correct the bias of m and v, which begin at 0. All operations act on each
    element.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Learning rate, at least 0.
    beta1, beta2 : float, default 0.9, 0.999
        Decay rates of the running means of the gradient and of its square, in [0, 1).
    epsilon : float, default 1e-8
        Constant added to the root in the denominator, at least 0. It is added after the bias correction, as in Algorithm 1 of the paper
        and in PyTorch.
    epsilon_hat : bool, default False
        Whether to add epsilon before the bias correction instead, as described at the end of section 2 of the paper and as scikit-learn
        does.
    l2, clip_norm : float, default 0
        L2 penalty and gradient clipping, as described for `Optimizer`.

    Raises
    ------
    ValueError, TypeError
        If a setting is out of range.

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
        """Return the settings in the form that the kernels use."""
        code = codes.ADAM_HAT if self.epsilon_hat else codes.ADAM
        return Settings(code, self.beta1, self.beta2, self.epsilon, self.l2, 0.0, self.clip_norm)


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019).

    In each step the weights W, but not the biases, are additionally reduced by learning_rate * weight_decay * W.

    Parameters
    ----------
    learning_rate : float, default 0.001
        Learning rate, at least 0.
    weight_decay : float, default 0.01
        Weight decay, at least 0. It is not part of the gradient, so neither `clip_norm` nor the running means include it.
    beta1, beta2, epsilon, l2, clip_norm : float
        The other settings, as described for `Adam`.

    Raises
    ------
    ValueError, TypeError
        If a setting is out of range.

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
        """Return the settings in the form that the kernels use."""
        return super().settings()._replace(decay=self.weight_decay)


# The names that `fit` and the command line accept, with the default learning rates. With momentum, steps add up, so its default rate is
# smaller than that of plain SGD.
OPTIMIZERS: dict[str, Optimizer] = {
    "sgd": SGD(),
    "momentum": SGD(0.01, momentum=0.9),
    "nesterov": SGD(0.01, momentum=0.9, nesterov=True),
    "adam": Adam(),
    "adamw": AdamW(),
}


def as_optimizer(optimizer: Any) -> Optimizer:
    """Return the argument if it is an optimizer, or the optimizer of that name. None stands for "sgd"."""
    if optimizer is None or isinstance(optimizer, str):
        return OPTIMIZERS[check_choice("optimizer", "sgd" if optimizer is None else optimizer, OPTIMIZERS)]
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer: expected SGD, Adam, AdamW or one of {', '.join(map(repr, OPTIMIZERS))}, got {optimizer!r}")
    return optimizer
