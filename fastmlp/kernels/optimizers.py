"""Update a range of the flat parameter vector from its gradient, by a rule that an integer code selects."""

from __future__ import annotations

from typing import NamedTuple

from .access import load, load_first, store, store_first, width
from .jit import kernel, strict_kernel
from .vectors import fma, sqrt

SGD, MOMENTUM, NESTEROV, ADAM, ADAM_HAT = range(5)  # ADAM_HAT: epsilon is added before the bias correction
GRADIENT_ONLY = -1  # leaves the parameters as they are, for solvers that take only the gradient


class Update(NamedTuple):
    """The update rule of one step. Every number except the code has the dtype of the parameters."""

    code: int
    rate: float  # the learning rate; for Adam it includes the bias correction
    decay: float  # the share of w that is subtracted directly (decoupled decay); it includes the learning rate
    l2: float  # the factor with which w is added to the gradient
    beta1: float  # also the momentum of MOMENTUM and NESTEROV
    beta2: float
    epsilon: float  # for ADAM it includes the root of the second mean's bias correction
    scale: float  # the factor of the gradient, from clipping by its norm


@kernel
def update(state, first, last, rule):
    """Update the parameters [first, last) by one step. state : State; rule : Update."""
    # Whole vectors begin at a multiple of V, so that none of them crosses a cache line.
    V, first_whole = width(state.w), (first + width(state.w) - 1) // width(state.w) * width(state.w)
    edge = min(first_whole, last)
    last_whole = edge + (last - edge) // V * V
    update_few(state, first, edge, rule)
    w, g, m, v = state.w, state.g, state.m, state.v
    for i in range(edge, last_whole, V):
        W, M, U = step(rule, load(w, i), load(g, i), load(m, i), load(v, i))
        store(w, i, W)
        store(m, i, M)
        store(v, i, U)
    update_few(state, last_whole, last, rule)


@kernel
def update_few(state, first, last, rule):
    """Update as `update` does, but fewer parameters than a vector holds."""
    w, g, m, v = state.w, state.g, state.m, state.v
    i, n = first, last - first
    if n > 0:
        W, M, U = step(rule, load_first(w, i, n), load_first(g, i, n), load_first(m, i, n), load_first(v, i, n))
        store_first(w, i, W, n)
        store_first(m, i, M, n)
        store_first(v, i, U, n)


@strict_kernel
def clipped(scale, g):
    """Return scale * g, in a multiplication that is not merged with others.

    Whole vectors and the remaining elements must round alike, since the number of threads decides which parameters are in which.
    """
    return scale * g


@kernel(forceinline=True)
def step(rule, w, g, m, v):
    """Return the new w, m and v of a vector of parameters.

    SGD: w becomes w - rate g. MOMENTUM: m becomes beta1 m - rate g, and w becomes w + m. NESTEROV: m likewise, and w becomes
    w + beta1 m - rate g with the new m (Sutskever et al. 2013). ADAM: m and v are running means of g and g^2, and w becomes
    w - rate m / (sqrt(v) + epsilon). This is Algorithm 1 of Kingma and Ba 2015, with numerator and denominator multiplied by the root of
    the second mean's bias correction. ADAM_HAT differs only in the epsilon that it is given.
    """
    g = clipped(rule.scale, fma(rule.l2, w, g))
    w = fma(-rule.decay, w, w)
    if rule.code >= ADAM:
        m = fma(rule.beta1, m, (1 - rule.beta1) * g)
        v = fma(rule.beta2, v, (1 - rule.beta2) * (g * g))
        w = w - rule.rate * m / (sqrt(v) + rule.epsilon)
    elif rule.code == SGD:
        w = fma(-rule.rate, g, w)
    else:
        m = fma(rule.beta1, m, (-rule.rate) * g)
        w = w + m if rule.code == MOMENTUM else w + fma(rule.beta1, m, (-rule.rate) * g)
    return w, m, v
