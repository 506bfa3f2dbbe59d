"""Compare two runs of an example: numbers, words, epochs, losses, predictions and pixels."""

import re
from dataclasses import dataclass

import numpy as np
from PIL import Image

from docs.scikit_learn_examples.running import Run

NUMBER = re.compile(r"[-−]?\d*\.?\d+(?:e[-+]?\d+)?")
SECONDS = re.compile(r"\d+\.\d+ ?s\b")  # times, which differ from run to run
PLACE = re.compile(r"^\S*?([^/\\\s]+\.py):\d+: ", re.MULTILINE)  # of a warning
SOURCE_LINE = re.compile(r"^  .*\n", re.MULTILINE)  # which Python shows below a warning


@dataclass
class Agreement:
    """How far two runs agree."""

    fits: int
    same_epochs: bool
    loss: float  # largest relative difference
    prediction: float  # largest difference, relative to the range of the predictions of its model
    numbers: int  # printed or drawn
    different_numbers: int
    largest_number: float  # largest difference of two of them
    different_pixels: float  # share of all figures


def numbers_and_words(text: str) -> tuple[list[float], list[str]]:
    """Divide a text into its numbers and what is between them; times are left out."""
    text = SECONDS.sub("", text)
    return [float(number.replace("−", "-")) for number in NUMBER.findall(text)], NUMBER.split(text)


def compare(first: Run, second: Run) -> Agreement:
    """Compare two runs.

    Raises
    ------
    ValueError
        If they differ by more than numbers: in the words that they print or draw, in the models that they fit, or in their figures.
    """
    (numbers, words), (others, other_words) = (numbers_and_words("\n".join([each.printed, *each.texts])) for each in (first, second))
    for before, after in zip(words, other_words, strict=False):
        if before != after:
            raise ValueError(f"expected the same words in both outputs, found {before!r} and {after!r}")
    if len(words) != len(other_words):
        raise ValueError(f"expected equally many numbers in both outputs, found {len(numbers)} and {len(others)}")
    shapes = [[array.shape for array in each.predictions] for each in (first, second)]
    if shapes[0] != shapes[1] or not shapes[0]:
        raise ValueError(f"expected the same models to be fitted, found predictions of shapes {shapes[0]} and {shapes[1]}")
    sizes = [[figure.size for figure in each.figures] for each in (first, second)]
    if sizes[0] != sizes[1] or not sizes[0]:
        raise ValueError(f"expected the same figures, found sizes {sizes[0]} and {sizes[1]}")
    apart = np.abs(np.array(numbers) - np.array(others))
    return Agreement(
        fits=len(first.losses),
        same_epochs=first.epochs == second.epochs,
        loss=max(abs(a - b) / abs(a) for a, b in zip(first.losses, second.losses, strict=True)),
        prediction=max(float(np.abs(a - b).max() / np.ptp(a)) for a, b in zip(first.predictions, second.predictions, strict=True)),
        numbers=len(numbers),
        different_numbers=int((apart > 0).sum()),
        largest_number=float(apart.max(initial=0)),
        different_pixels=float(np.concatenate([differing(a, b) for a, b in zip(first.figures, second.figures, strict=True)]).mean()),
    )


def differing(first: Image.Image, second: Image.Image) -> np.ndarray:
    """Return for each pixel, in one dimension, whether any of its colours differs."""
    return (np.asarray(first) != np.asarray(second)).any(axis=-1).ravel()


def warnings_of(text: str) -> list[str]:
    """Return the warnings in what was written to standard error, without the lines of code from which they come."""
    return [line for line in SOURCE_LINE.sub("", PLACE.sub("", text)).splitlines() if line.strip()]
