"""Chinese text: lines that are broken in a file and not on the page."""

import re

_CHARACTER = "[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
_END = re.compile(rf"{_CHARACTER}[*_)\]]*$")
_START = re.compile(rf"[*_\[]*{_CHARACTER}")


def join_lines(text: str) -> str:
    """Joins lines within Chinese sentences, where a line break would show as a space.

    Headings keep the end of their line.
    """
    joined: list[str] = []
    for line in text.split("\n"):
        last = joined[-1] if joined else "#"
        if not last.startswith("#") and _END.search(last) and _START.match(line):
            joined[-1] += line
        else:
            joined.append(line)
    return "\n".join(joined)
