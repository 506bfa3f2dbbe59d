"""The two kinds of solvers, as scikit-learn's parameters describe them: mini-batches by the model's epochs, and L-BFGS."""

from __future__ import annotations

import warnings
from typing import Protocol

from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.optimize import _check_optimize_result

from ..engine.run import Run
from ..kernels import optimizers as codes
from ..kernels.network import Rule
from ..model import lbfgs
from ..model.bookkeeping import warn
from ..model.data import Data
from ..model.epochs import Epochs, epochs_at_once, losses_of
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


def minimize(run: Run, data: Data, settings: Parameters, shares: int, tasks: Tasks, report: Report) -> tuple[float, int]:
    """L-BFGS from the parameters of the run, which hold the result. Returns the loss and the number of iterations."""
    done = 0

    def iteration_ends(loss: float) -> bool:
        nonlocal done
        done += 1
        report.epoch(done, loss, None)
        tasks.end_epoch()
        return tasks.stop

    limits = lbfgs.Limits(settings.max_iter, settings.max_fun, settings.tol)
    found = lbfgs.minimize(run, data, settings.alpha, limits, settings.n_threads, shares, tasks.begin_epoch, iteration_ends)
    if tasks.stop:
        return found.loss, found.iterations
    with warnings.catch_warnings(record=True) as caught:  # to issue them where those of the other solvers are issued
        warnings.simplefilter("always", ConvergenceWarning)
        iterations = int(_check_optimize_result("lbfgs", found.result, settings.max_iter))
    for each in caught:
        warn(str(each.message), each.category)
    return found.loss, iterations
