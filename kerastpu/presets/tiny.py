"""The smallest run that shows every part."""

from kerastpu.config import (
    Config,
    InputConfig,
    ModelConfig,
    OptimizerConfig,
    TrainingConfig,
)


def tiny() -> Config:
    """Photos at 48 pixels, a small convnet: for trying things out."""
    return Config(
        preset="tiny",
        input=InputConfig(image_size=48),
        model=ModelConfig(name="convnet", weights=None),
        optimizer=OptimizerConfig(learning_rate=2e-3),
        training=TrainingConfig(mode="end_to_end", epochs=10, batch_size=32),
    )
