"""`kerastpu tune [PRESET]`: searches for settings, and looks at searches."""

from collections.abc import Sequence

from kerastpu.cli import dispatch
from kerastpu.cli.tune import begin

COMMANDS = {
    "show": "the trials of a search, finished or not",
    "plot": "pictures of a search: curves, settings, what counts, what was dropped",
    "resume": "go on with a search that was stopped",
    "compare": "several searches: cost, error, the best settings",
    "export": "all epochs of all trials as CSV",
    "work": "train trials that a search with --listen lends, one command per host",
}


def run(arguments: Sequence[str]) -> int:
    """Runs a search, or one of the commands above; returns the exit code."""
    if arguments and arguments[0] in COMMANDS:
        return dispatch.run(__name__, COMMANDS, arguments[0], arguments[1:])
    return begin.run(arguments, COMMANDS)
