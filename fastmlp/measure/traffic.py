"""How many bytes a phase of training has to read and write at least: each operand once, whatever the caches make of it.

For a whole training: `samples` went through the network in `passes` (batches, or parts of large ones), each of which reads the weights.
Threads that read the same weights or the same batch are counted once.
"""

from __future__ import annotations

from itertools import pairwise

from ..kernels.optimizers import ADAM, ADAM_HAT, SGD

ARRAYS = {SGD: 3, ADAM: 7, ADAM_HAT: 7}  # that an update of the parameters reads or writes: w and g, and what is remembered; others have 5


def traffic(kind: str, layer: int, sizes: tuple[int, ...], samples: int, passes: int, itemsize: int, rule: int, stored: int) -> int:
    """Bytes of one phase in a whole training.

    Parameters
    ----------
    kind, layer
        The phase.
    sizes : tuple of int
        Inputs, hidden units, outputs.
    samples, passes, itemsize : int
    rule : int
        The optimizer's code.
    stored : int
        Bytes of a stored sample, as `gather` reads it.

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
        "activation": 3 * samples * O,  # read; value and slope written
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
