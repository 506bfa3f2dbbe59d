"""Pictures of images and of training: what is drawn for which data, and which arguments are rejected."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_hex

from fastmlp import History, plotting
from fastmlp.plotting.style import VERMILION

pytestmark = pytest.mark.any_cpu

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (120, 784), np.uint8)
LABELS = np.arange(120) % 10


def labels(figure):
    return [text.get_text() for text in figure.axes[-1].texts]


def test_a_sheet_holds_a_hundred_images_above_their_classes():
    figure = plotting.image_sheet(IMAGES, LABELS)
    shown = figure.axes[0].images
    assert len(shown) == 100
    for n in (0, 37, 99):
        np.testing.assert_array_equal(shown[n].get_array(), IMAGES[n].reshape(28, 28))
    left, right, bottom, top = shown[37].get_extent()
    assert (int(left), int(top)) == (7, 3)
    assert (right - left, bottom - top) == pytest.approx((1, 1))
    assert labels(figure) == [str(n % 10) for n in range(100)]
    assert figure.axes[0].get_title(loc="left") == "100 images and their classes"


def test_wrong_predictions_are_framed_and_named():
    predicted = LABELS.copy()
    predicted[[3, 98]] = 7, 0
    figure = plotting.image_sheet(IMAGES, LABELS, predicted)
    assert labels(figure)[3] == "7 (3)"
    assert labels(figure)[98] == "0 (8)"
    colours = [to_hex(frame.get_edgecolor()).upper() for frame in figure.axes[0].patches]
    assert [n for n, colour in enumerate(colours) if colour == VERMILION] == [3, 98]
    assert "2 wrong" in figure.axes[0].get_title(loc="left")


def test_classes_may_have_names():
    figure = plotting.image_sheet(IMAGES[:2], [0, 1], predicted=[1, 1], names=["shirt", "boot"])
    assert labels(figure) == ["boot\n(shirt)", "boot"]


def test_a_sheet_takes_fewer_images_of_other_shapes():
    images = RNG.random((5, 4, 6))
    figure = plotting.image_sheet(images, np.arange(5), columns=3)
    assert [image.get_array().shape for image in figure.axes[0].images] == [(4, 6)] * 5
    assert plotting.image_sheet(images, np.arange(5), columns=2, rows=2).axes[0].images[-1].get_array().tolist() == images[3].tolist()


def test_every_pixel_has_its_value_in_its_cell():
    image = IMAGES[0].reshape(28, 28)
    figure = plotting.pixel_values(IMAGES[0])
    texts = figure.axes[0].texts
    assert len(texts) == 784
    for text in texts:
        column, row = text.get_position()
        assert text.get_text() == str(image[row, column])
        assert (text.get_color() == "white") == (image[row, column] > image.max() / 2)


def test_fractions_are_written_with_two_digits_that_fit():
    figure = plotting.pixel_values(np.linspace(0, 1, 64))
    assert labels(figure)[:2] == ["0.00", "0.02"]
    figure.canvas.draw()
    boxes = [text.get_window_extent() for text in figure.axes[0].texts]
    assert not any(one.overlaps(other) for one, other in pairwise(boxes))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: plotting.image_sheet(np.ones((3, 5)), [0, 1, 2]), "X: expected shape"),
        (lambda: plotting.image_sheet(np.ones((0, 4)), []), "X: expected numbers"),
        (lambda: plotting.image_sheet(np.ones((3, 4)), [0, 1]), "y: expected 3 classes"),
        (lambda: plotting.image_sheet(np.ones((3, 4)), [0.5, 1, 2]), "y: expected 3 classes"),
        (lambda: plotting.image_sheet(np.ones((3, 4)), [0, 1, 2], predicted=[1]), "predicted: expected 3 classes"),
        (lambda: plotting.pixel_values(np.ones(5)), r"image: expected shape .*got \(5,\)"),
        (lambda: plotting.pixel_values([["a"]]), "image: expected numbers"),
    ],
)
def test_what_is_no_image_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


HISTORY = History([0.9, 0.5, 0.3], [0.5, 0.8, 0.9], [0.8, 0.6, 0.5], [0.6, 0.7, 0.8])


@pytest.mark.parametrize(
    ("draw", "training", "test", "scale"),
    [
        (plotting.loss_curves, HISTORY.losses, HISTORY.validation_losses, "log"),
        (plotting.score_curves, HISTORY.scores, HISTORY.validation_scores, "linear"),
    ],
)
def test_curves_have_a_point_an_epoch(draw, training, test, scale):
    axes = draw(HISTORY, "test").axes[0]
    assert [line.get_xdata().tolist() for line in axes.lines] == [[1, 2, 3]] * 2
    assert [line.get_ydata().tolist() for line in axes.lines] == [training, test]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["training", "test"]
    assert axes.get_yscale() == scale


def test_one_epoch_is_seen_and_none_is_no_error():
    assert plotting.loss_curves(History(losses=[0.5])).axes[0].lines[0].get_marker() == "o"
    empty = plotting.training_report(History(), IMAGES, LABELS, LABELS)
    empty.canvas.draw()
    assert [len(axes.lines) for axes in empty.axes] == [0, 0, 0]


def test_the_report_has_curves_and_a_sheet(tmp_path):
    figure = plotting.training_report(HISTORY, IMAGES, LABELS, LABELS)
    titles = {axes.get_title(loc="left") for axes in figure.axes}
    assert titles == {"Loss", "Accuracy", "100 images as the network sees them, 0 wrong: prediction (truth)"}
    plotting.save(figure, tmp_path / "report.png")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")


def test_a_loss_between_two_nan_is_seen():
    history = History(losses=[0.5, float("nan"), 0.3, 0.2], validation_losses=[float("nan")] * 4)
    figure = plotting.loss_curves(history)
    figure.canvas.draw()
    assert [line.get_marker() for line in figure.axes[0].lines] == ["o", "None"]
