"""The table of `fastmlp bench`: which peers are compared on which work, and the project's targets."""

from __future__ import annotations

from dataclasses import replace

from .peers import PEERS
from .sections import Prediction, Target, Training
from .start_and_memory import Memory, Start
from .tasks import Task

Section = Training | Prediction | Start | Memory

FASHION = Task("fashion-mnist", (100, 200), batch_size=64, epochs=5, optimizer="sgd", learning_rate=0.05)
NETWORK = (784, 100, 200, 10)
ALL = tuple(PEERS)


def small(data: str, bound: float, on_avx2: float) -> Training:
    """Return the section for scikit-learn's default classifier on one of its data sets."""
    task = Task(data, (100,), batch_size=200, epochs=200, optimizer="adam", learning_rate=1e-3, dtype="float64", alpha=1e-4)
    title = f"{data.replace('_', ' ').capitalize()}, scikit-learn's default: 100 hidden, Adam, batch min(200, N), float64, 1 thread"
    target = Target("times", bound, on_avx2, "scikit-learn")
    return Training(data, title, task, (("fastmlp", 1), ("scikit-learn", 1)), (target,), unit="step")


TABLE: tuple[Section, ...] = (
    Training(
        "sgd",
        "Fashion-MNIST, 784-100-200-10, batch 64, SGD, float32, 1 thread",
        FASHION,
        tuple((who, 1) for who in ALL),
        (
            Target("share", 0.8, 0.75),
            Target("times", 1.55, 1.35, "JAX"),
            Target("times", 1.9, 1.5, "NumPy"),
            Target("times", 3.6, 2.7, "scikit-learn"),
            Target("times", 4, 2.6, "PyTorch"),
        ),
    ),
    Training(
        "dense",
        "The same with the mean pixel subtracted: no zeros to skip",
        replace(FASHION, centred=True),
        tuple((who, 1) for who in ALL),
        (),
    ),
    Training(
        "threads",
        "Fashion-MNIST, 784-100-200-10, batch 64, SGD, float32, 2 threads",
        FASHION,
        (("fastmlp", 1), *((who, 2) for who in ALL)),
        (Target("times one thread", 1.75, 1.75),),
    ),
    Training(
        "adam",
        "Fashion-MNIST, 784-100-200-10, batch 64, Adam, float32, 1 thread",
        replace(FASHION, optimizer="adam", learning_rate=1e-3),
        tuple((who, 1) for who in ALL),
        (Target("share", 0.65, 0.65),),
    ),
    Training(
        "float64",
        "Fashion-MNIST, 784-100-200-10, batch 64, SGD, float64, 1 thread",
        replace(FASHION, dtype="float64"),
        (("fastmlp", 1), ("NumPy", 1)),
        (Target("times", 2.1, 1.5, "NumPy"),),
    ),
    Training(
        "wide",
        "12,800 of Fashion-MNIST, 784-1024-1024-10, batch 128, SGD, float32, 1 thread",
        replace(FASHION, hidden=(1024, 1024), batch_size=128, epochs=3, samples=12_800),
        tuple((who, 1) for who in ALL),
        (Target("best peer", 1.2, 1.05),),
    ),
    Training(
        "table",
        "17,000 x 100, 256-256 hidden, batch 256, Adam, float32, 1 thread",
        Task("table", (256, 256), batch_size=256, epochs=10, optimizer="adam", learning_rate=1e-3),
        tuple((who, 1) for who in ALL),
        (Target("times", 3, 2, "PyTorch"), Target("times", 3, 2, "scikit-learn")),
    ),
    small("iris", 18, 18),
    small("breast_cancer", 10, 8),
    small("digits", 6.5, 4.5),
    Training(
        "mnist",
        "MNIST to 98 %: 784-128-10, batch 96, Adam, one cycle to 0.008, 4 epochs, float32, 2 threads",
        Task("mnist", (128,), 96, 4, "adam", 8e-3, schedule="one_cycle", raw=True),
        (("fastmlp", 2),),
        (Target("seconds", 0.35, 0.6), Target("accuracy", 0.98, 0.98)),
        unit="run",
    ),
    Prediction("predict-1", "Predict 1 row, 784-100-200-10, float32, 1 thread", NETWORK, 1, (Target("seconds", 4.5e-6, 7e-6),)),
    Prediction(
        "predict-10000",
        "Predict 10,000 rows, 784-100-200-10, float32, 1 thread",
        NETWORK,
        10_000,
        (Target("best peer", 1.2, 1.1),),
    ),
    Start(),
    Memory(),
)
