"""List the non-zero inputs of a batch, and the samples for which each tile of inputs is not zero, so that products can skip the zeros."""

from __future__ import annotations

import numpy as np

from .access import peek
from .bits import PLACES, count_bits, list_bits, nonzero_bits
from .jit import kernel
from .tile import MR

NEARLY_ALL = 0.95  # of the inputs: from this share on, a list saves less than reading it costs


@kernel
def find_active(active, bits, x, I, stop):
    """List in `active`, in ascending order, the inputs that are non-zero for any sample. Return their number and that of non-zero elements.

    The search ends early once stop[0] is not zero. x (I, B) : a block. bits[word, i] : set to one bit for each of the samples 64 word,
    64 word + 1, ..., which is 1 if input i of that sample is not zero.
    """
    nonzero, B = 0, x.columns
    for word in range((B + 63) // 64):
        if peek(stop):
            break
        n = word * 64
        samples = ~np.uint64(0) >> np.uint64(max(0, 64 - (B - n)))  # the elements after those belong to another input
        for i in range(I):
            bits[word, i] = nonzero_bits(x.data, x.at + i * B + n) & samples
            nonzero += count_bits(bits[word, i])
    count = 0
    for i in range(I):
        found = bits[0, i]
        for word in range(1, (B + 63) // 64):
            found |= bits[word, i]
        active[count] = i
        count += found != 0
    return count, nonzero


@kernel
def find_used(used, counts, bits, rows, B):
    """For each tile t of MR inputs of `rows`, list the samples for which any of these inputs is non-zero, in ascending order.

    bits : as `find_active` sets them. rows : a span; rows.first is a multiple of MR, and t counts tiles from the beginning of rows.items.
    The list of tile t begins at used[t * list_step(B)] and has counts[t] samples.
    """
    step = list_step(B)
    for m in range(rows.first, rows.last, MR):
        count = 0
        for word in range((B + 63) // 64):
            found = np.uint64(0)
            for r in range(m, min(m + MR, rows.last)):
                found |= bits[word, rows.items[r]]
            for n in range(word * 64, min(word * 64 + 64, B), 8):
                byte = found & np.uint64(255)
                list_bits(used, m // MR * step + count, byte, n, PLACES)
                count += count_bits(byte)
                found >>= np.uint64(8)
        counts[m // MR] = count


@kernel(inline="always")
def list_step(B):
    """Return the distance in memory from one list of `find_used` to the next."""
    return (B + 7) // 8 * 8
