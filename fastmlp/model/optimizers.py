"""The optimisers: settings only. What they remember between steps belongs to the run that uses them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..engine.arguments import check_range
from ..kernels import optimizers as codes
from ..kernels.network import Optimizer as Settings


@dataclass(frozen=True, kw_only=True)
class Optimizer:
    """What the optimisers share.

    Attributes
    ----------
    learning_rate : float
        At least 0.
    l2 : float
        Penalty l2 / 2 * |W|^2 on the weights (not the biases), through the gradient.
    clip_norm : float
        Longest gradient: a longer one is scaled to this length. 0 for no limit.
    """

    learning_rate: float = field(default=0.01, kw_only=False)
    l2: float = 0.0
    clip_norm: float = 0.0

    def __post_init__(self) -> None:
        for name in ("learning_rate", "l2", "clip_norm"):
            check_range(name, getattr(self, name), 0)

    def settings(self) -> Settings:
        """As the kernels take it."""
        raise TypeError(f"optimizer: expected SGD, Adam or AdamW, got {type(self).__name__}")


@dataclass(frozen=True, kw_only=True)
class SGD(Optimizer):
    """Stochastic gradient descent: w -= learning_rate * gradient; with momentum, v = momentum v - learning_rate * gradient; w += v.

    Attributes
    ----------
    momentum : float, default 0
        In [0, 1).
    nesterov : bool, default False
        Take the gradient's step from where the momentum leads.

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
        check_range("momentum", self.momentum, 0, 1)

    def settings(self) -> Settings:
        """As the kernels take it."""
        code = codes.SGD if self.momentum == 0 else codes.NESTEROV if self.nesterov else codes.MOMENTUM
        return Settings(code, float(self.momentum), 0.0, 0.0, float(self.l2), 0.0, float(self.clip_norm))


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam (Kingma and Ba 2015).

    Attributes
    ----------
    learning_rate : float, default 0.001
    beta1, beta2 : float, default 0.9, 0.999
        Decay of the running means of the gradient and of its square, in [0, 1).
    epsilon : float, default 1e-8
        Added to the root of the second.

    Raises
    ------
    ValueError, TypeError
        If a setting is out of its range.
    """

    learning_rate: float = field(default=0.001, kw_only=False)
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("beta1", self.beta1, 0, 1)
        check_range("beta2", self.beta2, 0, 1)
        check_range("epsilon", self.epsilon, 0)

    def settings(self) -> Settings:
        """As the kernels take it."""
        return Settings(codes.ADAM, float(self.beta1), float(self.beta2), float(self.epsilon), float(self.l2), 0.0, float(self.clip_norm))


@dataclass(frozen=True, kw_only=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: the weights (not the biases) also shrink by learning_rate * weight_decay a step.

    Attributes
    ----------
    weight_decay : float, default 0.01
        At least 0 (Loshchilov and Hutter 2019).

    Raises
    ------
    ValueError, TypeError
        If a setting is out of its range.
    """

    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        check_range("weight_decay", self.weight_decay, 0)

    def settings(self) -> Settings:
        """As the kernels take it."""
        return super().settings()._replace(decay=float(self.weight_decay))


def as_optimizer(optimizer: Optimizer | None) -> Optimizer:
    """An optimizer; None is SGD(0.05)."""
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer: expected SGD, Adam or AdamW, got {optimizer!r}")
    return SGD(0.05) if optimizer is None else optimizer
