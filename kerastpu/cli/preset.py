"""A preset and its flags, as `kerastpu train` takes them."""

from collections.abc import Sequence
from typing import Any, TypeVar

from kerastpu import presets
from kerastpu.cli import parsing

T = TypeVar("T")

DEFAULT = "flowers"


def parse(kind: type[T], arguments: Sequence[str], command: str) -> T:
    """Fills the dataclass `kind`, which has a `config`, from the words of a command.

    Raises:
        UsageError: there is no such preset, or a flag that is not known.
        SystemExit: after --help.
    """
    name, rest = DEFAULT, list(arguments)
    if rest and not rest[0].startswith("-"):
        name, rest = rest[0], rest[1:]
    default: Any = kind(config=presets.get(name))  # type: ignore[call-arg]
    return parsing.parse(kind, rest, f"{command} {name}", default)
