"""Explain a profile in one to three sentences: what limits the speed of the run, and what would help."""

from __future__ import annotations

from collections.abc import Iterator

from ..measure.profile import Phase, Profile

NOTABLE = 0.08  # share of the time; what takes less is not mentioned
NEAR_PEAK = 0.75


def sentences(taken: Profile) -> list[str]:
    """Return at most three sentences, the most important first."""
    return [text for _, text in sorted(findings(taken), reverse=True)][:3]


def findings(taken: Profile) -> Iterator[tuple[float, str]]:
    """Yield each sentence, preceded by the share of the time that it is about."""
    yield from about_products(taken)
    for share, text in (about_gather(taken), about_waiting(taken), about_optimizer(taken), about_validation(taken), about_python(taken)):
        if share >= NOTABLE:
            yield share, text


def about_products(taken: Profile) -> Iterator[tuple[float, str]]:
    """Name the layer whose products take the most time, and the share of the peak that they reach."""
    of_layer: dict[int, list[Phase]] = {}
    for phase in taken.phases:
        if phase.operations and phase.layer:  # a delta is computed with the weights of the next layer, so it counts for that layer
            of_layer.setdefault(phase.layer + (phase.kind == "delta"), []).append(phase)
    if not of_layer:
        return
    layer = max(of_layer, key=lambda l: total(of_layer[l]))
    share, seconds = total(of_layer[layer]) / taken.phase_seconds, total(of_layer[layer])
    peak = sum(p.operations for p in of_layer[layer]) / seconds / 1e9 / (taken.peak_gflops * taken.threads)
    widths = f"{taken.sizes[layer - 1]} x {taken.sizes[layer]}"
    text = f"{share:.0%} of the time is spent on the products of layer {layer} ({widths}), which run at {peak:.0%} of the cores' peak"
    if peak >= NEAR_PEAK:
        yield share, text + "; only fewer weights or more cores would shorten them."
    else:
        yield share, text + (", because layers and batches this small leave tiles partly empty." if small(taken, layer) else ".")


def small(taken: Profile, layer: int) -> bool:
    """Return whether a matrix of the layer is smaller than a few tiles."""
    return min(taken.sizes[layer - 1], taken.sizes[layer], taken.batch_size) < 32


def about_gather(taken: Profile) -> tuple[float, str]:
    """Describe the time spent on fetching the samples."""
    share = share_of(taken, "gather")
    less = "" if taken.pixels else " If the inputs are pixels, storing them as uint8 would mean fewer bytes to read."
    return share, f"{share:.0%} of the time is spent on fetching and transposing samples.{less} More hidden units would reduce this share."


def about_waiting(taken: Profile) -> tuple[float, str]:
    """Describe the time during which threads wait for each other."""
    share = share_of(taken, "barrier")
    text = f"{share:.0%} of the time is spent by threads waiting for each other; larger batches or fewer threads would reduce it."
    return share if taken.threads > 1 else 0.0, text


def about_optimizer(taken: Profile) -> tuple[float, str]:
    """Describe the time spent on updating the parameters."""
    share = share_of(taken, "optimizer")
    return share, f"{share:.0%} of the time is spent on the optimizer's pass over all parameters; larger batches need fewer passes."


def about_validation(taken: Profile) -> tuple[float, str]:
    """Describe the time spent on evaluating held-out data."""
    share = share_of(taken, "validation")
    return share, f"{share:.0%} of the time is spent on validation after every epoch; a smaller validation set would reduce it."


def about_python(taken: Profile) -> tuple[float, str]:
    """Describe the time spent in Python, outside the compiled calls."""
    share = taken.python_seconds / taken.fit_seconds
    return share, f"{share:.0%} of `fit` is spent in Python around the compiled calls; more epochs per call of `fit` would reduce it."


def total(phases: list[Phase]) -> float:
    """Return the total seconds of several phases."""
    return sum(phase.mean_seconds for phase in phases)


def share_of(taken: Profile, kind: str) -> float:
    """Return the share of the time that the phases of one kind take."""
    return total([phase for phase in taken.phases if phase.kind == kind]) / taken.phase_seconds
