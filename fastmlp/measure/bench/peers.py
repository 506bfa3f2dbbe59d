"""Training by fastmlp and its peers with one signature, each written as users of that library write a fast loop.

A peer is created for a task and a number of threads. `fit` trains a new model and returns the wall-clock seconds of the whole run, with the
checks of the input; `predict` returns the classes that this model predicts. Each peer imports the libraries that it needs.
"""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import replace
from itertools import pairwise
from time import perf_counter
from typing import Any

import numpy as np

from ...model.layers import Dense, ReLU
from ...model.optimizers import OPTIMIZERS
from ...model.sequential import Sequential
from ..instruction_sets import AVX2, held_to
from .numpy_network import NumpyNetwork
from .tasks import Layers, Task, batch_size, initial_layers, load, sizes


class Peer:
    """Base class of the peers."""

    needs: tuple[str, ...] = ()

    def __init__(self, task: Task, threads: int) -> None:
        self.task, self.threads = task, threads
        self.data = load(task)
        self.sizes = sizes(task, self.data)
        self.batch_size = batch_size(task, self.data)
        self.model: Any = None

    @classmethod
    def missing(cls) -> str:
        """Name the packages that this peer needs and that are not installed."""
        return ", ".join(name for name in cls.needs if importlib.util.find_spec(name) is None)

    def warm_up(self) -> None:
        """Do what happens only once in a process, such as compiling and starting threads."""
        self.fit(seed=0, epochs=1)

    def fit(self, seed: int, epochs: int) -> float:
        """Train a new model; return the seconds that this took."""
        raise NotImplementedError

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the classes (N,) that the model trained last predicts."""
        raise NotImplementedError


class FastMLP(Peer):
    """Training by `Sequential.fit`."""

    def fit(self, seed: int, epochs: int) -> float:
        """Train as described in `Peer`."""
        loss = "softmax_cross_entropy" if self.sizes[-1] > 1 else "binary_cross_entropy"
        self.model = sequential(initial_layers(self.sizes, seed, self.task.dtype), loss, seed)
        settings = {"learning_rate": self.task.learning_rate, "l2": self.task.alpha / self.batch_size}
        optimizer = replace(OPTIMIZERS[self.task.optimizer], **settings)
        start = perf_counter()
        self.model.fit(
            self.data.X, self.data.y, epochs=epochs, batch_size=self.batch_size, optimizer=optimizer, schedule=self.task.schedule,
            n_threads=self.threads, progress=False,
        )  # fmt: skip
        return perf_counter() - start

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict as described in `Peer`."""
        classes: np.ndarray = self.model.predict(X)
        return classes


def sequential(layers: Layers, loss: str, seed: int = 0) -> Sequential:
    """Make a `Sequential` of these layers, with ReLU between them."""
    parts = [part for W, _ in layers for part in (Dense(*W.shape), ReLU())]
    model = Sequential(parts[:-1], loss, seed, layers[0][0].dtype)
    model.parameters[:] = np.concatenate([array.ravel() for layer in layers for array in layer])
    return model


class NumPy(Peer):
    """Training by the loop of the document's second notebook."""

    def fit(self, seed: int, epochs: int) -> float:
        """Train as described in `Peer`."""
        self.model = NumpyNetwork(initial_layers(self.sizes, seed, self.task.dtype), self.task.optimizer, self.task.learning_rate)
        rng = np.random.default_rng(seed)
        start = perf_counter()
        self.model.train(self.data.X, self.data.y, self.batch_size, (rng.permutation(len(self.data.X)) for _ in range(epochs)))
        return perf_counter() - start

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict as described in `Peer`."""
        classes: np.ndarray = self.model.predict(X)
        return classes


class ScikitLearn(Peer):
    """Training by `MLPClassifier.fit`, which draws its own weights."""

    needs = ("sklearn",)

    def warm_up(self) -> None:
        """Train briefly: apart from the imports, nothing happens only once."""
        self.fit(seed=0, epochs=3)

    def fit(self, seed: int, epochs: int) -> float:
        """Train as described in `Peer`, for at least 3 epochs.

        With this tolerance the classifier never counts an epoch as progress, so it stops by itself after exactly `epochs` epochs. If it
        reached `max_iter`, it would warn.
        """
        MLPClassifier = importlib.import_module("sklearn.neural_network").MLPClassifier
        self.model = MLPClassifier(
            self.task.hidden, solver=self.task.optimizer, alpha=self.task.alpha, batch_size=self.batch_size, momentum=0,
            learning_rate_init=self.task.learning_rate, random_state=seed, tol=1e9, n_iter_no_change=epochs - 2, max_iter=epochs + 1,
        )  # fmt: skip
        start = perf_counter()
        self.model.fit(self.data.X, self.data.y)
        seconds = perf_counter() - start
        if self.model.n_iter_ != epochs:
            raise RuntimeError(f"expected {epochs} epochs of scikit-learn, got {self.model.n_iter_}")
        return seconds

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict as described in `Peer`."""
        classes: np.ndarray = self.model.predict(X)
        return classes


class PyTorch(Peer):
    """Training with batches indexed from tensors in memory and with fused optimizers, both faster than DataLoader and the defaults."""

    needs = ("torch",)
    compiled = False

    def fit(self, seed: int, epochs: int) -> float:
        """Train as described in `Peer`."""
        torch = importlib.import_module("torch")
        cross_entropy = torch.nn.functional.cross_entropy
        torch.set_num_threads(self.threads)
        if self.model is None:
            self.X, self.y = torch.from_numpy(self.data.X), torch.from_numpy(self.data.y)
            self.model = torch_model(torch, self.sizes, self.task.dtype)
            self.loss = lambda x, t: cross_entropy(self.model(x), t)
            if self.compiled:
                self.loss = torch_compiled(torch, self.loss)
        set_layers(torch, self.model, initial_layers(self.sizes, seed, self.task.dtype))
        kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[self.task.optimizer]
        optimizer = kind(self.model.parameters(), lr=self.task.learning_rate, fused=True)
        generator = torch.Generator().manual_seed(seed)
        start = perf_counter()
        for _ in range(epochs):
            for batch in torch.randperm(len(self.X), generator=generator).split(self.batch_size):
                loss = self.loss(self.X[batch], self.y[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return perf_counter() - start

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict as described in `Peer`."""
        torch = importlib.import_module("torch")
        with torch.inference_mode():
            classes: np.ndarray = self.model(torch.from_numpy(X)).argmax(1).numpy()
        return classes


class PyTorchCompiled(PyTorch):
    """The same training with `torch.compile` around model and loss."""

    compiled = True


def torch_compiled(torch: Any, function: Any) -> Any:
    """Apply `torch.compile`, whose vector width has to be set here because no environment variable controls it."""
    if held_to() == AVX2:
        importlib.import_module("torch._inductor.config").cpp.simdlen = 256
    return torch.compile(function)


def torch_model(torch: Any, widths: list[int], dtype: str) -> Any:
    """Make linear layers with ReLU between them."""
    layers = []
    for I, O in pairwise(widths):
        layers += [torch.nn.Linear(I, O, dtype=getattr(torch, dtype)), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


def set_layers(torch: Any, model: Any, layers: Layers) -> None:
    """Copy weights and biases into such a model."""
    with torch.no_grad():
        for linear, (W, b) in zip(model[::2], layers, strict=True):
            linear.weight.copy_(torch.from_numpy(W.T))
            linear.bias.copy_(torch.from_numpy(b))


class JAX(Peer):
    """Training in which each epoch is one compiled call: a scan over its batches."""

    needs = ("jax",)

    def fit(self, seed: int, epochs: int) -> float:
        """Train as described in `Peer`."""
        jax = importlib.import_module("jax")
        if self.model is None:
            jax.config.update("jax_enable_x64", self.task.dtype == "float64")
            self.X, self.y = jax.numpy.asarray(self.data.X), jax.nn.one_hot(self.data.y, self.sizes[-1], dtype=self.task.dtype)
            self.epoch = jax_epoch(jax, self.task, self.batch_size)
        layers = jax.tree.map(jax.numpy.asarray, initial_layers(self.sizes, seed, self.task.dtype))
        zeros = jax.tree.map(jax.numpy.zeros_like, layers)
        state = layers, zeros, jax.tree.map(jax.numpy.copy, zeros), jax.numpy.zeros((), int)
        rng = np.random.default_rng(seed)
        start = perf_counter()
        for _ in range(epochs):
            state = self.epoch(state, self.X, self.y, rng.permutation(len(self.X)))
        self.model = jax.block_until_ready(state)[0]
        return perf_counter() - start

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict as described in `Peer`."""
        jax = importlib.import_module("jax")
        return np.asarray(jax_logits(jax, self.model, X).argmax(1))


def jax_logits(jax: Any, layers: Any, x: Any) -> Any:
    """Evaluate the network."""
    for W, b in layers[:-1]:
        x = jax.nn.relu(x @ W + b)
    return x @ layers[-1][0] + layers[-1][1]


def jax_epoch(jax: Any, task: Task, B: int) -> Any:
    """Compile epoch(state, X, y one-hot, order) -> state; the state is the layers, Adam's two means and the number of steps so far."""

    def loss(layers: Any, x: Any, t: Any) -> Any:
        return -(jax.nn.log_softmax(jax_logits(jax, layers, x)) * t).sum(axis=1).mean()

    def step(state: Any, x: Any, t: Any) -> Any:
        layers, m, v, n = state
        g = jax.grad(loss)(layers, x, t)
        if task.optimizer == "sgd":
            return jax.tree.map(lambda w, d: w - task.learning_rate * d, layers, g), m, v, n + 1
        m = jax.tree.map(lambda mean, d: 0.9 * mean + 0.1 * d, m, g)
        v = jax.tree.map(lambda mean, d: 0.999 * mean + 0.001 * d * d, v, g)
        rate = task.learning_rate * jax.numpy.sqrt(1 - 0.999 ** (n + 1.0)) / (1 - 0.9 ** (n + 1.0))
        layers = jax.tree.map(lambda w, a, b: w - (rate * a / (jax.numpy.sqrt(b) + 1e-8)).astype(w.dtype), layers, m, v)
        return layers, m, v, n + 1

    def epoch(state: Any, X: Any, y: Any, order: Any) -> Any:
        whole = len(order) // B * B
        state, _ = jax.lax.scan(lambda s, batch: (step(s, X[batch], y[batch]), None), state, order[:whole].reshape(-1, B))
        return step(state, X[order[whole:]], y[order[whole:]]) if whole < len(order) else state

    return jax.jit(epoch, donate_argnums=0)


PEERS: dict[str, type[Peer]] = {
    "fastmlp": FastMLP,
    "NumPy": NumPy,
    "scikit-learn": ScikitLearn,
    "PyTorch": PyTorch,
    "PyTorch compiled": PyTorchCompiled,
    "JAX": JAX,
}
