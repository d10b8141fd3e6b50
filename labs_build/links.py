"""Links of labs: relative in the texts, absolute in notebooks.

Colab shows a notebook without the files beside it, so a relative link leads nowhere.
"""

import posixpath
import re

from labs_build import places, project

MARKDOWN_LINK = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")
_ABSOLUTE = re.compile(r"[a-z]+:|#")
_IN_EACH_LANGUAGE = re.compile(r"(glossary\.md|\d\d_\w+\.ipynb)(#.*)?")


def targets(text: str) -> list[str]:
    """Returns what the Markdown links of a text lead to, in their order."""
    return MARKDOWN_LINK.findall(text)


def is_relative(target: str) -> bool:
    """Returns whether a link leads to a file of the project."""
    return _ABSOLUTE.match(target) is None


def make_absolute(text: str, language: str) -> str:
    """Makes links that are relative to `labs/` absolute.

    Those to the glossary and to labs lead to the ones in the language of the text.
    """

    def replaced(match: re.Match[str]) -> str:
        target = match[0]
        if not is_relative(target):
            return target
        start = places.folder(language if _IN_EACH_LANGUAGE.fullmatch(target) else "en")
        return project.file_url(posixpath.normpath(f"{start}/{target}"))

    return MARKDOWN_LINK.sub(replaced, text)
