"""What --out means to the commands that draw."""

from pathlib import Path
from typing import TYPE_CHECKING

from kerastpu.errors import UsageError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def check(out: Path | None) -> None:
    """Refuses a picture that is no PNG.

    Raises:
        UsageError: `out` has another ending.
    """
    if out is not None and out.suffix.lower() != ".png":
        raise UsageError(f"--out must end in .png; got {out}")


def save(figure: "Figure", out: Path, is_quiet: bool) -> None:
    """Writes a picture, and says so unless JSON is printed."""
    from kerastpu import plotting

    out.parent.mkdir(parents=True, exist_ok=True)
    plotting.save(figure, out)
    if not is_quiet:
        print(f"picture: {out}")
