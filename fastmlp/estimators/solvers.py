"""The two kinds of solvers: mini-batches by the engine's epochs, and SciPy's L-BFGS over the engine's gradient of all samples."""

from __future__ import annotations

import functools
import warnings
from typing import Protocol

import numpy as np
import scipy.optimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.optimize import _check_optimize_result
from threadpoolctl import ThreadpoolController

from ..engine.cost import forward_operations
from ..engine.run import Run
from ..engine.threads import choose_threads
from ..kernels import optimizers as codes
from ..kernels.network import Rule
from ..model.bookkeeping import warn
from ..model.data import Data
from ..model.epochs import Epochs, epochs_at_once
from .batches import Batches
from .parameters import Parameters
from .report import Report
from .stopping import Patience
from .tasks import Tasks

LOWEST_RATE = 1e-6  # an adaptive rate that is no higher is not lowered again: the training ends


def rule_of(settings: Parameters) -> Rule:
    """The update rule of a stochastic solver."""
    if settings.solver == "sgd":
        code = codes.SGD if settings.momentum == 0 else codes.NESTEROV if settings.nesterovs_momentum else codes.MOMENTUM
        return Rule(code, settings.momentum, 0.0, 0.0, 0.0, 0.0, settings.clip_norm, alpha=settings.alpha)
    decay = settings.weight_decay if settings.solver == "adamw" else 0.0
    moments = settings.beta_1, settings.beta_2, settings.epsilon
    return Rule(codes.ADAM_HAT, *moments, 0.0, decay, settings.clip_norm, alpha=settings.alpha)


def losses_of(totals: np.ndarray, n_samples: int, shares: int) -> np.ndarray:
    """The losses of epochs from their sums (E, SUMS): of the data, divided by `shares`, plus the penalty.

    shares : the outputs, where scikit-learn's loss is a mean over them though its gradient is that of their sum; else 1.
    """
    losses: np.ndarray = (totals[:, 3] / shares + totals[:, 4]) / n_samples
    return losses


class Judge(Protocol):
    """What is done with the epochs of a training."""

    @property
    def stop(self) -> bool:
        """Whether the training is to end, whatever its losses."""

    def begin(self) -> None:
        """Take note that epochs are about to begin: one, if each is to be noted by itself."""

    def note(self, loss: float) -> float:
        """Record the loss of an epoch; return the value by which it is judged, a loss or a score."""

    def keep(self) -> None:
        """Remember the parameters: this epoch is the best so far."""

    def say(self, what: str) -> None:
        """Print what happens, if the user wants to know."""


def train(epochs: Epochs, plan: Batches, patience: Patience, judge: Judge, shares: int, adaptive: bool, one_by_one: bool) -> bool:
    """Train until all epochs of the plan are done or `patience` is over. Returns whether it is.

    Several epochs are one compiled call, but never so many that one of them might have been the last: no epoch is trained in vain.
    """
    count, n_samples = 1, len(plan.samples)
    while epochs.done < plan.epochs:
        before = epochs.seconds
        count = int(min(count, patience.epochs_left, plan.epochs - epochs.done))
        judge.begin()
        totals, _ = epochs.train(count)
        for loss in losses_of(totals, n_samples, shares):
            if patience.note(judge.note(float(loss))):
                judge.keep()
        plan.rate.epochs_end(count, n_samples)
        if judge.stop:
            return True
        if patience.is_over:
            if not adaptive or plan.rate.now <= LOWEST_RATE:
                judge.say("Learning rate too small. Stopping." if adaptive else "Stopping.")
                return True
            plan.rate.now /= 5
            judge.say(f"Setting learning rate to {plan.rate.now:f}")
            patience.count = 0
        seconds = (epochs.seconds - before) / count
        count = 1 if one_by_one or epochs.by_trial else epochs_at_once(seconds)
    return False


class StoppedError(Exception):
    """A callback asked for the end. SciPy's own word for it, StopIteration, came with its version 1.11."""


@functools.cache
def blas_libraries() -> ThreadpoolController:
    """Find the libraries whose threads can be limited; the search takes milliseconds, so that it is made once."""
    return ThreadpoolController()


def minimize(run: Run, data: Data, settings: Parameters, shares: int, tasks: Tasks, report: Report) -> tuple[float, int]:
    """L-BFGS from the parameters of the run, which hold the result. Returns the loss and the number of iterations."""
    n_samples = data.inputs.n_samples
    total_weight = float(data.weights.sum(dtype=np.float64)) if data.weights.size else n_samples
    order, rates = np.arange(n_samples)[None], np.zeros(1)
    threads = choose_threads(settings.n_threads, forward_operations(run.net.sizes) * n_samples)
    penalty = np.zeros(run.w.size)
    for l in range(len(run.net.W_at)):
        penalty[run.net.W_at[l] :][: run.net.sizes[l] * run.net.sizes[l + 1]] = settings.alpha / total_weight
    run.use(Rule(codes.GRADIENT_ONLY, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, alpha=settings.alpha))

    losses: list[float] = []  # at all points that were tried; the last of an iteration is where it ends
    done = 0

    def loss_and_gradient(w: np.ndarray) -> tuple[float, np.ndarray]:
        tasks.begin_epoch()
        run.w[:] = w
        totals = run.epochs(*data, order, n_samples, rates, threads)
        losses.append(float(losses_of(totals, n_samples, shares)[0]))
        return losses[-1], run.gradient + penalty * w

    def iteration_ends(w: np.ndarray) -> None:
        nonlocal done
        done += 1
        report.epoch(done, losses[-1], None)
        tasks.end_epoch()
        if tasks.stop:
            raise StoppedError

    try:
        with blas_libraries().limit(limits=1, user_api="blas"):  # SciPy's steps are short; threads would mostly wait for each other
            found = scipy.optimize.minimize(
                loss_and_gradient,
                run.w.astype(np.float64),
                method="L-BFGS-B",
                jac=True,
                options={"maxfun": settings.max_fun, "maxiter": settings.max_iter, "gtol": settings.tol},
                callback=iteration_ends if tasks.are_watched or settings.verbose else None,
            )
    except StoppedError:
        return losses[-1], done
    run.w[:] = found.x
    with warnings.catch_warnings(record=True) as caught:  # to issue them where those of the other solvers are issued
        warnings.simplefilter("always", ConvergenceWarning)
        done = int(_check_optimize_result("lbfgs", found, settings.max_iter))
    for each in caught:
        warn(str(each.message), each.category)
    return float(found.fun), done
