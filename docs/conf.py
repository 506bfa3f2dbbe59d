"""Settings of the documentation. Build it with ``python -m sphinx -W --keep-going docs site``; it executes the notebooks.

FASTMLP_NOTEBOOKS=small runs them on little data; FASTMLP_NOTEBOOKS=full insists on MNIST and Fashion-MNIST. By default the data decide:
the full setting if the files of both can be had, else the small one.
"""

import importlib.metadata
import importlib.util
import os
from pathlib import Path

import click
import nbformat
from sphinx.application import Sphinx
from sphinx.util import logging

from fastmlp.datasets import load_fashion_mnist, load_mnist

TUTORIALS = Path(__file__).parent / "tutorials"
NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
NOTICE = """
```{note}
This page was built with the small setting, `FASTMLP_NOTEBOOKS=small`: fewer samples and epochs, and scikit-learn's digits in place of
MNIST and Fashion-MNIST. Its figures differ from those of the full setting.
```
"""
logger = logging.getLogger(__name__)


def setting() -> str:
    """Return "small" or "full", for the notebooks to read from their environment."""
    if chosen := os.environ.get("FASTMLP_NOTEBOOKS"):
        return chosen
    try:
        load_mnist()
        load_fashion_mnist()
    except (ImportError, OSError, ValueError) as reason:
        logger.info("FASTMLP_NOTEBOOKS=small, because MNIST and Fashion-MNIST cannot both be had: %s", reason)
        return "small"
    return "full"


def copy_notebooks(app: Sphinx, config: object) -> None:
    """Put the notebooks where Sphinx looks for pages; their times remain, so that Sphinx sees which have changed."""
    for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
        page = nbformat.read(notebook, as_version=4)
        if app.config.notebooks == "small":
            page.cells.insert(1, nbformat.v4.new_markdown_cell(NOTICE, id="small-setting"))
        nbformat.write(page, TUTORIALS / notebook.name)
        os.utime(TUTORIALS / notebook.name, ns=(notebook.stat().st_atime_ns, notebook.stat().st_mtime_ns))


def remove_notebooks(app: Sphinx, exception: Exception | None) -> None:
    """Leave nothing behind in the tree."""
    for notebook in TUTORIALS.glob("*.ipynb"):
        notebook.unlink()


def examples_as_code(app: Sphinx, context: click.Context, lines: list[str]) -> None:
    """Make the examples that end a help text a block of code: commands are copied from it, and their dashes must stay."""
    lines[:] = ["Examples::", "", *(f"    {line.lstrip('| ')}" for line in lines if "fastmlp " in line), ""] if lines else []


def setup(app: Sphinx) -> None:
    """Sphinx calls this: the copies come with the first event and go with the last."""
    app.add_config_value("notebooks", setting(), rebuild="env", types=[str])
    app.connect("config-inited", copy_notebooks)
    app.connect("build-finished", remove_notebooks)
    app.connect("sphinx-click-process-epilog", examples_as_code)
    os.environ["FASTMLP_NOTEBOOKS"] = app.config.notebooks
    logger.info("notebooks run with FASTMLP_NOTEBOOKS=%s", app.config.notebooks)


project = "fastmlp"
author = "fastmlp developers"
release = importlib.metadata.version("fastmlp")
extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx_click",
    "sphinx_copybutton",
    "sphinx_design",
]
smartquotes = False  # docstrings quote what is typed
nitpicky = True
nitpick_ignore_regex = [("py:obj", ".*")]  # single backticks in docstrings link where they can
default_role = "py:obj"

# Pages and notebooks
myst_enable_extensions = ["amsmath", "attrs_block", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_show_tb = True  # a cell that fails is a warning, with its traceback
nb_execution_timeout = 900  # seconds for a cell
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # sliders need a running kernel; their picture stands in for them
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
nb_merge_streams = True
nb_render_markdown_format = "myst"  # tables and formulas among the outputs

# Docstrings: numpydoc gives the types, so that signatures stay short.
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = False
numpydoc_show_class_members = False

# MathJax comes with the site: one file that draws with SVG and fetches no fonts.
_mathjax = importlib.util.find_spec("sphinx-mathjax-offline")
mathjax_path = "tex-svg.js"
mathjax3_config = {"options": {"enableMenu": True}}  # with the menu a formula can be reached, and scrolled, by the keyboard

html_theme = "pydata_sphinx_theme"
html_title = f"fastmlp {release}"
html_static_path = ["_static", str(Path(_mathjax.origin).parent / "static" / "mathjax" / "tex-svg.js")]
html_css_files = ["site.css"]
html_theme_options = {
    "header_links_before_dropdown": 7,
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "show_prev_next": True,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
    "back_to_top_button": False,
}
copyright = "fastmlp developers, MIT licence"
copybutton_exclude = ".linenos, .gp, .go"  # copy what is typed: no prompts, no output
