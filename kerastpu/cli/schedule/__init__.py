"""`kerastpu schedule`: learning rates, before any training."""

from collections.abc import Sequence

from kerastpu.cli import dispatch

PROGRAM = "kerastpu schedule"
COMMANDS = {
    "list": "the shapes by name, and the fields of a config that each reads",
    "plot": "draw and print the learning rate of a preset with its flags",
    "find": "range test: which learning rates make the loss of a preset fall",
}
SUMMARY = """How the learning rate moves in a run, and how high it should be. PRESET and
its flags are those of `kerastpu train`; without one, flowers."""


def run(arguments: Sequence[str]) -> int:
    """Runs one subcommand; returns its exit code.

    Raises:
        SystemExit: after --help.
    """
    if arguments and arguments[0] not in ("-h", "--help", "help"):
        return dispatch.run(__name__, COMMANDS, arguments[0], arguments[1:])
    print(dispatch.describe(PROGRAM, SUMMARY, COMMANDS))
    if arguments:
        raise SystemExit(0)
    return 2
