"""MNIST by two hidden layers with dropout, AdamW and a one-cycle schedule: test accuracy and seconds, over several seeds.

    python benchmarks/mnist_dropout.py --seeds 5              # train on 60,000 images, test on 10,000
    python benchmarks/mnist_dropout.py --seeds 3 --validate   # compare settings on the last 10,000 training images instead

SETTING was chosen without the test images: some twenty settings were trained on the first 50,000 training images, with one seed each, and
scored on the other 10,000. `--validate` repeats the comparison with the nearest of them, whose differences are hardly larger than noise.
Pixels are scaled to [0, 1], in float32; there is no augmentation.
"""

from __future__ import annotations

import argparse
import math
from statistics import mean, stdev
from time import perf_counter

import numpy as np

from fastmlp import MLPClassifier
from fastmlp.datasets import load_mnist, normalize
from fastmlp.engine.threads import cpu_count
from fastmlp.measure.machine import cpu_model

SETTING = {
    "hidden_layer_sizes": (512, 512), "activation": "silu", "dropout": 0.4, "solver": "adamw", "beta_2": 0.99, "weight_decay": 0.1,
    "learning_rate": "one_cycle", "learning_rate_init": 4e-3, "batch_size": 256, "max_iter": 16, "alpha": 0.0,
}  # fmt: skip
COMPARED = [  # with SETTING, by `--validate`
    {},
    {"activation": "relu"},
    {"activation": "gelu"},
    {"beta_2": 0.999},
    {"dropout": 0.5},
    {"hidden_layer_sizes": (512, 256)},
    {"max_iter": 24},
]
Images = tuple[np.ndarray, np.ndarray]


def train(changes: dict, seed: int, threads: int, data: Images, held_out: Images) -> tuple[float, float]:
    """Train a network; return its accuracy on the held-out images, and the seconds of `fit`."""
    model = MLPClassifier(**SETTING | changes, n_iter_no_change=math.inf, random_state=seed, n_threads=threads)
    start = perf_counter()
    model.fit(*data)
    seconds = perf_counter() - start
    return model.score(*held_out), seconds


def summary(results: list[tuple[float, float]]) -> str:
    """Describe the accuracies and times of several seeds."""
    accuracies, seconds = zip(*results, strict=True)
    spread = f", standard deviation {100 * stdev(accuracies):.3f}" if len(accuracies) > 1 else ""
    return f"mean {100 * mean(accuracies):.3f} %{spread}, lowest {100 * min(accuracies):.2f} %; {mean(seconds):.1f} s per fit"


def main() -> None:
    """Print the accuracy of each seed, and a summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="number of trainings, each with its own seed (default: 5)")
    parser.add_argument("--threads", type=int, default=min(2, cpu_count()), help="threads of each training (default: 2)")
    parser.add_argument("--validate", action="store_true", help="compare settings on a part of the training images")
    options = parser.parse_args()
    if options.seeds < 1 or options.threads < 1:
        parser.error(f"--seeds, --threads: expected at least 1, got {options.seeds} and {options.threads}")
    (X, y), (X_test, y_test) = load_mnist()
    X = normalize(X)
    print(f"{cpu_model()}, {options.threads} thread(s); {SETTING}", flush=True)
    train({"max_iter": 1}, 0, options.threads, (X[:1000], y[:1000]), (X[:1000], y[:1000]))  # compile before the clock runs
    if options.validate:
        training, validation = (X[:50_000], y[:50_000]), (X[50_000:], y[50_000:])
        for changes in COMPARED:
            results = [train(changes, seed, options.threads, training, validation) for seed in range(options.seeds)]
            print(f"{changes or 'SETTING'}: validation accuracy {summary(results)}", flush=True)
        return
    results = []
    for seed in range(options.seeds):
        results.append(train({}, seed, options.threads, (X, y), (normalize(X_test), y_test)))
        print(f"seed {seed}: test accuracy {100 * results[-1][0]:.2f} %, {results[-1][1]:.1f} s", flush=True)
    print(summary(results))


if __name__ == "__main__":
    main()
