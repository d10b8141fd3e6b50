"""Parsed JSON to dataclasses by their annotations: every type is checked, none guessed.

Arrays become tuples. A field with a default may be missing, so older files can be read.
"""

import dataclasses
import functools
import sys
import types
import typing
from typing import Any

from data_pipelines.errors import DataError

_MAX_FLOAT = sys.float_info.max  # JSON's whole numbers have no limit


def build(hint: Any, value: Any, where: str) -> Any:
    """Returns a parsed JSON value as the type `hint`.

    Args:
        hint: A dataclass, TypedDict, tuple[X, ...], dict[str, X], X | None, or a plain
            type, which the value has to be of already.
        value: What `json` returned.
        where: What error messages call the value.

    Raises:
        DataError: another type, a missing or an unknown field; begins with `where`.
    """
    parts = typing.get_args(hint)
    if isinstance(hint, types.UnionType):
        return None if value is None else build(parts[0], value, where)
    if dataclasses.is_dataclass(hint) or typing.is_typeddict(hint):
        return hint(**_build_fields(hint, _expect(dict, value, where), where))
    if typing.get_origin(hint) is tuple:
        items = enumerate(_expect(list, value, where))
        return tuple(build(parts[0], item, f"{where}[{i}]") for i, item in items)
    if typing.get_origin(hint) is dict:
        items = _expect(dict, value, where).items()
        return {key: build(parts[1], item, f"{where}.{key}") for key, item in items}
    return _expect(hint, value, where)


def _expect(kind: type, value: Any, where: str) -> Any:
    is_kind = isinstance(value, (int, float) if kind is float else kind)
    if not is_kind or (isinstance(value, bool) and kind is not bool):
        shown = repr(value)[:40]
        raise DataError(f"{where} must be {kind.__name__}; got {shown}")
    if kind is float and not -_MAX_FLOAT <= value <= _MAX_FLOAT:
        raise DataError(f"{where} must be a finite number; got {str(value)[:40]}")
    return value


def _build_fields(hint: Any, value: dict[str, Any], where: str) -> dict[str, Any]:
    hints, optional = _read_fields(hint)
    if unknown := sorted(value.keys() - hints.keys()):
        raise DataError(f"{where}: unknown field {unknown[0]!r}")
    if missing := sorted(hints.keys() - value.keys() - optional):
        raise DataError(f"{where}: field {missing[0]!r} is missing")
    return {key: build(hints[key], value[key], f"{where}.{key}") for key in value}


@functools.cache  # slow, and asked for once for every entry of a list
def _read_fields(hint: Any) -> tuple[dict[str, Any], set[str]]:
    """Returns the type of every field, and the names of those with a default."""
    fields = getattr(hint, "__dataclass_fields__", {})
    optional = {
        name
        for name, field in fields.items()
        if field.default is not dataclasses.MISSING
    }
    return typing.get_type_hints(hint), optional
