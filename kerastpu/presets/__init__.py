"""Named configs, a file per family; what they reached is in their recipe cards."""

import inspect
from collections.abc import Callable

from kerastpu.config import Config
from kerastpu.errors import UsageError
from kerastpu.presets import digits, flowers, tiny

PRESETS: dict[str, Callable[[], Config]] = {
    "flowers": flowers.flowers,
    "flowers-finetune": flowers.finetune,
    "flowers-squeezenet": flowers.squeezenet,
    "flowers-xception": flowers.xception,
    "mnist-mlp": digits.mlp,
    "mnist-cnn": digits.cnn,
    "tiny": tiny.tiny,
}


def get(name: str) -> Config:
    """Returns the preset `name`.

    Raises:
        UsageError: there is none of that name; lists those there are.
    """
    return _find(name)()


def describe(name: str) -> tuple[str, str]:
    """Returns what the preset `name` is, in one line, and all that is said of it.

    Raises:
        UsageError: there is none of that name; lists those there are.
    """
    text = inspect.getdoc(_find(name)) or ""
    return text.partition("\n")[0].rstrip("."), text


def _find(name: str) -> Callable[[], Config]:
    if name not in PRESETS:
        raise UsageError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]
