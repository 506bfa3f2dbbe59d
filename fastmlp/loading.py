"""`load`: a model or an estimator from the file that its `save` wrote."""

from __future__ import annotations

from typing import Any

from .files.atomic import PathLike, as_path
from .files.optional import optional
from .model.loading import restored
from .model.saving import read


def load(path: PathLike) -> Any:
    """Read what `save` wrote. No file can make it run code, or take more memory than a few times the file's size.

    The file is read whole before anything in it is looked at, and its checksum is verified: a file that was damaged, or rewritten
    meanwhile, is refused. (Files of the first format, "fastmlp 1", have no checksum; they are checked in all other respects.)

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    Sequential, MLPClassifier or MLPRegressor
        Whichever was saved, with the same parameters, bit for bit; training goes on as it would have done there with an optimizer that
        begins.

    Raises
    ------
    ImportError
        If safetensors is not installed, or for an estimator scikit-learn.
    ValueError
        If the file is not what `save` writes, in whatever respect: the message names the file and what is wrong.
    TypeError
        If `path` is not a path.
    OSError
        If the file cannot be read, or is no regular file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from fastmlp import Dense, Sequential, Sigmoid, load
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "neuron.safetensors")
    ...     Sequential([Dense(2, 1), Sigmoid()], loss="binary_cross_entropy").save(file)
    ...     print(load(file))
    layer        output   parameters
    Dense(2, 1)       1            3
    Sigmoid()         1            0
    loss binary_cross_entropy, 3 parameters
    """
    source = as_path(path)
    try:
        saved = read(source)
        model = restored(saved)
        if saved.estimator is None:
            return model
        optional("sklearn", extra="sklearn", purpose="load of an estimator")
        from .estimators import saving

        return saving.restored(saved.estimator, saved.more, model)
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{source}: expected a model saved by fastmlp; {str(error)[:400]}") from error
