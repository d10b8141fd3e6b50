"""Photos of five flowers: the recipes for photos, on a folder of one's own as well."""

from data_pipelines.augment import Augment
from kerastpu.config import (
    Config,
    HeadConfig,
    InputConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainingConfig,
)

# The blocks of the last stage of EfficientNet-Lite0, and the one before them.
_BLOCKS = (
    "block10_add",
    "block11_project_bn",
    "block12_add",
    "block13_add",
    "block14_add",
    "block15_project_bn",
)


def flowers() -> Config:
    """Photos, features computed once: about a minute on a CPU.

    EfficientNet-Lite0 with ImageNet weights stays frozen; what its last blocks make of
    each image and of four augmented views is pooled and kept; a classifier with one
    hidden layer is trained on that, mixed in pairs.
    """
    return Config(
        preset="flowers",
        input=InputConfig(image_size=224, augment=Augment(mixup=0.2)),
        model=ModelConfig(
            head=HeadConfig(taps=_BLOCKS, units=(256,), batch_norm=True, dropout=0.5)
        ),
        optimizer=OptimizerConfig(learning_rate=1e-3),
        loss=LossConfig(label_smoothing=0.1),
        training=TrainingConfig(mode="features", epochs=45, batch_size=64, views=4),
    )


def finetune() -> Config:
    """Photos, a network's last stage trained: minutes on a CPU.

    EfficientNet-Lite0 with ImageNet weights: what its first stages make of each image
    and of six augmented views is kept; the last stage and a classifier with one hidden
    layer on all of its blocks are trained on that, mixed in pairs.
    """
    return Config(
        preset="flowers-finetune",
        input=InputConfig(
            image_size=224, validation_fraction=0.05, augment=Augment(mixup=0.2)
        ),
        model=ModelConfig(
            head=HeadConfig(taps=_BLOCKS[1:], units=(256,), batch_norm=True),
            trainable_stages=1,
        ),
        optimizer=OptimizerConfig(name="adamw", learning_rate=1e-3, weight_decay=0.05),
        schedule=ScheduleConfig(warmup="10%"),
        loss=LossConfig(label_smoothing=0.1),
        training=TrainingConfig(
            mode="features",
            epochs=12,
            batch_size=32,
            views=6,
            feature_dtype="float16",
        ),
    )


def squeezenet() -> Config:
    """Photos, the codelab's SqueezeNet from scratch, 35 epochs.

    120,613 parameters, trained on crops of a third of the image and more; what is kept
    is their moving average. Meant for an accelerator; a smaller --input.image-size is
    faster.
    """
    return Config(
        preset="flowers-squeezenet",
        input=InputConfig(augment=Augment(crop_scale=(0.3, 1.0))),
        model=ModelConfig(name="squeezenet", weights=None),
        optimizer=OptimizerConfig(
            name="adamw", learning_rate=3e-3, weight_decay=0.02, ema=0.995
        ),
        schedule=ScheduleConfig(warmup="3 epochs"),
        training=TrainingConfig(mode="end_to_end", epochs=35, batch_size=32),
    )


def xception() -> Config:
    """Photos, all of Xception fine-tuned: for accelerators.

    As in lab 07 of the codelab: the learning rate rises for 5 epochs from 1e-5 to 5e-5
    and falls by a fifth in each epoch after that. The ImageNet weights are those of
    keras.applications, which Keras downloads from storage.googleapis.com.
    """
    return Config(
        preset="flowers-xception",
        model=ModelConfig(name="xception"),
        optimizer=OptimizerConfig(learning_rate=5e-5),
        schedule=ScheduleConfig(
            name="exponential", warmup="5 epochs", start=1e-5, floor=1e-5, decay=0.8
        ),
        training=TrainingConfig(mode="end_to_end", epochs=15, batch_size=16),
    )
