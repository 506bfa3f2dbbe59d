"""Count the bytes that a phase of training must at least read and write, if each operand is transferred once.

The count is for a whole training: `samples` went through the network in `passes` (batches, or parts of large ones), and each pass reads
the weights. Weights or batches that several threads read are counted once.
"""

from __future__ import annotations

from itertools import pairwise

from ..kernels.optimizers import ADAM, ADAM_HAT, SGD

ARRAYS = {SGD: 3, ADAM: 7, ADAM_HAT: 7}  # arrays read or written by an update: w (twice), g and the optimizer's state; 5 for other rules


def traffic(kind: str, layer: int, sizes: tuple[int, ...], samples: int, passes: int, itemsize: int, rule: int, stored: int) -> int:
    """Return the bytes of one phase in a whole training.

    Parameters
    ----------
    kind, layer
        Kind and layer of the phase.
    sizes : tuple of int
        Number of inputs, of units in each hidden layer, and of outputs.
    samples, passes, itemsize : int
    rule : int
        Code of the optimizer.
    stored : int
        Bytes of one stored sample, as `gather` reads it.

    Examples
    --------
    >>> traffic("product", 1, (4, 3, 2), samples=10, passes=2, itemsize=8, rule=SGD, stored=32)
    752
    """
    O = sizes[layer]
    I = sizes[layer - 1] if layer else 0
    below = sizes[layer + 1] if layer + 1 < len(sizes) else 0
    elements = {
        "targets": samples * sizes[-1],
        "zeros": samples * sizes[0],
        "product": samples * (I + O) + passes * I * O,
        "sum of halves": 3 * samples * O,
        "activation": 3 * samples * O,  # sums are read, values and slopes are written
        "dropout": 4 * samples * O,
        "loss": 4 * samples * O,
        "layout": 2 * samples * O,
        "delta": samples * (2 * O + below) + passes * O * below,
        "update": samples * (I + O) + 2 * passes * I * O,
        "biases": samples * O,
        "clipping": passes * sum(i * o for i, o in pairwise(sizes)),
        "optimizer": ARRAYS.get(rule, 5) * passes * (I + 1) * O,
    }
    if kind == "gather":
        return samples * (stored + sizes[0] * itemsize)
    if kind == "validation":
        products = sum(samples * (i + o) + passes * i * o for i, o in pairwise(sizes))
        return samples * (stored + sizes[0] * itemsize) + itemsize * products
    return itemsize * elements.get(kind, 0)
