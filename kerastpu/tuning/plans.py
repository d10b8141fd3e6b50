"""How to search, and what follows from it for each study."""

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kerastpu import files
from kerastpu.config import Config
from kerastpu.errors import UsageError
from kerastpu.runs import flatten
from kerastpu.tuning import fields, planning, spaces
from kerastpu.tuning import search as searches
from kerastpu.tuning.budgets import Budget
from kerastpu.tuning.dimensions import Dimension
from kerastpu.tuning.settings import Settings

NAME = "tune.json"
DEFAULT_TRIALS = 12
_RATE_SHARE = 0.25  # of the budget for the stage that sets the learning rate
_ENDLESS = 10**6  # refills of a search that ends with its time


@dataclass(frozen=True)
class Plan:
    """How to search.

    Attributes:
        search: one of `searches.SEARCHES`.
        budget: trials, epochs or seconds, of all stages together; none of them = what
            the controls say.
        controls: the controls that are given, by name; the others follow from the
            budget and the epochs of the config.
        stages: of the ready spaces, in their order; not with a space of one's own.
        space: what is searched, in place of the ready spaces.
        seed: of the search.
    """

    search: str = searches.LHS_HALVING
    budget: Budget = field(default_factory=Budget)
    controls: tuple[tuple[str, float], ...] = ()
    stages: tuple[str, ...] = spaces.STAGES
    space: tuple[Dimension, ...] = ()
    seed: int = 0


def check(plan: Plan) -> None:
    """Refuses what does not go together.

    Raises:
        UsageError: names it.
    """
    if plan.search not in searches.SEARCHES:
        raise UsageError(
            f"search must be one of {', '.join(searches.SEARCHES)}; got {plan.search!r}"
        )
    if plan.controls and plan.search != searches.LHS_HALVING:
        raise UsageError(
            f"{plan.controls[0][0]} is of {searches.LHS_HALVING}; with {plan.search} "
            "leave it out"
        )
    is_endless = plan.search != "grid" and plan.search != searches.LHS_HALVING
    if is_endless and plan.budget == Budget():
        raise UsageError(f"{plan.search} needs a budget, such as 10m or 20 trials")


def share(budget: Budget, names: Sequence[str], name: str) -> Budget:
    """Returns what of a budget is for one of several stages."""
    if len(names) == 1:
        return budget
    part = _RATE_SHARE if name == names[0] else (1 - _RATE_SHARE) / (len(names) - 1)
    return Budget(
        budget.trials and max(1, round(budget.trials * part)),
        budget.epochs and max(1, round(budget.epochs * part)),
        budget.seconds and budget.seconds * part,
    )


def settle(
    config: Config,
    space: Sequence[Dimension],
    plan: Plan,
    budget: Budget,
    *,
    num_validation: int,
    fingerprint: str,
    measure: Callable[[float], int],
) -> Settings:
    """Decides what is not given: the controls, from the budget and the epochs.

    Args:
        config: what a trial is; its epochs are those of the longest one.
        space: what is searched.
        plan: how to search.
        budget: of this study.
        num_validation: images that the error is a share of.
        fingerprint: of the data.
        measure: called with seconds, returns about how many epochs fit into them.
    """
    longest = config.training.epochs
    controls = planning.for_trials(DEFAULT_TRIALS, longest)
    if plan.search == searches.LHS_HALVING:
        if budget.seconds is not None:
            epochs = max(measure(budget.seconds), longest)
            controls = planning.for_budget(epochs, longest)
            controls = replace(controls, refills=_ENDLESS)
        elif budget.epochs is not None:
            controls = planning.for_budget(budget.epochs, longest)
        elif budget.trials is not None:
            # One is that of the settings one has.
            controls = planning.for_total(max(1, budget.trials - 1), longest)
        controls = replace(controls, **_whole(dict(plan.controls)))
        longest = controls.rungs[-1]
    return Settings(
        config=replace(config, training=replace(config.training, epochs=longest)),
        space=tuple(space),
        search=plan.search,
        controls=controls,
        budget=budget,
        seed=plan.seed,
        num_validation=num_validation,
        fingerprint=fingerprint,
        stops_below_median=plan.search not in searches.HALVING,
    )


def keep(workdir: Path, config: Config, plan: Plan) -> None:
    """Writes what a search is into its folder, or checks that it is the same one.

    Raises:
        UsageError: the folder holds another search, or something else.
    """
    path = workdir / NAME
    space = [fields.to_dict(dimension) for dimension in plan.space]
    plain = dataclasses.asdict(plan) | {"space": space}
    # Once written and read, tuples are lists.
    ours = json.loads(json.dumps({"config": config.to_dict(), "plan": plain}))
    if not path.is_file():
        others = [one.name for one in workdir.iterdir() if not one.name.startswith(".")]
        if others:
            raise UsageError(f"{workdir} holds {others[0]} but no {NAME}; name another")
        files.write_text(path, json.dumps(ours, indent=2) + "\n")
        return
    theirs = flatten(_load(path))
    different = [
        key for key, value in flatten(ours).items() if theirs.get(key) != value
    ]
    if different:
        key = different[0]
        raise UsageError(
            f"{workdir} holds another search ({key} is {theirs.get(key)!r} there, "
            f"{flatten(ours)[key]!r} here); name another folder"
        )


def read(workdir: Path) -> tuple[Config, Plan]:
    """Reads what `keep` wrote.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    path = workdir / NAME
    if not path.is_file():
        raise UsageError(f"{workdir} is no search: it holds no {NAME}")
    values = _load(path)
    try:
        plan = values["plan"] | {
            "budget": Budget(**values["plan"]["budget"]),
            "controls": tuple((k, v) for k, v in values["plan"]["controls"]),
            "stages": tuple(values["plan"]["stages"]),
            "space": tuple(fields.from_dict(one) for one in values["plan"]["space"]),
        }
        return Config.from_json(json.dumps(values["config"])), Plan(**plan)
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path} is damaged: {error!r}") from None


def _load(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is damaged: {error}") from None


def _whole(controls: dict[str, float]) -> dict[str, Any]:
    """Makes whole numbers of those that are counts."""
    return {
        name: value if name == "tune_retention" else int(value)
        for name, value in controls.items()
    }
