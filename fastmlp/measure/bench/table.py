"""The table of `fastmlp bench`: which peers are compared on which work, and the targets that the project set itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ...engine.arguments import check_choice
from .peers import PEERS
from .sections import Prediction, Target, Training
from .start_and_memory import Memory, Start
from .tasks import Task

Section = Training | Prediction | Start | Memory

FASHION = Task("fashion-mnist", (100, 200), batch_size=64, epochs=5, optimizer="sgd", learning_rate=0.05)
NETWORK = (784, 100, 200, 10)
ALL = tuple(PEERS)


def small(data: str, bound: float) -> Training:
    """scikit-learn's default classifier on one of its data sets."""
    task = Task(data, (100,), batch_size=200, epochs=200, optimizer="adam", learning_rate=1e-3, dtype="float64", alpha=1e-4)
    title = f"{data.replace('_', ' ').capitalize()}, scikit-learn's default: 100 hidden, Adam, batch min(200, N), float64, 1 thread"
    return Training(data, title, task, (("fastmlp", 1), ("scikit-learn", 1)), (Target("times", bound, "scikit-learn"),), unit="step")


TABLE: tuple[Section, ...] = (
    Training(
        "sgd",
        "Fashion-MNIST, 784-100-200-10, batch 64, SGD, float32, 1 thread",
        FASHION,
        tuple((who, 1) for who in ALL),
        (
            Target("share", 0.6),
            Target("times", 5, "scikit-learn"),
            Target("times", 4, "PyTorch"),
            Target("times", 2, "JAX"),
        ),
    ),
    Training(
        "dense",
        "The same, the mean pixel subtracted: no zeros to skip",
        replace(FASHION, centred=True),
        tuple((who, 1) for who in ALL),
        (),
    ),
    Training(
        "threads",
        "Fashion-MNIST, 784-100-200-10, batch 64, SGD, float32, 2 threads",
        FASHION,
        (("fastmlp", 1), *((who, 2) for who in ALL)),
        (Target("times one thread", 1.6),),
    ),
    Training(
        "adam",
        "Fashion-MNIST, 784-100-200-10, batch 64, Adam, float32, 1 thread",
        replace(FASHION, optimizer="adam", learning_rate=1e-3),
        tuple((who, 1) for who in ALL),
        (Target("times", 4.5, "scikit-learn"), Target("times", 5, "PyTorch")),
    ),
    Training(
        "float64",
        "Fashion-MNIST, 784-100-200-10, batch 64, SGD, float64, 1 thread",
        replace(FASHION, dtype="float64"),
        (("fastmlp", 1), ("NumPy", 1)),
        (Target("times", 4, "NumPy"),),
    ),
    Training(
        "wide",
        "12,800 of Fashion-MNIST, 784-1024-1024-10, batch 128, SGD, float32, 1 thread",
        replace(FASHION, hidden=(1024, 1024), batch_size=128, epochs=3, samples=12_800),
        tuple((who, 1) for who in ALL),
        (Target("best peer", 1.3),),
    ),
    small("iris", 30),
    small("breast_cancer", 15),
    small("digits", 8),
    Training(
        "mnist",
        "MNIST to 98 %: 784-128-10, batch 64, Adam, one cycle to 0.004, 5 epochs, float32, 2 threads",
        Task("mnist", (128,), 64, 5, "adam", 4e-3, schedule="one_cycle", raw=True),
        (("fastmlp", 2),),
        (Target("seconds", 1.0), Target("accuracy", 0.98)),
        unit="run",
    ),
    Prediction("predict-1", "Predict 1 row, 784-100-200-10, float32, 1 thread", NETWORK, 1, (Target("seconds", 5e-6),)),
    Prediction(
        "predict-10000",
        "Predict 10,000 rows, 784-100-200-10, float32, 1 thread",
        NETWORK,
        10_000,
        (Target("times", 1, "PyTorch"), Target("times", 1, "onnxruntime")),
    ),
    Start(),
    Memory(),
)


def chosen(keys: Sequence[str]) -> list[Section]:
    """The sections of those keys, in the table's order; all for none.

    Examples
    --------
    >>> [section.title for section in chosen(["start"])]
    ['Process start to first fitted model, 784-100-10']
    """
    known = [section.key for section in TABLE]
    for key in keys:
        check_choice("only", key, tuple(known))
    return [section for section in TABLE if not keys or section.key in keys]
