"""The pictures: what they show, and that a file is written completely or not at all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from fastmlp import TrainingRun, plotting, sigmoid
from fastmlp.datasets import load_xor
from fastmlp.measure.comparison import Comparison
from fastmlp.measure.gradients import AS_PUBLISHED
from fastmlp.measure.ladder import LADDER
from fastmlp.measure.rungs import COMPETITORS, Rung
from fastmlp.measure.xor_training import Learnt
from tests.children import python

pytestmark = pytest.mark.any_cpu

X, Y = load_xor()


@pytest.fixture(scope="module")
def golden_run(golden):
    recorded = golden["notebook_1"]["runs"]["backward_pass"]
    return TrainingRun(*(np.array(recorded[key]) for key in ("final_w1", "final_w2", "epochs", "errors")))


def texts(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_decision_grid_counts_what_the_document_counts(golden, golden_run):
    ticks, y_hat = plotting.decision_grid(golden_run.w1, golden_run.w2)
    assert (ticks[0], ticks[-1], y_hat.shape) == (0, 1, (20, 20))
    assert np.count_nonzero(np.round(y_hat)) == golden["notebook_1"]["runs"]["backward_pass"]["decision_grid_positive"] == 328
    corners = y_hat[np.ix_([0, -1], [0, -1])].T.ravel()
    assert corners == pytest.approx(golden["notebook_1"]["runs"]["backward_pass"]["final_y_hat"])


def test_the_grids_rows_are_x2():
    _, y_hat = plotting.decision_grid([[10.0], [0.0]], [[1.0]], points=2)
    assert np.all(y_hat[:, 1] > y_hat[:, 0])
    assert np.all(y_hat[0] == y_hat[1])


def test_data_have_a_colour_a_class():
    figure = plotting.xor_data(X, Y)
    zeros, ones = figure.axes[0].collections
    assert zeros.get_offsets().tolist() == [[0, 0], [1, 1]]
    assert ones.get_offsets().tolist() == [[0, 1], [1, 0]]
    assert not np.array_equal(zeros.get_facecolor(), ones.get_facecolor())


def test_the_sigmoid_and_its_derivative():
    curve, slope = plotting.sigmoid_curves().axes[0].lines
    x = curve.get_xdata()
    assert (x[0], x[-1]) == (-10, 10)
    np.testing.assert_array_equal(curve.get_ydata(), sigmoid(x))
    np.testing.assert_allclose(slope.get_ydata()[1:-1], np.gradient(sigmoid(x), x)[1:-1], atol=1e-4)


def test_error_curves_carry_names_where_there_are_several(golden_run):
    assert texts(plotting.error_curves({"one": golden_run})) == []
    figure = plotting.error_curves({"one": golden_run, "two": golden_run})
    assert texts(figure) == ["one", "two"]
    np.testing.assert_array_equal(figure.axes[0].lines[0].get_ydata(), golden_run.errors)


def test_a_single_record_is_still_seen(golden_run):
    run = golden_run._replace(epochs=golden_run.epochs[:1], errors=golden_run.errors[:1])
    assert plotting.error_curves({"": run}).axes[0].lines[0].get_marker() == "o"


def test_decision_regions_of_a_constant_network_have_no_border(golden_run):
    def borders(w1, w2):
        return len(plotting.decision_regions((w1, w2), X, Y).axes[0].collections)

    assert borders(golden_run.w1, golden_run.w2) == borders(np.zeros((2, 1)), np.ones((1, 1)) / 9) + 1


def test_error_curves_of_ten_runs_of_few_points_or_nan(golden_run):
    short = golden_run._replace(epochs=golden_run.epochs[:1], errors=golden_run.errors[:1])
    holes = golden_run._replace(errors=np.where(np.arange(len(golden_run.errors)) % 2, golden_run.errors, np.nan))
    nothing = golden_run._replace(errors=np.full(len(golden_run.errors), np.nan))
    runs = {f"run {n}": golden_run for n in range(7)} | {"one point": short, "holes": holes, "no number": nothing}
    figure = plotting.error_curves(runs)
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert len(boxes) == 10
    assert not any(one.overlaps(other) for n, one in enumerate(boxes) for other in boxes[:n])
    one_point, with_holes = figure.axes[0].lines[7:9]
    assert one_point.get_markevery() is with_holes.get_markevery() is None  # every point has its marker
    assert "None" not in (one_point.get_marker(), with_holes.get_marker())


@pytest.mark.parametrize("draw", [plotting.error_curves, lambda runs: plotting.three_gradients(runs, {"a": 1.0})])
@pytest.mark.parametrize(
    ("runs", "error", "message"),
    [
        ({}, ValueError, "runs: expected one run or more, got none"),
        ([1], TypeError, r"runs: expected a mapping of names to runs of `train`, got \[1\]"),
        ({"a": 1}, TypeError, "runs: expected what `train` returns for 'a', got 1"),
    ],
)
def test_what_are_no_runs_is_refused(draw, runs, error, message):
    with pytest.raises(error, match=message):
        draw(runs)


def test_three_gradients_show_errors_outputs_and_times(golden, golden_run):
    runs = {"published": golden_run._replace(w2=0 * golden_run.w2), "backward_pass": golden_run}
    figure = plotting.three_gradients(runs, {"backward_pass": 0.002, "published": 0.5})
    errors, outputs, times = figure.axes
    assert [line.get_label() for line in errors.lines] == ["published", "backward_pass"]
    assert outputs.lines[0].get_ydata().tolist() == [0, 0, 0, 0]
    assert outputs.lines[1].get_ydata() == pytest.approx(golden["notebook_1"]["runs"]["backward_pass"]["final_y_hat"])
    assert [bar.get_width() for bar in times.patches] == [0.5, 0.002]
    assert [text.get_text() for text in times.texts] == ["500 ms", "2.00 ms"]
    assert errors.lines[1].get_color() == outputs.lines[1].get_color()


@pytest.mark.parametrize(
    ("seconds", "message"),
    [
        ({"b": 1.0}, r"seconds: expected the time of each of \['a'\], got \{'b': 1.0\}"),
        ({"a": 0.0}, "seconds: expected positive times, got 0"),
        ({"a": np.nan}, "seconds: expected a finite number, got nan"),
    ],
)
def test_times_that_are_none_are_refused(golden_run, seconds, message):
    with pytest.raises(ValueError, match=message):
        plotting.three_gradients({"a": golden_run}, seconds)


def test_three_gradients_are_of_xor(golden_run):
    with pytest.raises(ValueError, match=r"runs: expected networks of two inputs and one output, got w1 .* for 'a'"):
        plotting.three_gradients({"a": golden_run._replace(w1=np.ones((3, 3)))}, {"a": 1.0})


def test_predictions_are_written_on_their_bars():
    figure = plotting.predictions([[0], [1]], [[-0.2], [0.875]])
    assert [bar.get_height() for bar in figure.axes[0].patches] == [-0.2, 0.875]
    assert texts(figure) == ["-0.20", "0.88"]
    assert texts(plotting.predictions(np.arange(100) % 2, np.ones((100, 1)))) == []
    with pytest.raises(ValueError, match=r"y, y_hat: expected one target and one output for each sample, .* got \(2,\) and \(3,\)"):
        plotting.predictions([0, 1], [0, 1, 1])


def test_one_picture_of_a_training_run(golden_run, tmp_path):
    figure = plotting.xor_training(X, Y, golden_run)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Data: one colour per class", "Error", "Decisions on a 20 x 20 grid"]
    plotting.save(figure, tmp_path / "xor.png")
    assert (tmp_path / "xor.png").read_bytes().startswith(b"\x89PNG")


def a_comparison():
    """Six rungs; NumPy's naive loop is measured up to the third, the compiled one up to the fifth."""
    ladder = []
    for place, (name, sizes) in enumerate(LADDER.items()):
        table = {"NumPy": {}, "compiled": {}}
        for nth, (gradient, way) in enumerate(COMPETITORS):
            last = {"NumPy": 2, "compiled": 4}[way] if gradient == "backward" else 5
            table[way][gradient] = 10.0 ** (place - 7) / (nth + 1) if place <= last else None
        ladder.append(Rung(name, sizes._asdict(), table, {"gradient": "fused", "way": "compiled"}, {}, False))
    xor = [Learnt("backward", 1e-5, [0, 1, 1, 0], 4e-5, 1e-6, 40.0), Learnt("fused", 1e-5, [0, 1, 1, 0], None, 4e-8, 250.4)]
    xor.append(Learnt(AS_PUBLISHED[0], 0.12, [0.5] * 4, 4e-5, None, None))
    versions = dict.fromkeys(("fastmlp", "numpy", "numba"), "1.0")
    return Comparison({"cpu": "a CPU", "vector_bits": 256, "blas_threads": 1, "versions": versions}, [], [], xor, ladder, 1.0)


def test_the_comparison_names_every_line_and_bar():
    result = a_comparison()
    figure = plotting.comparison(result)
    ladder, bars = figure.axes
    named = {text.get_text() for text in ladder.texts}
    assert named == {f"{way} {gradient}" for gradient, way in COMPETITORS if gradient != "fused"} | {"fused"}
    assert [len(line.get_xdata()) for line in ladder.lines] == [3, 6, 5, 6, 6, 6]
    assert [text.get_text() for text in bars.texts] == ["40 x", "250 x"]
    assert "a CPU, vectors of 256 bits, one thread" in figure.get_supxlabel()


def test_names_beside_the_ladder_do_not_overlap():
    figure = plotting.comparison(a_comparison())
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(one.overlaps(other) for n, one in enumerate(boxes) for other in boxes[:n])


def test_the_gradients_over_sizes_are_the_comparisons_left_panel():
    figure = plotting.gradient_sizes(a_comparison())
    assert [len(line.get_xdata()) for line in figure.axes[0].lines] == [3, 6, 5, 6, 6, 6]
    with pytest.raises(TypeError, match=r"result: expected a fastmlp\.measure\.comparison\.Comparison, got 3"):
        plotting.gradient_sizes(3)
    with pytest.raises(ValueError, match="result: expected a comparison of one size or more, got none"):
        plotting.gradient_sizes(replace(a_comparison(), ladder=[]))


@pytest.mark.parametrize(("suffix", "head"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")])
def test_saving_follows_the_name(tmp_path, suffix, head):
    path = tmp_path / f"picture{suffix}"
    plotting.save(plotting.sigmoid_curves(), path)
    assert path.read_bytes().startswith(head)
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_saved_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    path.write_bytes(b"old")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        plotting.save(plotting.sigmoid_curves(), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(ValueError, match="xyz"):
        plotting.save(Figure(), tmp_path / "picture.xyz")


def test_drawing_leaves_pyplot_alone():
    program = "import sys; from fastmlp import plotting; plotting.sigmoid_curves(); print('matplotlib.pyplot' in sys.modules)"
    assert python(program).stdout.strip() == "False"
