"""Updates of a stretch of the flat parameter vector from its gradient, chosen by an integer code.

w, g, m, v (P,) : parameters, gradient, and the optimiser's two states; the stretch [first, last). rate : the learning rate, for Adam
with its bias correction. l2 : added to the gradient times w; decay : taken from w directly (decoupled), times the rate.
"""

from __future__ import annotations

from .jit import kernel
from .vectors import fma, load, load_first, sqrt, store, store_first, width

SGD, MOMENTUM, NESTEROV, ADAM = range(4)


@kernel
def update(code, w, g, m, v, first, last, rate, decay_rate, l2, beta1, beta2, epsilon, scale):
    """One step. `scale` multiplies the gradient (norm clipping); beta1 is the momentum of MOMENTUM and NESTEROV."""
    V = width(w)
    whole = first + (last - first) // V * V
    for i in range(first, whole, V):
        W, M, U = step(code, load(w, i), load(g, i), load(m, i), load(v, i), rate, decay_rate, l2, beta1, beta2, epsilon, scale)
        store(w, i, W)
        store(m, i, M)
        store(v, i, U)
    if whole < last:
        i, n = whole, last - whole
        W, M, U = step(
            code, load_first(w, i, n), load_first(g, i, n), load_first(m, i, n), load_first(v, i, n),
            rate, decay_rate, l2, beta1, beta2, epsilon, scale,
        )  # fmt: skip
        store_first(w, i, W, n)
        store_first(m, i, M, n)
        store_first(v, i, U, n)


@kernel(forceinline=True)
def step(code, w, g, m, v, rate, decay_rate, l2, beta1, beta2, epsilon, scale):
    """New w, m, v of a vector of parameters.

    SGD: w - rate g. MOMENTUM: m = beta1 m - rate g, w + m; NESTEROV: w + beta1 m - rate g, with the new m (Sutskever et al. 2013).
    ADAM: m and v running means of g and g^2, w - rate m / (sqrt(v) + epsilon) (Kingma and Ba 2015, the form at the end of section 2).
    """
    g = fma(l2, w, scale * g)
    w = fma(-decay_rate, w, w)
    if code == ADAM:
        m = fma(beta1, m, (1 - beta1) * g)
        v = fma(beta2, v, (1 - beta2) * (g * g))
        w = w - rate * m / (sqrt(v) + epsilon)
    elif code == SGD:
        w = fma(-rate, g, w)
    else:
        m = fma(beta1, m, (-rate) * g)
        w = w + m if code == MOMENTUM else w + fma(beta1, m, (-rate) * g)
    return w, m, v
