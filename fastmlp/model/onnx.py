"""A model as an ONNX file, for other runtimes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ..engine.arguments import check_finite
from ..files.atomic import PathLike, as_path, check_writable, write_atomically
from ..files.optional import optional
from ..kernels.activations import ACTIVATIONS, GELU_CUBE, GELU_SLOPE, LEAK, SELU_ALPHA, SELU_SCALE
from .architecture import Architecture
from .losses import CLASSIFYING
from .saving import as_tensors, checked_parameters

# ONNX operators in a row, each with its operands: LAST is what the one before gave, Z what the Dense layer gave, a number a constant.
# Constants are tensors, in the model's dtype: attributes, as LeakyRelu and Selu have them, would be float32 in a float64 model too.
OPSET = 18  # onnxruntime runs Elu and Softplus in float64 up to this one
LARGEST_ONNX = 2**31 - 2**20  # bytes of parameters: protobuf ends at 2 GiB
LAST, Z = "last", "z"
Steps = tuple[tuple[str | float, ...], ...]
ACTIVATION_STEPS: dict[str, Steps] = {
    "identity": (),
    "logistic": (("Sigmoid", LAST),),
    "tanh": (("Tanh", LAST),),
    "relu": (("Relu", LAST),),
    "leaky_relu": (("PRelu", LAST, LEAK),),
    "elu": (("Elu", LAST),),
    "selu": (("Elu", LAST), ("PRelu", LAST, SELU_ALPHA), ("Mul", LAST, SELU_SCALE)),
    "gelu": (  # z sigmoid(2 u) = z (1 + tanh(u)) / 2, u = slope (z + cube z^3)
        ("Mul", Z, Z), ("Mul", LAST, 2 * GELU_SLOPE * GELU_CUBE), ("Add", LAST, 2 * GELU_SLOPE), ("Mul", LAST, Z), ("Sigmoid", LAST),
        ("Mul", LAST, Z),
    ),
    "silu": (("Sigmoid", LAST), ("Mul", LAST, Z)),
    "softplus": (("Softplus", LAST),),
}  # fmt: skip
LINK_STEPS: dict[str, Steps] = {
    "softmax_cross_entropy": (("Softmax", LAST),),
    "binary_cross_entropy": (("Sigmoid", LAST),),
    "poisson": (("Exp", LAST),),
}


def export_onnx(model: Architecture, path: PathLike) -> None:
    """Write a model to an ONNX file, for other runtimes: what `predict_proba` gives, or `predict` for the losses without classes.

    Its input is "X", of shape (N, I) for any N and of the model's dtype (uint8 pixels: divided by 255). Its output, of shape (N, O), is
    "probabilities" for the cross-entropies, else "output". Dropout leaves no trace.

    Parameters
    ----------
    model : Sequential
    path : str or path-like
        The file; by custom its name ends in ``.onnx``.

    Raises
    ------
    ImportError
        If onnx is not installed.
    ValueError, TypeError
        If the model has no Dense layer, a parameter that is NaN or infinite, or more parameters than an ONNX file holds (2 GiB); if an
        argument is of another type.
    OSError
        If the file cannot be written, or the path leads to anything but a regular file.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import onnx
    >>> from fastmlp import Dense, ReLU, Sequential
    >>> model = Sequential([Dense(4, 5), ReLU(), Dense(5, 3)], loss="softmax_cross_entropy")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = pathlib.Path(folder, "model.onnx")
    ...     model.export_onnx(file)
    ...     [node.op_type for node in onnx.load(file).graph.node]
    ['Gemm', 'Relu', 'Gemm', 'Softmax']
    """
    target = check_target(path)
    graph = Graph(model)
    graph.chain(LINK_STEPS.get(model.loss, ()), graph.forward("X"))
    graph.write(target, {graph.name_last("probabilities" if model.loss in CLASSIFYING else "output"): (graph.dtype, model.n_outputs)})


def check_target(path: PathLike) -> Path:
    """The path of an ONNX file if one can be written there, else what `export_onnx` raises: for the beginning of its work."""
    optional("onnx", extra="onnx", purpose="export_onnx")
    target = as_path(path)
    check_writable(target)
    return target


class Node(NamedTuple):
    """An ONNX operator: the names of what it takes, in order, and of what it gives."""

    operator: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any]


class Graph:
    """What a model computes, operator by operator.

    Attributes
    ----------
    dtype : dtype
        Of parameters and arithmetic; by default the model's.
    nodes : list of Node
        In the order of the computation.
    tensors : dict of ndarray
        Parameters and constants by name.
    """

    def __init__(self, model: Architecture, dtype: DTypeLike | None = None) -> None:
        parameters = checked_parameters(model)
        if dtype is not None and parameters.dtype != dtype:
            with np.errstate(over="ignore"):
                parameters = check_finite("parameters", parameters.astype(dtype))
        if parameters.nbytes > LARGEST_ONNX:
            raise ValueError(f"model: expected at most {LARGEST_ONNX:,} bytes of parameters in an ONNX file, got {parameters.nbytes:,}")
        self.model, self.dtype = model, parameters.dtype
        self.nodes: list[Node] = []
        self.tensors = as_tensors(model.layers, parameters)

    def add(self, operator: str, *inputs: str | float | np.ndarray, **attributes: Any) -> str:
        """Append an operator that takes values by name, or constants. Returns the name of what it gives."""
        output = f"{operator}{len(self.nodes)}"
        names = []
        for place, value in enumerate(inputs):
            name = f"{output}_{place}" if isinstance(value, np.ndarray) else str(value)
            if not isinstance(value, str):
                self.tensors[name] = value if isinstance(value, np.ndarray) else np.array(value, self.dtype)
            names.append(name)
        self.nodes.append(Node(operator, tuple(names), output, attributes))
        return output

    def chain(self, steps: Steps, z: str) -> str:
        """Append operators in a row, the first after `z`. Returns the name of what the last gives; `z` if there are none."""
        last = z
        for operator, *operands in steps:
            last = self.add(str(operator), *({LAST: last, Z: z}.get(str(operand), operand) for operand in operands))
        return last

    def forward(self, x: str) -> str:
        """Append the network. Returns the name of what its last layer gives, before any link."""
        network, steps = self.model.network(), {code: ACTIVATION_STEPS[name] for name, code in ACTIVATIONS.items()}
        for k, (code, b_at) in enumerate(zip(network.activation, network.b_at, strict=True)):
            x = self.chain(steps[code], self.add("Gemm", x, f"W{k}", *([f"b{k}"] if b_at >= 0 else [])))
        return x

    def name_last(self, name: str) -> str:
        """Give what the operator that was added last gives a name of its own, and return it."""
        self.nodes[-1] = self.nodes[-1]._replace(output=name)
        return name

    def write(self, target: Path, outputs: Mapping[str, tuple[DTypeLike, *tuple[int, ...]]]) -> None:
        """Write a file whose input is "X" and whose outputs are these: name, dtype and sizes but for the first, which is any number."""
        onnx = optional("onnx", extra="onnx", purpose="export_onnx")

        def described(name: str, dtype: DTypeLike, *sizes: int) -> Any:
            return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), ["N", *sizes])

        graph = onnx.helper.make_graph(
            [onnx.helper.make_node(node.operator, node.inputs, [node.output], **node.attributes) for node in self.nodes],
            "fastmlp",
            [described("X", self.dtype, self.model.n_inputs)],
            [described(name, *of_output) for name, of_output in outputs.items()],
            [onnx.numpy_helper.from_array(tensor, name) for name, tensor in self.tensors.items()],
        )
        opsets = [onnx.helper.make_opsetid("", OPSET)]
        oldest = onnx.helper.find_min_ir_version_for(opsets)
        proto = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=oldest, producer_name="fastmlp")
        write_atomically(target, proto.SerializeToString())
