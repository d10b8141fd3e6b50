"""`kerastpu runs`: what has been trained, how well, and with which settings."""

from collections.abc import Sequence

from kerastpu.cli import dispatch

PROGRAM = "kerastpu runs"
COMMANDS = {
    "list": "the runs below a folder, the best first",
    "show": "one run: settings, scores, data, hardware, time, files",
    "compare": "several runs: what differs, and whether the scores do",
}
SUMMARY = "Looks at run folders, finished or not; changes nothing."


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
