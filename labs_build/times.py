"""How long labs took: the table results/labs.csv."""

import csv

from bench import record
from labs_build import project, stamps

TABLE = project.ROOT / "results" / "labs.csv"
COLUMNS = (
    *("date", "commit", "command", "lab", "parameters", "seconds", "platform"),
    *("device", "versions"),
)


def add(lab: str, parameters: str, stamp: stamps.Stamp, commit: str) -> None:
    """Appends one run.

    Args:
        lab: name of the lab, without ending.
        parameters: default, or the name of the set that was run.
        stamp: of the run.
        commit: of the code that ran.
    """
    command = "make labs" if parameters == "default" else f"make labs-{parameters}"
    row = {
        "date": stamp.date,
        "commit": commit,
        "command": f"{command} ARGS={lab[:2]}",
        "lab": lab,
        "parameters": parameters,
        "seconds": stamp.seconds,
        "platform": stamp.platform,
        "device": stamp.device,
        "versions": " ".join(f"{name}={v}" for name, v in stamp.versions.items()),
    }
    record.append(TABLE, COLUMNS, [row])


def newest(parameters: str = "default") -> dict[tuple[str, str], float]:
    """Returns the seconds of the newest run of each lab on each platform."""
    if not TABLE.exists():
        return {}
    with TABLE.open(newline="", encoding="utf-8") as file:
        return {
            (row["lab"], row["platform"]): float(row["seconds"])
            for row in csv.DictReader(file)
            if row["parameters"] == parameters
        }
