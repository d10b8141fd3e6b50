"""A preset and its flags, as `kerastpu train` takes them."""

import dataclasses
import inspect
import shutil
import textwrap
from collections.abc import Sequence
from typing import Any, TypeVar

from kerastpu import presets
from kerastpu.cli import parsing
from kerastpu.config import Config, TrainingConfig, checks
from kerastpu.presets import cards

T = TypeVar("T")

DEFAULT = "flowers"


def parse(kind: type[T], arguments: Sequence[str], command: str) -> T:
    """Fills the dataclass `kind`, which has a `config`, from the words of a command.

    --help after a preset has its card on top; without one it lists the presets.

    Raises:
        UsageError: there is no such preset, or a flag that is not known.
        SystemExit: after --help.
    """
    name, rest = DEFAULT, list(arguments)
    wants_help = bool({"-h", "--help"} & set(rest))
    if rest and not rest[0].startswith("-"):
        name, rest = rest[0], rest[1:]
    elif wants_help:
        print(_list(command, inspect.getdoc(kind) or ""))
        raise SystemExit(0)
    default: Any = kind(config=presets.get(name))  # type: ignore[call-arg]
    if wants_help:
        print(_card(name), end="\n\n")
    parsed: Any = parsing.parse(kind, rest, f"{command} {name}", default)
    return dataclasses.replace(parsed, config=_in_mode(parsed.config, rest))


def _in_mode(config: Config, words: Sequence[str]) -> Config:
    """Takes back what a preset says of another way to train than the one asked for.

    Args:
        config: the preset with its flags.
        words: the flags; what they name stays as it is.
    """
    if config.training.mode == presets.get(config.preset).training.mode:
        return config
    named = {word.partition("=")[0].replace("_", "-") for word in words}
    flags = {
        name: f"--training.{name}".replace("_", "-") for name in checks.OF_FEATURES
    }
    own = {
        name: getattr(TrainingConfig(), name)
        for name, flag in flags.items()
        if flag not in named
    }
    training = dataclasses.replace(config.training, **own)
    return dataclasses.replace(config, training=training)


def _card(name: str) -> str:
    """Returns what the preset is and what it reached, as wide as the terminal."""
    card = cards.get(name)
    measured = card.text() if card else f"{cards.NOT_MEASURED.capitalize()}."
    paragraphs = [*presets.describe(name)[1].split("\n\n"), measured]
    width = shutil.get_terminal_size().columns
    return "\n\n".join(
        textwrap.fill(text, width, break_on_hyphens=False) for text in paragraphs
    )


def _list(command: str, summary: str) -> str:
    """Returns the help that comes before a preset is chosen."""
    lines = (f"  {name:<18} {presets.describe(name)[0]}" for name in presets.PRESETS)
    return "\n".join(
        [
            f"usage: kerastpu {command} [PRESET] [OPTIONS]",
            "",
            summary,
            "",
            *lines,
            "",
            f"Without one: {DEFAULT}. Every setting is a flag:",
            f"kerastpu {command} PRESET --help explains each.",
        ]
    )
