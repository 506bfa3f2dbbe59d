"""Build and train a network on images and report the result, for `fastmlp train digits | mnist | fashion-mnist`."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import numpy as np

from ..engine.cost import forward_operations, training_operations
from ..engine.threads import choose_threads, cpu_count
from ..model.bookkeeping import TrainingWarning
from ..model.history import History
from ..model.layers import ACTIVATION_LAYERS, Dense, Dropout, Layer
from ..model.optimizers import OPTIMIZERS, Optimizer
from ..model.sequential import Sequential
from .epoch_lines import EpochLines
from .failures import refusals
from .image_data import ImageData, load
from .output_files import pictures, written
from .terminal import is_watched, waiting

CLASSES = 10
SHOWN = 100  # number of test images in the picture


@dataclass(frozen=True)
class Settings:
    """The options of the command."""

    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float | None
    schedule: str
    activation: str
    dropout: float
    dtype: str
    threads: int | None
    seed: int
    plot_file: Path | None
    save_file: Path | None
    data: Path | None = None


def carry_out(data: ImageData, settings: Settings) -> bool:
    """Train, print the results, and draw and save if asked to. Return whether Ctrl-C interrupted the training."""
    plotting = pictures() if settings.plot_file else None
    if settings.save_file and not find_spec("safetensors"):
        raise click.UsageError("--save needs safetensors, which is not installed: python -m pip install \"fastmlp[save]\"")
    train, test = load(data, settings.data)
    N, pixels = train[0].shape
    with refusals():
        model, optimizer = build(pixels, settings)
        net = model.network()
        threads = choose_threads(settings.threads, forward_operations(net.sizes) * min(settings.batch_size, N))
        side = round(pixels**0.5)
        click.echo(f"{data.title}: {N:,} training and {len(test[0]):,} test images of {side} x {side} pixels\n\n{model}")
        how = (f"{settings.optimizer} with learning rate {optimizer.learning_rate:g}", f"batches of {settings.batch_size}", settings.dtype)
        most = "up to " if settings.threads is None and threads > 1 else ""
        click.echo(", ".join([*how, most + count(threads, "thread")]) + "\n")
        prepare(settings.dtype)
        peak = peak_of(settings.dtype)
        history = fit(model, optimizer, train, test, settings)
        peak = max(peak, peak_of(settings.dtype))
        click.echo("\n" + summary(history, model.score(*test), training_operations(net.sizes) * N, min(threads, cpu_count()), peak))
        if plotting and settings.plot_file:
            with written(settings.plot_file):
                X, y = test[0][:SHOWN], test[1][:SHOWN]
                plotting.save(plotting.training_report(history, X, y, model.predict(X), data.names), settings.plot_file)
        if settings.save_file:
            with written(settings.save_file):
                model.save(settings.save_file)
    return history.stopped == "interrupted"


def build(n_inputs: int, settings: Settings) -> tuple[Sequential, Optimizer]:
    """Create the model and the optimizer that the options describe."""
    model = network(n_inputs, settings.hidden, settings.activation, settings.dropout, settings.seed, settings.dtype)
    optimizer = OPTIMIZERS[settings.optimizer]
    return model, replace(optimizer, learning_rate=settings.learning_rate or optimizer.learning_rate)


def network(n_inputs: int, hidden: tuple[int, ...], activation: str, dropout: float, seed: int, dtype: str) -> Sequential:
    """Create an image classifier."""
    layers: list[Layer] = []
    for fan_in, fan_out in pairwise((n_inputs, *hidden)):
        layers += [Dense(fan_in, fan_out), ACTIVATION_LAYERS[activation]()]
        layers += [Dropout(dropout)] if dropout else []
    return Sequential([*layers, Dense(hidden[-1], CLASSES)], "softmax_cross_entropy", seed, dtype)


def prepare(dtype: str) -> None:
    """Compile the code for the training, or load it from the cache, and print how long the compilation took."""
    from ..measure.compilation import first_call
    from ..measure.durations import duration
    from ..measure.warmup import train_and_predict

    with waiting("compiling"):
        call = first_call("training", lambda: train_and_predict(dtype))
    if call.compiled:
        click.echo(f"Compilation took {duration(call.seconds)}; later runs load the code from the cache.\n")


def peak_of(dtype: str) -> float:
    """Measure the present FMA peak of one core in GFLOP/s."""
    from ..measure.peak import peak_gflops

    return peak_gflops(np.dtype(dtype).type)


def fit(model: Sequential, optimizer: Optimizer, train: Any, test: Any, settings: Settings) -> History:
    """Train, showing a progress bar in a terminal and printing lines elsewhere."""
    X, y = train
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", TrainingWarning)
        history = model.fit(
            X,
            y,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            optimizer=optimizer,
            schedule=settings.schedule,
            validation_data=test,
            callbacks=[] if is_watched() else [EpochLines(settings.epochs)],
            n_threads=settings.threads,
            progress=is_watched(),
        )
    for warning in said:
        if history.stopped != "interrupted":  # an interruption is reported by the summary
            click.echo(f"Warning: {warning.message}", err=True)
    return history


def summary(history: History, accuracy: float, operations_per_epoch: int, cores: int, peak: float) -> str:
    """Describe the result of the training: accuracy, time and speed."""
    from ..measure.durations import duration

    done, seconds = len(history.seconds), sum(history.seconds)
    lines = [f"Interrupted after {count(done, 'epoch')}."] if history.stopped == "interrupted" else []
    lines.append(f"test accuracy  {accuracy:.4f}")
    if done:
        speed = operations_per_epoch * done / seconds / 1e9
        share = f"{speed / (cores * peak):.0%} of the FMA peak of {count(cores, 'core')} ({cores * peak:.0f} GFLOP/s)"
        lines.append(f"training       {duration(seconds)}, {duration(seconds / done)} per epoch")
        lines.append(f"speed          {speed:.3g} GFLOP/s, {share}")
    return "\n".join(lines)


def count(n: int, what: str) -> str:
    """Format a number and its noun, in the plural if needed.

    Examples
    --------
    >>> count(1, "thread"), count(2, "thread")
    ('1 thread', '2 threads')
    """
    return f"{n} {what}{'' if n == 1 else 's'}"
