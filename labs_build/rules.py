"""What every lab keeps to; each rule gives its breaches as lines of text."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt

from labs_build import links
from labs_build.lab import FOLDER, LANGUAGES, PARAMETER_SETS, Cell, Lab

NUM_EXERCISES = 3
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_CODE_SPAN = re.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", re.S)
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_KEY = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def problems(lab: Lab) -> list[str]:
    """Returns everything that is wrong with the form of a lab; one line each."""
    found = [*_keys(lab), *_order(lab), *_exercises(lab), *_parameters(lab)]
    for language in LANGUAGES[1:]:
        found += translation_problems(lab, language)
    found += [
        f"{cell.key}: {target} leads nowhere"
        for cell in lab.cells
        if not cell.is_code
        for target in links.targets(cell.source)
        if links.is_relative(target) and not link_resolves(target, FOLDER)
    ]
    return found


def _keys(lab: Lab) -> Iterator[str]:
    for cell in lab.cells:
        if not _KEY.fullmatch(cell.key) or len(cell.key) > 50:
            yield f"{cell.key}: a key is words of a-z and 0-9 joined by hyphens"
        if cell.key in ("badge", "install"):
            yield f"{cell.key}: a key that the builder uses itself"


def _order(lab: Lab) -> Iterator[str]:
    first, last = lab.cells[0], lab.cells[-1]
    number = lab.name[:2]
    if first.is_code or not re.match(rf"# Lab {number}: .+\?$", first.source, re.M):
        yield f"{first.key}: must begin '# Lab {number}: ' and a question"
    if last.key != "checks" or 'print("all checks passed")' not in last.source:
        yield f'{last.key}: the last cell is checks and prints "all checks passed"'
    code = next(cell.source for cell in lab.cells if cell.is_code)
    for line in ("backend = kerastpu.backend.select()", "print(doctor.verdict())"):
        if line not in code:
            yield f"the first code cell must have the line {line!r}"


def _exercises(lab: Lab) -> Iterator[str]:
    keys = [cell.key for cell in lab.cells]
    cells = {cell.key: cell for cell in lab.cells}
    wanted = [f"exercise-{number}" for number in range(1, NUM_EXERCISES + 1)]
    if [key for key in keys if re.fullmatch(r"exercise-\d+", key)] != wanted:
        yield f"must have the exercises {', '.join(wanted)}"
        return
    for key in wanted:
        start = keys.index(key)
        if keys[start : start + 3] != [key, f"{key}-solution", f"{key}-check"]:
            yield f"{key}: must be followed by {key}-solution and {key}-check"
            continue
        for part in ("solution", "check"):
            if cells[f"{key}-{part}"].tags != (part,):
                yield f'{key}-{part}: must have tags=["{part}"]'
        if not cells[f"{key}-solution"].source.startswith("#"):
            yield f"{key}-solution: must begin with a comment: what to define"
        if "<details><summary>" not in cells[key].source:
            yield f"{key}: must have a hint in <details><summary>"


def _parameters(lab: Lab) -> Iterator[str]:
    tagged = [cell for cell in lab.cells if "parameters" in cell.tags]
    if len(tagged) != 1:
        yield 'one cell must have tags=["parameters"]'
        return
    names = set(re.findall(r"^(\w+)(?:: [^=]+)? = ", tagged[0].source, re.M))
    for choice in PARAMETER_SETS:
        if not lab.parameters[choice]:
            yield f"parameters/{lab.name}.toml: [{choice}] is absent or empty"
        for name in sorted(set(lab.parameters[choice]) - names):
            yield f"[{choice}] sets {name}, which the cell of parameters does not"


def translation_problems(lab: Lab, language: str) -> Iterator[str]:
    """Gives what is wrong with the translation into one language."""
    texts = lab.translations[language]
    markdown = {cell.key: cell for cell in lab.cells if not cell.is_code}
    for key in sorted(set(texts) - set(markdown)):
        yield f"{language} {key}: no Markdown cell has this key"
    for key, cell in markdown.items():
        if key not in texts:
            yield f"{language} {key}: is not translated"
            continue
        for difference in differences(cell, texts[key]):
            yield f"{language} {key}: {difference}"


def differences(cell: Cell, text: str) -> Iterator[str]:
    """Gives how a translation says another thing than the English cell."""
    if not _CHINESE.search(text):
        yield "has no Chinese character"
    if "**" in _visible(text):
        yield "bold marks that do nothing: no punctuation just inside of them"
    kinds = {"code": _code_spans, "numbers": _numbers, "links": links.targets}
    for kind, find in kinds.items():
        english, other = Counter(find(cell.source)), Counter(find(text))
        if lost := english - other:
            yield f"{kind} of the English text missing: {list(lost.elements())}"
        if added := other - english:
            yield f"{kind} not in the English text: {list(added.elements())}"


def _visible(text: str) -> str:
    """Returns what a reader sees, less code."""
    inline = (
        child
        for token in MarkdownIt().parse(text)
        for child in token.children or ()
        if child.type == "text"
    )
    return "\n".join(child.content for child in inline)


def _code_spans(text: str) -> list[str]:
    return [" ".join(match[2].split()) for match in _CODE_SPAN.finditer(text)]


def _numbers(text: str) -> list[str]:
    prose = links.MARKDOWN_LINK.sub("", _CODE_SPAN.sub("", text))
    return _NUMBER.findall(prose)


def link_resolves(target: str, folder: Path) -> bool:
    """Returns whether a relative link, as `glossary.md#batch`, leads to something."""
    path, _, anchor = target.partition("#")
    file = folder / path
    if file.suffix == ".ipynb":  # may not be built yet; its script has to be there
        file = (FOLDER / file.name).with_suffix(".py")
    if not file.exists():
        return False
    return not anchor or anchor in anchors(file)


def anchors(file: Path) -> set[str]:
    """Returns the anchors that a Markdown file's headings make."""
    headings = re.findall(r"^#+ (.+)$", file.read_text("utf-8"), re.M)
    words = (re.sub(r"[^\w -]", "", title).strip().lower() for title in headings)
    return {title.replace(" ", "-") for title in words}
