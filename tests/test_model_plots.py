"""Pictures of what models are made of, and of their mistakes: activations, weights, schedules, confusion."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from fastmlp import (
    ELU,
    GELU,
    SELU,
    Adaptive,
    Dense,
    Dropout,
    LeakyReLU,
    OneCycle,
    ReLU,
    Sequential,
    Sigmoid,
    SiLU,
    Softplus,
    Tanh,
    plotting,
)
from fastmlp.plotting.curves import spread

pytestmark = pytest.mark.any_cpu

ACTIVATIONS = [ReLU(), Sigmoid(), Tanh(), LeakyReLU(), ELU(), SELU(), GELU(), SiLU(), Softplus()]
MODEL = Sequential([Dropout(0.1), Dense(6, 4), ReLU(), Dense(4, 2)])


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def overlaps(artists):
    boxes = [each.get_window_extent() for each in artists]
    return [pair for n, one in enumerate(boxes) for pair in boxes[:n] if one.overlaps(pair)]


def test_slopes_are_those_of_the_curves():
    curves = {line.get_label(): line for line in plotting.activation_curves(ACTIVATIONS).axes[0].lines}
    for layer in ACTIVATIONS:
        name = type(layer).__name__
        x, values = curves[name].get_data()
        np.testing.assert_array_equal(values, layer(x))
        smooth = np.abs(x) > 0.02
        np.testing.assert_allclose(np.gradient(values, x)[smooth], curves[f"slope of {name}"].get_ydata()[smooth], atol=2e-3)


def test_nine_activations_have_names_that_do_not_overlap():
    figure = plotting.activation_curves(ACTIVATIONS)
    figure.canvas.draw()
    assert sorted(texts(figure)) == sorted(type(layer).__name__ for layer in ACTIVATIONS)
    assert overlaps(figure.axes[0].texts) == []


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([], ValueError, "layers: expected one activation layer or more, got none"),
        ([ReLU], TypeError, "layers: expected activation layers, such as ReLU"),
        ([Dense(1, 1)], TypeError, r"layers: .* got Dense\(1, 1\)"),
        (3, TypeError, "layers: expected a list of activation layers, got int 3"),
    ],
)
def test_other_layers_are_refused(layers, error, message):
    with pytest.raises(error, match=message):
        plotting.activation_curves(layers)


def test_each_unit_shows_its_weights_on_one_scale():
    figure = plotting.first_layer_weights(MODEL, shape=(2, 3))
    images = figure.axes[0].images
    for unit, image in enumerate(images):
        np.testing.assert_array_equal(image.get_array(), MODEL.layers[1].W[:, unit].reshape(2, 3))
    assert len(images) == 4
    (scale,) = {image.get_clim() for image in images}
    assert scale == (-np.abs(MODEL.layers[1].W).max(), np.abs(MODEL.layers[1].W).max())


@pytest.mark.parametrize("shape", [(1, 36), (36, 1), (4, 9), None])
@pytest.mark.parametrize("units", [1, 7, 60])
def test_images_of_every_shape_do_not_overlap(shape, units):
    figure = plotting.first_layer_weights((np.random.default_rng(0).normal(size=(36, units)), np.ones((units, 1))), shape, count=40)
    figure.canvas.draw()
    assert len(figure.axes[0].images) == min(units, 40)
    assert overlaps(figure.axes[0].images) == []
    assert figure.bbox.x1 >= figure.axes[0].get_tightbbox().x1


def test_weights_of_estimators_and_panels_of_a_larger_figure():
    class Estimator:
        coefs_ = (np.eye(4), np.ones((4, 1)))

    figure = Figure(layout="constrained")
    ax, _ = figure.subplots(1, 2)
    assert plotting.first_layer_weights(Estimator(), ax=ax) is figure
    assert ax.images[3].get_array().tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((MODEL,), ValueError, r"shape: expected height and width \(h, w\) of the images, as 6 inputs make no square"),
        ((MODEL, (2, 2)), ValueError, r"shape: expected h \* w = 6, the inputs of the first layer, got 2 \* 2 = 4"),
        ((MODEL, 6), TypeError, r"shape: expected height and width \(h, w\), got 6"),
        ((MODEL, (2, 3), 0), ValueError, "count: expected at least 1, got 0"),
        ((Sequential(),), ValueError, "model: expected a Dense layer or more"),
        ((3,), TypeError, "model: expected a Sequential, .* got 3"),
        (((np.full((4, 1), np.nan), np.ones((1, 1))),), ValueError, "model: expected finite weights, got nan"),
    ],
)
def test_weights_that_cannot_be_shown_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        plotting.first_layer_weights(*arguments)


def test_confusions_are_counted_row_by_row():
    y, predicted = [0, 0, 0, 1, 1, 2], [0, 0, 1, 1, 1, 0]
    figure = plotting.confusion_matrix(y, predicted, names=["cat", "dog", "fox"])
    ax = figure.axes[0]
    np.testing.assert_allclose(ax.images[0].get_array(), [[2 / 3, 1 / 3, 0], [0, 1, 0], [1, 0, 0]])
    assert {text.get_position(): text.get_text() for text in ax.texts} == {
        (0, 0): "2\n67 %", (1, 0): "1\n33 %", (1, 1): "2\n100 %", (0, 2): "1\n100 %",
    }  # fmt: skip
    assert ax.get_title(loc="left") == "4 of 6 right, 66.7 %"
    assert [label.get_text() for label in ax.get_yticklabels()] == ["cat", "dog", "fox"]


def test_classes_may_be_strings_columns_or_any_integers():
    figure = plotting.confusion_matrix(np.array([["b"], ["a"]]), ["b", "b"])
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["a", "b"]
    figure = plotting.confusion_matrix([-1, 10], [10.0, 10.0])
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["-1", "10"]


@pytest.mark.parametrize("classes", [1, 2, 10, 20, 25])
def test_counts_stay_in_their_cells(classes):
    y = np.repeat(np.arange(classes), 12_345 // classes)
    figure = plotting.confusion_matrix(y, np.roll(y, 7), [f"class {place}, with a long name" for place in range(classes)])
    figure.canvas.draw()
    cell = figure.axes[0].bbox.width / classes
    assert figure.axes[0].texts
    assert max(text.get_window_extent().width for text in figure.axes[0].texts) < cell
    assert overlaps([*figure.axes[0].get_yticklabels()]) == []
    assert figure.bbox.x1 >= figure.axes[0].get_tightbbox().x1


def test_a_hundred_classes_are_shown_without_counts():
    figure = plotting.confusion_matrix(np.arange(100), np.arange(100))
    figure.canvas.draw()
    assert texts(figure) == []
    assert overlaps([*figure.axes[0].get_xticklabels()]) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([], []), r"y: expected shape \(N,\), a class for each sample, got \(0,\)"),
        (([0, 1], [0]), "predicted: expected 2 classes, as many as y has, got 1"),
        (([0, 1], [0, 0.5]), "predicted: expected classes, as integers or strings, got 0.5"),
        (([0, np.nan], [0, 1]), "y: expected classes, as integers or strings, got nan"),
        (([0, 1], [0, 2], ["a", "b"]), "names: expected a name for each class, got 2 names, and class 2 in predicted"),
        (([0, -1], [0, 1], ["a", "b"]), "names: .* class -1 in y"),
        ((["a"], ["b"], ["a", "b"]), "y: expected integers, as names are given for 0, 1"),
        (([0], ["a"]), "predicted: expected classes of y's kind"),
    ],
)
def test_what_are_no_classes_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        plotting.confusion_matrix(*arguments)


def test_schedules_multiply_the_learning_rate():
    figure = plotting.schedule_curves(
        {"half": "cosine", "cycle": OneCycle(warm_up=0.5), "follows": Adaptive()}, epochs=4, learning_rate=0.2
    )
    cosine, cycle, follows = figure.axes[0].lines
    assert cosine.get_xdata()[[0, 200, 399]] == pytest.approx([0, 2, 3.99])
    assert cosine.get_ydata()[[0, 200]] == pytest.approx([0.2, 0.1])
    assert cycle.get_ydata()[200] == pytest.approx(0.2)
    assert set(follows.get_ydata()) == {0.2}
    assert sorted(texts(figure)) == ["cycle", "follows", "half"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((["cosine"],), TypeError, "schedules: expected a mapping of names to schedules, got"),
        (({},), ValueError, "schedules: expected one schedule or more, got none"),
        (({"a": "sine"},), ValueError, "schedule: expected one of 'constant', .* got 'sine'"),
        (({"a": None}, 0), ValueError, "epochs: expected at least 1, got 0"),
        (({"a": None}, 1, 0), ValueError, "learning_rate: expected a positive number, got 0"),
    ],
)
def test_what_is_no_schedule_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        plotting.schedule_curves(*arguments)


@pytest.mark.parametrize("count", [2, 10, 30])
def test_names_beside_lines_that_coincide_do_not_overlap(count):
    figure = plotting.schedule_curves({f"schedule {place}, whose name takes two lines": "cosine" for place in range(count)})
    figure.canvas.draw()
    names = figure.axes[0].texts
    assert len(names) == count
    assert overlaps(names) == []
    assert all(0 <= name.get_position()[1] <= 1 for name in names)


def test_names_are_spread_by_the_gaps_they_need():
    heights = spread(np.array([0.5, 0.5, 0.5]), np.array([0.1, 0.2]))
    assert np.diff(heights) == pytest.approx([0.1, 0.2], abs=1e-6)
