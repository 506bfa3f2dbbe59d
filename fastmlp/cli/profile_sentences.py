"""What a profile means, in one to three sentences: what limits the run, and what would help."""

from __future__ import annotations

from collections.abc import Iterator

from ..measure.profile import Phase, Profile

NOTABLE = 0.08  # of the time: what takes less is not worth a sentence
NEAR_PEAK = 0.75


def sentences(taken: Profile) -> list[str]:
    """At most three, the most important first."""
    return [text for _, text in sorted(findings(taken), reverse=True)][:3]


def findings(taken: Profile) -> Iterator[tuple[float, str]]:
    """Each with the share of the time that it is about."""
    yield from about_products(taken)
    for share, text in (about_gather(taken), about_waiting(taken), about_optimizer(taken), about_validation(taken), about_python(taken)):
        if share >= NOTABLE:
            yield share, text


def about_products(taken: Profile) -> Iterator[tuple[float, str]]:
    """The layer whose products take most, and how near they are to the peak."""
    of_layer: dict[int, list[Phase]] = {}
    for phase in taken.phases:
        if phase.operations and phase.layer:  # a delta passes the weights of the layer above it
            of_layer.setdefault(phase.layer + (phase.kind == "delta"), []).append(phase)
    if not of_layer:
        return
    layer = max(of_layer, key=lambda l: total(of_layer[l]))
    share, seconds = total(of_layer[layer]) / taken.phase_seconds, total(of_layer[layer])
    peak = sum(p.operations for p in of_layer[layer]) / seconds / 1e9 / (taken.peak_gflops * taken.threads)
    widths = f"{taken.sizes[layer - 1]} x {taken.sizes[layer]}"
    text = f"{share:.0%} of the time is the products of layer {layer} ({widths}), at {peak:.0%} of what the cores multiply and add"
    if peak >= NEAR_PEAK:
        yield share, text + ": only fewer weights, or more cores, make them shorter."
    else:
        yield share, text + (": layers and batches this small leave tiles partly empty." if small(taken, layer) else ".")


def small(taken: Profile, layer: int) -> bool:
    """Whether a layer's matrices are smaller than a few tiles."""
    return min(taken.sizes[layer - 1], taken.sizes[layer], taken.batch_size) < 32


def about_gather(taken: Profile) -> tuple[float, str]:
    """Bringing the samples in."""
    share = share_of(taken, "gather")
    less = "" if taken.pixels else " uint8 instead of numbers would be fewer bytes, where the inputs are pixels;"
    return share, f"{share:.0%} is fetching and transposing samples:{less} more hidden units would make it a smaller part."


def about_waiting(taken: Profile) -> tuple[float, str]:
    """Threads that wait for each other."""
    share = share_of(taken, "barrier")
    text = f"{share:.0%} is threads that wait for each other: larger batches, or fewer threads, would make it less."
    return share if taken.threads > 1 else 0.0, text


def about_optimizer(taken: Profile) -> tuple[float, str]:
    """The update from the gradient."""
    share = share_of(taken, "optimizer")
    return share, f"{share:.0%} is the optimizer's pass over all parameters: larger batches need fewer of them."


def about_validation(taken: Profile) -> tuple[float, str]:
    """The forward pass of data that are held out."""
    share = share_of(taken, "validation")
    return share, f"{share:.0%} is validation after every epoch: fewer samples to validate with would make it less."


def about_python(taken: Profile) -> tuple[float, str]:
    """What is not compiled."""
    share = taken.python_seconds / taken.fit_seconds
    return share, f"{share:.0%} of `fit` is Python around the compiled calls: more epochs in one call of `fit` would make it less."


def total(phases: list[Phase]) -> float:
    """Seconds of several phases."""
    return sum(phase.mean_seconds for phase in phases)


def share_of(taken: Profile, kind: str) -> float:
    """Of the time of all phases, those of a kind."""
    return total([phase for phase in taken.phases if phase.kind == kind]) / taken.phase_seconds
