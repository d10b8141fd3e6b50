"""Writes what each preset reached into the package and the documents: `make cards`.

A card is made of the newest rows of results/*.csv that ran the preset as it is now, on
the photos or digits that it is meant for, and were timed. Nothing is typed in: see
results/README.md.
"""

import csv
import dataclasses
import json
import re
import statistics
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from kerastpu import presets
from kerastpu.presets import cards

ROOT = Path(__file__).parents[1]
FILE = ROOT / "kerastpu" / "presets" / cards.FILE
DOCUMENTS = (ROOT / "README.md", ROOT / "docs" / "training.md")
_TABLE = re.compile(r"(<!-- cards -->\n).*?(<!-- end of cards -->)", re.S)
_SAME = ("commit", "data", "hardware", "accelerator")


def read_rows(folder: Path) -> list[dict[str, str]]:
    """Returns the rows of all tables of runs, oldest first."""
    rows = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            rows += [row for row in csv.DictReader(file) if "recipe" in row]
    return sorted(rows, key=lambda row: row["date"])


def make_card(name: str, rows: Iterable[dict[str, str]]) -> cards.Card | None:
    """Returns the card of a preset; None where no row shows it as it is now."""
    config = presets.get(name)
    recipe = cards.recipe(config)
    data = "flowers" if config.data == "auto" else config.data
    good = [
        row
        for row in rows
        if (row["preset"], row["recipe"]) == (name, recipe)
        and row["is_synthetic"] == "False"
        and row["seconds"]
        and data in PurePosixPath(row["data"]).parts
    ]
    if not good:
        return None
    last = good[-1]
    same = [row for row in good if all(row[key] == last[key] for key in _SAME)]
    runs = list({row["seed"]: row for row in same}.values())

    def median(column: str) -> float:
        return statistics.median(float(row[column]) for row in runs)

    return cards.Card(
        command=re.sub(r" --seed[ =]\d+", "", last["command"]),
        accuracy=round(median("accuracy"), 4),
        low=round(median("low"), 4),
        high=round(median("high"), 4),
        seconds=round(median("seconds"), 1),
        runs=len(runs),
        images=int(last["test"]),
        hardware=last["hardware"],
        accelerator=last["accelerator"],
        commit=last["commit"],
        date=last["date"],
    )


def make_cards() -> dict[str, cards.Card]:
    """Returns the cards of all presets that were measured."""
    rows = read_rows(ROOT / "results")
    made = {name: make_card(name, rows) for name in presets.PRESETS}
    return {name: card for name, card in made.items() if card}


def as_json(made: dict[str, cards.Card]) -> str:
    """Returns what goes into the package."""
    values = {name: dataclasses.asdict(card) for name, card in made.items()}
    return json.dumps(values, indent=2) + "\n"


def as_table(made: dict[str, cards.Card]) -> str:
    """Returns the presets as a Markdown table."""
    lines = ["| preset | what | test accuracy | seconds |", "|---|---|---|---|"]
    for name in presets.PRESETS:
        what, card = presets.describe(name)[0], made.get(name)
        score, seconds = cards.NOT_MEASURED, ""
        if card:
            runs = f"{card.runs} run{'s' * (card.runs > 1)}"
            score = (
                f"{card.accuracy:.1%} of {card.images:,} ({card.low:.1%} to "
                f"{card.high:.1%}), {runs}, {card.hardware}, {card.date}"
            )
            seconds = f"{card.seconds:.0f}"
        lines.append(f"| `{name}` | {what} | {score} | {seconds} |")
    return "\n".join(lines) + "\n"


def fill_in(text: str, made: dict[str, cards.Card]) -> str:
    """Returns a document with its table of presets written anew."""
    return _TABLE.sub(lambda match: match[1] + as_table(made) + match[2], text)


def main() -> None:
    """Writes the file and the tables."""
    made = make_cards()
    FILE.write_text(as_json(made), encoding="utf-8")
    for path in DOCUMENTS:
        path.write_text(fill_in(path.read_text("utf-8"), made), encoding="utf-8")


if __name__ == "__main__":
    main()
