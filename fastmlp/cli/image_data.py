"""The data sets of images that `fastmlp train` knows, and what it says when their files are not there."""

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
    """Images in ten classes."""

    title: str
    load: Callable[..., Any]
    source: IdxSource | None = None  # None: comes with a library
    names: tuple[str, ...] | None = None  # of the classes, if they are not digits


IMAGE_DATA = {
    "digits": ImageData("scikit-learn's digits", load_digits),
    "mnist": ImageData("MNIST", load_mnist, MNIST),
    "fashion-mnist": ImageData("Fashion-MNIST", load_fashion_mnist, FASHION_MNIST, CLOTHES),
}


def folders(source: IdxSource) -> list[Path]:
    """Where the files of a data set are looked for, in this order, when no folder is named."""
    return [*local_folders(source), *cached(source)]


def cached(source: IdxSource) -> list[Path]:
    """The folder of downloads, if pooch is there to tell."""
    try:
        import pooch
    except ModuleNotFoundError:
        return []
    return [Path(pooch.os_cache("fastmlp")) / source.folder]


def load(data: ImageData, folder: Path | None) -> Any:
    """(X_train, y_train), (X_test, y_test); without the files an error that says where they were looked for and how to get them."""
    try:
        return data.load(folder) if folder else data.load()
    except (OSError, ValueError, ImportError) as error:
        if data.source is None:
            raise click.UsageError(str(error)) from error
        raise click.UsageError(f"{error}\n{advice(data.source, [folder] if folder else folders(data.source))}") from error


def advice(source: IdxSource, looked: list[Path]) -> str:
    """Where the files were looked for, and how to get them."""
    places = ", ".join(map(str, looked)) or "no folder: FASTMLP_DATA is not set"
    files = ", ".join(source.sha256)
    return "\n".join(
        [
            f"Looked in: {places}",
            f"Needed: {files}; each as it is or with .gz",
            f"To be had at {source.mirrors[0]} (with .gz); name their folder with --data or in FASTMLP_DATA,",
            'or let fastmlp download them: python -m pip install "fastmlp[data]"',
        ]
    )
