"""From command-line words to typed arguments; errors are one line."""

import contextlib
import io
import logging
import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import tyro

from kerastpu.errors import UsageError

T = TypeVar("T")

_FRAME = re.compile(r"\x1b\[[0-9;]*m|[│╭╮╰╯─]")


def parse(
    kind: Callable[..., T], arguments: Sequence[str], command: str, default: Any = None
) -> T:
    """Fills the dataclass `kind` from command-line words.

    Raises:
        UsageError: an unknown flag, or a value that does not fit; names it.
        SystemExit: after --help.
    """
    program = f"kerastpu {command}"
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed):
            return tyro.cli(kind, args=arguments, prog=program, default=default)
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
