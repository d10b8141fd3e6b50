"""Chinese in Markdown, whose rules were made for words with spaces between them."""

import re

_CHARACTER = "[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]"
_END = re.compile(rf"{_CHARACTER}[*_)\]]*$")
_START = re.compile(rf"[*_\[]*{_CHARACTER}")
_END_OF_CLAUSE = re.compile(r"[、。，：；！？（）「」]$")
_WORD = re.compile(r"[`$\[A-Za-z]")
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*(?=(\S)?)")
_MARKS = "、。！，：；？"
_QUOTED = re.compile(r"([「『（“])(.+)([」』）”])")


def for_markdown(text: str) -> str:
    """Returns text so that Markdown shows what its writer meant."""
    return _BOLD.sub(_without_marks, join_lines(text))


def join_lines(text: str) -> str:
    """Joins lines within Chinese sentences, where a line break would show as a space.

    Headings keep the end of their line.
    """
    joined: list[str] = []
    for line in text.split("\n"):
        if joined and not joined[-1].startswith("#") and _goes_on(joined[-1], line):
            joined[-1] += line
        else:
            joined.append(line)
    return "\n".join(joined)


def _goes_on(last: str, line: str) -> bool:
    """Returns whether no space belongs between the end of a line and the next."""
    if _END_OF_CLAUSE.search(last) and _WORD.match(line):
        return True
    return bool(_END.search(last) and _START.match(line))


def _without_marks(match: re.Match[str]) -> str:
    """Moves punctuation out of bold text, which cannot end after it."""
    bold, is_followed = match[1], match[2]
    if quoted := _QUOTED.fullmatch(bold):
        return f"{quoted[1]}**{quoted[2]}**{quoted[3]}"
    inside = bold.rstrip(_MARKS) if is_followed else bold
    return f"**{inside}**{bold[len(inside) :]}"
