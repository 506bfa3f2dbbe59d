"""The HTML representation of estimators: links to the documentation, and what it says of each parameter and attribute."""

import html
from email.message import Message
from importlib import metadata

import pytest
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from fastmlp import MLPClassifier, MLPRegressor

pytestmark = pytest.mark.any_cpu

common = pytest.importorskip("sklearn.utils._repr_html.common", reason="scikit-learn describes parameters from version 1.8 on")
PAGE = "https://example.org/docs/reference/estimators.html"


@pytest.fixture
def site(monkeypatch):
    """An installation whose metadata name a site."""
    described = Message()
    described["Project-URL"] = "Repository, https://example.org/code"
    described["Project-URL"] = "Documentation, https://example.org/docs/"
    monkeypatch.setattr(metadata, "metadata", lambda name: described)


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_the_link_leads_to_the_page_of_the_estimators(kind):
    assert f'href="{PAGE}"' in kind()._repr_html_()
    assert f'href="{PAGE}"' in make_pipeline(StandardScaler(), kind())._repr_html_()


@pytest.mark.usefixtures("site")
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_every_parameter_is_described_and_linked(kind):
    shown = kind()._repr_html_()
    for name in kind().get_params():
        description = common.get_docstring(kind, "Parameters", name)
        assert description, name
        assert description in shown, name
        assert f'href="{PAGE}#:~:text={name},-' in shown, name


@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_fitted_attribute_is_described(kind):
    model = kind(max_iter=2, early_stopping=True).fit(load_iris(as_frame=True).data, load_iris().target)
    for name in (name for name in vars(model) if name.endswith("_") and not name.startswith("_")):
        assert common.get_docstring(kind, "Attributes", name), name


def test_without_a_site_nothing_is_linked():
    if any(address.startswith("Documentation,") for address in metadata.metadata("fastmlp").get_all("Project-URL") or []):
        pytest.skip("the installed package names a site")
    shown = html.unescape(MLPClassifier()._repr_html_())
    assert "Documentation for MLPClassifier" not in shown
    assert "hidden_layer_sizes" in shown
