"""Any field of a config as a setting to be searched, and its values put back."""

import dataclasses
import types
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from kerastpu.config import Config
from kerastpu.errors import UsageError
from kerastpu.tuning.dimensions import Choice, Conditions, Dimension, Float, Int


def tunable(
    field: str,
    *,
    range: tuple[float, float] | None = None,
    log: bool = False,
    choices: Sequence[Any] | None = None,
    when: Mapping[str, Sequence[Any]] | None = None,
) -> Dimension:
    """Makes a dimension of a field of `Config`; the field's type says of which kind.

    Args:
        field: dotted name, such as "optimizer.learning_rate".
        range: lowest and highest number, of a number.
        log: whether the logarithm is spread evenly, not the number.
        choices: values, of any field; a field that is true or false, or one of a few
            words, needs none.
        when: other fields of the space -> their values with which this one counts.

    Raises:
        UsageError: there is no such field, or the field does not take this.
    """
    hint = _hint(field)
    conditions: Conditions = tuple((k, tuple(v)) for k, v in (when or {}).items())
    if choices is not None:
        if range is not None or log:
            raise UsageError(f"{field}: choices go with neither range nor log")
        is_number = all(type(value) in (int, float) for value in choices)
        return Choice(field, conditions, choices=tuple(choices), is_ordered=is_number)
    kinds = _kinds(hint)
    if range is None:
        words = (False, True) if bool in kinds else _words(hint)
        if not words:
            raise UsageError(f"{field} needs a range or choices")
        return Choice(field, conditions, choices=words)
    low, high = range
    if float in kinds:
        return Float(field, conditions, low=float(low), high=float(high), log=log)
    if int in kinds:
        if int(low) != low or int(high) != high:
            raise UsageError(f"{field} takes whole numbers; got {low!r} and {high!r}")
        return Int(field, conditions, low=int(low), high=int(high), log=log)
    raise UsageError(f"{field} is no number: it takes choices, not a range")


def apply(config: Config, values: Mapping[str, Any]) -> Config:
    """Returns `config` with the fields of `values` set, checked.

    Args:
        config: what else a run needs.
        values: dotted name -> value.

    Raises:
        UsageError: a field that does not exist, or a value that is not allowed.
    """
    for field, value in values.items():
        _hint(field)
        config = _set(config, field.split("."), _as_tuple(value))
    config.validate()
    return config


def get(config: Config, field: str) -> Any:
    """Returns the value of a field by its dotted name.

    Raises:
        UsageError: there is none.
    """
    _hint(field)
    value: Any = config
    for name in field.split("."):
        value = getattr(value, name)
    return value


def parse(text: str) -> Dimension:
    """Reads a dimension as it stands on a command line.

    Args:
        text: "field=low:high", "field=low:high:log", "field=a,b,c", or the field alone
            where its type says what it can be.

    Raises:
        UsageError: any other form, or what `tunable` refuses.
    """
    field, is_given, what = text.partition("=")
    if not is_given:
        return tunable(field)
    hint = _hint(field)
    if ":" in what:
        low, _, rest = what.partition(":")
        high, has_scale, scale = rest.partition(":")
        if has_scale and scale != "log":
            raise UsageError(
                f'{field}: a range ends with nothing or ":log"; got {what!r}'
            )
        return tunable(
            field, range=(_number(field, low), _number(field, high)), log=bool(scale)
        )
    return tunable(field, choices=[_value(field, hint, one) for one in what.split(",")])


def to_dict(dimension: Dimension) -> dict[str, Any]:
    """Returns a dimension of this module as plain values, ready for `json`."""
    if not isinstance(dimension, Float | Int | Choice):
        raise UsageError(f"cannot be kept in a record: {dimension!r}")
    return {"kind": type(dimension).__name__, **dataclasses.asdict(dimension)}


def from_dict(values: Mapping[str, Any]) -> Dimension:
    """Reads what `to_dict` made, also after `json` has made lists of its tuples."""
    kind = {one.__name__: one for one in (Float, Int, Choice)}[values["kind"]]
    fields = {name: value for name, value in values.items() if name != "kind"}
    conditions = fields.pop("conditions")
    fields["conditions"] = tuple((name, tuple(allowed)) for name, allowed in conditions)
    if "choices" in fields:
        fields["choices"] = tuple(_as_tuple(value) for value in fields["choices"])
    return kind(**fields)


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _set(section: Any, names: Sequence[str], value: Any) -> Any:
    first, *rest = names
    if rest:
        value = _set(getattr(section, first), rest, value)
    return dataclasses.replace(section, **{first: value})


def _hint(field: str) -> Any:
    """Returns the annotation of a field.

    Raises:
        UsageError: there is no such field, or it is a section of several.
    """
    hint: Any = Config
    for name in field.split("."):
        hints = get_type_hints(hint) if dataclasses.is_dataclass(hint) else {}
        if name not in hints:
            raise UsageError(
                f"the config has no field {field!r}; those of a run are listed by "
                "kerastpu train --help"
            )
        hint = hints[name]
    if dataclasses.is_dataclass(hint):
        raise UsageError(f"{field} is a section; name one of its fields")
    return hint


def _kinds(hint: Any) -> tuple[Any, ...]:
    """Returns the types that a field takes."""
    if get_origin(hint) in (Union, types.UnionType):
        return get_args(hint)
    return (hint,)


def _words(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) is Literal else ()


def _number(field: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{field}: a range is two numbers; got {text!r}") from None


def _value(field: str, hint: Any, text: str) -> Any:
    """Reads one choice as the type of its field."""
    kinds = _kinds(hint)
    if type(None) in kinds and text == "None":
        return None
    if bool in kinds and text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        if kind in kinds:
            try:
                return kind(text)
            except ValueError:
                continue
    if str in kinds or text in _words(hint):
        return text
    raise UsageError(f"{field} does not take {text!r}")
