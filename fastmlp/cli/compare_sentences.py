"""Explain the timings of `fastmlp compare` in sentences with the figures of the run."""

from __future__ import annotations

import math

from ..measure.durations import duration
from ..measure.rungs import Rung


def explain(ladder: list[Rung]) -> list[str]:
    """Say at which sizes each gradient is the fastest, and why."""
    return [small_sizes(ladder[0]), the_turn(ladder), large_sizes(ladder[-1]), fused_wins(ladder)]


def known(seconds: float | None) -> float:
    """Return the seconds, or infinity if a step would have taken too long to measure."""
    return math.inf if seconds is None else seconds


def small_sizes(rung: Rung) -> str:
    """Describe the smallest size, where overhead decides."""
    numpy, naive, products = (known(rung.seconds(*who)) for who in (("backward_pass", "NumPy"), ("backward",), ("backward_pass",)))
    line = f"{rung.name}: NumPy spends {duration(numpy)} mostly on calls, not on {rung.operations} additions and multiplications. "
    if naive < products:
        return line + f"Compiled, the naive loop is {products / naive:.1f} x as fast as matrix products, which allocate and call BLAS."
    return line + "Compiled matrix products are no slower than the naive loop even at this size."


def the_turn(ladder: list[Rung]) -> str:
    """Say from which size on matrix products are faster than the naive loop."""
    for rung in ladder:
        naive, products = known(rung.seconds("backward")), known(rung.seconds("backward_pass"))
        if naive > products:
            ratio = "" if math.isinf(naive) else f" ({naive / products:.1f} x at this size)"
            return (
                f"From {rung.name} on, matrix products are faster than the naive loop{ratio}: they need N H (I + O) multiplications, "
                "and the loop N I H O."
            )
    return "The naive loop is faster than matrix products at every size measured."


def large_sizes(rung: Rung) -> str:
    """Describe the largest size, where the speed of BLAS decides."""
    best, numpy = known(rung.seconds(rung.fastest["gradient"], rung.fastest["way"])), known(rung.seconds("backward_pass", "NumPy"))
    line = f"{rung.name}: the fastest step reaches {rung.operations / best / 1e9:.0f} GFLOP/s, nearly all of it in matrix products; "
    if rung.fastest["way"] == "NumPy":
        return line + "it is NumPy's, since there is no overhead left to remove."
    return line + f"NumPy's backward_pass, which computes the same products, takes {numpy / best:.2f} x as long."


def fused_wins(ladder: list[Rung]) -> str:
    """Say at how many sizes fused is the fastest, and how much slower it is at the others."""
    lost = {}
    for rung in ladder:
        best = known(rung.seconds(rung.fastest["gradient"], rung.fastest["way"]))
        if rung.fastest["gradient"] != "fused":
            lost[rung.name] = known(rung.seconds("fused")) / best
    line = f"fused, which creates no temporary arrays, is the fastest at {len(ladder) - len(lost)} of {len(ladder)} sizes"
    return line + "".join(f"; at {name} it takes {ratio:.2f} x as long as the fastest" for name, ratio in lost.items()) + "."
