"""Check a built site: ``python docs/check_links.py site``.

Every internal link leads to a page and an anchor, and nothing is loaded from another host, so that the site can be read offline.
"""

import sys
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

from bs4 import BeautifulSoup

LOADING = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}  # what a browser fetches by itself


def problems(site: Path) -> list[str]:
    """Describe every broken internal link and every file from elsewhere."""
    files = [page.resolve() for page in sorted(site.rglob("*.html")) if "_static" not in page.parts]
    pages = {page: BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser") for page in files}
    anchors = {page: {tag["id"] for tag in soup.find_all(id=True)} for page, soup in pages.items()}
    found = []
    for page, soup in pages.items():
        for tag in soup.find_all(["a", *LOADING]):
            url = tag.get(LOADING.get(tag.name, "href"))
            if not url:
                continue
            address, anchor = urldefrag(url)
            parts = urlsplit(address)
            where = f"{page.relative_to(site.resolve())}: {url}"
            if parts.scheme or parts.netloc:
                if tag.name != "a" and parts.scheme != "data":
                    found.append(f"{where} is loaded from elsewhere")
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            target = target / "index.html" if target.is_dir() else target
            if not target.is_file():
                found.append(f"{where} leads nowhere")
            elif anchor and target in anchors and unquote(anchor) not in anchors[target]:
                found.append(f"{where} names no anchor there")
    if not pages:
        found.append(f"{site}: no pages")
    return found


if __name__ == "__main__":
    found = problems(Path(sys.argv[1]))
    print("\n".join(found) if found else "every internal link leads somewhere, and nothing is loaded from elsewhere")
    sys.exit(bool(found))
