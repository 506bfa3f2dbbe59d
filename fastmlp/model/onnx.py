"""Export a model to an ONNX file, so that other runtimes can run it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from ..engine.arguments import check_finite
from ..engine.losses import Quantile
from ..files.atomic import PathLike, as_path, check_writable, write_atomically
from ..files.optional import optional
from ..kernels.activations import ACTIVATIONS, GELU_CUBE, GELU_SLOPE, LEAK, SELU_ALPHA, SELU_SCALE
from .architecture import Architecture
from .losses import CLASSIFYING
from .saving import as_tensors, checked_parameters

# A chain of ONNX operators, each with its operands. LAST stands for the result of the operator before it, Z for the result of the Dense
# layer, and a number for a constant. Constants are stored as tensors of the model's dtype, because attributes, as LeakyRelu and Selu have
# them, would be float32 even in a float64 model.
OPSET = 18  # the newest version in which onnxruntime runs Elu and Softplus in float64
ML = "ai.onnx.ml"  # the domain of operators for strings
OPSETS = {ML: 3}  # versions of further domains, of which a file names those that it uses
LARGEST_ONNX = 2**31 - 2**20  # bytes of parameters; protobuf files are limited to 2 GiB
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
    "mish": (("Softplus", LAST), ("Tanh", LAST), ("Mul", LAST, Z)),
}  # fmt: skip
LINK_STEPS: dict[str, Steps] = {
    "softmax_cross_entropy": (("Softmax", LAST),),
    "binary_cross_entropy": (("Sigmoid", LAST),),
    "poisson": (("Exp", LAST),),
}


def export_onnx(model: Architecture, path: PathLike) -> None:
    """Write a model to an ONNX file, so that other runtimes can run it.

    The exported model computes what `predict_proba` returns if the loss is a cross-entropy, and otherwise what `predict` returns. Its
    input is called "X" and has shape (N, I), for any N, and the model's dtype; uint8 pixels have to be divided by 255 first. Its output
    has shape (N, O) and is called "probabilities" for the cross-entropies and "output" for other losses. Dropout is left out, since it
    has no effect on predictions.

    Parameters
    ----------
    model : Sequential
        The model to export.
    path : str or path-like
        The file to write. By convention its name ends in ``.onnx``.

    Raises
    ------
    ImportError
        If onnx is not installed.
    ValueError, TypeError
        If the model has no Dense layer, a parameter is NaN or infinite, the parameters are larger than an ONNX file can be (2 GiB), or
        an argument is of the wrong type.
    OSError
        If the file cannot be written, or the path leads to something that is not a regular file.

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
    graph.link(graph.forward("X"))
    graph.write(target, {graph.name_last("probabilities" if model.loss in CLASSIFYING else "output"): (graph.dtype, model.n_outputs)})


def check_target(path: PathLike) -> Path:
    """Return the path of an ONNX file after checking that onnx is installed and that the file can be written."""
    optional("onnx", extra="onnx", purpose="export_onnx")
    target = as_path(path)
    check_writable(target)
    return target


class Node(NamedTuple):
    """An ONNX operator with the names of its inputs and outputs. Only the first output is used."""

    operator: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]


class Graph:
    """The computation of a model as a sequence of ONNX operators.

    Attributes
    ----------
    dtype : dtype
        The dtype of the parameters and of the arithmetic, which is the model's by default.
    nodes : list of Node
        The operators in the order of the computation.
    tensors : dict of ndarray
        The parameters and constants by name.
    inputs : dict of tuple
        The dtype and the number of columns of each input, by name: "X", unless they are replaced.
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
        self.inputs: dict[str, tuple[DTypeLike, int]] = {"X": (self.dtype, model.n_inputs)}
        self.tensors = as_tensors(model.layers, parameters)

    def add(self, operator: str, *inputs: str | float | np.ndarray, unused: int = 0, **attributes: Any) -> str:
        """Append an operator and return the name of its first output.

        An input is the name of a value, or a constant. `unused` is the number of the operator's other outputs, which nothing reads.
        """
        output = f"{operator}{len(self.nodes)}"
        names = []
        for place, value in enumerate(inputs):
            name = f"{output}_{place}" if isinstance(value, np.ndarray) else str(value)
            if not isinstance(value, str):
                self.tensors[name] = value if isinstance(value, np.ndarray) else np.array(value, self.dtype)
            names.append(name)
        outputs = (output, *(f"{output}_unused{n}" for n in range(unused)))
        self.nodes.append(Node(operator, tuple(names), outputs, attributes))
        return output

    def chain(self, steps: Steps, z: str) -> str:
        """Append a chain of operators to `z`. Return the name of the last output, which is `z` if there are no operators."""
        last = z
        for operator, *operands in steps:
            last = self.add(str(operator), *({LAST: last, Z: z}.get(str(operand), operand) for operand in operands))
        return last

    def forward(self, x: str) -> str:
        """Append the network. Return the name of the output of its last layer, before the link function."""
        network, steps = self.model.network(), {code: ACTIVATION_STEPS[name] for name, code in ACTIVATIONS.items()}
        for k, (code, b_at) in enumerate(zip(network.activation, network.b_at, strict=True)):
            x = self.chain(steps[code], self.add("Gemm", x, f"W{k}", *([f"b{k}"] if b_at >= 0 else [])))
        return x

    def link(self, z: str) -> str:
        """Append the step from the outputs `z` to the scale of the targets, as `linked` computes it. Return the name of the result."""
        loss = self.model.loss
        if isinstance(loss, Quantile):
            return self.add("TopK", z, np.array([self.model.n_outputs]), unused=1, largest=0) if loss.is_several else z  # sorts all levels
        return self.chain(LINK_STEPS.get(loss, ()), z)

    def name_last(self, name: str) -> str:
        """Rename the first output of the last operator, and return the name."""
        last = self.nodes[-1]
        self.nodes[-1] = last._replace(outputs=(name, *last.outputs[1:]))
        return name

    def write(self, target: Path, outputs: Mapping[str, tuple[DTypeLike, *tuple[int, ...]]]) -> None:
        """Write a file with these outputs, each with its dtype and the sizes of all axes but the first, which is free."""
        onnx = optional("onnx", extra="onnx", purpose="export_onnx")

        own = {*self.tensors, *outputs, *(name for node in self.nodes for name in node.outputs)}
        if taken := own & set(self.inputs):
            raise ValueError(
                f"X: expected columns with names that the ONNX graph does not use itself, got {', '.join(map(repr, sorted(taken)))}"
            )

        def described(name: str, dtype: DTypeLike, *sizes: int) -> Any:
            return onnx.helper.make_tensor_value_info(name, onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), ["N", *sizes])

        graph = onnx.helper.make_graph(
            [onnx.helper.make_node(node.operator, node.inputs, node.outputs, **node.attributes) for node in self.nodes],
            "fastmlp",
            [described(name, *of_input) for name, of_input in self.inputs.items()],
            [described(name, *of_output) for name, of_output in outputs.items()],
            [onnx.numpy_helper.from_array(tensor, name) for name, tensor in self.tensors.items()],
        )
        domains = {node.attributes["domain"] for node in self.nodes if "domain" in node.attributes}
        opsets = [onnx.helper.make_opsetid("", OPSET), *(onnx.helper.make_opsetid(domain, OPSETS[domain]) for domain in domains)]
        oldest = onnx.helper.find_min_ir_version_for(opsets)
        proto = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=oldest, producer_name="fastmlp")
        write_atomically(target, proto.SerializeToString())
