"""Decision regions of every kind of model, with two classes and more."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from fastmlp import Dense, Sequential, TrainingRun, plotting
from fastmlp.datasets import load_xor
from fastmlp.plotting.style import class_colours

pytestmark = pytest.mark.any_cpu

X, Y = load_xor()
CORNERS = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0], [4.0, 2.0]])


def cells(figure):
    """The class of each cell, x2 by x1."""
    return figure.axes[0].collections[0].get_array()


def nearest(points):
    """Scores of the four corners: the nearer, the higher."""
    return -np.linalg.norm(points[:, None] - CORNERS, axis=2)


class Labels:
    """As scikit-learn's classifiers without probabilities."""

    classes_ = np.array(["high", "low"])

    def predict(self, points):
        return np.where(points[:, 1] > 1, "high", "low")


class Probabilities(Labels):
    classes_ = np.array([7, 3])

    def predict_proba(self, points):
        return np.column_stack([points[:, 1] / 2, 1 - points[:, 1] / 2])


def weights(golden, kind=tuple):
    recorded = golden["notebook_1"]["runs"]["backward_pass"]
    w1, w2 = np.array(recorded["final_w1"]), np.array(recorded["final_w2"])
    return kind((w1, w2)) if kind in (tuple, list) else TrainingRun(w1, w2, np.zeros(1, int), np.zeros(1))


@pytest.mark.parametrize("kind", [tuple, list, TrainingRun])
def test_the_documents_network_has_the_documents_regions(golden, kind):
    assert cells(plotting.decision_regions(weights(golden, kind), X, Y)).sum() == 328


def test_a_single_output_is_class_one_above_a_half():
    for model in (lambda points: points[:, 0], lambda points: points[:, :1], lambda points: points[:, 0] > 0.5):
        drawn = cells(plotting.decision_regions(model, X, Y, points=4))
        assert drawn.tolist() == [[0, 0, 1, 1]] * 4


@pytest.mark.parametrize(
    ("loss", "W", "b"),
    [
        ("softmax_cross_entropy", [[0, 4], [0, 0]], [2, 0]),
        ("binary_cross_entropy", [[4], [0]], [-2]),
        ("squared_error", [[1], [0]], [0]),
    ],
)
def test_a_sequential_is_drawn_as_it_predicts(loss, W, b):
    model = Sequential([Dense(2, len(b))], loss=loss)
    model.layers[0].W, model.layers[0].b = W, b
    assert cells(plotting.decision_regions(model, X, Y, points=4)).tolist() == [[0, 0, 1, 1]] * 4


def test_the_grid_spans_the_data_and_the_largest_output_wins():
    figure = plotting.decision_regions(nearest, CORNERS, [0, 1, 2, 3], points=6)
    assert cells(figure).tolist() == [[0, 0, 0, 1, 1, 1]] * 3 + [[2, 2, 2, 3, 3, 3]] * 3
    corner = figure.axes[0].collections[0].get_coordinates()[-1, -1]
    assert corner.tolist() == pytest.approx([4.4, 2.2])  # half a cell beyond the last point
    assert [to_hex(colour) for colour in figure.axes[0].collections[0].cmap.colors] == [colour.lower() for colour in class_colours(4)]
    borders = [each for each in figure.axes[0].collections if type(each).__name__ == "QuadContourSet"]
    assert len(borders) == 4


def test_estimators_name_their_classes():
    figure = plotting.decision_regions(Labels(), CORNERS, ["low", "low", "high", "high"], points=3)
    assert cells(figure).tolist() == [[1, 1, 1]] * 2 + [[0, 0, 0]]
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["high", "low"]
    figure = plotting.decision_regions(Probabilities(), CORNERS, [3, 3, 7, 7], points=2)
    assert cells(figure).tolist() == [[1, 1], [0, 0]]
    assert [text.get_text() for text in figure.axes[0].texts] == ["3", "3", "7", "7"]


def test_many_samples_are_small_and_have_a_legend():
    many = np.random.default_rng(0).random((500, 2))
    figure = plotting.decision_regions(lambda points: points[:, 0], many, (many[:, 0] > 0.5).astype(int))
    assert not figure.axes[0].texts
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["class 0", "class 1"]
    assert figure.axes[0].collections[-1].get_sizes()[0] < 50


def test_twelve_classes_have_as_many_colours():
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    corners = np.column_stack([np.cos(angles), np.sin(angles)])
    plotting.decision_regions(lambda points: points @ corners.T, corners, np.arange(12)).canvas.draw()
    assert len(set(class_colours(12))) == 12


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((nearest, np.ones((3, 3)), [0, 1, 2]), ValueError, r"X: expected shape \(N, 2\), samples with two inputs, got \(3, 3\)"),
        ((nearest, [[0, np.nan], [1, 1]], [0, 1]), ValueError, "X: expected finite numbers, got nan"),
        ((nearest, [["a", "b"]], [0]), TypeError, "X: expected an array of numbers"),
        ((nearest, [[0, 1], [2, 1]], [0, 1]), ValueError, "X: expected samples that differ in both inputs"),
        ((nearest, CORNERS, [0, 1, 2]), ValueError, r"y: expected shape \(4,\) or \(4, 1\), a class for each sample, got \(3,\)"),
        ((nearest, CORNERS, [0, 1, 2, 0.5]), ValueError, "y: expected classes, as integers or names, got 0.5"),
        ((nearest, CORNERS, [0, 1, 2, 9]), ValueError, r"y: expected classes that the model knows, \[0, 1, 2, 3\], got 9"),
        ((lambda points: np.full(len(points), np.nan), CORNERS, [0, 1, 0, 1]), ValueError, "model: expected finite outputs, got nan"),
        ((lambda points: points[:3], CORNERS, [0, 1, 0, 1]), ValueError, r"model: expected outputs of shape .* got \(3, 2\)"),
        (("a model", CORNERS, [0, 1, 0, 1]), TypeError, "model: expected a TrainingRun, .* got 'a model'"),
        ((nearest, CORNERS, [0, 1, 2, 3], 1), ValueError, "points: expected at least 2, got 1"),
    ],
)
def test_what_does_not_fit_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        plotting.decision_regions(*arguments)
