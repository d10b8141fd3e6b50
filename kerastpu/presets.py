"""Named configs. Each docstring is the recipe card; scores live in `results/`."""

from collections.abc import Callable

from kerastpu.config import (
    Config,
    InputConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainingConfig,
)
from kerastpu.errors import UsageError


def flowers() -> Config:
    """Transfer learning with features computed once: minutes on a CPU.

    EfficientNet-Lite0 with ImageNet weights stays frozen; its features of each
    image and of augmented views are kept, and a softmax head is trained on them.

    Command: kerastpu train flowers --data $KERASTPU_DATA/flowers. Hardware, time and
    score: results/flowers.csv, rows of 3,870 photos.
    """
    return Config(
        preset="flowers",
        input=InputConfig(image_size=224),
        optimizer=OptimizerConfig(learning_rate=1e-3),
        loss=LossConfig(label_smoothing=0.1),
        training=TrainingConfig(mode="features", epochs=30, batch_size=64, views=1),
    )


def squeezenet() -> Config:
    """The codelab's SqueezeNet from scratch: 120,613 parameters, 35 epochs.

    Command: kerastpu train flowers-squeezenet. Meant for an accelerator; not yet
    measured to its end, so no score is claimed.
    """
    return Config(
        preset="flowers-squeezenet",
        model=ModelConfig(name="squeezenet", weights=None),
        optimizer=OptimizerConfig(learning_rate=1e-3),
        schedule=ScheduleConfig(warmup="3 epochs"),
        training=TrainingConfig(mode="end_to_end", epochs=35, batch_size=32),
    )


def tiny() -> Config:
    """A small convnet at 48 pixels from scratch: shows every part of a run.

    Command: kerastpu train tiny. For trying things out; no score is claimed.
    """
    return Config(
        preset="tiny",
        input=InputConfig(image_size=48),
        model=ModelConfig(name="convnet", weights=None),
        optimizer=OptimizerConfig(learning_rate=2e-3),
        training=TrainingConfig(mode="end_to_end", epochs=10, batch_size=32),
    )


PRESETS: dict[str, Callable[[], Config]] = {
    "flowers": flowers,
    "flowers-squeezenet": squeezenet,
    "tiny": tiny,
}


def get(name: str) -> Config:
    """Returns the preset `name`.

    Raises:
        UsageError: there is none of that name; lists those there are.
    """
    if name not in PRESETS:
        raise UsageError(f"no preset {name!r}; there are {', '.join(PRESETS)}")
    return PRESETS[name]()
