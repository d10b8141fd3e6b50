"""Brings the labs into the site's sources, and mends links that would leave them."""

import posixpath
import re
import shutil
from pathlib import Path
from typing import Any

from labs_build import lab, links, places, project
from labs_build.wording import WORDS

DOCS = project.ROOT / "docs"
LABS = DOCS / "labs"
_CODE_OR_MARK = re.compile(r"(`[^`]*`|^ *\* )|([*|])", re.M)
_TREE = """
```{{toctree}}
:hidden:

{documents}
```
"""


def gather() -> None:
    """Copies notebooks, glossaries and the page of labs into docs/labs."""
    shutil.rmtree(LABS, ignore_errors=True)
    for path in sorted(lab.FOLDER.rglob("*")):
        place = path.relative_to(lab.FOLDER)
        if path.suffix in (".ipynb", ".md") and "playground" not in place.parts:
            target = LABS / ("index.md" if place.name == "README.md" else place)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text("utf-8")
            target.write_text(_relative(text, place.parent.as_posix()), "utf-8")
    for language in lab.LANGUAGES[1:]:
        page = f"# {WORDS[language]['language']}\n{_list(language)}{_tree(language)}"
        (LABS / language / "index.md").write_text(page, "utf-8")
    with (LABS / "index.md").open("a", encoding="utf-8") as file:
        file.write(_tree("en", *(f"{one}/index" for one in lab.LANGUAGES[1:])))


def _notebooks(language: str) -> list[Path]:
    folder = project.ROOT / places.folder(language)
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def _tree(language: str, *others: str) -> str:
    names = [path.name for path in _notebooks(language)]
    names += [f"{WORDS[language]['glossary']} <glossary>", *others]
    return _TREE.format(documents="\n".join(names))


def _list(language: str) -> str:
    """Returns links to the labs of a language, which take their titles from there."""
    names = [path.name for path in _notebooks(language)]
    return "".join(f"\n* [](./{name})" for name in [*names, "glossary.md"]) + "\n"


def _relative(text: str, folder: str) -> str:
    """Makes links to labs and glossaries relative to the notebook's folder again."""
    start = re.escape(project.file_url("labs/"))
    return re.sub(
        rf"(?<=\]\(){start}((?:zh-\w\w/)?[\w-]+\.(?:ipynb|md))(#[\w-]+)?(?=\))",
        lambda match: posixpath.relpath(match[1], folder) + (match[2] or ""),
        text,
    )


def rewrite_links(app: Any, document: str, source: list[str]) -> None:
    """Makes links to files that the site does not have absolute.

    Args:
        app: Sphinx's; not used.
        document: name of the page, relative to docs/ and without ending.
        source: its text, in a list; is changed.
    """
    folder = posixpath.dirname(document)

    def replaced(match: re.Match[str]) -> str:
        target = match[0]
        path = posixpath.normpath(posixpath.join(folder, target.partition("#")[0]))
        is_here = not path.startswith("..") and (DOCS / path).exists()
        if is_here or not links.is_relative(target):
            return target
        # Pages of labs lie in docs/labs, and are written in labs.
        start = folder if folder.startswith("labs") else f"docs/{folder}"
        return project.file_url(posixpath.normpath(posixpath.join(start, target)))

    source[0] = links.MARKDOWN_LINK.sub(replaced, source[0])


def plain_docstring(*of_autodoc: Any) -> None:
    """Lets docstrings be read as they are written: stars and bars mean themselves.

    Args:
        *of_autodoc: app, kind, name, object, options, and the docstring's lines, which
            are changed.
    """
    lines: list[str] = of_autodoc[-1]
    text = _CODE_OR_MARK.sub(lambda m: m[1] or f"\\{m[2]}", "\n".join(lines))
    lines[:] = text.split("\n")
