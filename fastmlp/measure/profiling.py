"""Profile a training from inside the compiled step."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ..engine.arguments import check_size
from ..engine.cost import forward_operations
from ..engine.predicting import Many
from ..engine.threads import choose_threads
from ..kernels.clock import DELTA, PHASES, PRODUCT, TARGETS, UPDATE, VALIDATION, Clock, clock, now
from ..model.bookkeeping import TrainingWarning
from ..model.history import History
from ..model.optimizers import as_optimizer
from ..model.sequential import Sequential
from .peak import peak_gflops
from .profile import Lap, Phase, Profile
from .roof import roof
from .traffic import traffic

CALIBRATION_SECONDS = 0.02
LAPS_A_LAYER, MOST_TRACED = 12, 10_000  # upper limits: phases per layer in a step, and steps that are traced
PRODUCTS = (PRODUCT, DELTA, UPDATE, VALIDATION)  # phases whose amounts are multiply-adds


def profile(
    model: Sequential,
    X: Any,
    y: Any,
    epochs: int = 1,
    batch_size: int = 64,
    optimizer: Any = "sgd",
    n_threads: int | None = None,
    trace_steps: int = 0,
    **options: Any,
) -> Profile:
    """Train a copy of a model, and measure where the time goes.

    The compiled step reads the CPU's cycle counter after each of its phases. This step is compiled separately: trainings that are not
    profiled run the same instructions as if there were no profiler.

    Parameters
    ----------
    model : Sequential
        The model, which is not changed.
    X, y : array_like
        The same data as `Sequential.fit` takes.
    epochs : int, default 1
        At least 1; more epochs give steadier figures.
    batch_size : int, default 64
    optimizer : Optimizer or str, default "sgd"
    n_threads : int, optional
        Number of threads; by default as many as are likely to help.
    trace_steps : int, default 0
        Number of steps whose phases are recorded one by one, for `Profile.trace`. The number is approximate.
    **options
        Other options of `Sequential.fit`: ``schedule``, ``sample_weight``, ``shuffle``, ``validation_split`` ...

    Returns
    -------
    Profile

    Raises
    ------
    TypeError, ValueError
        If the model is not a `Sequential`, if an argument is not valid, or if a callback ends the training before its first step.
    KeyboardInterrupt
        After Ctrl-C, since there is no profile of a part of a training.

    Examples
    --------
    >>> from fastmlp import Dense, ReLU, Sequential, profile
    >>> from fastmlp.datasets import load_digits
    >>> (X, y), _ = load_digits()
    >>> model = Sequential([Dense(64, 32), ReLU(), Dense(32, 10)], loss="softmax_cross_entropy")
    >>> taken = profile(model, X, y, epochs=3, n_threads=1)
    >>> [phase.name for phase in taken.phases][:5]
    ['call', 'gather', 'targets', 'zeros 1', 'product 1']
    >>> model.steps, taken.steps == 3 * -(-len(X) // 64)
    (0, True)
    """
    from .machine import describe  # loads SciPy's BLAS, hence only when needed

    if not isinstance(model, Sequential):
        raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
    epochs, batch_size, rule = check_size("epochs", epochs, 1), check_size("batch_size", batch_size, 1), as_optimizer(optimizer)
    capacity = LAPS_A_LAYER * (len(model.dense_layers) + 1) * check_size("trace_steps", trace_steps, 0, MOST_TRACED)
    trained = copy.deepcopy(model)
    data = trained._data(X, y, options.get("sample_weight"))
    run = trained._training(y, data.inputs.dtype)
    sizes, dtype = tuple(int(size) for size in run.net.sizes), run.w.dtype
    threads = choose_threads(n_threads, forward_operations(sizes) * batch_size)
    options = options | {"batch_size": batch_size, "optimizer": rule, "n_threads": threads, "progress": False}
    run.clocks = [clock(len(sizes) - 1) for _ in range(threads)]
    drawn = trained.rng.bit_generator.state
    before = fit(trained, X, y, 0, options)  # checks the other arguments, and compiles or loads what is profiled
    trained.rng.bit_generator.state = drawn  # undo the draw of held-out samples
    if "validation_losses" in before.recorded:
        Many(run.net).predict(run.w, data.inputs.take(np.arange(1)), 1, run.clocks)
    run.clocks = [clock(len(sizes) - 1, capacity) for _ in range(threads)]
    bandwidth = roof().bandwidth_of(threads)
    rate, peak, steps = cycles_a_second(), peak_gflops(dtype.type), run.steps
    began = time.perf_counter()
    history = fit(trained, X, y, epochs, options)
    fit_seconds, steps = time.perf_counter() - began, run.steps - steps
    if steps == 0:
        raise ValueError(f"callbacks: expected a training of at least one step, got one that ended before: {history.stopped}")
    validation, N = options.get("validation_data"), data.inputs.n_samples
    held_out = round(N * options.get("validation_split", 0.0)) if validation is None else np.shape(validation[0])[0]
    N -= held_out if validation is None else 0
    whole, more = divmod(steps, -(-N // batch_size))  # epochs, and steps of an epoch that a callback ended
    samples, passes = whole * N + min(more * batch_size, N), int(run.clocks[0].laps[TARGETS, 0])
    validated = held_out * len(history.validation_losses), sum(int(each.laps[VALIDATION, 0]) for each in run.clocks)
    stored = data.inputs.samples.pixels.shape[1] or sizes[0] * dtype.itemsize

    def bytes_of(kind: str, layer: int) -> int:
        seen, through = validated if kind == "validation" else (samples, passes)
        return traffic(kind, layer, sizes, seen, through, dtype.itemsize, rule.settings().code, stored)

    return Profile(
        sizes=sizes, dtype=dtype.name, optimizer=type(rule).__name__, batch_size=batch_size, threads=threads, samples=N,
        epochs=history.epochs, steps=steps, pixels=bool(data.inputs.samples.pixels.size), fit_seconds=fit_seconds,
        compiled_seconds=tuple(int(each.wall[0]) / 1e9 for each in run.clocks), phases=tuple(phases(run.clocks, rate, bytes_of)),
        peak_gflops=max(peak, peak_gflops(dtype.type)), bandwidth=bandwidth, laps=tuple(laps(run.clocks, rate)), machine=describe(),
    )  # fmt: skip


def fit(model: Sequential, X: Any, y: Any, epochs: int, options: dict[str, Any]) -> History:
    """Call `Sequential.fit`, but raise KeyboardInterrupt after Ctrl-C in place of its warning, since nothing is returned then."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "training interrupted", TrainingWarning)
        history = model.fit(X, y, epochs=epochs, **options)
    if history.stopped == "interrupted":
        raise KeyboardInterrupt
    return history


def phases(clocks: Sequence[Clock], rate: float, bytes_of: Callable[[str, int], int]) -> Iterator[Phase]:
    """Convert the clocks of all threads to phases."""
    cycles, laps, amounts = (np.array([getattr(each, name) for each in clocks]) for name in ("cycles", "laps", "amounts"))
    for code, kind in enumerate(PHASES):
        for layer in range(cycles.shape[2]):
            calls = int(laps[:, code, layer].sum())
            if calls:
                operations = 2 * int(amounts[:, code, layer].sum()) if code in PRODUCTS else 0
                yield Phase(kind, layer, calls, tuple((cycles[:, code, layer] / rate).tolist()), operations, bytes_of(kind, layer))


def laps(clocks: Sequence[Clock], rate: float) -> Iterator[Lap]:
    """Yield the phases that were recorded one by one, in the order in which they began."""
    kept = [(int(begin), int(end), thread, int(code), int(layer)) for thread, each in enumerate(clocks)
            for code, layer, begin, end in each.events[: each.recorded[0]]]  # fmt: skip
    first = min((begin for begin, *_ in kept), default=0)
    for begin, end, thread, code, layer in sorted(kept):
        yield Lap(thread, PHASES[code], layer, (begin - first) / rate, (end - first) / rate)


def cycles_a_second() -> float:
    """Measure the frequency of the counter of `fastmlp.kernels.clock` by Python's clock, in cycles per second.

    Examples
    --------
    >>> cycles_a_second() > 1e6
    True
    """
    now()
    began, first = now()
    time.sleep(CALIBRATION_SECONDS)
    ended, last = now()
    return (last - first) / (ended - began) * 1e9
