"""Predictors: each turns layers and a number of threads into a function from rows (float32, NumPy) to class indices (NumPy)."""

from __future__ import annotations

import importlib
from collections.abc import Callable

import numpy as np

from .peers import jax_logits, sequential, set_layers, torch_compiled, torch_model
from .tasks import Layers

Predictor = Callable[[np.ndarray], np.ndarray]


def widths(layers: Layers) -> list[int]:
    """Return the numbers of inputs, hidden units and outputs."""
    return [layers[0][0].shape[0], *(W.shape[1] for W, _ in layers)]


def fastmlp(layers: Layers, threads: int) -> Predictor:
    """Predict by `Sequential.predict`."""
    model = sequential(layers, "softmax_cross_entropy")
    return lambda X: model.predict(X, n_threads=threads)


def numpy(layers: Layers, threads: int) -> Predictor:
    """Predict by matrix products and maxima."""

    def predict(X: np.ndarray) -> np.ndarray:
        for W, b in layers[:-1]:
            X = np.maximum(X @ W + b, 0)
        W, b = layers[-1]
        classes: np.ndarray = (X @ W + b).argmax(axis=1)
        return classes

    return predict


def scikit_learn(layers: Layers, threads: int) -> Predictor:
    """Predict by `MLPClassifier.predict`; the weights are set after one step on random rows, which creates the model."""
    inputs, *hidden, outputs = widths(layers)
    model = importlib.import_module("sklearn.neural_network").MLPClassifier(tuple(hidden))
    rows = np.random.default_rng(0).random((outputs, inputs), np.float32)
    model.partial_fit(rows, np.arange(outputs), classes=np.arange(outputs))
    model.coefs_, model.intercepts_ = [W for W, _ in layers], [b for _, b in layers]
    return lambda X: np.asarray(model.predict(X))


def pytorch(layers: Layers, threads: int, compiled: bool = False) -> Predictor:
    """Predict by linear layers in inference mode."""
    torch = importlib.import_module("torch")
    torch.set_num_threads(threads)
    model = torch_model(torch, widths(layers), "float32").eval()
    set_layers(torch, model, layers)
    classes = torch_compiled(torch, lambda x: model(x).argmax(1)) if compiled else lambda x: model(x).argmax(1)

    def predict(X: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return np.asarray(classes(torch.from_numpy(X)))

    return predict


def pytorch_compiled(layers: Layers, threads: int) -> Predictor:
    """Predict by the same layers with `torch.compile`."""
    return pytorch(layers, threads, compiled=True)


def jax(layers: Layers, threads: int) -> Predictor:
    """Predict by one compiled call."""
    jax = importlib.import_module("jax")
    on_device = jax.tree.map(jax.numpy.asarray, layers)
    classes = jax.jit(lambda X: jax_logits(jax, on_device, X).argmax(1))
    return lambda X: np.asarray(classes(X))


def onnxruntime(layers: Layers, threads: int) -> Predictor:
    """Predict by an ONNX graph of Gemm, Relu and ArgMax."""
    helper = importlib.import_module("onnx.helper")
    from_array = importlib.import_module("onnx.numpy_helper").from_array
    onnxruntime = importlib.import_module("onnxruntime")
    nodes, tensors, last = [], [], "X"
    for place, (W, b) in enumerate(layers):
        tensors += [from_array(W, f"W{place}"), from_array(b, f"b{place}")]
        nodes.append(helper.make_node("Gemm", [last, f"W{place}", f"b{place}"], [f"z{place}"]))
        last = f"z{place}"
        if place + 1 < len(layers):
            nodes.append(helper.make_node("Relu", [last], [f"a{place}"]))
            last = f"a{place}"
    nodes.append(helper.make_node("ArgMax", [last], ["classes"], axis=1, keepdims=0))
    FLOAT, INT64 = 1, 7  # codes in onnx.TensorProto
    inputs = [helper.make_tensor_value_info("X", FLOAT, ["N", widths(layers)[0]])]
    outputs = [helper.make_tensor_value_info("classes", INT64, ["N"])]
    opset = helper.make_opsetid("", 17)
    model = helper.make_model(helper.make_graph(nodes, "mlp", inputs, outputs, tensors), opset_imports=[opset], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return lambda X: np.asarray(session.run(None, {"X": X})[0])


# name -> the packages that it needs, and the function that makes it
PREDICTORS: dict[str, tuple[tuple[str, ...], Callable[[Layers, int], Predictor]]] = {
    "fastmlp": ((), fastmlp),
    "NumPy": ((), numpy),
    "scikit-learn": (("sklearn",), scikit_learn),
    "PyTorch": (("torch",), pytorch),
    "PyTorch compiled": (("torch",), pytorch_compiled),
    "JAX": (("jax",), jax),
    "onnxruntime": (("onnx", "onnxruntime"), onnxruntime),
}
