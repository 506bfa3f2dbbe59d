"""Models as files: `save` and `load` (safetensors), and `export_onnx` for other runtimes.

A file may come from anywhere. It is data, never code; `load` believes no word of it: each field of the description is checked against a
fixed table, and each tensor against the layers described, before memory is taken for it.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.arguments import check_choice, check_finite
from ..files.atomic import as_path, write_atomically
from ..files.optional import optional
from ..kernels.network import Network
from .layers import ELU, GELU, SELU, Dense, Dropout, Layer, LeakyReLU, ReLU, Sigmoid, SiLU, Softplus, Tanh
from .sequential import Sequential

PathLike = str | os.PathLike[str]
FORMAT = "fastmlp 1"  # the number grows when an older `load` could not understand what is written
FIELDS = ("loss", "seed", "dtype", "generator", "layers")
LARGEST_HEADER = 2**18  # bytes of names and shapes: more than a thousand layers; safetensors itself would read 100 MB
TENSOR_DTYPES = {"float32": "F32", "float64": "F64", "undecided": "F64"}  # undecided: the first data will settle it
ARGUMENTS: dict[type[Layer], dict[str, type]] = {
    Dense: {"n_inputs": int, "n_outputs": int, "bias": bool, "initializer": str},
    Dropout: {"rate": float},
    **{activation: {} for activation in (ReLU, Sigmoid, Tanh, LeakyReLU, ELU, SELU, GELU, SiLU, Softplus)},
}
KINDS = {kind.__name__: kind for kind in ARGUMENTS}
GENERATOR_LIMITS = (2**128, 2**128, 2, 2**32)  # of PCG64's state, increment, and the half of a draw that it keeps


def save(model: Sequential, path: PathLike) -> None:
    """Write a model to a safetensors file, whole or not at all.

    The tensors are W0, b0, W1, ... in the order of the Dense layers, in the model's dtype; the layers, the loss, the seed and the state
    of the random generator are in the metadata. The memory of an optimizer is not kept: `fit` begins with a new one anyway.

    Parameters
    ----------
    model : Sequential
    path : str or path-like
        The file; by custom its name ends in ``.safetensors``.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    ValueError, TypeError
        If the model has no Dense layer, a layer of another class than fastmlp's, a parameter that is NaN or infinite, or more layers
        than `load` would take; if an argument is of another type.
    OSError
        If the file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from fastmlp import Dense, ReLU, Sequential, load
    >>> model = Sequential([Dense(2, 3), ReLU(), Dense(3, 1)], seed=7)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "model.safetensors")
    ...     model.save(file)
    ...     copy = load(file)
    >>> bool((copy.parameters == model.parameters).all())
    True
    """
    safetensors = optional("safetensors.numpy", extra="save", purpose="save")
    target = as_path(path)
    _, parameters = _checked(model)
    state = model.rng.bit_generator.state
    description = {
        "loss": model.loss,
        "seed": model.seed,
        "dtype": "undecided" if model.dtype is None else model.dtype.name,
        "generator": [state["state"]["state"], state["state"]["inc"], state["has_uint32"], state["uinteger"]],
        "layers": [_describe(layer) for layer in model.layers],
    }
    content = safetensors.save(_tensors(model.layers, parameters), {"format": FORMAT, "model": json.dumps(description)})
    _check_header(content)
    write_atomically(target, content)


def load(path: PathLike) -> Sequential:
    """Read a model that `save` wrote. No file can make it run code, or take more memory than a few times the file's size.

    Parameters
    ----------
    path : str or path-like

    Returns
    -------
    Sequential
        With the parameters of the saved one, bit for bit; `fit` goes on as it would have done there.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    ValueError
        If the file is not what `save` writes, in whatever respect: the message names the file and what is wrong.
    TypeError
        If `path` is not a path.
    OSError
        If the file cannot be read.

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
    safetensors = optional("safetensors", extra="save", purpose="load")
    source = as_path(path)
    try:
        return _read(source, safetensors)
    except (ValueError, TypeError, RecursionError, safetensors.SafetensorError) as error:
        raise ValueError(f"{source}: expected a model saved by fastmlp; {str(error)[:400]}") from error


def _checked(model: Sequential) -> tuple[Network, np.ndarray]:
    """The model's network and its parameters, if they are fit to be used elsewhere."""
    if not isinstance(model, Sequential):
        raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
    return model.network(), check_finite("parameters", model.parameters)


def _shapes(layers: list[Layer]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the tensors, in the order of the parameter vector."""
    shapes: dict[str, tuple[int, ...]] = {}
    for k, layer in enumerate(layer for layer in layers if isinstance(layer, Dense)):
        shapes[f"W{k}"] = layer.n_inputs, layer.n_outputs
        if layer.bias:
            shapes[f"b{k}"] = (layer.n_outputs,)
    return shapes


def _tensors(layers: list[Layer], parameters: np.ndarray) -> dict[str, np.ndarray]:
    """The tensors by name, views into the parameter vector."""
    shapes = _shapes(layers)
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
    return {name: flat.reshape(shapes[name]) for name, flat in zip(shapes, np.split(parameters, ends[:-1]), strict=True)}


def _check_header(content: bytes) -> None:
    """A safetensors file begins with the length of its header, in 8 bytes."""
    length = int.from_bytes(content[:8], "little")
    if length > LARGEST_HEADER:
        raise ValueError(f"header: expected at most {LARGEST_HEADER:,} bytes (of names and shapes), got {length:,}")


def _read(source: Path, safetensors: Any) -> Sequential:
    with open(source, "rb") as stream:
        _check_header(stream.read(8))
    with safetensors.safe_open(source, framework="numpy") as file:
        description = _description(file.metadata() or {})
        dtype = description["dtype"]
        layers = [_layer(entry) for entry in description["layers"]]
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - not a dict
        found = {name: (piece.get_dtype(), tuple(piece.get_shape())) for name, piece in slices.items()}
        expected = {name: (TENSOR_DTYPES[dtype], shape) for name, shape in _shapes(layers).items()}
        for name in expected | found:
            if expected.get(name) != found.get(name):
                raise ValueError(f"tensor {name!r}: expected {_say(expected.get(name))}, got {_say(found.get(name))}")
        # From here on sizes are those of the file.
        model = Sequential(layers, description["loss"], description["seed"], None if dtype == "undecided" else dtype)
        model.network()  # complains of what cannot be run
        for name, view in _tensors(layers, model.parameters).items():
            view[...] = check_finite(f"tensor {name!r}", file.get_tensor(name))
    _set_state(model.rng, description["generator"])
    return model


def _description(metadata: dict[str, str]) -> dict[str, Any]:
    """What the metadata say of the model; layers and generator are still to be checked."""
    if metadata.get("format") != FORMAT:
        raise ValueError(f"format: expected {FORMAT!r}, got {metadata.get('format')!r}")
    description = _fields("model", json.loads(_fields("metadata", metadata, ("format", "model"))["model"]), FIELDS)
    check_choice("dtype", description["dtype"], TENSOR_DTYPES)
    if not isinstance(description["layers"], list):
        raise ValueError(f"layers: expected a list, got {description['layers']!r}")
    return description


def _fields(name: str, value: Any, expected: tuple[str, ...]) -> dict[str, Any]:
    """`value` if it is a dict with exactly these keys."""
    if not isinstance(value, dict) or set(value) != set(expected):
        got = list(value) if isinstance(value, dict) else value
        raise ValueError(f"{name}: expected the fields {', '.join(expected)}, got {got!r}")
    return value


def _describe(layer: Layer) -> dict[str, Any]:
    if type(layer) not in ARGUMENTS:
        raise TypeError(f"layers: expected {', '.join(KINDS)}, got {type(layer).__name__}, which cannot be saved")
    return {"layer": type(layer).__name__} | {name: getattr(layer, name) for name in ARGUMENTS[type(layer)]}


def _layer(entry: Any) -> Layer:
    """The layer that `_describe` described."""
    if not isinstance(entry, dict):
        raise ValueError(f"layers: expected a dict, got {entry!r}")
    kind = KINDS[check_choice("layer", entry.get("layer"), KINDS)]
    types = ARGUMENTS[kind]
    arguments = _fields(kind.__name__, entry, ("layer", *types))
    for name, wanted in types.items():
        if type(arguments[name]) is not wanted:  # not isinstance: True is an int
            raise ValueError(f"{kind.__name__}: expected {name} of type {wanted.__name__}, got {arguments[name]!r}")
    return kind(**{name: arguments[name] for name in types})


def _set_state(rng: np.random.Generator, values: Any) -> None:
    in_range = isinstance(values, list) and len(values) == len(GENERATOR_LIMITS) and all(type(value) is int for value in values)
    if not in_range or not all(0 <= value < limit for value, limit in zip(values, GENERATOR_LIMITS, strict=True)) or values[1] % 2 == 0:
        raise ValueError(f"generator: expected the four integers of PCG64's state, got {values!r}")
    state, inc, has_uint32, uinteger = values
    rng.bit_generator.state = {
        "bit_generator": "PCG64", "state": {"state": state, "inc": inc}, "has_uint32": has_uint32, "uinteger": uinteger,
    }  # fmt: skip


def _say(tensor: tuple[str, tuple[int, ...]] | None) -> str:
    return "none" if tensor is None else f"{tensor[0]} of shape {tensor[1]}"
