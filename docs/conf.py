"""The documentation site: `make docs` builds it into site/, without network; a warning is an error."""

# ruff: noqa: INP001 - Sphinx wants it here
import re
from pathlib import Path
from typing import Any

project = "langadapt"
extensions = ["myst_parser"]
nitpicky = True
myst_heading_anchors = 4
html_theme = "furo"
html_title = "langadapt"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False

_LINK = re.compile(r"\[([^\]]*)\]\((\.\./[^)#]+)\)")


def without_links_out(app: Any, page: str, source: list[str]) -> None:
    """Links to files of the repository that lie outside docs/ become their text: the site has nothing there."""
    folder, root = (Path(app.srcdir) / page).parent, Path(app.srcdir).resolve()

    def kept(link: re.Match[str]) -> str:
        return link[0] if (folder / link[2]).resolve().is_relative_to(root) else link[1]

    source[0] = _LINK.sub(kept, source[0])


def setup(app: Any) -> None:
    """What Sphinx calls."""
    app.connect("source-read", without_links_out)
