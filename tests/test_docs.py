"""The documentation is complete: public names, pages and links. What Sphinx finds by itself is left to it."""

import re
from pathlib import PurePosixPath
from posixpath import normpath

import pytest

import fastmlp
import fastmlp.datasets
import fastmlp.plotting
from tests.sources import ROOT, assert_none, files

pytestmark = pytest.mark.any_cpu

FENCED = re.compile(r"^(`{3,}|:{3,}).*?^\1", re.MULTILINE | re.DOTALL)


def documented(pages: dict[str, str]) -> set[str]:
    """Full names of what the reference's directives document."""
    found = set()
    for text in pages.values():
        module = ""
        for directive, name in re.findall(r"^\.\. (currentmodule|auto\w+):: (\S+)$", text, re.MULTILINE):
            if directive == "currentmodule":
                module = name
            elif directive in {"autofunction", "autoclass", "autoexception"}:
                found.add(f"{module}.{name}")
    return found


def outside_of_toctrees(pages: dict[str, str]) -> list[str]:
    """Pages that no table of contents leads to, by path without suffix."""
    listed = {"docs/index"}
    for path, text in pages.items():
        blocks = re.findall(r"^```\{toctree\}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        blocks += re.findall(r"^\.\. toctree::\n((?:[ \t]+.*\n|\n)+)", text, re.MULTILINE)
        for line in "\n".join(blocks).splitlines():
            entry = re.sub(r"^.*<(.*)>$", r"\1", line.strip())
            if entry and not entry.startswith(":"):
                listed.add(normpath(str(PurePosixPath(path).parent / entry)))
    return [path for path in pages if str(PurePosixPath(path).with_suffix("")) not in listed]


def anchor(heading: str) -> str:
    """What GitHub and MyST make of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def broken_links(pages: dict[str, str]) -> list[str]:
    """Links and pictures of Markdown that lead to no file of the tree, or to no heading of a page."""
    anchors = {path: {anchor(line) for line in re.findall(r"^#+ (.*)$", text, re.MULTILINE)} for path, text in pages.items()}
    found = []
    for path, text in pages.items():
        for link in re.findall(r"\]\(([^)\s]+)\)", FENCED.sub("", text)):
            if re.match(r"[a-z]+:", link):
                continue
            name, _, heading = link.partition("#")
            target = normpath(str(PurePosixPath(path).parent / name)) if name else path
            if not (ROOT / target).exists():
                found.append(f"{path}: {link} leads nowhere")
            elif heading and target in anchors and heading not in anchors[target]:
                found.append(f"{path}: {link} names no heading")
    return found


@pytest.mark.parametrize("module", [fastmlp, fastmlp.datasets, fastmlp.plotting], ids=lambda module: module.__name__)
def test_every_public_name_is_in_the_reference(module):
    names = documented({path: text for path, text in files(".rst").items() if path.startswith("docs/reference/")})
    assert_none(sorted({f"{module.__name__}.{name}" for name in module.__all__} - names))


def test_every_page_is_in_a_table_of_contents():
    pages = {path: text for path, text in files(".md", ".rst").items() if path.startswith("docs/")}
    assert_none(outside_of_toctrees(pages))


def test_links_between_files_lead_somewhere():
    assert_none(broken_links(files(".md")))


# The checks themselves: each sees what it must.


def test_documented_names_are_those_of_their_module():
    text = ".. currentmodule:: a\n\n.. autosummary::\n\n   g\n\n.. autofunction:: f\n.. currentmodule:: a.b\n.. autoclass:: C\n"
    assert documented({"docs/reference/a.rst": text}) == {"a.f", "a.b.C"}


def test_a_page_without_a_table_of_contents_is_seen():
    pages = {
        "docs/index.md": "```{toctree}\n:hidden:\n\na/index\nTitle <b>\n```\n",
        "docs/a/index.rst": ".. toctree::\n   :maxdepth: 1\n\n   c\n\nText\n",
        "docs/a/c.md": "",
        "docs/b.md": "",
        "docs/a/d.md": "```\n:hidden:\n```",
    }
    assert outside_of_toctrees(pages) == ["docs/a/d.md"]


@pytest.mark.parametrize(
    ("link", "seen"),
    [
        ("[a](pyproject.toml)", []),
        ("[a](https://x.org)", []),
        ("[a](#what-fits-x)", []),
        ("[a](README.md#no-such)", ["CHANGELOG.md: README.md#no-such names no heading"]),
        ("![a](no.png)", ["CHANGELOG.md: no.png leads nowhere"]),
        ("```python\nf[a](b)\n```", []),
    ],
)
def test_broken_links_are_seen(link, seen):
    assert broken_links({"CHANGELOG.md": f"# What fits, `x`?\n{link}\n", "README.md": "# Title\n"}) == seen
