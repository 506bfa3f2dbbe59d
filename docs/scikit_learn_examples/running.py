"""Start examples in processes of their own, and read what they wrote down."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[2]
PATIENCE = 1800  # seconds after which an example counts as hanging


@dataclass
class Run:
    """One run of an example: its times, and what it printed, drew and predicted."""

    seconds: float  # of the whole process
    fit_seconds: float  # in the estimators' `fit`
    epochs: list[int]  # of each fit
    losses: list[float]
    printed: str
    warned: str
    texts: list[str]  # in the figures
    predictions: list[np.ndarray]  # of each fitted model for its training data
    figures: list[Image.Image]


def run(example: Path, module: str) -> Run:
    """Run an example that imports the estimators from this module.

    Raises
    ------
    RuntimeError
        If the example fails; the message has what it wrote to standard error.
    """
    with TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "docs.scikit_learn_examples.run", str(example), module, name]
        begun = perf_counter()
        done = subprocess.run(
            command, cwd=ROOT, env=os.environ | {"MPLBACKEND": "agg"}, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        seconds = perf_counter() - begun
        if done.returncode != 0:
            raise RuntimeError(f"{example.name} failed with the estimators of {module}:\n{done.stderr}")
        record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
        figures = []
        for path in sorted(folder.glob("*.png"), key=lambda path: int(path.stem)):
            with Image.open(path) as image:
                figures.append(image.convert("RGB"))
        with np.load(folder / "predictions.npz") as stored:
            predictions = list(stored.values())
    return Run(
        seconds=seconds - record["aside"],
        fit_seconds=sum(fit["seconds"] for fit in record["fits"]),
        epochs=[fit["epochs"] for fit in record["fits"]],
        losses=[fit["loss"] for fit in record["fits"]],
        printed=done.stdout,
        warned=done.stderr,
        texts=record["texts"],
        predictions=predictions,
        figures=figures,
    )
