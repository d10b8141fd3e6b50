"""What a training run is: frozen, typed, JSON in and out, checked at the door."""

import dataclasses
import json
import types
from dataclasses import dataclass, field
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import tyro

from data_pipelines.augment import Augment
from kerastpu import durations
from kerastpu.errors import UsageError
from kerastpu.models import REGISTRY

AcceleratorName = Literal["auto", "tpu", "mirrored", "single", "cpu"]
BackendName = Literal["auto", "tensorflow", "jax"]
PrecisionName = Literal["auto", "float32", "mixed_bfloat16", "mixed_float16"]
ScheduleName = Literal["cosine", "ramp", "constant"]
OptimizerName = Literal["adam", "adamw", "sgd"]
ScalingName = Literal["none", "sqrt", "linear"]
NormalizationName = Literal["default", "mnist"]
OrderName = Literal["exact", "window"]
TrainingMode = Literal["features", "end_to_end"]


@dataclass(frozen=True)
class InputConfig:
    """From files to batches."""

    image_size: int = 192
    """Side of the square image that the model sees, in pixels, 16..1024."""
    test_fraction: float = 0.2
    """Share of the images kept for the final score, 0.01..0.8."""
    validation_fraction: float = 0.1
    """Share of the images that choose the best epoch, 0.01..0.8."""
    skip_bad: bool = False
    """Leave out files that are not readable images, listing them, not stopping."""
    shuffle_labels: bool = False
    """Deal the labels out at random: a control, the score must fall to chance."""
    order: OrderName = "exact"
    """exact: every epoch in an order of its own; window: shuffled in runs of 2,048
    stored neighbors, for data larger than memory on a disk best read in sequence."""
    cache_mib: int = 0
    """Memory for decoded images in MiB, 0..1048576: later epochs need not decode."""
    augment: Augment = field(default_factory=Augment)
    """Random changes made to training images."""


@dataclass(frozen=True)
class ModelConfig:
    """The network."""

    name: str = "efficientnet_lite0"
    """A name that `kerastpu.models.REGISTRY` holds."""
    weights: str | None = "imagenet"
    """Where the first weights come from: imagenet, or None for random ones."""
    num_classes: int | None = None
    """Classes of the output, at least 2; None = as many as the data has."""
    normalization: NormalizationName = "default"
    """Scaling of the pixels inside the network: default is the network's own; mnist
    subtracts 0.1307 and divides by 0.3081 after x / 255, for convnet and squeezenet."""
    dropout: float = 0.2
    """Share of the head's inputs dropped while training, 0..0.9; features only."""


@dataclass(frozen=True)
class OptimizerConfig:
    """How weights move."""

    name: OptimizerName = "adam"
    """Update rule."""
    learning_rate: float = 1e-3
    """Peak learning rate on one replica, above 0."""
    replica_scaling: ScalingName = "linear"
    """How the peak grows with the number of replicas N: none, sqrt(N) or N."""
    schedule: ScheduleName = "cosine"
    """Shape of the learning rate over the run; ramp is the codelab's."""
    warmup: str = "5%"
    """Length of the rise to the peak: "5%" of the run, "3 epochs" or "100 steps"."""
    decay: float = 0.8
    """Factor per epoch after the peak, for the ramp schedule, above 0, at most 1."""
    weight_decay: float = 0.0
    """Decoupled weight decay per step (adamw), 0..1."""
    label_smoothing: float = 0.0
    """Share of each label spread over all classes, 0..0.5."""


@dataclass(frozen=True)
class TrainingConfig:
    """How long and how."""

    mode: TrainingMode = "features"
    """features: run the frozen network once, train its head; end_to_end: train all."""
    epochs: int = 30
    """Passes over the training images or their features, 1..10000; fewer when the
    validation loss stops falling."""
    batch_size: int = 64
    """Images per replica and step, 1..65536; the global batch is this x replicas."""
    views: int = 1
    """Augmented copies of each image whose features are kept, 0..50; features only."""


@dataclass(frozen=True)
class Config:
    """One training run."""

    preset: tyro.conf.Suppress[str] = "flowers"  # named as a word, not as a flag
    """The recipe that this config started from."""
    data: str = "auto"
    """auto, a name that `kerastpu data list` shows, tfds:NAME, a folder, .csv, .npz,
    TFRecords, or any of these at gs://..."""
    accelerator: AcceleratorName = "auto"
    """What to run on; a named one that is absent is an error."""
    backend: BackendName = "auto"
    """Keras backend; auto takes KERAS_BACKEND, else TensorFlow where installed."""
    precision: PrecisionName = "auto"
    """Number format of the layers; auto = mixed_bfloat16 on TPU, mixed_float16 on GPUs
    with tensor cores, else float32."""
    seed: int = 0
    """Seed of every random choice, 0..2^31-1."""
    input: InputConfig = field(default_factory=InputConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    optimizer: OptimizerConfig = field(default_factory=OptimizerConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain dicts and values, ready for `json`."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """Returns the config as indented JSON."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Config":
        """Reads what `to_json` wrote.

        Raises:
            UsageError: not JSON, an unknown field, or a value that is not allowed.
        """
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise UsageError(f"config is not JSON: {error}") from None
        config = _from_dict(cls, values, "config")
        config.validate()
        return config

    def validate(self) -> None:
        """Checks every field against its allowed range.

        Raises:
            UsageError: names the field, what came and what is allowed.
        """
        _validate_types(self, "")
        inputs, model = self.input, self.model
        optimizer, training = self.optimizer, self.training
        _in_range("seed", self.seed, 0, 2**31 - 1)
        _in_range("input.image_size", inputs.image_size, 16, 1024)
        _in_range("input.test_fraction", inputs.test_fraction, 0.01, 0.8)
        _in_range("input.validation_fraction", inputs.validation_fraction, 0.01, 0.8)
        held_out = inputs.test_fraction + inputs.validation_fraction
        _in_range("input.test_fraction + input.validation_fraction", held_out, 0, 0.9)
        _in_range("input.cache_mib", inputs.cache_mib, 0, 2**20)
        if inputs.augment.is_mixing and training.mode == "features":
            raise UsageError(
                "input.augment.mixup and cutmix mix the images of a batch: "
                "training.mode must be end_to_end; got features"
            )
        is_plain = inputs.order == "exact" and not inputs.cache_mib
        if training.mode == "features" and not is_plain:
            raise UsageError(
                "input.order and input.cache_mib act on the batches of end_to_end: "
                f"they must be exact and 0 for features; got {inputs.order} and "
                f"{inputs.cache_mib}"
            )
        if model.name not in REGISTRY:
            raise UsageError(
                f"model.name must be one of {', '.join(REGISTRY)}; got {model.name!r}"
            )
        if model.normalization != "default" and (
            model.normalization not in REGISTRY[model.name].normalizations
        ):
            raise UsageError(
                f"model.normalization of {model.name} must be default; "
                f"got {model.normalization!r}"
            )
        if model.num_classes is not None:
            _in_range("model.num_classes", model.num_classes, 2, 1_000_000)
        _in_range("model.dropout", model.dropout, 0.0, 0.9)
        known = REGISTRY[model.name].weights
        if model.weights is not None and model.weights not in known:
            raise UsageError(
                f"model.weights of {model.name} must be "
                f"{' or '.join((*known, 'None'))}; got {model.weights!r}"
            )
        if model.dropout and training.mode == "end_to_end":
            raise UsageError(
                f"model.dropout acts on the head of mode features only: it must be 0 "
                f"for end_to_end; got {model.dropout}"
            )
        if optimizer.weight_decay and optimizer.name != "adamw":
            raise UsageError(
                f"optimizer.weight_decay needs the optimizer adamw: it must be 0 for "
                f"{optimizer.name}; got {optimizer.weight_decay}"
            )
        _in_range("optimizer.learning_rate", optimizer.learning_rate, 1e-12, 1e3)
        _in_range("optimizer.decay", optimizer.decay, 1e-6, 1.0)
        _in_range("optimizer.weight_decay", optimizer.weight_decay, 0.0, 1.0)
        _in_range("optimizer.label_smoothing", optimizer.label_smoothing, 0.0, 0.5)
        durations.parse(optimizer.warmup, "optimizer.warmup")
        _in_range("training.epochs", training.epochs, 1, 10_000)
        _in_range("training.batch_size", training.batch_size, 1, 65_536)
        _in_range("training.views", training.views, 0, 50)


def _in_range(name: str, value: float, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{name} must be a number; got {value!r}")
    if not low <= value <= high:
        raise UsageError(f"{name} must be {low:g}..{high:g}; got {value!r}")


def _validate_types(config: Any, prefix: str) -> None:
    """Checks every field against its annotation, also in nested configs."""
    hints = get_type_hints(type(config))
    for item in dataclasses.fields(config):
        value, name = getattr(config, item.name), f"{prefix}{item.name}"
        if dataclasses.is_dataclass(value):
            _validate_types(value, f"{name}.")
            continue
        hint = hints[item.name]
        allowed = get_args(hint)
        if get_origin(hint) is Literal:
            if value not in allowed:
                raise UsageError(
                    f"{name} must be one of {', '.join(allowed)}; got {value!r}"
                )
            continue
        is_union = get_origin(hint) in (Union, types.UnionType)
        kinds = [get_origin(kind) or kind for kind in (allowed if is_union else [hint])]
        is_whole_float = float in kinds and type(value) is int
        if type(value) not in kinds and not is_whole_float:
            names = " or ".join(kind.__name__ for kind in kinds)
            raise UsageError(f"{name} must be {names}; got {value!r}")


def _from_dict(cls: type, values: Any, name: str) -> Any:
    if not isinstance(values, dict):
        raise UsageError(f"{name} must be an object; got {values!r}")
    fields = {item.name: item for item in dataclasses.fields(cls)}
    unknown = sorted(set(values) - set(fields))
    if unknown:
        raise UsageError(
            f"{name} has no field {unknown[0]!r}; it has {', '.join(fields)}"
        )
    made = {}
    for key, value in values.items():
        kind = fields[key].type
        if isinstance(kind, type) and dataclasses.is_dataclass(kind):
            value = _from_dict(kind, value, f"{name}.{key}")
        made[key] = tuple(value) if isinstance(value, list) else value
    return cls(**made)
