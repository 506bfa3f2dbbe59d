"""Gradient descent for the two-layer network, with forward pass, gradient and update fused: five algorithms for an epoch.

Each algorithm serves a different size of the problem. At the size of XOR the arithmetic takes a few nanoseconds and everything else is
overhead, so `epochs_in_one_vector` reduces an epoch to a single chain of vector operations, on half a vector if the samples fit into it.
For narrow layers and more samples, `epochs_in_vectors` keeps every lane busy. For wider layers an epoch consists of matrix products, which
`epochs_by_tiles` computes block by block. If the samples fill only a few vectors, tiles would multiply empty lanes, and
`epochs_by_products` leaves the products to BLAS.

The limits between the algorithms are counted in weights and in vectors of samples, so they depend on the vector width of the CPU and on
the dtype. The table shows microseconds per epoch on one core of Zen 4. A star marks the algorithm that `way_through` chooses, which is
not the fastest in every row. (Half a vector, which it chooses for the four samples of XOR with AVX-512, takes 0.05.)

                        float64, AVX-512                          float32, AVX2
    N, I, H, O          one vector  vectors  products    tiles    one vector  vectors  products    tiles
    4, 2, 3, 1               0.06      0.07      0.51     0.46         0.05      0.05      0.52     0.37
    4, 2, 64, 1              1.27*     1.68      1.35     2.29         0.64*     0.78      0.92     1.32
    4, 2, 256, 1             3.56      5.25      2.76*    7.33         2.71      3.37      2.15*    4.54
    8, 16, 16, 1             0.57      0.75      0.80*    0.85         0.47      0.61      1.10*    0.74
    64, 2, 8, 1                 -      0.86*     1.38     1.25            -      0.61*     1.43     1.13
    150, 4, 20, 3               -      6.91*     7.36     7.43            -      4.17*     7.93     5.94
    256, 8, 16, 2               -      12.4      11.7     11.1*           -      10.4      15.1      8.9*
    20, 784, 100, 10            -         -       209*     214            -         -       127*     140
    569, 30, 30, 1              -       116        71       68*           -        73        55       41*
    1797, 64, 64, 10            -         -      1077      852*           -         -       574      489*
    4096, 784, 256, 10          -         -     79900    69600*           -         -     45600    43600*
"""

from __future__ import annotations

from ..kernels.access import width
from ..kernels.jit import entry, plain
from .epochs_by_products import epochs_by_products
from .epochs_by_tiles import epochs_by_tiles
from .epochs_in_lanes import epochs_in_one_vector, epochs_in_vectors, in_lanes

ONE_VECTOR_WEIGHTS = 256  # up to this many, summing each weight's gradient across lanes is cheaper than calling BLAS
VECTORS_WEIGHTS = 150  # up to this many, reading the samples again for every weight is cheaper than arranging them for tiles
TILES_VECTORS = 4  # vectors of samples; from this many on, tiles are faster than BLAS

IN_HALF_VECTOR, IN_ONE_VECTOR, IN_VECTORS, BY_PRODUCTS, BY_TILES = range(5)
LEAST_HALVED = 8  # lanes; half of a shorter vector may not have a register of its own


@plain
def way_through(samples: int, weights: int, lanes: int) -> int:
    """Choose an algorithm for this many samples and weights, H (I + O); `lanes` is the number of elements in a vector."""
    if samples <= lanes and weights <= ONE_VECTOR_WEIGHTS:
        return IN_HALF_VECTOR if samples <= lanes // 2 and lanes >= LEAST_HALVED else IN_ONE_VECTOR
    if samples > lanes and weights <= VECTORS_WEIGHTS:
        return IN_VECTORS
    return BY_TILES if samples >= TILES_VECTORS * lanes else BY_PRODUCTS


@entry
def half_vector(weights, record, X, y, epochs, rate, stop):
    """Arrange the samples in lanes and call `epochs_in_one_vector` on the first half of a vector."""
    epochs_in_one_vector(1, weights, record, in_lanes(X, y, width(X) // 2), epochs, rate, stop)


@entry
def one_vector(weights, record, X, y, epochs, rate, stop):
    """Arrange the samples in lanes and call `epochs_in_one_vector` on a whole vector."""
    epochs_in_one_vector(2, weights, record, in_lanes(X, y, width(X)), epochs, rate, stop)


@entry
def vectors(weights, record, X, y, epochs, rate, stop):
    """Arrange the samples in lanes and call `epochs_in_vectors`."""
    epochs_in_vectors(weights, record, in_lanes(X, y, width(X)), epochs, rate, stop)


# The algorithms in the form that Python calls. Each is compiled when it is first needed. All take these arguments:
#   weights : (w1 (I, H), w2 (H, O)), modified in place
#   record : (errors, every, clock), where `errors` receives the error before the update of epochs 0, every, ..., and `clock` is
#       `laps.clock()` or None
#   X (N, I), y (N, O)
#   rate : factor of the gradient of half the mean squared error in every update
#   stop : uint8 of shape (1,); any value but zero ends the run at the next epoch
WAYS = (half_vector, one_vector, vectors, epochs_by_products, epochs_by_tiles)


@entry
def fused_epochs(weights, record, X, y, epochs, rate, stop):
    """Train by full-batch gradient descent inside compiled code, choosing among all algorithms but tiles, which take longest to compile."""
    way = way_through(X.shape[0], weights.w1.size + weights.w2.size, width(X))
    if way >= BY_PRODUCTS:
        epochs_by_products(weights, record, X, y, epochs, rate, stop)
    elif way == IN_VECTORS:
        vectors(weights, record, X, y, epochs, rate, stop)
    elif way == IN_HALF_VECTOR:
        half_vector(weights, record, X, y, epochs, rate, stop)
    else:
        one_vector(weights, record, X, y, epochs, rate, stop)
