"""`python -m labs_build COMMAND [LAB ...]`: the labs' notebooks; see labs/README.md."""

import argparse
import sys
import time

from bench import record
from kerastpu.errors import USER_ERRORS, KerastpuError, UsageError
from labs_build import building, lab, readme, rules, stamps, trial


def _build(one: lab.Lab, commit: str) -> str:
    stamp = building.with_run(one, commit)
    return f"built, {stamps.minutes(stamp.seconds)} minutes"


def _text(one: lab.Lab, commit: str) -> str:
    kept = building.texts_alone(one)
    return "built; outputs " + ("stay" if kept else "are gone, as code has changed")


def _full(one: lab.Lab, commit: str) -> str:
    stamp = building.full(one, commit)
    return f"ran at full size, {stamps.minutes(stamp.seconds)} minutes"


def _try(one: lab.Lab, commit: str) -> str:
    ran = trial.run(one)
    return f"runs with tiny parameters, {ran.seconds:.0f} s"


def _check(one: lab.Lab, commit: str) -> str:
    if found := rules.problems(one):
        raise KerastpuError("\n  ".join([f"{len(found)} problems", *found]))
    return "keeps the rules"


COMMANDS = {
    "build": (_build, "run labs, and write their notebooks with the outputs"),
    "text": (_text, "write the notebooks without a run"),
    "full": (_full, "run labs at full size into runs/labs"),
    "try": (_try, "run labs, playgrounds and solutions with tiny parameters"),
    "check": (_check, "tell what is wrong with the form of labs"),
}


def main() -> int:
    """Runs a command on the labs that are named, else on all; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m labs_build", description=__doc__)
    listed = "; ".join(f"{name}: {what}" for name, (_, what) in COMMANDS.items())
    parser.add_argument("command", choices=COMMANDS, help=listed)
    parser.add_argument("labs", nargs="*", help="as 04; all, if none is given")
    arguments = parser.parse_args()
    run, _ = COMMANDS[arguments.command]
    commit = record.commit()  # before notebooks are written
    has_failed = False
    try:
        scripts = [lab.find(name) for name in arguments.labs] or lab.scripts()
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    for script in scripts:
        start = time.strftime("%H:%M:%S")
        try:
            print(f"{start} {script.stem}: {run(lab.load(script), commit)}", flush=True)
        except USER_ERRORS as error:
            has_failed = True
            print(f"{start} {script.stem}: {error}", file=sys.stderr, flush=True)
    if arguments.command in ("build", "text"):
        readme.write()
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
