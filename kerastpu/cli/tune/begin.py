"""`kerastpu tune [PRESET]`: a search from data to a trained, scored winner."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import tyro

from kerastpu.cli import parsing, preset
from kerastpu.config import Config
from kerastpu.tuning import budgets, fields
from kerastpu.tuning.budgets import Budget
from kerastpu.tuning.plans import Plan

SearchName = Literal["lhs-halving", "random", "grid", "bayesian", "hyperband"]
StageName = Literal["rate", "regularization"]
CONTROLS = ("max_epochs", "tune_iterations", "num_trials", "tune_retention", "refills")


@dataclass(frozen=True)
class TuneArguments:
    """Searches for settings by the validation split; trains and scores the winner."""

    config: Annotated[Config, tyro.conf.arg(name="")] = field(default_factory=Config)
    workdir: Path | None = None
    """Folder of the search; None = runs/tune-PRESET. A search that is there goes on."""
    search: SearchName = "lhs-halving"
    """lhs-halving is ours: Latin hypercube, halving, proposals; the others are
    KerasTuner's."""
    budget: str | None = None
    """How much all trials may cost: "10m", "2h", "300 epochs" or "20 trials". None =
    what the controls say, lhs-halving only."""
    stages: tuple[StageName, ...] = ("rate", "regularization")
    """Ready spaces to search, one after the other: rate is the learning rate;
    regularization is L1, L2, dropout, augmentation and a rate near the best."""
    space: tuple[str, ...] = ()
    """A space of one's own in their place: "FIELD=LOW:HIGH", "FIELD=LOW:HIGH:log" or
    "FIELD=A,B,C", for fields as the flags name them with _ for -."""
    max_epochs: int | None = None
    """lhs-halving: epochs of each set before the first ones are dropped. None = from
    budget and epochs, as the next three."""
    tune_iterations: int | None = None
    """lhs-halving: how often the sets are trained on; a drop lies between two."""
    num_trials: int | None = None
    """lhs-halving: sets to begin with."""
    tune_retention: float | None = None
    """lhs-halving: share of the sets kept at each drop, above 0, below 1."""
    refills: int | None = None
    """lhs-halving: times that new sets are proposed by what has been learned, each time
    a quarter as many as at first; 0 = the plain algorithm."""
    final_epochs: int | None = None
    """Epochs of the winner when it is trained anew, to convergence say; None = as many
    as the longest trial."""
    winner: bool = True
    """Train the winner and score it once on the test split."""
    baseline: bool = False
    """Also train the preset as it is, to compare."""
    listen: str | None = None
    """Train no trial here but lend them to workers who ask at this address, such as
    127.0.0.1:8765: kerastpu tune work FOLDER ADDRESS. Not encrypted."""
    lease_seconds: float = 600.0
    """Silence after which a worker counts as dead and its trial goes to another: more
    than the longest epoch."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str], commands: Mapping[str, str]) -> int:
    """Runs the command; returns its exit code."""
    if arguments and arguments[0] in ("-h", "--help"):
        print("usage: kerastpu tune COMMAND looks at searches or goes on with them:\n")
        print("\n".join(f"  {name:<8} {text}" for name, text in commands.items()))
        print("\nor begins one:\n")
    parsed = preset.parse(TuneArguments, arguments, "tune")
    parsed.config.validate()
    from kerastpu.tuning import team

    plan = plan_of(parsed)
    if parsed.listen is not None:
        team.check_address(parsed.listen)
    parsing.log_to_stderr()
    return search(
        parsed.config,
        parsed.workdir or Path("runs") / f"tune-{parsed.config.preset}",
        plan,
        final_epochs=parsed.final_epochs,
        has_winner=parsed.winner,
        has_baseline=parsed.baseline,
        as_json=parsed.json,
        address=parsed.listen,
        lease_seconds=parsed.lease_seconds,
    )


def plan_of(parsed: TuneArguments) -> Plan:
    """Returns how to search.

    Raises:
        UsageError: what was given does not go together.
    """
    from kerastpu.tuning import plans

    given = {name: getattr(parsed, name) for name in CONTROLS}
    plan = Plan(
        search=parsed.search,
        budget=budgets.parse(parsed.budget) if parsed.budget else Budget(),
        controls=tuple((k, float(v)) for k, v in given.items() if v is not None),
        stages=parsed.stages,
        space=tuple(fields.parse(text) for text in parsed.space),
        seed=parsed.config.seed,
    )
    plans.check(plan)
    return plan


def search(
    config: Config,
    workdir: Path,
    plan: Plan,
    *,
    final_epochs: int | None = None,
    has_winner: bool = True,
    has_baseline: bool = False,
    as_json: bool = False,
    address: str | None = None,
    lease_seconds: float = 600.0,
) -> int:
    """Searches, trains what is to be trained, and prints what came out."""
    from kerastpu.tuning import live, tune, tune_text

    with live.table() as show:
        tuned = tune.tune(
            config,
            workdir,
            plan,
            show=show,
            final_epochs=final_epochs,
            is_final=has_winner,
            address=address,
            lease_seconds=lease_seconds,
        )
    baseline = tune.train_baseline(config, workdir) if has_baseline else None
    if as_json:
        print(json.dumps(tune_text.as_dict(tuned, baseline), indent=2))
    else:
        print("\n".join(tune_text.lines(tuned, workdir, baseline)))
    return 0
