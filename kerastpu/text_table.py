"""Tables as text for people."""

from collections.abc import Sequence


def lines(
    header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str] = ()
) -> list[str]:
    """Returns the lines of a table, its columns as wide as what is in them.

    Args:
        header: Names of the columns.
        rows: A text for each column.
        right: Columns whose texts stand at the right.

    Returns:
        The header, a rule, and a line for each row.
    """
    padded = []
    for name, column in zip(header, zip(header, *rows, strict=True), strict=True):
        width = max(map(len, column))
        side = ">" if name in right else "<"
        padded.append([f"{text:{side}{width}}" for text in column])
    first, *others = ("  ".join(row).rstrip() for row in zip(*padded, strict=True))
    return [first, "-" * max(map(len, (first, *others))), *others]
