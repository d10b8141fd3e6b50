"""The embedded data set: flowers drawn by code."""

from collections.abc import Callable
from dataclasses import replace

from data_pipelines.sources.folders import cache_dir
from data_pipelines.sources.source import Source, fingerprint, from_folder

NUM_RENDERED = 2000
_SIZE = 224


def from_rendered(
    num_images: int = NUM_RENDERED,
    seed: int = 0,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Source:
    """Returns the embedded set, flowers drawn by code; drawn once, then kept in cache.

    Args:
        num_images: In all five classes together.
        seed: Same seed, same images.
        progress: Called with (done, total) while images are drawn.
    """
    from data_pipelines.synthetic.flowers import RECIPE_VERSION
    from data_pipelines.synthetic.render import render_dataset

    name = f"rendered-flowers-v{RECIPE_VERSION}-{num_images}x{_SIZE}-{seed}"
    folder = render_dataset(
        cache_dir() / name,
        num_images=num_images,
        size=_SIZE,
        seed=seed,
        progress=progress,
    )
    source = from_folder(folder)
    sizes = [
        (example.name, (folder / example.name).stat().st_size)
        for example in source.examples
    ]
    return replace(
        source,
        kind="rendered",
        name=name,
        # Not of the times of change: drawing again changes them, not the images.
        fingerprint=fingerprint("rendered", sizes),
        is_synthetic=True,
    )
