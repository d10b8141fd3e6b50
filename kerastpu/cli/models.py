"""`kerastpu models [NAME]`: the networks, their cost, where weights come from."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from kerastpu import backend
from kerastpu.cli import parsing
from kerastpu.errors import UsageError


@dataclass(frozen=True)
class ModelsArguments:
    """Lists all networks, or tells all about one, for which it is built."""

    name: Annotated[
        str | None, tyro.conf.Positional, tyro.conf.arg(metavar="[NAME]")
    ] = None
    """A network of the list; None = the list."""
    json: bool = False
    """Print one JSON object."""
    markdown: bool = False
    """Print the list as the tables of docs/models.md."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(ModelsArguments, arguments, "models")
    if parsed.markdown and (parsed.json or parsed.name):
        raise UsageError("--markdown goes neither with --json nor with a name")
    from kerastpu import model_facts, model_text

    if parsed.name is not None:
        backend.select()
        facts = model_facts.collect_one(parsed.name)
        text = model_text.of_model(facts)
    else:
        networks = model_facts.collect()
        facts = {"models": networks}
        write = model_text.of_markdown if parsed.markdown else model_text.of_list
        text = write(networks)
    print(json.dumps(facts, indent=2) if parsed.json else text)
    return 0
