"""Export a model to an ONNX file, so that other runtimes can run it."""

from __future__ import annotations

import numpy as np

from ..engine.losses import Loss, Quantile
from ..files.atomic import PathLike, as_path, check_writable, write_atomically
from ..files.optional import optional
from ..kernels.activations import ACTIVATIONS, GELU_CUBE, GELU_SLOPE, LEAK, SELU_ALPHA, SELU_SCALE
from ..kernels.network import Network
from .architecture import Architecture
from .losses import CLASSIFYING
from .saving import as_tensors, checked_parameters

# A chain of ONNX operators, each with its operands. LAST stands for the result of the operator before it, Z for the result of the Dense
# layer, and a number for a constant. Constants are stored as tensors of the model's dtype, because attributes, as LeakyRelu and Selu have
# them, would be float32 even in a float64 model.
OPSET = 18  # the newest version in which onnxruntime runs Elu and Softplus in float64
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
ASCENDING: Steps = (("TopK", LAST, "levels"),)  # all of them, the smallest first
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
    onnx = optional("onnx", extra="onnx", purpose="export_onnx")
    target = as_path(path)
    parameters = checked_parameters(model)
    check_writable(target)
    if parameters.nbytes > LARGEST_ONNX:
        raise ValueError(f"model: expected at most {LARGEST_ONNX:,} bytes of parameters in an ONNX file, got {parameters.nbytes:,}")
    tensors = as_tensors(model.layers, parameters)
    output = "probabilities" if model.loss in CLASSIFYING else "output"
    nodes, z, last = [], "X", "X"
    steps = _steps(model.network(), model.loss)
    for n, (operator, *operands) in enumerate(steps):
        names = [{LAST: last, Z: z}.get(str(operand), str(operand)) for operand in operands]
        if operator == "TopK":
            tensors["levels"] = np.array([model.n_outputs])
        tensors |= {str(operand): np.array(operand, parameters.dtype) for operand in operands if isinstance(operand, float)}
        last = output if n == len(steps) - 1 else f"{operator}{n}"
        z = last if operator == "Gemm" else z
        outputs, attributes = ([last, "places"], {"largest": 0}) if operator == "TopK" else ([last], {})
        nodes.append(onnx.helper.make_node(operator, names, outputs, **attributes))
    element = onnx.helper.np_dtype_to_tensor_dtype(parameters.dtype)
    graph = onnx.helper.make_graph(
        nodes,
        "fastmlp",
        [onnx.helper.make_tensor_value_info("X", element, ["N", model.n_inputs])],
        [onnx.helper.make_tensor_value_info(output, element, ["N", model.n_outputs])],
        [onnx.numpy_helper.from_array(tensor, name) for name, tensor in tensors.items()],
    )
    opsets = [onnx.helper.make_opsetid("", OPSET)]
    oldest = onnx.helper.find_min_ir_version_for(opsets)
    proto = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=oldest, producer_name="fastmlp")
    write_atomically(target, proto.SerializeToString())


def _steps(network: Network, loss: Loss) -> list[tuple[str | float, ...]]:
    """Translate the network into a chain of ONNX operators."""
    activations = {code: ACTIVATION_STEPS[name] for name, code in ACTIVATIONS.items()}
    steps: list[tuple[str | float, ...]] = []
    for k, (code, b_at) in enumerate(zip(network.activation, network.b_at, strict=True)):
        bias = (f"b{k}",) if b_at >= 0 else ()
        steps += [("Gemm", LAST, f"W{k}", *bias), *activations[code]]
    if isinstance(loss, Quantile):
        return [*steps, *(ASCENDING if loss.is_several else ())]
    return [*steps, *LINK_STEPS.get(loss, ())]
