"""The network of the document's second notebook in NumPy: layers with `forward` and `backward`, trained batch by batch.

As in the document, a Dense layer updates itself in the backward pass. Two things are more efficient than in the published code, which would
make fastmlp look better than it is: the delta of the input, which is never used, is not computed, and Adam works in place.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .tasks import Layers

Array = np.ndarray
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


class SGD:
    """Stochastic gradient descent for one array of parameters."""

    def __init__(self, parameter: Array, learning_rate: float) -> None:
        self.parameter, self.learning_rate = parameter, learning_rate

    def update(self, gradient: Array) -> None:
        """Take one step."""
        self.parameter -= self.learning_rate * gradient


class Adam(SGD):
    """Adam (Kingma and Ba 2015, Algorithm 1): both means are corrected for their start at zero, and epsilon is added after that.

    The corrections are folded into the learning rate and into epsilon, so that they need no pass over the parameters.
    """

    def __init__(self, parameter: Array, learning_rate: float) -> None:
        super().__init__(parameter, learning_rate)
        self.m, self.v, self.t = np.zeros_like(parameter), np.zeros_like(parameter), 0

    def update(self, gradient: Array) -> None:
        """Take one step."""
        self.t += 1
        self.m *= BETA1
        self.m += (1 - BETA1) * gradient
        self.v *= BETA2
        self.v += (1 - BETA2) * np.square(gradient)
        root = float(np.sqrt(1 - BETA2**self.t))
        rate = self.learning_rate * root / (1 - BETA1**self.t)
        self.parameter -= rate * self.m / (np.sqrt(self.v) + EPSILON * root)


OPTIMIZERS = {"sgd": SGD, "adam": Adam}


class Dense:
    """A dense layer, X W + b."""

    def __init__(self, W: Array, b: Array, optimizer: str, learning_rate: float) -> None:
        self.W, self.b = W, b
        self.learn_W, self.learn_b = (OPTIMIZERS[optimizer](parameter, learning_rate) for parameter in (W, b))

    def forward(self, x: Array) -> Array:
        """Return the outputs (N, O) for inputs (N, I)."""
        return x @ self.W + self.b

    def backward(self, x: Array, delta: Array, first: bool) -> Array:
        """Update W and b; return the delta of x, which is computed with the W before the update."""
        below = delta if first else delta @ self.W.T
        self.learn_W.update(x.T @ delta)
        self.learn_b.update(delta.sum(axis=0))
        return below


class ReLU:
    """The activation max(0, x)."""

    def forward(self, x: Array) -> Array:
        """Apply it element by element."""
        return np.maximum(x, 0)

    def backward(self, x: Array, delta: Array, first: bool) -> Array:
        """Return the delta of x."""
        return delta * (x > 0)


class NumpyNetwork:
    """A classifier of dense layers with ReLU between them, trained on the softmax cross-entropy.

    Examples
    --------
    >>> from fastmlp.measure.bench.tasks import initial_layers
    >>> network = NumpyNetwork(initial_layers([2, 8, 2], seed=0), "sgd", 0.5)
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0])
    >>> losses = [network.train_batch(X, y) for step in range(500)]
    >>> network.predict(X)
    array([0, 1, 1, 0])
    """

    def __init__(self, layers: Layers, optimizer: str, learning_rate: float) -> None:
        self.layers: list[Dense | ReLU] = []
        for W, b in layers:
            self.layers += [Dense(W.copy(), b.copy(), optimizer, learning_rate), ReLU()]
        self.layers.pop()

    def forward(self, X: Array) -> list[Array]:
        """Return X, followed by the output of every layer."""
        activations = [X]
        for layer in self.layers:
            activations.append(layer.forward(activations[-1]))
        return activations

    def train_batch(self, X: Array, y: Array) -> float:
        """Do one update; return the mean loss before it."""
        *inputs, logits = self.forward(X)
        rows = np.arange(len(y))
        delta = logits - logits.max(axis=1, keepdims=True)
        right = delta[rows, y]
        np.exp(delta, out=delta)
        total = delta.sum(axis=1, keepdims=True)
        loss = float(np.mean(np.log(total[:, 0]) - right))
        delta /= total
        delta[rows, y] -= 1
        delta /= len(y)
        for place in reversed(range(len(self.layers))):
            delta = self.layers[place].backward(inputs[place], delta, first=place == 0)
        return loss

    def train(self, X: Array, y: Array, batch_size: int, orders: Iterable[Array]) -> list[float]:
        """Train one epoch for each order of the samples; return the mean loss of each epoch."""
        losses = []
        for order in orders:
            total = 0.0
            for at in range(0, len(order), batch_size):
                batch = order[at : at + batch_size]
                total += len(batch) * self.train_batch(X[batch], y[batch])
            losses.append(total / len(order))
        return losses

    def predict(self, X: Array) -> Array:
        """Return the most probable classes."""
        return self.forward(X)[-1].argmax(axis=1)
