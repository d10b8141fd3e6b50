"""What `weights` may be: None, a name that the network knows, or a file."""

from __future__ import annotations

from collections.abc import Iterable

from kerastpu.errors import UsageError

FILE_ENDINGS = (".weights.h5", ".h5", ".keras")


def is_file(weights: str | None) -> bool:
    """Returns whether `weights` names a file, which need not be there."""
    return isinstance(weights, str) and weights.endswith(FILE_ENDINGS)


def check_name(
    weights: str | None, known: Iterable[str], name: str = "weights"
) -> None:
    """Refuses what is neither None, nor a known name, nor called like a file.

    Args:
        weights: What came.
        known: Names of the weights that exist for the network.
        name: What to call the argument in the message.

    Raises:
        UsageError: says what came and what is allowed.
    """
    known = tuple(known)
    if weights is None or weights in known or is_file(weights):
        return
    allowed = ", ".join(["None", *map(repr, known)])
    raise UsageError(
        f"{name} must be {allowed} or a file ({', '.join(FILE_ENDINGS)}); "
        f"got {weights!r}"
    )
