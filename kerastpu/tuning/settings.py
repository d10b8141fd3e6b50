"""What a study is: all that decides its trials, as one file of its folder."""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerastpu import files
from kerastpu.config import Config
from kerastpu.errors import UsageError
from kerastpu.tuning import fields
from kerastpu.tuning import search as searches
from kerastpu.tuning.budgets import Budget
from kerastpu.tuning.controls import Controls
from kerastpu.tuning.dimensions import Dimension
from kerastpu.version import VERSION

NAME = "study.json"
TRIALS = "trials"  # folder of the trials, one in each folder


@dataclass(frozen=True)
class Settings:
    """One study.

    Attributes:
        config: what a trial is, but for the settings searched; its epochs are those of
            the longest trial.
        space: what is searched.
        search: one of `searches.SEARCHES`.
        controls: of lhs-halving.
        budget: after which no further epoch begins.
        seed: of the search.
        num_validation: images that the error is a share of.
        fingerprint: of the data.
        stops_below_median: whether trials that do worse than half of them end.
    """

    config: Config
    space: tuple[Dimension, ...]
    search: str
    controls: Controls
    budget: Budget
    seed: int
    num_validation: int
    fingerprint: str
    stops_below_median: bool = False

    def build_search(self) -> searches.Search:
        """Returns the search, not begun; the settings one has are tried with it."""
        return searches.build(
            self.search,
            self.space,
            controls=self.controls,
            longest=self.config.training.epochs,
            seed=self.seed,
            max_trials=self.budget.trials,
            epochs=self.budget.epochs,
            initial=[self._present()],
        )

    def _present(self) -> list[float | None]:
        """Returns the place of the config's own values, or the nearest one."""
        units: list[float | None] = []
        values: dict[str, Any] = {}
        for dimension in self.space:
            if not dimension.is_active(values):
                units.append(None)
                continue
            unit = _unit_of(dimension, fields.get(self.config, dimension.name))
            units.append(unit)
            values[dimension.name] = dimension.value(unit)
        return units

    def to_json(self) -> str:
        """Returns the settings as indented JSON."""
        values = {
            "kerastpu": VERSION,
            "config": self.config.to_dict(),
            "space": [fields.to_dict(dimension) for dimension in self.space],
            "search": self.search,
            "controls": dataclasses.asdict(self.controls),
            "budget": dataclasses.asdict(self.budget),
            "seed": self.seed,
            "num_validation": self.num_validation,
            "fingerprint": self.fingerprint,
            "stops_below_median": self.stops_below_median,
        }
        return json.dumps(values, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Settings":
        """Reads what `to_json` wrote.

        Raises:
            UsageError: it did not.
        """
        try:
            values = json.loads(text)
            values.pop("kerastpu")
            return cls(
                **values
                | {
                    "config": Config.from_json(json.dumps(values["config"])),
                    "space": tuple(fields.from_dict(one) for one in values["space"]),
                    "controls": Controls(**values["controls"]),
                    "budget": Budget(**values["budget"]),
                }
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f"a study's settings cannot be read: {error}") from None


def _unit_of(dimension: Dimension, value: Any) -> float:
    try:
        return min(1 - 1e-9, max(0.0, dimension.unit(value)))
    except (ValueError, TypeError):  # no choice of the space, or 0 on a log scale
        return 0.0


def is_study(folder: Path) -> bool:
    """Returns whether a folder holds a study."""
    return (folder / NAME).is_file()


def read(folder: Path) -> Settings:
    """Reads the settings of a study.

    Raises:
        UsageError: there is none, or its file is damaged.
    """
    if not is_study(folder):
        raise UsageError(f"{folder} is no study: it holds no {NAME}")
    return Settings.from_json((folder / NAME).read_text(encoding="utf-8"))


def write(folder: Path, settings: Settings) -> None:
    """Writes the settings, or checks that the folder holds the same ones.

    Raises:
        UsageError: it holds those of another study.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if not is_study(folder):
        files.write_text(folder / NAME, settings.to_json())
        return
    if read(folder) != settings:
        theirs, ours = (json.loads(one.to_json()) for one in (read(folder), settings))
        key = next((k for k in ours if theirs.get(k) != ours[k]), "config")
        raise UsageError(
            f"workdir {folder} holds another study (its {key} differs); name another "
            "folder, or go on with `kerastpu tune resume`"
        )
