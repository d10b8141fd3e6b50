"""Which settings an operator may have, of which type, and their defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from kerastpu.importers.graph import Node


@dataclasses.dataclass(frozen=True)
class Attribute:
    """What one setting may be.

    Attributes:
        kind: "int", "float", "string", "array", or the plural of the first three.
        default: Its value where it is not given; None: there is none.
        allowed: The only values that can be imported; none: all.
    """

    kind: str
    default: Any = None
    allowed: tuple[Any, ...] = ()


Attributes = Mapping[str, Attribute]


def integer(default: int | None = None, *allowed: int) -> Attribute:
    """An integer."""
    return Attribute("int", default, allowed)


def real(default: float | None = None, *allowed: float) -> Attribute:
    """A float."""
    return Attribute("float", default, allowed)


def text(default: str | None = None, *allowed: str) -> Attribute:
    """A string."""
    return Attribute("string", default, allowed)


def integers() -> Attribute:
    """Integers; none unless given."""
    return Attribute("ints")


def reals() -> Attribute:
    """Floats; none unless given."""
    return Attribute("floats")


def texts() -> Attribute:
    """Strings; none unless given."""
    return Attribute("strings")


def array() -> Attribute:
    """A constant."""
    return Attribute("array")


def _kind(value: Any) -> str:
    """Returns the kind of a value that was read."""
    if isinstance(value, np.ndarray):
        return "array"
    kinds = {int: "int", float: "float", str: "string"}
    if isinstance(value, tuple):
        return f"{_kind(value[0])}s" if value else ""
    return kinds.get(type(value), "graph")


def check(node: Node, known: Attributes) -> tuple[dict[str, Any], list[str]]:
    """Compares the settings of a node with those that its operator may have.

    Args:
        node: The node.
        known: Name -> what it may be.

    Returns:
        All settings, defaults filled in; and what cannot be imported, for people.
    """
    values = {name: attribute.default for name, attribute in known.items()}
    problems = []
    for name, value in node.attributes.items():
        attribute = known.get(name)
        if attribute is None:
            problems.append(f"attribute {name} is not supported")
        elif _kind(value) not in (attribute.kind, ""):
            problems.append(
                f"attribute {name} must be of the type {attribute.kind}; "
                f"got {_kind(value)}"
            )
        elif attribute.allowed and value not in attribute.allowed:
            allowed = ", ".join(map(repr, attribute.allowed))
            problems.append(f"attribute {name} must be {allowed}; got {value!r}")
        else:
            values[name] = value
    return values, problems
