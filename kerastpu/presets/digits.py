"""Handwritten digits of 28 x 28 gray pixels (MNIST)."""

from data_pipelines.augment import Augment
from kerastpu.config import (
    Config,
    InputConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainingConfig,
)

# Small turns, zooms and shifts. A digit in the mirror is another sign: no flips.
_INPUT = InputConfig(
    image_size=28,
    color="gray",
    augment=Augment(
        flip=False, crop_scale=(0.8, 1.0), crop_ratio=(0.9, 1.1), rotation=8.0
    ),
)


def mlp() -> Config:
    """Digits, dense layers alone: a minute or two on a CPU.

    169,670 parameters: the first network of the codelab "TensorFlow, Keras and deep
    learning, without a PhD", 200 and 60 units with ReLU and dropout.
    """
    return Config(
        preset="mnist-mlp",
        data="mnist",
        input=_INPUT,
        model=ModelConfig(name="mnist_dense", weights=None),
        optimizer=OptimizerConfig(learning_rate=2e-3),
        schedule=ScheduleConfig(warmup="1 epochs"),
        training=TrainingConfig(mode="end_to_end", epochs=20, batch_size=64),
    )


def cnn() -> Config:
    """Digits, a small convnet: minutes on a CPU.

    354,538 parameters: the last network of the codelab "TensorFlow, Keras and deep
    learning, without a PhD", three convolutions and 200 units with BatchNorm and
    dropout. What is kept is the moving average of the weights.
    """
    return Config(
        preset="mnist-cnn",
        data="mnist",
        input=_INPUT,
        model=ModelConfig(name="mnist_convnet", weights=None),
        optimizer=OptimizerConfig(learning_rate=2e-3, ema=0.995),
        schedule=ScheduleConfig(warmup="1 epochs"),
        training=TrainingConfig(mode="end_to_end", epochs=15, batch_size=64),
    )
