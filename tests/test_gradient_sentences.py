"""The sentences about the profile of a gradient: each rule is tested on a profile made for it."""

import pytest
from rich.console import Console

from fastmlp.cli.compare_tables import show_profiles
from fastmlp.cli.gradient_sentences import sentences, spent
from fastmlp.cli.gradient_tables import print_gradient
from fastmlp.measure.gradient_profile import GradientPhase, GradientProfile, NumpyCall, NumpyProfile
from fastmlp.measure.ladder import Sizes

pytestmark = pytest.mark.any_cpu


def numpy(seconds, *calls):
    """Make a profile of NumPy from calls (phase, function, count, seconds, least seconds)."""
    return NumpyProfile("backward_faster", seconds, tuple(NumpyCall(*call) for call in calls))


def made(phases, gradient="backward_faster", lap_seconds=1e-9, unprofiled=None, beside=None, not_measured=""):
    """Make a profile of 100 epochs on a core of 100 GFLOP/s; `phases` maps names to seconds, or to seconds and GFLOP/s."""
    built = []
    for name, figures in phases.items():
        seconds, gflops = figures if isinstance(figures, tuple) else (figures, 0)
        built.append(GradientPhase(name, 100, seconds, round(seconds * gflops * 1e9), 4800 if name == "allocation" else 0))
    total = sum(phase.seconds for phase in built)
    return GradientProfile(
        problem="digits", sizes=Sizes(1000, 64, 64, 10), gradient=gradient, dtype="float64", way="document_epochs", epochs=100,
        seconds=total, unprofiled_seconds=unprofiled or total, lap_seconds=lap_seconds, phases=tuple(built), numpy=beside,
        not_measured=not_measured, peak_gflops=100.0, blas_threads=1, machine={"cpu": "a CPU"},
    )  # fmt: skip


def printed(show, *arguments):
    console = Console(width=120)
    with console.capture() as output:
        show(console, *arguments)
    return output.get()


def test_the_naive_loops_are_named_with_what_products_would_need():
    (only,) = sentences(made({"X w1": (0.1, 50), "dL_dw2": (0.1, 2), "dL_dw1": (0.8, 3)}, "backward"))
    assert only.startswith("90% of the time of backward is spent in its two loops over the samples, at 3% of a core's peak. ")
    assert only.endswith(" They need 26,000,000 operations, and the matrix products of backward_faster only 10,752,000.")


@pytest.mark.parametrize(("gflops", "end"), [(60, "of a core's peak."), (90, "; only fewer weights or samples would shorten them.")])
def test_products_are_named_with_their_distance_from_the_peak(gflops, end):
    (only,) = sentences(made({"X w1": (0.5, gflops), "dL_dw1": (0.45, gflops), "update": 0.05}))
    assert only.startswith(f"95% of the time of backward_faster is spent on matrix products, which run at {gflops}% of a core's peak")
    assert only.endswith(end)


def test_what_else_takes_long_is_said_and_what_takes_little_is_not():
    found = sentences(made({"X w1": (0.6, 80), "allocation": 0.1, "sigmoid": 0.25, "update": 0.05}))
    assert found[0].startswith("60% of the time of backward_faster")
    assert found[1:] == [
        "25% of the time is spent in the phase `sigmoid`.",
        "10% of the time is spent on allocating and freeing arrays, 48 bytes per epoch; `fused` allocates them only once.",
    ]


def test_what_is_mostly_clock_is_said_and_marked_and_has_no_speed():
    taken = made({"X w1": (60e-7, 10), "sigmoid": 12e-7, "update": 10e-7}, lap_seconds=1e-8, unprofiled=60e-7)
    assert [taken.is_mostly_clock(phase) for phase in taken.phases] == [False, True, True]
    assert sentences(taken)[0] == (
        "The clock is read 3 times per epoch, and reading it takes 10.0 ns if nothing else is executed meanwhile. An epoch takes 60.0 ns "
        "unprofiled and 82.0 ns profiled. Where a line is marked with <, most of its time is that of the clock itself."
    )
    assert not any("sigmoid" in text or "update" in text for text in sentences(taken))
    lines = {line.split("  ")[0].strip(): line for line in printed(print_gradient, taken).splitlines()}
    assert "<12.0 ns" in lines["sigmoid"]
    assert "<" not in lines["X w1"]


def test_a_clock_that_costs_little_is_not_mentioned():
    assert not any("clock" in text for text in sentences(made({"X w1": (1.0, 10)}, lap_seconds=1e-8)))


def test_numpy_s_calls_are_its_time_at_small_sizes_and_its_arithmetic_at_large_ones():
    small = numpy(10e-6, ("X w1", "matmul", 1, 1e-6, 1e-6), ("sigmoid", "exp", 20, 8e-6, 7e-6))
    assert sentences(made({"X w1": (1e-4, 1)}, beside=small))[-1] == (
        "90% of NumPy's 10.0 µs is overhead: the time that the 21 calls of backward_faster would take on arrays with one element, and "
        "that of the Python code between them. Compiled, an epoch is 10.0 x as fast."
    )
    large = numpy(1.0, ("X w1", "matmul", 1, 0.4, 1e-6), ("sigmoid", "exp", 4, 0.5, 1e-6))
    assert sentences(made({"X w1": (40.0, 1), "sigmoid": 10.0}, beside=large))[-1] == (
        "90% of NumPy's 1.00 s is spent on arithmetic and memory access in 5 calls of backward_faster. Compiled, an epoch is 2.0 x as "
        "fast; the largest saving is in `sigmoid`, from 500 ms to 100 ms."
    )
    assert sentences(made({"X w1": (200.0, 1)}, beside=large))[-1].endswith(". Compiled, an epoch takes 2.00 x as long.")


def test_three_sentences_are_enough():
    phases = {"X w1": (3e-6, 10), "allocation": 3e-6, "sigmoid": 3e-6, "residual": 3e-6}
    found = sentences(made(phases, lap_seconds=1e-8, beside=numpy(10e-6, ("X w1", "matmul", 1, 1e-6, 1e-6))))
    assert len(found) == 3
    assert found[0].startswith("The clock")
    assert "NumPy" in found[2]


def test_one_line_tells_what_a_gradient_spends_its_time_on():
    text = spent(made({"X w1": (0.5, 60), "sigmoid": 0.3, "dL_dw1": (0.15, 90), "update": 0.05}))
    assert text == "50% X w1 (at 60%), 30% sigmoid, 15% dL_dw1 (at 90%)"
    profiles = [made({"dL_dw1": (1.0, 3)}, "backward"), made({"X w1": (0.5, 60), "sigmoid": 0.5})]
    lines = printed(show_profiles, profiles).splitlines()
    assert any(line.startswith("backward ") and "100% dL_dw1 (at 3%)" in line for line in lines)
    assert any(line.startswith("backward_faster ") and "50% X w1 (at 60%), 50% sigmoid" in line for line in lines)


@pytest.mark.parametrize("whole", [1.0, 0.7])
def test_calls_that_add_up_to_more_than_the_epoch_are_owned_up_to(whole):
    beside = numpy(whole, ("X w1", "matmul", 1, 0.5, 1e-6), ("sigmoid", "exp", 4, 0.4, 1e-6))
    text = printed(print_gradient, made({"X w1": (40.0, 1), "sigmoid": 10.0}, beside=beside))
    assert ("NumPy's calls add up to more than its epoch" in text) == (whole < 0.9)


def test_where_numpy_was_not_measured_the_reason_is_printed():
    taken = made({"dL_dw1": (1.0, 3)}, "backward", not_measured="an epoch would take about 23 s")
    assert "NumPy is not shown: an epoch would take about 23 s." in printed(print_gradient, taken)
