"""Save a model in a safetensors file, and read such a file.

A file may come from an untrusted source. It is treated as data, never as code: each field of its description is checked against a fixed
table, and each tensor against the layers described, before memory is allocated for a model.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..engine.arguments import check_choice, check_finite, check_size
from ..engine.losses import Loss, Quantile
from ..files.atomic import PathLike, as_path, check_writable
from ..files.tensors import SEAL, Tensor, read_tensors, write_tensors
from .architecture import Architecture
from .layers import ACTIVATION_LAYERS, Dense, Dropout, Layer

# The number of a format increases when an older version of `load` could not read the new files. METADATA lists the metadata fields of
# each format; the first format had no checksum.
FORMAT, ESTIMATOR_FORMAT = "fastmlp 2", "fastmlp estimator 1"
METADATA = {
    "fastmlp 1": ("format", "model"),
    FORMAT: ("format", "model", SEAL),
    ESTIMATOR_FORMAT: ("format", "model", "estimator", SEAL),
}
LATER_FIELDS = {"steps": 0, "targets": "undecided"}  # fields added later, which may be missing, with their defaults
FIELDS = ("loss", "seed", "dtype", "generator", "layers", *LATER_FIELDS)
TARGETS = {"undecided": None, "row": False, "column": True}  # whether the training targets had shape (N, 1)
MOST_STEPS = 2**62  # leaves room to continue counting in 64 bits
TENSOR_DTYPES = {"float32": "F32", "float64": "F64", "undecided": "F64"}  # undecided: the dtype of the first training data will be used
ARGUMENTS: dict[type[Layer], dict[str, type]] = {
    Dense: {"n_inputs": int, "n_outputs": int, "bias": bool, "initializer": str},
    Dropout: {"rate": float},
    **{activation: {} for activation in ACTIVATION_LAYERS.values()},
}
KINDS = {kind.__name__: kind for kind in ARGUMENTS}
GENERATOR_LIMITS = (2**128, 2**128, 2, 2**32)  # PCG64's state, its increment, has_uint32 and the stored half of a draw


class Beside(NamedTuple):
    """What an estimator adds to the file of its network: a description in types that JSON can represent, and tensors with other names."""

    description: dict[str, Any]
    tensors: dict[str, np.ndarray]


class Saved(NamedTuple):
    """The description and the tensors that a file contains, of a model and of the estimator that it belongs to, if any."""

    layers: list[Layer]  # without their parameters
    loss: Loss
    seed: int
    dtype: str | None
    generator: dict[str, Any]  # the state of PCG64
    steps: int
    column_targets: bool | None
    tensors: dict[str, np.ndarray]  # W0, b0, W1, ...
    estimator: dict[str, Any] | None  # its description, not yet checked; None for a model alone
    more: dict[str, Tensor]  # the tensors of the estimator, not yet checked


def save(model: Architecture, path: PathLike, beside: Beside | None = None) -> None:
    """Write a model to a safetensors file. The write is atomic.

    The tensors are called W0, b0, W1, ... in the order of the Dense layers, and have the model's dtype. The metadata contain the layers,
    the loss, the seed, the state of the random generator, the number of steps, the shape of the targets and a SHA-256 checksum of the
    file. The optimizer's state is not saved, so an optimizer starts anew after loading.

    If a file is replaced, the new file keeps its permissions. If the path is a symbolic link, the file that it leads to is replaced.

    Parameters
    ----------
    model : Sequential
        The model to save.
    path : str or path-like
        The file to write. By convention its name ends in ``.safetensors``.
    beside : Beside, optional
        The description and the tensors that an estimator adds.

    Raises
    ------
    ImportError
        If safetensors is not installed.
    ValueError, TypeError
        If the model has no Dense layer, a layer is not one of fastmlp's classes, a parameter is NaN or infinite, there are more layers
        than `load` accepts, or an argument is of the wrong type.
    OSError
        If the file cannot be written, or the path leads to something that is not a regular file.

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
    target = as_path(path)
    parameters = checked_parameters(model)
    check_writable(target)
    state = model.rng.bit_generator.state
    description = {
        "loss": {"quantile": list(model.loss.levels)} if isinstance(model.loss, Quantile) else model.loss,
        "seed": model.seed,
        "dtype": "undecided" if model.dtype is None else model.dtype.name,
        "generator": [state["state"]["state"], state["state"]["inc"], state["has_uint32"], state["uinteger"]],
        "layers": [_describe(layer) for layer in model.layers],
        "steps": model.steps,
        "targets": next(name for name, column in TARGETS.items() if column is model.column_targets),
    }
    tensors, metadata = as_tensors(model.layers, parameters), {"format": FORMAT, "model": json.dumps(description)}
    if beside is not None:
        tensors |= beside.tensors
        metadata |= {"format": ESTIMATOR_FORMAT, "estimator": json.dumps(beside.description)}
    write_tensors(target, tensors, metadata)


def read(path: Path) -> Saved:
    """Read and check a file that `save` wrote. Raise ValueError if it differs in any way from what `save` writes."""
    stored, metadata = read_tensors(path)
    description, estimator = _description(metadata)
    layers = [_layer(entry) for entry in description["layers"]]
    dtype = description["dtype"]
    expected = {name: (TENSOR_DTYPES[dtype], shape) for name, shape in _shapes(layers).items()}
    more = {} if estimator is None else {name: stored.pop(name) for name in list(stored) if name not in expected}
    found = {name: (tensor.dtype, tensor.shape) for name, tensor in stored.items()}
    for name in expected | found:
        if expected.get(name) != found.get(name):
            raise ValueError(f"tensor {name!r}: expected {_say(expected.get(name))}, got {_say(found.get(name))}")
    tensors = {name: check_finite(f"tensor {name!r}", tensor.array()) for name, tensor in stored.items()}
    named = None if dtype == "undecided" else dtype
    generator, column = _generator(description["generator"]), TARGETS[description["targets"]]
    loss, seed, steps = _loss(description["loss"]), description["seed"], description["steps"]
    return Saved(layers, loss, seed, named, generator, steps, column, tensors, estimator, more)


def checked_parameters(model: Architecture) -> np.ndarray:
    """Return the parameters of a model after checking that the model can run and that the parameters are finite."""
    if not isinstance(model, Architecture):
        raise TypeError(f"model: expected a Sequential, got {type(model).__name__}")
    model.network()  # raises ValueError if the layers do not make a network
    return check_finite("parameters", model.parameters)


def as_tensors(layers: list[Layer], parameters: np.ndarray) -> dict[str, np.ndarray]:
    """Return the tensors by name, as views into the parameter vector."""
    shapes = _shapes(layers)
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])
    return {name: flat.reshape(shapes[name]) for name, flat in zip(shapes, np.split(parameters, ends[:-1]), strict=True)}


def _shapes(layers: list[Layer]) -> dict[str, tuple[int, ...]]:
    """Return names and shapes of the tensors in the order of the parameter vector."""
    shapes: dict[str, tuple[int, ...]] = {}
    for k, layer in enumerate(layer for layer in layers if isinstance(layer, Dense)):
        shapes[f"W{k}"] = layer.n_inputs, layer.n_outputs
        if layer.bias:
            shapes[f"b{k}"] = (layer.n_outputs,)
    return shapes


def _description(metadata: dict[str, str]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Parse and check the description of the model, except for its layers and generator, which the caller checks.

    The second result is the unchecked description of the estimator, or None if the file contains a model alone.
    """
    if metadata.get("format") not in METADATA:
        raise ValueError(f"format: expected {FORMAT!r}, got {metadata.get('format')!r}")
    texts = check_fields("metadata", metadata, METADATA[metadata["format"]])
    described = json.loads(texts["model"])
    description = check_fields("model", LATER_FIELDS | described if isinstance(described, dict) else described, FIELDS)
    check_choice("dtype", description["dtype"], TENSOR_DTYPES)
    check_choice("targets", description["targets"], TARGETS)
    check_size("steps", description["steps"], 0, MOST_STEPS)
    if not isinstance(description["layers"], list):
        raise ValueError(f"layers: expected a list, got {description['layers']!r}")
    estimator = json.loads(texts.get("estimator", "{}"))
    if not isinstance(estimator, dict):
        raise ValueError(f"estimator: expected a dict, got {estimator!r}")
    return description, estimator if "estimator" in texts else None


def check_fields(name: str, value: Any, expected: tuple[str, ...]) -> dict[str, Any]:
    """Return `value` if it is a dict with exactly these keys; otherwise raise ValueError."""
    if not isinstance(value, dict) or set(value) != set(expected):
        got = list(value) if isinstance(value, dict) else value
        raise ValueError(f"{name}: expected the fields {', '.join(expected)}, got {got!r}")
    return value


def _describe(layer: Layer) -> dict[str, Any]:
    if type(layer) not in ARGUMENTS:
        raise TypeError(f"layers: expected {', '.join(KINDS)}, got {type(layer).__name__}, which cannot be saved")
    return {"layer": type(layer).__name__} | {name: getattr(layer, name) for name in ARGUMENTS[type(layer)]}


def _layer(entry: Any) -> Layer:
    """Create the layer that an entry of the description describes."""
    if not isinstance(entry, dict):
        raise ValueError(f"layers: expected a dict, got {entry!r}")
    kind = KINDS[check_choice("layer", entry.get("layer"), KINDS)]
    types = ARGUMENTS[kind]
    arguments = check_fields(kind.__name__, entry, ("layer", *types))
    for name, wanted in types.items():
        if type(arguments[name]) is not wanted:  # isinstance would accept True as an int
            raise ValueError(f"{kind.__name__}: expected {name} of type {wanted.__name__}, got {arguments[name]!r}")
    return kind(**{name: arguments[name] for name in types})


def _loss(value: Any) -> Loss:
    """The loss, whose name `Sequential` checks."""
    if not isinstance(value, dict):
        return value
    return Quantile(check_fields("loss", value, ("quantile",))["quantile"])


def _generator(values: Any) -> dict[str, Any]:
    """Convert four integers to the state of PCG64."""
    in_range = isinstance(values, list) and len(values) == len(GENERATOR_LIMITS) and all(type(value) is int for value in values)
    if not in_range or not all(0 <= value < limit for value, limit in zip(values, GENERATOR_LIMITS, strict=True)) or values[1] % 2 == 0:
        raise ValueError(f"generator: expected the four integers of PCG64's state, got {values!r}")
    state, inc, has_uint32, uinteger = values
    return {"bit_generator": "PCG64", "state": {"state": state, "inc": inc}, "has_uint32": has_uint32, "uinteger": uinteger}


def _say(tensor: tuple[str, tuple[int, ...]] | None) -> str:
    return "none" if tensor is None else f"{tensor[0]} of shape {tensor[1]}"
