"""The site builds without a warning, and its links stay on it where they can."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from labs_build import lab, project, site

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_site_builds_without_warnings(tmp_path):
    build = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q"]
    done = subprocess.run(
        [*build, str(ROOT / "docs"), str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    for language in lab.LANGUAGES:
        folder = tmp_path / "labs" / ("" if language == "en" else language)
        page = (folder / "10_onnx.html").read_text("utf-8")
        assert re.search(r'href="glossary.html#tensor"', page)


def test_every_guide_is_in_the_index():
    listed = set((site.DOCS / "index.md").read_text("utf-8").split())
    assert {path.stem for path in site.DOCS.glob("*.md")} - {"index"} <= listed


def test_links_that_leave_the_site_lead_to_the_project():
    text = ["[a](training.md#presets) [b](../results/x.csv) [c](https://a.b) [d](#e)"]
    site.rewrite_links(None, "index", text)
    kept = "[a](training.md#presets)"
    assert text == [
        f"{kept} [b]({project.url()}/blob/main/results/x.csv) [c](https://a.b) [d](#e)"
    ]


def test_docstrings_mean_what_they_say():
    lines = ["Takes (n, *shape), |x| and `a * b`.", "", "* one `|`", "* two *"]
    site.plain_docstring(None, "function", "f", None, None, lines)
    assert lines == [
        r"Takes (n, \*shape), \|x\| and `a * b`.",
        "",
        "* one `|`",
        r"* two \*",
    ]
