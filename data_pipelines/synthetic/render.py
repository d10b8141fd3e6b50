"""Renders the flowers to a folder of class folders, with one process per core."""

from __future__ import annotations

import dataclasses
import json
import os
import queue
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from data_pipelines.errors import DataError
from data_pipelines.synthetic import worker
from data_pipelines.synthetic.flowers import CLASS_NAMES, RECIPE_VERSION

MARKER = "rendered.json"
"""Name of the file that tells which recipe a folder holds."""

_MIN_SHARE = 25
"""Fewer images are drawn faster by one process than a second one starts."""

Progress = Callable[[int, int], None]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """All that the files of a rendered set depend on."""

    num_images: int
    size: int
    seed: int
    version: int = RECIPE_VERSION

    def __post_init__(self) -> None:
        """Refuse impossible numbers."""
        limits = {"num_images": len(CLASS_NAMES), "size": 32, "seed": 0}
        for name, least in limits.items():
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise DataError(
                    f"{name} must be a whole number >= {least}, not {value}"
                )


def render_dataset(
    out_dir: str | os.PathLike[str],
    *,
    num_images: int = 2000,
    size: int = 224,
    seed: int = 0,
    num_workers: int | None = None,
    progress: Progress | None = None,
) -> Path:
    """Render a data set; a complete one of the same recipe is used again.

    The bytes of an image depend on the seed, its class, its index and the size alone
    (and on the versions of Pillow and NumPy), not on the number of images or workers.
    The folder appears at once and complete, or not at all.

    Args:
        out_dir: Folder to create; receives `<class>/<class>_00042.jpg`.
        num_images: Images over all classes; class counts differ by at most one.
        size: Height and width in pixels, at least 32.
        seed: Whole number >= 0.
        num_workers: Processes; None is one per core that may be used.
        progress: Called with the images done and the images in all.

    Returns:
        `out_dir`, absolute.

    Raises:
        DataError: A bad argument, a folder that holds something else, or a failure
            to draw or to write.
    """
    recipe = Recipe(num_images, size, seed)
    folder = Path(out_dir).absolute()
    if _is_complete(folder, recipe):
        return folder
    _render_to(folder, recipe, num_workers or _num_cores(), progress)
    return folder


def _render_to(
    folder: Path, recipe: Recipe, num_workers: int, progress: Progress | None
) -> None:
    """Render beside `folder` and rename: nobody ever sees half a set."""
    partial = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    try:
        for name in CLASS_NAMES:
            (partial / name).mkdir(parents=True)
        _render_all(partial, recipe, num_workers, progress)
        marker = json.dumps(dataclasses.asdict(recipe), indent=2)
        (partial / MARKER).write_text(marker + "\n", encoding="utf-8")
        _move(partial, folder, recipe)
    except OSError as error:
        raise DataError(f"cannot render to {folder}: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _num_cores() -> int:
    """Count the cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _is_complete(folder: Path, recipe: Recipe) -> bool:
    """Tell whether `folder` holds `recipe`; refuse one that holds anything else."""
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise DataError(f"{folder} must be a folder, but is a file")
    if not any(folder.iterdir()):
        return False
    try:
        found = json.loads((folder / MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise DataError(f"{folder} must be new or empty, but holds files") from None
    if found != dataclasses.asdict(recipe):
        raise DataError(f"{folder} holds another set, {found}, not {recipe}")
    for position in range(recipe.num_images):
        path = folder / worker.image_path(position)
        if not path.is_file():
            raise DataError(f"{path} is missing: remove {folder} to render it anew")
    return True


def _move(partial: Path, folder: Path, recipe: Recipe) -> None:
    """Give a finished set its name, unless another process was faster."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()  # Windows renames onto no folder, not even an empty one.
    try:
        partial.rename(folder)
    except OSError:
        if not _is_complete(folder, recipe):
            raise


def _render_all(
    folder: Path, recipe: Recipe, num_workers: int, progress: Progress | None
) -> None:
    """Run the workers to their end; raise DataError when one fails."""
    num_workers = max(1, min(num_workers, recipe.num_images // _MIN_SHARE))
    messages: queue.Queue[str | int] = queue.Queue()
    workers = [_start(folder, recipe, i, num_workers) for i in range(num_workers)]
    try:
        for process in workers:
            threading.Thread(target=_listen, args=(process, messages)).start()
        count, running = 0, num_workers
        while running:
            message = messages.get()
            if message == worker.DONE:
                count += 1
                if progress:
                    progress(count, recipe.num_images)
            elif message == 0:
                running -= 1
            else:
                raise DataError(f"cannot render to {folder.parent}: {message}")
    finally:
        for process in workers:
            process.kill()
            process.wait()


def _listen(process: subprocess.Popen[str], messages: queue.Queue[str | int]) -> None:
    """Pass on each finished image, then 0 or the last words of a failed worker."""
    words = ""
    for line in process.stdout or ():
        if line.strip() == worker.DONE:
            messages.put(worker.DONE)
        else:
            words = line.strip()
    code = process.wait()
    messages.put(words or f"a worker ended with exit code {code}" if code else 0)


def _start(
    folder: Path, recipe: Recipe, share: int, num_workers: int
) -> subprocess.Popen[str]:
    """Start the worker that draws one share.

    A plain subprocess, not multiprocessing: a spawned child would import the caller's
    main script again, and TensorFlow with it, and fail where that has no main guard.
    """
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    numbers = (recipe.num_images, recipe.size, recipe.seed, share, num_workers)
    return subprocess.Popen(
        [sys.executable, "-m", worker.__name__, str(folder), *map(str, numbers)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
