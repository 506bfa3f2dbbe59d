"""Updates of a stretch of the flat parameter vector from its gradient, chosen by an integer code."""

from __future__ import annotations

from typing import NamedTuple

from .access import load, load_first, store, store_first, width
from .jit import kernel, strict_kernel
from .vectors import fma, sqrt

SGD, MOMENTUM, NESTEROV, ADAM, ADAM_HAT = range(5)  # ADAM_HAT: epsilon is added before the bias correction
GRADIENT_ONLY = -1  # the parameters stay as they are: for solvers that are given the gradient


class Update(NamedTuple):
    """One step's rule; every number but the code of the parameters' dtype."""

    code: int
    rate: float  # for Adam with its bias correction
    decay: float  # taken from w directly (decoupled), times the learning rate
    l2: float  # times w, added to the gradient
    beta1: float  # the momentum of MOMENTUM and NESTEROV
    beta2: float
    epsilon: float  # for ADAM with the bias correction of the second mean's root
    scale: float  # of the gradient: norm clipping


@kernel
def update(state, first, last, rule):
    """One step of the parameters [first, last). state : State; rule : Update."""
    V, first_whole = width(state.w), (first + width(state.w) - 1) // width(state.w) * width(state.w)  # vectors that cross no cache line
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
    """As `update`, of fewer parameters than a vector has."""
    w, g, m, v = state.w, state.g, state.m, state.v
    i, n = first, last - first
    if n > 0:
        W, M, U = step(rule, load_first(w, i, n), load_first(g, i, n), load_first(m, i, n), load_first(v, i, n))
        store_first(w, i, W, n)
        store_first(m, i, M, n)
        store_first(v, i, U, n)


@strict_kernel
def clipped(scale, g):
    """Scale times g, and no other factor: whole vectors and what is left of them must round alike, whichever thread has which."""
    return scale * g


@kernel(forceinline=True)
def step(rule, w, g, m, v):
    """New w, m, v of a vector of parameters.

    SGD: w - rate g. MOMENTUM: m = beta1 m - rate g, w + m; NESTEROV: w + beta1 m - rate g, with the new m (Sutskever et al. 2013).
    ADAM: m and v running means of g and g^2, w - rate m / (sqrt(v) + epsilon): Kingma and Ba 2015, Algorithm 1, with both sides of the
    fraction multiplied by the root of the second mean's bias correction. ADAM_HAT differs in the epsilon that it is given.
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
