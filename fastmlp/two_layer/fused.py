"""Gradient descent for the document's network with everything fused, as fast as its size allows: four ways through an epoch.

Why four: at XOR's size the arithmetic is a few nanoseconds and everything else is overhead, so `epochs_in_one_vector` keeps an epoch to a
single chain of vector operations; narrow layers over more samples keep every lane busy in `epochs_in_vectors`; wider layers are matrix
products, which `epochs_by_products` leaves to BLAS; where there is more to do, `epochs_by_tiles` is faster still. Measured on a Zen 5
core, float64, microseconds an epoch:

    N, I, H, O         in one vector  in vectors  by products  by tiles
    4, 2, 3, 1                  0.04        0.05         0.40         -
    4, 16, 16, 1                0.41        0.59         0.50       1.6
    4, 64, 64, 4                 5.5         8.7          1.8       6.6
    64, 4, 8, 1                    -        0.82         1.16       2.0
    1024, 8, 8, 1                  -        14.5         13.9        18
    1024, 16, 16, 1                -        50.7         24.5        32
    256, 64, 64, 10                -           -           89        68
    1797, 64, 64, 10               -           -          670       470
    4096, 16, 16, 1                -           -          165       130
    4096, 784, 256, 10             -           -        43400     36000
"""

from __future__ import annotations

from ..kernels.access import width
from ..kernels.jit import entry, in_compiled_code
from .epochs_by_products import epochs_by_products
from .epochs_in_lanes import epochs_in_one_vector, epochs_in_vectors, in_lanes

ONE_VECTOR_WEIGHTS = 256  # up to here summing each weight's gradient across lanes is cheaper than a call of BLAS
VECTORS_WEIGHTS = 72  # beyond, a matrix product reuses registers better; up to here tiles lose as well, in 12 of 14 cases measured
TILES_WORK, TILES_SAMPLES = 1_000_000, 32  # samples times weights, and samples, from which on tiles beat BLAS

IN_ONE_VECTOR, IN_VECTORS, BY_PRODUCTS = range(3)


def suits_tiles(samples: int, weights: int) -> bool:
    """Whether tiles are the fastest way for so many samples and H (I + O) weights."""
    return weights > VECTORS_WEIGHTS and samples >= TILES_SAMPLES and samples * weights >= TILES_WORK


def way_through(samples: int, weights: int, lanes: int) -> int:
    """The fastest of the other ways; `lanes` are the elements of a vector."""
    if samples <= lanes:
        return IN_ONE_VECTOR if weights <= ONE_VECTOR_WEIGHTS else BY_PRODUCTS
    return IN_VECTORS if weights <= VECTORS_WEIGHTS else BY_PRODUCTS


in_compiled_code(way_through)(lambda *types: way_through)


@entry
def fused_epochs(weights, record, X, y, epochs, rate, stop):
    """Full-batch gradient descent on half the mean squared error, by the fastest way but tiles, which are compiled by themselves.

    weights : (w1 (I, H), w2 (H, O)), modified in place. record : (errors, every): the errors before the update of epochs 0, every, ...
    X (N, I), y (N, O). rate : times the gradient, the step. stop (1,) uint8 : not zero ends the run at the next epoch.
    """
    way = way_through(X.shape[0], weights.w1.size + weights.w2.size, width(X))
    if way == BY_PRODUCTS:
        epochs_by_products(weights, record, X, y, epochs, rate, stop)
    elif way == IN_VECTORS:
        epochs_in_vectors(weights, record, in_lanes(X, y), epochs, rate, stop)
    else:
        epochs_in_one_vector(weights, record, in_lanes(X, y), epochs, rate, stop)
