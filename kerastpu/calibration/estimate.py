"""From rates and counts to seconds: plain arithmetic."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from data_pipelines import Manifest
from kerastpu.config import Config
from kerastpu.models import registry

# For a first guess without measuring: a training step costs three inferences (forward,
# and backward to inputs and to weights), and no less than its overhead.
_GUESSED_FLOPS = 60e9  # per second, Keras on two CPU cores at convolutions
_GUESSED_ONNX_FLOPS = 300e9  # ONNX Runtime there
_GUESSED_SHARE = 0.4  # of a network's operations in the layers that train on kept maps
_GUESSED_STEP_SECONDS = 3e-3

# Saving, pictures and scores, measured with the presets on two CPU cores.
FINISHING_SECONDS = 4.0

MIB = 2**20


@dataclass(frozen=True)
class Counts:
    """What a run has to do.

    Attributes:
        photos: Training images.
        validation: Images scored after each epoch.
        test: Images scored at the end.
        epochs: Passes over the training images.
        views: Views of each training image whose features are kept; 0 = none are.
        missing: Rows of features to compute, those of validation images included.
        steps: Training steps in an epoch.
        batch_size: Global batch.
    """

    photos: int
    validation: int
    test: int
    epochs: int
    views: int
    missing: int
    steps: int
    batch_size: int


@dataclass(frozen=True)
class Rates:
    """How fast a machine is.

    Attributes:
        training: Images per second of training steps, with what makes their batches.
        validation: Images per second of scoring after an epoch.
        features: Images per second through the part whose output is kept, images made
            meanwhile; 0 where none is.
        scoring: Images per second through the whole network as the saved model is
            scored, images made meanwhile.
        ready: Seconds until the first step: network built, compiled, converted.
    """

    training: float
    validation: float
    features: float
    scoring: float
    ready: float


@dataclass(frozen=True)
class Sizes:
    """What a run takes up.

    Attributes:
        parameters: Of the whole network.
        trainable: Those that train.
        feature_bytes: Of kept features on disk.
        checkpoint_bytes: Of the newest two checkpoints on disk.
        memory_bytes: Of the process that measured, at its largest; 0 = not known.
    """

    parameters: int
    trainable: int
    feature_bytes: int
    checkpoint_bytes: int
    memory_bytes: int


@dataclass(frozen=True)
class Estimate:
    """How long a run will take, and what it takes up."""

    counts: Counts
    rates: Rates
    sizes: Sizes

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by phase; all epochs are counted, early stopping may end sooner."""
        counts, rates = self.counts, self.rates
        images = counts.steps * counts.batch_size
        return {
            "getting ready": rates.ready,
            "features": counts.missing / rates.features if counts.missing else 0.0,
            "training": counts.epochs * images / rates.training,
            "validation": counts.epochs * counts.validation / rates.validation,
            "test": counts.test / rates.scoring,
            "finishing": FINISHING_SECONDS,
        }

    @property
    def total_seconds(self) -> float:
        """Of all phases."""
        return sum(self.seconds.values())

    def to_dict(self) -> dict[str, Any]:
        """Returns plain values, ready for `json`."""
        seconds = self.seconds | {"total": self.total_seconds}
        return {
            "seconds": {name: round(value, 2) for name, value in seconds.items()},
            **asdict(self),
        }

    def line(self) -> str:
        """Returns the estimate in one line."""
        counts, parts = self.counts, self.seconds
        if counts.views:
            features = (
                f"{counts.missing:,} features at {self.rates.features:,.0f} images/s: "
                f"{_duration(parts['features'])}"
                if counts.missing
                else "features are there"
            )
            work = f"{features}; {counts.epochs} epochs: {_duration(parts['training'])}"
        else:
            work = (
                f"{counts.photos:,} images x {counts.epochs} epochs at "
                f"{self.rates.training:,.0f} images/s: {_duration(parts['training'])}"
            )
        return f"about {_duration(self.total_seconds)} on this machine ({work})"

    def table(self) -> str:
        """Returns all figures, a line each."""
        counts, sizes = self.counts, self.sizes
        rows = [
            (name, _duration(value)) for name, value in self.seconds.items() if value
        ]
        rows += [
            ("network", f"{sizes.parameters:,} parameters, {sizes.trainable:,} train"),
            (
                "steps",
                f"{counts.epochs} x {counts.steps:,} = "
                f"{counts.epochs * counts.steps:,} of {counts.batch_size} images",
            ),
            ("kept features", f"{sizes.feature_bytes / MIB:,.0f} MiB on disk"),
            ("checkpoints", f"{sizes.checkpoint_bytes / MIB:,.0f} MiB on disk"),
            ("memory", f"at least {sizes.memory_bytes / MIB:,.0f} MiB"),
        ]
        lines = (f"  {name:<14} {text}" for name, text in rows)
        return "\n".join([self.line(), *lines])


def rough_seconds(config: Config, manifest: Manifest) -> float:
    """Guesses the length of a run on a CPU from operations alone, in no time.

    Good to a factor of about 3: enough to tell whether measuring is worth its seconds.
    """
    counts = count(config, manifest, config.training.batch_size)
    entry = registry.REGISTRY[config.model.name]
    flops = entry.flops * (config.input.image_size / entry.image_size) ** 2
    trained = float(counts.epochs * (3 * counts.photos + counts.validation))
    steps_seconds = counts.epochs * counts.steps * _GUESSED_STEP_SECONDS
    if not counts.views:
        return trained * flops / _GUESSED_FLOPS + steps_seconds
    is_keras = config.training.engine == "keras"
    speed = _GUESSED_FLOPS if is_keras else _GUESSED_ONNX_FLOPS
    if config.model.cut or config.model.trainable_stages:
        trained *= _GUESSED_SHARE
    else:
        trained = 0.0  # a head is all overhead
    return (
        counts.missing * flops / speed
        + trained * flops / _GUESSED_FLOPS
        + steps_seconds
    )


def count(config: Config, manifest: Manifest, batch_size: int) -> Counts:
    """Counts what a run with this global batch has to do, no features being kept."""
    training, photos = config.training, manifest.num_examples("train")
    validation = manifest.num_examples("validation")
    views = training.views + 1 if training.mode == "features" else 0
    return Counts(
        photos=photos,
        validation=validation,
        test=manifest.num_examples("test"),
        epochs=training.epochs,
        views=views,
        missing=photos * views + validation if views else 0,
        steps=photos // batch_size,
        batch_size=batch_size,
    )


def _duration(seconds: float) -> str:
    """Returns seconds as people say them: 8 s, 75 s, 4 min, 2.5 h."""
    if seconds < 99.5:
        return f"{seconds:.0f} s" if seconds >= 1 else "1 s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
