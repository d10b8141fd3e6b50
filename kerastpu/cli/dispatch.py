"""From a word to the module that runs it, for `kerastpu` and for `kerastpu data`."""

import difflib
import importlib
from collections.abc import Mapping, Sequence

from kerastpu.errors import UsageError


def run(
    package: str, commands: Mapping[str, str], command: str, arguments: Sequence[str]
) -> int:
    """Runs `command` by the function `run` of its module; returns the exit code.

    Args:
        package: where each command has a module of its name.
        commands: name -> what it does.
        command: the word that was typed.
        arguments: the words after it.

    Raises:
        UsageError: there is no such command.
    """
    if command not in commands:
        close = difflib.get_close_matches(command, commands, n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(
            f"no command {command!r}; there are {', '.join(commands)}{hint}"
        )
    return importlib.import_module(f"{package}.{command}").run(arguments)


def describe(program: str, summary: str, commands: Mapping[str, str]) -> str:
    """Returns the help text that lists the commands of `program`."""
    lines = [
        f"usage: {program} COMMAND [ARGUMENTS]",
        "",
        summary,
        "",
        *(f"  {name:<10} {text}" for name, text in commands.items()),
        "",
        f"{program} COMMAND --help explains each.",
    ]
    return "\n".join(lines)
