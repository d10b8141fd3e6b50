"""Checks of one value: is it of the annotated type, is it in its range."""

from __future__ import annotations

import dataclasses
import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from kerastpu.errors import UsageError

_NAMES = {
    int: "a whole number",
    float: "a number",
    str: "text",
    bool: "true or false",
    type(None): "None",
}


def check_types(config: Any, prefix: str) -> None:
    """Checks every field against its annotation, also in nested configs.

    Args:
        config: an instance of a dataclass.
        prefix: what stands before the fields' names in an error, such as "model.".

    Raises:
        UsageError: names the field, what came and what is allowed.
    """
    hints = get_type_hints(type(config))
    for item in dataclasses.fields(config):
        value, name = getattr(config, item.name), f"{prefix}{item.name}"
        if dataclasses.is_dataclass(hints[item.name]):
            if not isinstance(value, hints[item.name]):
                raise UsageError(f"{name} must be an object; got {value!r}")
            check_types(value, f"{name}.")
        elif not _is_of(value, hints[item.name]):
            raise UsageError(
                f"{name} must be {_describe(hints[item.name])}; got {value!r}"
            )


def in_range(name: str, value: float, low: float, high: float) -> None:
    """Refuses what is not a number in low..high.

    Args:
        name: the field's, for the error.
        value: what came.
        low: smallest number allowed.
        high: largest number allowed.

    Raises:
        UsageError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{name} must be a number; got {value!r}")
    if not low <= value <= high:
        raise UsageError(f"{name} must be {low:g}..{high:g}; got {value!r}")


def _is_of(value: Any, hint: Any) -> bool:
    kind, arguments = get_origin(hint), get_args(hint)
    if kind is Literal:
        return value in arguments
    if kind in (Union, types.UnionType):
        return any(_is_of(value, argument) for argument in arguments)
    if kind is tuple:
        return type(value) is tuple and all(_is_of(v, arguments[0]) for v in value)
    if hint is float:
        return type(value) in (int, float)
    return type(value) is hint


def _describe(hint: Any) -> str:
    kind, arguments = get_origin(hint), get_args(hint)
    if kind is Literal:
        return f"one of {', '.join(arguments)}"
    if kind in (Union, types.UnionType):
        return " or ".join(_describe(argument) for argument in arguments)
    if kind is tuple:
        return f"a list, each {_describe(arguments[0])}"
    return _NAMES[hint]
