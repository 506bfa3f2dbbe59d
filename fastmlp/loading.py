"""Load a model or an estimator from the file that its `save` wrote."""

from __future__ import annotations

from typing import Any

from .files.atomic import PathLike, as_path
from .files.optional import optional
from .model.loading import restored
from .model.saving import read


def load(path: PathLike) -> Any:
    """Load a model or an estimator from a file that its `save` wrote.

    The file is treated as data: its content can neither run code nor make `load` use more memory than a few times the size of the file.
    It is read completely and its checksum is verified before its content is used, so a file that is damaged, or rewritten during the
    reading, is rejected. (Files of the first format, "fastmlp 1", have no checksum; everything else about them is checked.)

    Parameters
    ----------
    path : str or path-like
        The file to read.

    Returns
    -------
    Sequential, MLPClassifier or MLPRegressor
        A model or estimator with exactly the parameters of the saved one. Training it continues as it would have with the saved one,
        except that the optimizer's state, such as its momentum, is not saved and starts anew.

    Raises
    ------
    ImportError
        If safetensors is not installed, or, for an estimator, scikit-learn.
    ValueError
        If the file differs in any way from what `save` writes. The message names the file and says what is wrong.
    TypeError
        If `path` is not a path.
    OSError
        If the file cannot be read or is not a regular file.

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
