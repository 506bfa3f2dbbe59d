"""L-BFGS over the vector of all parameters: SciPy's steps, over the engine's loss and gradient of all samples."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from threadpoolctl import ThreadpoolController

from ..engine.cost import forward_operations
from ..engine.run import Run
from ..engine.threads import choose_threads
from ..kernels import optimizers as codes
from ..kernels.network import Rule
from .data import Data
from .epochs import losses_of


class Limits(NamedTuple):
    """When to stop."""

    iterations: int
    calls: int  # of the loss and its gradient
    tolerance: float  # of the largest element of the gradient


class Found(NamedTuple):
    """Where L-BFGS stopped. The run holds the parameters."""

    loss: float
    iterations: int
    result: Any  # SciPy's `OptimizeResult`


@functools.cache
def blas_libraries() -> ThreadpoolController:
    """Find the libraries whose threads can be limited; the search takes milliseconds, so that it is made once."""
    return ThreadpoolController()


def minimize(
    run: Run, data: Data, alpha: float, limits: Limits, n_threads: int | None = None, shares: int = 1,
    before: Callable[[], None] = lambda: None, after: Callable[[float], bool] | None = None,
) -> Found:  # fmt: skip
    """Minimise the mean loss of the samples plus a penalty, beginning at the parameters of the run.

    If anything ends it by an exception, Ctrl-C for example, the parameters are those of the last iteration.

    alpha : strength of the penalty, alpha / 2 * |W|^2 divided by the sum of the weights.
    shares : by what the loss of the data is divided, though not its gradient; see `losses_of`.
    before, after : called before each computation of the loss, and with the loss after each iteration, which is the last if True returns.
    """
    import scipy.optimize  # here, since this import takes a quarter of a second

    n_samples = data.inputs.n_samples
    total_weight = float(data.weights.sum(dtype=np.float64)) if data.weights.size else n_samples
    order, rates = np.arange(n_samples)[None], np.zeros(1)
    threads = choose_threads(n_threads, forward_operations(run.net.sizes) * n_samples)
    penalty = np.zeros(run.w.size)
    for l in range(len(run.net.W_at)):
        penalty[run.net.W_at[l] :][: run.net.sizes[l] * run.net.sizes[l + 1]] = alpha / total_weight
    run.use(Rule(codes.GRADIENT_ONLY, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, alpha=alpha))
    kept, steps, losses, iterations = run.w.copy(), run.steps, [], 0

    def loss_and_gradient(w: np.ndarray) -> tuple[float, np.ndarray]:
        before()
        run.w[:] = w
        totals = run.epochs(*data, order, n_samples, rates, threads)
        losses.append(float(losses_of(totals, n_samples, shares)[0]))
        return losses[-1], run.gradient + penalty * w

    def iteration_ends(w: np.ndarray) -> None:
        nonlocal iterations
        iterations += 1
        kept[:] = w
        if after is not None and after(losses[-1]):  # the last loss computed is that of the point at which an iteration ends
            raise StopIteration

    try:
        with blas_libraries().limit(limits=1, user_api="blas"):  # SciPy's steps are short; threads would mostly wait for each other
            result = scipy.optimize.minimize(
                loss_and_gradient, run.w.astype(np.float64), method="L-BFGS-B", jac=True, callback=iteration_ends,
                options={"maxfun": limits.calls, "maxiter": limits.iterations, "gtol": limits.tolerance},
            )  # fmt: skip
        kept[:] = result.x
    finally:
        run.w[:], run.steps = kept, steps + iterations
    return Found(float(result.fun), iterations, result)
