"""Load a model from a file that `Sequential.save` wrote."""

from __future__ import annotations

from ..files.atomic import PathLike, as_path
from .saving import as_tensors, read
from .sequential import Sequential


def load(path: PathLike) -> Sequential:
    """Load a model from a file that `Sequential.save` wrote.

    The file is treated as data: its content can neither run code nor make `load` use more memory than a few times the size of the file.
    It is read completely and its checksum is verified before its content is used, so a file that is damaged, or rewritten during the
    reading, is rejected. (Files of the first format, "fastmlp 1", have no checksum; everything else about them is checked.)

    Parameters
    ----------
    path : str or path-like
        The file to read.

    Returns
    -------
    Sequential
        A model with exactly the parameters of the saved one. Training it continues as it would have with the saved model, except that the
        optimizer's state, such as its momentum, is not saved and starts anew.

    Raises
    ------
    ImportError
        If safetensors is not installed.
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
        model = Sequential(saved.layers, saved.loss, saved.seed, saved.dtype)
        model.network()  # raises ValueError if the layers do not make a network
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{source}: expected a model saved by fastmlp; {str(error)[:400]}") from error
    for name, view in as_tensors(model.layers, model.parameters).items():
        view[...] = saved.tensors[name]
    model.rng.bit_generator.state = saved.generator
    model.resume(saved.steps, saved.column_targets)
    return model
