"""The site: guides, how-tos, labs and API; `make docs` builds it."""

import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from kerastpu import backend  # noqa: E402
from kerastpu.version import VERSION  # noqa: E402
from labs_build import project as home  # noqa: E402
from labs_build import site  # noqa: E402

project = "kerastpu"
release = version = VERSION
html_title = f"kerastpu {VERSION}"
html_theme = "furo"
html_show_copyright = False
html_theme_options = {
    "source_repository": home.url(),
    "source_branch": home.BRANCH,
    "source_directory": "docs/",
}

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # the outputs are those of `make labs`

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_numpy_docstring = False
# Docstrings write `name` for code.
default_role = "code"

backend.quiet_tensorflow()  # autodoc imports it
site.gather()


def setup(app: Sphinx) -> None:
    """Connects what is done to pages and docstrings as they are read."""
    app.connect("source-read", site.rewrite_links)
    # Before napoleon, which makes fields of their sections.
    app.connect("autodoc-process-docstring", site.plain_docstring, priority=400)
