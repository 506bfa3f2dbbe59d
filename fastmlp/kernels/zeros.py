"""Which inputs of a batch are zero, so that products can skip them: lists of inputs, and of samples for each tile of inputs."""

from __future__ import annotations

import numpy as np

from .access import peek
from .bits import PLACES, count_bits, list_bits, nonzero_bits
from .jit import kernel
from .tile import MR

NEARLY_ALL = 0.95  # of the inputs: from here on a list of them saves less than reading it costs


@kernel
def find_active(active, bits, x, I, stop):
    """Write the inputs i that are not zero in every lane to `active`, ascending; return how many, and how many elements are not zero.

    Ends early once stop[0] is not zero. x (I, B) : a block. bits[word, i] : which of the samples 64 word, 64 word + 1, ... are not zero.
    """
    nonzero, B = 0, x.columns
    for word in range((B + 63) // 64):
        if peek(stop):
            break
        n = word * 64
        samples = ~np.uint64(0) >> np.uint64(max(0, 64 - (B - n)))  # the next elements are another input's
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
    """For each tile t of MR inputs of `rows`, list the samples for which one of them is not zero, ascending.

    bits : as `find_active` leaves them. rows : a span; t counts from the beginning of its items, and its first is a multiple of MR.
    There are counts[t] samples, from used[t * list_step(B)].
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
    """From one list of `find_used` to the next."""
    return (B + 7) // 8 * 8
