"""The image data sets of `fastmlp train`, and the advice that it prints if their files are missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..datasets import load_digits, load_fashion_mnist, load_mnist
from ..files.published import FASHION_MNIST, MNIST, IdxSource, local_folders

CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")


@dataclass(frozen=True)
class ImageData:
    """A data set of images in ten classes."""

    title: str
    load: Callable[..., Any]
    source: IdxSource | None = None  # None if the data come with a library
    names: tuple[str, ...] | None = None  # names of the classes, unless these are digits


IMAGE_DATA = {
    "digits": ImageData("scikit-learn's digits", load_digits),
    "mnist": ImageData("MNIST", load_mnist, MNIST),
    "fashion-mnist": ImageData("Fashion-MNIST", load_fashion_mnist, FASHION_MNIST, CLOTHES),
}


def folders(source: IdxSource) -> list[Path]:
    """List the folders that are searched for a data set, in this order, if the user names none."""
    return [*local_folders(source), *cached(source)]


def cached(source: IdxSource) -> list[Path]:
    """Return the folder of downloads, or nothing if pooch is not installed."""
    try:
        import pooch
    except ModuleNotFoundError:
        return []
    return [Path(pooch.os_cache("fastmlp")) / source.folder]


def load(data: ImageData, folder: Path | None) -> Any:
    """Load (X_train, y_train), (X_test, y_test).

    If the files are missing, raise a usage error that says where they were looked for and how to get them.
    """
    try:
        return data.load(folder) if folder else data.load()
    except (OSError, ValueError, ImportError) as error:
        if data.source is None:
            raise click.UsageError(str(error)) from error
        raise click.UsageError(f"{error}\n{advice(data.source, [folder] if folder else folders(data.source))}") from error


def advice(source: IdxSource, looked: list[Path]) -> str:
    """Say where the files were looked for and how to get them."""
    places = ", ".join(map(str, looked)) or "no folder, because FASTMLP_DATA is not set"
    files = ", ".join(source.sha256)
    return "\n".join(
        [
            f"Looked in: {places}",
            f"Needed: {files}, either plain or gzipped (.gz)",
            f"You can download them (.gz) from {source.mirrors[0]} and give their folder with --data or in FASTMLP_DATA.",
            'To let fastmlp download them, run: python -m pip install "fastmlp[data]"',
        ]
    )
