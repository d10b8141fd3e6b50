"""What a solution leaves in the playground."""

from kerastpu.errors import UsageError
from labs_build.lab import Cell


def blanked(cell: Cell) -> str:
    """Returns the comment lines that a solution begins with.

    Raises:
        UsageError: it begins with none.
    """
    kept = []
    for line in cell.source.splitlines():
        if not line.startswith("#"):
            break
        kept.append(line)
    if not kept:
        raise UsageError(f"the solution {cell.key!r} must begin with a comment line")
    return "\n".join(kept)
