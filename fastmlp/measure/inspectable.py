"""The kernels that can be inspected, each with arguments of the types with which it is called.

Only the types of the arguments count. Nothing here is ever run, since it may be compiled for a CPU that this machine does not have.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..engine.memory import workspace
from ..engine.run import no_totals
from ..kernels import activations, dropout, gather, losses, optimizers, peak, predict_batches, predict_rows, products, rows, step, zeros
from ..kernels.bandwidth import read_through
from ..kernels.barrier import Team
from ..kernels.epochs import Plan, train_epochs
from ..kernels.jit import entry
from ..kernels.network import Data, Network, Rule, State
from ..kernels.tile import MR, NV, Product, tile
from ..kernels.views import Block, Span
from ..two_layer import bodies, fused
from ..two_layer.epochs_by_products import epochs_by_products
from ..two_layer.epochs_by_tiles import epochs_by_tiles
from ..two_layer.train import Record, Weights

Arguments = Callable[[np.dtype], tuple[Any, ...]]


@entry(allocates=False)
def whole_tile(product, rows, ks):  # type: ignore[no-untyped-def]
    """Compute the largest register tile, by itself."""
    tile(MR, NV, product, rows, ks)


class Kernel(NamedTuple):
    """A compiled function, its purpose, and the arguments with which it is called."""

    function: Any  # Numba's dispatcher
    does: str
    arguments: Arguments

    @property
    def qualified_name(self) -> str:
        """Module and name of the function."""
        return f"{self.function.py_func.__module__}.{self.function.py_func.__name__}"


def vector(dtype: Any, size: int = 64) -> np.ndarray:
    """Make a flat array."""
    return np.zeros(size, dtype)


def matrix(dtype: Any) -> np.ndarray:
    """Make a matrix, stored row by row."""
    return np.zeros((8, 8), dtype)


def pair(dtype: Any) -> tuple[np.ndarray, np.ndarray]:
    """Make values and their slopes."""
    return vector(dtype), vector(dtype)


def block(dtype: Any) -> Block:
    """Make a matrix in a flat array."""
    return Block(vector(dtype), 0, 8, 1, 8)


SPAN = Span(np.arange(8), 0, 8)
TERMS = products.in_every_tile.py_func(SPAN)
STOP = np.zeros(1, np.uint8)
LOSS = losses.Loss(losses.SQUARED_ERROR, np.zeros(0))
WORDS = np.zeros((1, 8), np.uint64)
SHAPE = Network(np.array([8, 8]), np.zeros(1, np.int64), np.full(1, 64), np.zeros(1, np.int64), np.zeros(1))
TEAM = Team(0, 1, np.zeros(1, np.int64), np.zeros((1, 8), np.int64), STOP)


def samples(dtype: Any) -> gather.Samples:
    """Make samples, one per row."""
    return gather.samples(matrix(dtype), dtype)


def batch(dtype: Any) -> tuple[Any, ...]:
    """Make the arguments of `gather`."""
    return block(dtype), samples(dtype), gather.Batch(np.arange(8), 0, 8, 8), (0, 8), 0, dtype.type(1), STOP


def state(dtype: Any) -> State:
    """Make the parameters and the optimizer's state."""
    return State(*(vector(dtype) for _ in State._fields))


def update_rule(dtype: Any) -> optimizers.Update:
    """Make the numbers that the optimizer needs for one step."""
    return optimizers.Update(optimizers.ADAM, *(dtype.type(0) for _ in optimizers.Update._fields[1:]))


def training(dtype: Any) -> tuple[Any, ...]:
    """Make the arguments of `train_epochs`, as `engine.run` passes them."""
    data = Data(samples(dtype), dtype.type(1), gather.targets(np.arange(8), dtype), vector(dtype, 0))
    plan = Plan(np.zeros((1, 8), np.int64), 8, np.zeros(1), Rule(0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0), LOSS, 0, 0)
    return no_totals(1), SHAPE, workspace(SHAPE, 8, 1, dtype), state(dtype), data, plan, TEAM


def prediction(dtype: Any) -> tuple[Any, ...]:
    """Make the arguments of `predict_batches`."""
    read = predict_batches.Rows(samples(dtype), dtype.type(1), np.arange(8), 8)
    return matrix(dtype), 1, SHAPE, workspace(SHAPE, 8, 1, dtype), vector(dtype), read, TEAM


def descent(dtype: Any) -> tuple[Any, ...]:
    """Make the arguments of the epochs of the document's network."""
    record = Record(vector(dtype), 1, None)
    return Weights(matrix(dtype), matrix(dtype)), record, matrix(dtype), matrix(dtype), 1, dtype.type(1), STOP


def scores(dtype: Any) -> losses.Scores:
    """Make the arrays that hold one number per sample."""
    return losses.Scores(*(vector(dtype) for _ in losses.Scores._fields))


def same(count: int, make: Callable[[Any], Any], *others: Any) -> Arguments:
    """Return a function that makes `count` arguments of one kind, followed by others that do not depend on the dtype."""
    return lambda dtype: (*(make(dtype) for _ in range(count)), *others)


# The key is the kernel's name in a profile if it is a phase there, otherwise the function's; they are in the order of a step.
KERNELS: dict[str, Kernel] = {
    "tile": Kernel(
        whole_tile, "the largest register tile, used by every product: one dense loop, one over a list",
        lambda dtype: (Product(0, block(dtype), block(dtype), block(dtype), block(dtype), 0), SPAN, SPAN),
    ),
    "gather": Kernel(gather.gather, "bring the samples of a batch from rows into lanes", batch),
    "targets": Kernel(
        gather.gather_targets, "bring the targets of a batch into lanes",
        lambda dtype: (vector(dtype), gather.targets(np.arange(8), dtype), batch(dtype)[2], 8),
    ),
    "zeros": Kernel(
        zeros.find_active, "find the inputs of a batch that are not all zero", lambda dtype: (np.arange(8), WORDS, block(dtype), 8, STOP)
    ),
    "product": Kernel(
        products.affine, "forward product: z = W' x + b",
        lambda dtype: (*(block(dtype) for _ in range(4)), SPAN, SPAN, block(dtype), STOP),
    ),
    "activation": Kernel(activations.activate, "compute any activation and its slope, in place", lambda dtype: (0, *pair(dtype), 0, 64)),
    "relu": Kernel(
        activations.activate_leaky, "compute ReLU and its slope, with or without a leak", lambda dtype: (*pair(dtype), 0, 64, dtype.type(0))
    ),
    "dropout": Kernel(
        dropout.drop, "draw dropout's masks, and multiply values and slopes by them",
        same(2, block, 0, 8, 0.5, dropout.Masks(0, 0), 0),
    ),
    "loss": Kernel(
        losses.losses_and_deltas, "compute any loss, and the deltas of the output",
        lambda dtype: (LOSS, block(dtype), block(dtype), vector(dtype), scores(dtype), 8, 0, 8),
    ),
    "layout": Kernel(
        rows.by_sample, "transpose deltas from lanes into rows", lambda dtype: (block(dtype), block(dtype), SPAN, dtype.type(1))
    ),
    "delta": Kernel(
        products.backproject, "backward product: delta = (W delta') slope",
        lambda dtype: (block(dtype), block(dtype), block(dtype), SPAN, SPAN, block(dtype), STOP),
    ),
    "update": Kernel(
        products.outer, "gradient, or step of plain SGD: W += x delta'",
        lambda dtype: (0, block(dtype), block(dtype), block(dtype), SPAN, TERMS, STOP),
    ),
    "outer_narrow": Kernel(
        products.outer_narrow, "the same as update for layers of up to four inputs or outputs",
        lambda dtype: (0, block(dtype), block(dtype), block(dtype), SPAN, dtype.type(1)),
    ),
    "biases": Kernel(
        rows.sum_rows, "compute the gradient of the biases", lambda dtype: (0, block(dtype), block(dtype), 0, 8, dtype.type(1))
    ),
    "clipping": Kernel(step.gradient_length, "compute the length of the gradient", lambda dtype: (SHAPE, state(dtype), 0.0)),
    "optimizer": Kernel(
        optimizers.update, "update the parameters from their gradient, by any optimizer",
        lambda dtype: (state(dtype), 0, 64, update_rule(dtype)),
    ),
    "train_epochs": Kernel(train_epochs, "train whole epochs: all of the above in one call", training),
    "predict_batches": Kernel(predict_batches.predict_batches, "compute the outputs for many rows", prediction),
    "predict_few": Kernel(
        predict_rows.predict_few, "compute the outputs for a few rows", lambda dtype: (np.arange(8), vector(dtype), matrix(dtype))
    ),
    "sigmoid": Kernel(activations.sigmoid_into, "the document's sigmoid", same(2, vector)),
    "dense": Kernel(entry(bodies.dense), "the document's matrix product, by BLAS", same(2, matrix, None)),
    "forward_pass": Kernel(entry(bodies.forward_pass), "the document's forward pass", same(3, matrix, None)),
    "mse": Kernel(entry(bodies.mse), "the document's error", same(2, matrix)),
    "backward": Kernel(entry(bodies.backward), "the document's gradient by naive loops", same(5, matrix, None)),
    "backward_faster": Kernel(
        entry(bodies.backward_faster), "the document's gradient by products; `backward_pass` is the same", same(5, matrix, None)
    ),
    "fused_half_vector": Kernel(fused.half_vector, "train(gradient='fused') if all samples fit in half a vector", descent),
    "fused_vector": Kernel(fused.one_vector, "the same if all samples fit in one vector", descent),
    "fused_vectors": Kernel(fused.vectors, "the same for narrow layers", descent),
    "fused_products": Kernel(epochs_by_products, "the same for few samples, by BLAS", descent),
    "fused_tiles": Kernel(epochs_by_tiles, "the same for all larger problems, on tiles", descent),
    "peak": Kernel(peak.multiply_and_add, "measure the peak: multiply-adds only", lambda dtype: (vector(dtype), 1)),
    "bandwidth": Kernel(read_through, "measure bandwidth: loads only", lambda dtype: (vector(dtype), 1)),
}  # fmt: skip


def find(name: str) -> tuple[str, Kernel]:
    """Find a kernel by its name in `KERNELS`, or by the name of its function, with or without its module.

    Raises
    ------
    TypeError, ValueError
        If the name is not a str, or not the name of a kernel.

    Examples
    --------
    >>> find("affine")[0], find("update")[0], find("optimizers.update")[0]
    ('product', 'update', 'optimizer')
    >>> find("gathr")
    Traceback (most recent call last):
    ValueError: kernel: expected one that `fastmlp inspect` lists, got 'gathr'; is it gather?
    """
    if not isinstance(name, str):
        raise TypeError(f"kernel: expected a str, got {type(name).__name__}")
    names = {"backward_pass": "backward_faster"}
    for known, kernel in KERNELS.items():
        names |= {kernel.function.__name__: known, ".".join(kernel.qualified_name.split(".")[-2:]): known}
    names |= {known: known for known in KERNELS}
    if name not in names:
        near = difflib.get_close_matches(name, names, 3)
        hint = f"; is it {' or '.join(near)}?" if near else ""
        raise ValueError(f"kernel: expected one that `fastmlp inspect` lists, got {name!r}{hint}")
    return names[name], KERNELS[names[name]]
