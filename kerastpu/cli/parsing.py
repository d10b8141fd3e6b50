"""From command-line words to typed arguments; errors are one line."""

import contextlib
import dataclasses
import io
import logging
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, get_type_hints

import docstring_parser
import tyro
from tyro.constructors import (
    ConstructorRegistry,
    StructConstructorSpec,
    StructFieldSpec,
    StructTypeInfo,
)

from kerastpu.errors import UsageError

T = TypeVar("T")

_FRAME = re.compile(r"\x1b\[[0-9;]*m|[│╭╮╰╯─]")


_registry = ConstructorRegistry()


@_registry.struct_rule
def _flags(info: StructTypeInfo) -> StructConstructorSpec | None:
    """Makes flags of a dataclass, their help one paragraph each.

    The rule of tyro keeps the ends of the lines of a docstring as they are.
    """
    if not dataclasses.is_dataclass(info.type):
        return None
    hints = get_type_hints(info.type, include_extras=True)
    documented = docstring_parser.parse_from_object(info.type).params
    help_ = {
        one.arg_name: " ".join((one.description or "").split()) for one in documented
    }
    fields = [
        StructFieldSpec(
            field.name,
            hints[field.name],
            getattr(info.default, field.name, _default_of(field)),
            helptext=help_.get(field.name),
        )
        for field in dataclasses.fields(info.type)
    ]
    return StructConstructorSpec(instantiate=info.type, fields=tuple(fields))


def _default_of(field: dataclasses.Field) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    if field.default is not dataclasses.MISSING:
        return field.default
    return tyro.MISSING


def parse(
    kind: Callable[..., T],
    arguments: Sequence[str],
    command: str,
    default: Any = None,
) -> T:
    """Fills the dataclass `kind` from command-line words.

    Args:
        kind: the dataclass.
        arguments: the words.
        command: what comes before them, after `kerastpu`.
        default: an instance that says what a flag is where it is not given.

    Raises:
        UsageError: an unknown flag, or a value that does not fit; names it.
        SystemExit: after --help.
    """
    program = f"kerastpu {command}"
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            return tyro.cli(
                kind,
                args=arguments,
                prog=program,
                default=default,
                registry=_registry,
            )
    except SystemExit as stop:
        if stop.code in (0, None):
            raise
        message = _first_paragraph(printed.getvalue())
        raise UsageError(f"{message}; see {program} --help") from None


def _first_paragraph(box: str) -> str:
    """Returns the message of a framed error: what stands above its first rule."""
    lines = []
    for line in box.splitlines()[1:]:
        text = _FRAME.sub("", line).strip()
        if not text:
            break
        lines.append(text)
    return " ".join(lines).rstrip(".")


def log_to_stderr() -> None:
    """Shows what the library says of its work, as plain lines."""
    logger = logging.getLogger("kerastpu")
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False  # libraries give the root logger handlers of their own
