"""What the ladder of `fastmlp compare` shows, in sentences with the figures of the run."""

from __future__ import annotations

import math

from ..measure.durations import duration
from ..measure.rungs import Rung


def explain(ladder: list[Rung]) -> list[str]:
    """Which gradient wins where, and why: one line for each regime, with the figures of this run."""
    return [small_sizes(ladder[0]), the_turn(ladder), large_sizes(ladder[-1]), fused_wins(ladder)]


def known(seconds: float | None) -> float:
    """Seconds, infinitely many if they were too many to measure."""
    return math.inf if seconds is None else seconds


def small_sizes(rung: Rung) -> str:
    """Overhead decides."""
    numpy, naive, products = (known(rung.seconds(*who)) for who in (("backward_pass", "NumPy"), ("backward",), ("backward_pass",)))
    line = f"{rung.name}: NumPy's {duration(numpy)} pay for its calls, not for {rung.operations} additions and multiplications. "
    if naive < products:
        return line + f"Compiled, the naive loop is {products / naive:.1f} x as fast as matrix products, which allocate and call BLAS."
    return line + "Compiled, matrix products are no slower than the naive loop even here."


def the_turn(ladder: list[Rung]) -> str:
    """Where matrix products overtake the naive loop."""
    for rung in ladder:
        naive, products = known(rung.seconds("backward")), known(rung.seconds("backward_pass"))
        if naive > products:
            ratio = "" if math.isinf(naive) else f" ({naive / products:.1f} x there)"
            return f"From {rung.name} on matrix products beat the naive loop{ratio}: it multiplies N I H O times, they N H (I + O) times."
    return "The naive loop beats matrix products at every size measured."


def large_sizes(rung: Rung) -> str:
    """BLAS decides."""
    best, numpy = known(rung.seconds(rung.fastest["gradient"], rung.fastest["way"])), known(rung.seconds("backward_pass", "NumPy"))
    line = f"{rung.name}: the fastest step does {rung.operations / best / 1e9:.0f} GFLOP/s, nearly all of it in matrix products; "
    if rung.fastest["way"] == "NumPy":
        return line + "it is NumPy's: there is no overhead left to save."
    return line + f"NumPy's backward_pass, with the same products, takes {numpy / best:.2f} x as long."


def fused_wins(ladder: list[Rung]) -> str:
    """How often, and by how much it loses elsewhere."""
    lost = {}
    for rung in ladder:
        best = known(rung.seconds(rung.fastest["gradient"], rung.fastest["way"]))
        if rung.fastest["gradient"] != "fused":
            lost[rung.name] = known(rung.seconds("fused")) / best
    line = f"fused is the fastest at {len(ladder) - len(lost)} of {len(ladder)} sizes: one pass without temporaries, or products in place"
    return line + "".join(f"; at {name} it takes {ratio:.2f} x the fastest" for name, ratio in lost.items()) + "."
