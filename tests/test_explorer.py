"""XOR with sliders: every move trains anew and redraws, and without them there is a figure."""

import sys
from io import BytesIO
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from fastmlp import plotting, train
from fastmlp.datasets import load_xor
from fastmlp.plotting import explorer
from fastmlp.plotting.sliders import XorExplorer
from tests.children import python

pytestmark = pytest.mark.any_cpu

X, Y = load_xor()


@pytest.fixture
def sliders():
    return XorExplorer()


def pixels(png):
    return np.asarray(Image.open(BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize(("control", "value"), [("hidden_size", 6), ("learning_rate", 0.5), ("gradient", "backward_pass"), ("seed", 3)])
def test_a_move_trains_with_the_new_value_and_draws_it(sliders, control, value):
    before = sliders.png, sliders.message, sliders.children[1].value
    getattr(sliders, control).value = value
    settings = {"hidden_size": 3, "learning_rate": 0.12, "gradient": "fused", "seed": 56} | {control: value}
    run = train(X, Y, epochs=10_000, record_every=50, **settings)
    np.testing.assert_array_equal(sliders.run.w1, run.w1)
    np.testing.assert_array_equal(sliders.run.errors, run.errors)
    assert sliders.seconds > 0
    if control == "gradient":  # the same run to rounding
        np.testing.assert_allclose(pixels(sliders.png), pixels(before[0]), atol=1)
    else:
        assert (pixels(sliders.png) != pixels(before[0])).any()
        assert sliders.children[1].value != before[2]
    assert sliders.message != before[1]


def test_the_same_values_give_the_same_picture(sliders):
    first = sliders.png
    sliders.seed.value = 7
    assert sliders.png != first
    sliders.seed.value = 56
    assert sliders.png == first


def test_the_picture_shows_the_regions_of_the_run(sliders):
    picture = pixels(sliders.png)
    assert picture.shape == (312, 720, 3)
    left = picture[:, :310].astype(int)
    blue, orange = left[..., 2] - left[..., 0] > 20, left[..., 0] - left[..., 2] > 20
    _, y_hat = plotting.decision_grid(sliders.run.w1, sliders.run.w2)
    assert blue.sum() / (blue | orange).sum() == pytest.approx((y_hat > 0.5).mean(), abs=0.03)


def test_a_training_that_diverges_leaves_the_picture(sliders):
    before = sliders.png
    sliders.hidden_size.value = 16
    kept = sliders.png
    sliders.learning_rate.value = 10
    assert kept != before
    assert sliders.png == kept
    assert sliders.message.startswith("The training diverged at learning rate 10;")
    assert sliders.message in sliders.children[2].value
    sliders.learning_rate.value = 0.1
    assert sliders.message.startswith("Error ")


def test_every_control_and_the_picture_are_described(sliders):
    assert [control.description for control in sliders.children[0].children] == ["hidden units", "learning rate", "gradient", "seed"]
    assert 'alt="Decision regions of XOR and the error over the epochs. Error ' in sliders.children[1].value
    assert 'role="status"' in sliders.children[2].value


def test_a_page_without_widgets_shows_the_picture(sliders):
    bundle = sliders._repr_mimebundle_()
    assert bundle["image/png"].startswith("iVBORw0KGgo")
    assert bundle["text/plain"] == sliders.message


def test_without_a_notebook_or_without_ipywidgets_there_is_a_figure(monkeypatch):
    assert isinstance(plotting.explore_xor(), Figure)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object())))
    assert isinstance(plotting.explore_xor(), XorExplorer)
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    figure = plotting.explore_xor()
    assert figure.get_supxlabel().startswith("Error 0.000802 after 10,000 epochs in ")
    assert not explorer.find_spec("ipywidgets")


def test_plotting_does_not_import_widgets():
    program = "import sys; from fastmlp import plotting; print([name for name in ('ipywidgets', 'IPython') if name in sys.modules])"
    assert python(program).stdout.strip() == "[]"
