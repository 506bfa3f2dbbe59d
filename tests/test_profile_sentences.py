"""The sentences about a profile: each rule is tested on a profile made for it."""

import pytest

from fastmlp.cli.profile_sentences import sentences
from fastmlp.measure.profile import Phase, Profile

pytestmark = pytest.mark.any_cpu

FETCHING = "of the time is spent on fetching and transposing samples."


def made(phases, threads=1, fit_seconds=None, pixels=False, sizes=(784, 100, 10)):
    """Make a profile of 100 steps on a core of 100 GFLOP/s; `phases` maps names to seconds, or to seconds and GFLOP/s."""
    built = []
    for name, figures in phases.items():
        kind, _, layer = name.partition(" ")
        seconds, gflops = figures if isinstance(figures, tuple) else (figures, 0)
        built.append(Phase(kind, int(layer or 0), 100, (seconds,) * threads, round(seconds * gflops * 1e9), 0))
    total = sum(phase.mean_seconds for phase in built)
    return Profile(
        sizes=sizes, dtype="float32", optimizer="SGD", batch_size=64, threads=threads, samples=6400, epochs=1, steps=100, pixels=pixels,
        fit_seconds=fit_seconds or total, compiled_seconds=(total,) * threads, phases=tuple(built), peak_gflops=100.0,
        bandwidth={}, laps=(), machine={},
    )  # fmt: skip


def test_the_layer_that_takes_most_is_named_with_its_share_and_its_distance_from_the_peak():
    taken = made({"product 1": (0.4, 90), "update 1": (0.4, 70), "product 2": (0.1, 50), "delta 1": (0.1, 50)})
    (only, *others) = sentences(taken)
    assert only == (
        "80% of the time is spent on the products of layer 1 (784 x 100), which run at 80% of the cores' peak; "
        "only fewer weights or more cores would shorten them."
    )
    assert others == []


def test_a_delta_counts_for_the_layer_whose_weights_it_passes():
    taken = made({"product 1": (0.1, 90), "product 2": (0.1, 50), "delta 1": (0.8, 50)})
    assert sentences(taken)[0].startswith("90% of the time is spent on the products of layer 2 (100 x 10), which run at 50%")


def test_small_layers_are_told_that_tiles_are_partly_empty():
    taken = made({"product 1": (0.5, 30), "update 1": (0.5, 30)}, sizes=(4, 100, 3))
    assert "leave tiles partly empty" in sentences(taken)[0]


@pytest.mark.parametrize(
    ("phases", "options", "start"),
    [
        ({"product 1": (0.6, 90), "gather": 0.4}, {}, f"40% {FETCHING} If the inputs are pixels"),
        ({"product 1": (0.6, 90), "gather": 0.4}, {"pixels": True}, f"40% {FETCHING} More hidden units"),
        ({"product 1": (0.5, 90), "barrier": 0.5}, {"threads": 2}, "50% of the time is spent by threads waiting for each other"),
        ({"product 1": (0.5, 90), "optimizer 1": 0.25, "optimizer 2": 0.25}, {}, "50% of the time is spent on the optimizer's pass"),
        ({"product 1": (0.5, 90)}, {"fit_seconds": 2.0}, "75% of `fit` is spent in Python"),
        ({"product 1": (0.6, 90), "validation": (0.4, 80)}, {}, "40% of the time is spent on validation after every epoch"),
        ({"product 1": (0.4, 90), "validation": (0.6, 80)}, {}, "40% of the time is spent on the products of layer 1"),
    ],
)
def test_what_else_takes_long_is_said(phases, options, start):
    assert any(text.startswith(start) for text in sentences(made(phases, **options)))


def test_what_takes_little_is_not_said_and_three_sentences_are_enough():
    assert len(sentences(made({"product 1": (0.9, 90), "gather": 0.05, "barrier": 0.05}))) == 1
    many = {"product 1": (0.3, 90), "gather": 0.2, "optimizer 1": 0.3, "barrier": 0.2}
    assert len(sentences(made(many, threads=2, fit_seconds=5.0))) == 3
