"""Profile the document's gradients from inside the compiled epochs, and time NumPy's calls of the same gradient for comparison."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..engine.arguments import all_finite, check_choice, check_real, check_size
from ..engine.interruptible import run_interruptibly
from ..kernels.clock import Clock
from ..two_layer import network
from ..two_layer.laps import ALLOCATION, PHASES, clock, nothing_but_laps
from ..two_layer.train import GRADIENTS, Record, Weights, epochs_of, step_rate, training_arrays
from .compilation import timed_region
from .gradient_profile import GradientPhase, GradientProfile, NumpyCall, NumpyProfile
from .ladder import LADDER, LADDER_LEARNING_RATE, Problem, Sizes, problem
from .numpy_calls import epoch_phases, observed_epochs, summed
from .peak import peak_gflops
from .profiling import cycles_a_second
from .rungs import predicted_seconds

LAPS = 100_000
RUN_SECONDS = 0.01  # of one run: long enough to hide what a call does once, short enough that other programs interrupt few of the runs
LEAST_ROUNDS, SECONDS = 3, 1.5
TINY_EPOCHS = 200
LONGEST_NUMPY = 1.0  # seconds: NumPy's double loop is not measured if an epoch of it is predicted to take longer


def profile_gradient(
    X: ArrayLike,
    y: ArrayLike,
    gradient: str = "fused",
    hidden_size: int = 3,
    learning_rate: float = 0.12,
    seed: int | np.random.RandomState = 56,
    w1: ArrayLike | None = None,
    w2: ArrayLike | None = None,
    epochs: int | None = None,
) -> GradientProfile:
    """Train the document's network, and measure where the time of an epoch goes: in compiled code by phase, in NumPy by call.

    The compiled loop reads the CPU's cycle counter after each phase. It is compiled separately from the loop of `train`, which runs the
    same instructions as if there were no profiler. If a phase is so short that most of its time is the reading of the clock, the profile
    says so.

    Parameters
    ----------
    X, y, hidden_size, learning_rate, seed, w1, w2
        The same arguments as those of `train`.
    gradient : {"fused", "backward", "backward_faster", "backward_pass"}
    epochs : int, optional
        Epochs of each run, at least 1; by default as many as take 0.01 - 0.02 s.

    Returns
    -------
    GradientProfile

    Raises
    ------
    ValueError, TypeError
        If an argument is not valid.
    FloatingPointError
        If the run diverged.
    KeyboardInterrupt
        After Ctrl-C, since there is no profile of a part of a run.

    Notes
    -----
    Runs with a clock, runs without one, and runs of NumPy alternate, with BLAS on one thread; each starts from the same weights.

    Examples
    --------
    >>> from fastmlp import profile_gradient
    >>> from fastmlp.datasets import load_xor
    >>> taken = profile_gradient(*load_xor(), gradient="backward", epochs=1000)
    >>> [phase.name for phase in taken.phases][:3], [call.function for call in taken.numpy.calls][:3]
    (['allocation', 'X w1', 'sigmoid'], ['matmul', 'negative', 'exp'])
    """
    check_choice("gradient", gradient, GRADIENTS)
    epochs = None if epochs is None else check_size("epochs", epochs, 1)
    arrays = training_arrays(X, y, hidden_size, seed, w1, w2)
    data = Problem(arrays["X"], arrays["y"], arrays["w1"], arrays["w2"])
    return profiled("", data, gradient, check_real("learning_rate", learning_rate), epochs)


def profile_rung(rung: str, gradient: str = "fused", dtype: str = "float64", epochs: int | None = None) -> GradientProfile:
    """Profile a gradient at one size of the ladder that `fastmlp compare` goes through.

    Parameters
    ----------
    rung : str
        One of `fastmlp.measure.ladder.LADDER`, such as "digits".
    gradient, epochs
        As in `profile_gradient`.
    dtype : {"float64", "float32"}

    Examples
    --------
    >>> profile_rung("iris", "backward_faster", epochs=10).sizes
    Sizes(N=150, I=4, H=10, O=3)
    """
    check_choice("rung", rung, tuple(LADDER))
    check_choice("gradient", gradient, GRADIENTS)
    check_choice("dtype", dtype, ("float64", "float32"))
    epochs = None if epochs is None else check_size("epochs", epochs, 1)
    data = Problem(*(array.astype(dtype) for array in problem(LADDER[rung])))
    return profiled(rung, data, gradient, LADDER_LEARNING_RATE, epochs)


def profiled(name: str, data: Problem, gradient: str, learning_rate: float, epochs: int | None) -> GradientProfile:
    """Profile a gradient on the given data."""
    from .machine import describe, one_blas_thread  # loads SciPy's BLAS, hence only when needed

    with one_blas_thread() as blas_threads:
        run = CompiledRun(data, gradient, learning_rate)
        for each in (None, clock()):
            run.seconds(0, each)  # compiles or loads the loop
        nothing_but_laps(clock(), 1)
        rate, peak, machine = cycles_a_second(), peak_gflops(data.X.dtype.type), describe()
        lap_seconds = min(nothing_but_laps(clock(), LAPS) for _ in range(3)) / LAPS / rate
        epochs = epochs or as_many_as_last(run.seconds)
        beside, not_measured = numpy_run(data, gradient, learning_rate)
        plain: list[float] = []
        laps: list[tuple[float, Clock]] = []
        end = time.perf_counter() + SECONDS
        with timed_region(f"the profile of {gradient}"):
            while not plain or time.perf_counter() < end or (len(plain) < LEAST_ROUNDS and plain[0] < SECONDS / 4):
                plain.append(run.seconds(epochs, None))
                read = clock()
                laps.append((run.seconds(epochs, read), read))
                if beside:
                    beside.measure()
        seconds = min(each for each, _ in laps)
        read = next(read for each, read in laps if each == seconds)
    return GradientProfile(
        problem=name, sizes=data.sizes, gradient=gradient, dtype=data.X.dtype.name, way=run.way, epochs=epochs, seconds=seconds,
        unprofiled_seconds=min(plain), lap_seconds=lap_seconds, phases=phases(read, rate, data.X.itemsize),
        numpy=beside.profile() if beside else None, not_measured=not_measured,
        peak_gflops=max(peak, peak_gflops(data.X.dtype.type)), blas_threads=blas_threads, machine=machine,
    )  # fmt: skip


class CompiledRun:
    """The compiled training loop with one gradient on the given data, which starts from the same weights in every run."""

    def __init__(self, data: Problem, gradient: str, learning_rate: float) -> None:
        self.data, self.learning_rate = data, learning_rate
        self.rate = step_rate(learning_rate, 1, data.X.dtype)
        self.loop = epochs_of(gradient, len(data.X), data.w1.size + data.w2.size, data.X.dtype)
        self.way = getattr(self.loop, "func", self.loop).__name__

    def seconds(self, epochs: int, clock: Clock | None = None) -> float:
        """Time `epochs` epochs by Python's clock, in a compiled call that also reads `clock` after each phase if one is given."""
        X, y, w1, w2 = self.data
        weights, record, stop = Weights(w1.copy(), w2.copy()), Record(np.zeros(1, X.dtype), max(epochs, 1), clock), np.zeros(1, np.uint8)
        took = [0.0]

        def timed(*args: Any) -> None:
            began = time.perf_counter()
            self.loop(*args)
            took[0] = time.perf_counter() - began

        run_interruptibly(timed, stop, weights, record, X, y, epochs, self.rate)
        if not (all_finite(weights.w1) and all_finite(weights.w2)):
            raise FloatingPointError(f"training diverged. Lower the learning rate (learning_rate={self.learning_rate:g}).")
        return took[0]


class NumpyRun:
    """NumPy's training loop with one gradient, which times some epochs as a whole and others call by call."""

    def __init__(self, data: Problem, gradient: str, learning_rate: float) -> None:
        self.data, self.gradient, self.learning_rate = data, gradient, learning_rate
        self.seconds: list[float] = []  # of an epoch
        self.calls: list[dict[tuple[str, str], tuple[int, float]]] = []
        tiny = Problem(*(array.astype(data.X.dtype) for array in problem(Sizes(1, 1, 1, 1))))
        self.least = self.observe(tiny, TINY_EPOCHS)
        self.whole(1)
        self.epochs = as_many_as_last(self.whole)
        self.observed = max(1, self.epochs // 4)  # timing every call takes longer

    def whole(self, epochs: int) -> float:
        """Time `epochs` epochs, in seconds."""
        began = time.perf_counter()
        network.train(*self.data, epochs, self.learning_rate, getattr(network, self.gradient), epochs)
        return time.perf_counter() - began

    def measure(self) -> None:
        """Measure once more: some whole epochs, then the calls of some others."""
        self.seconds.append(self.whole(self.epochs) / self.epochs)
        self.calls.append(self.observe(self.data, self.observed))

    def observe(self, data: Problem, epochs: int) -> dict[tuple[str, str], tuple[int, float]]:
        """Return the number and the seconds of the calls per epoch, by phase and function."""
        phases = epoch_phases(self.gradient, data.sizes.I, data.sizes.H)
        return summed(phases, observed_epochs(self.gradient, data, epochs, self.learning_rate))

    def profile(self) -> NumpyProfile:
        """Return the profile with the shortest of all measured times."""
        calls = []
        for what, (count, _) in self.calls[0].items():
            fewer, least = self.least[what]
            calls.append(NumpyCall(*what, count, min(each[what][1] for each in self.calls), least * count / fewer))
        return NumpyProfile(self.gradient, min(self.seconds), tuple(calls))


def numpy_run(data: Problem, gradient: str, learning_rate: float) -> tuple[NumpyRun | None, str]:
    """Return what to measure of NumPy, or None and the reason. `fused` has no counterpart, so it is compared with `backward_faster`."""
    beside = "backward_faster" if gradient == "fused" else gradient
    predicted = predicted_seconds((beside, "NumPy"), data.sizes)
    if predicted > LONGEST_NUMPY:
        return None, f"an epoch of NumPy's {beside} would take about {predicted:.2g} s"
    return NumpyRun(data, beside, learning_rate), ""


def as_many_as_last(run: Callable[[int], float]) -> int:
    """Find how many epochs take RUN_SECONDS: a power of two, large enough that what a run does only once does not distort the figure."""
    epochs, seconds = 1, run(1)
    while seconds < RUN_SECONDS:
        epochs *= 2
        seconds = min(run(epochs) for _ in range(2))  # one of two, since another program may have interrupted a run
    return epochs


def phases(read: Clock, rate: float, itemsize: int) -> tuple[GradientPhase, ...]:
    """Convert the readings of a clock to phases."""
    found = []
    for code, name in enumerate(PHASES):
        cycles, calls, amount = (int(each[code, 0]) for each in (read.cycles, read.laps, read.amounts))
        if calls:
            operations, allocated = (0, amount * itemsize) if code == ALLOCATION else (2 * amount, 0)
            found.append(GradientPhase(name, calls, cycles / rate, operations, allocated))
    return tuple(found)
