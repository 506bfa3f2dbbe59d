"""Run one example in this process and write down what it did: ``python -m docs.scikit_learn_examples.run EXAMPLE MODULE FOLDER``.

MODULE is where the example imports the estimators from. The example itself is not touched; their `fit`, `fetch_openml` and `plt.show`
are replaced around it. In FOLDER there are then ``record.json``, ``predictions.npz`` and the figures, ``1.png`` and so on.
"""

import functools
import json
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import matplotlib
import numpy as np
import sklearn.datasets
from matplotlib import pyplot as plt
from matplotlib.text import Text

from docs.scikit_learn_examples.source import ESTIMATORS

WIDTH = 1000  # of a figure, in pixels
SEED = 0


class Observer:
    """Times the calls of `fit` and keeps their results; adds up the time of what does not belong to the example, to be subtracted."""

    def __init__(self) -> None:
        self.aside = 0.0
        self.fits: list[dict[str, Any]] = []
        self.predictions: list[np.ndarray] = []

    @contextmanager
    def apart(self) -> Iterator[None]:
        """Do something that is not part of the example."""
        begun = perf_counter()
        try:
            yield
        finally:
            self.aside += perf_counter() - begun

    def observe(self, kind: type) -> None:
        """Replace the method `fit` of a class of estimators by one that is observed."""
        fit = kind.fit  # type: ignore[attr-defined]

        @functools.wraps(fit)
        def observed(model: Any, X: Any, y: Any, *others: Any, **named: Any) -> Any:
            begun = perf_counter()
            fit(model, X, y, *others, **named)
            seconds = perf_counter() - begun
            with self.apart():
                self.fits.append({"seconds": seconds, "epochs": int(model.n_iter_), "loss": float(model.loss_)})
                self.predictions.append(getattr(model, "predict_proba", model.predict)(X))
            return model

        kind.fit = observed  # type: ignore[attr-defined]

    def fetch_openml(self, *arguments: Any, **named: Any) -> Any:
        """Stand in for scikit-learn's function of this name."""
        with self.apart():
            from docs.scikit_learn_examples.data import fetch_openml

            return fetch_openml(*arguments, **named)


def main(example: Path, module: str, folder: Path) -> None:
    """Run the example and write the record."""
    observer = Observer()
    for name in ESTIMATORS:
        observer.observe(getattr(import_module(module), name))
    sklearn.datasets.fetch_openml = observer.fetch_openml
    matplotlib.use("agg")
    plt.show = lambda *_, **__: None
    np.random.seed(SEED)  # noqa: NPY002 - the generator of models without a random_state
    runpy.run_path(str(example), run_name="__main__")
    with observer.apart():
        figures = [plt.figure(number) for number in plt.get_fignums()]
        for number, figure in enumerate(figures, start=1):
            figure.savefig(folder / f"{number}.png", dpi=WIDTH / figure.get_figwidth())
        texts = [text.get_text() for figure in figures for text in figure.findobj(Text) if text.get_text()]
        np.savez(folder / "predictions.npz", *observer.predictions)
    (folder / "record.json").write_text(json.dumps({"aside": observer.aside, "fits": observer.fits, "texts": texts}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
