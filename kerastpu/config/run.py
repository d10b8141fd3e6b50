"""One training run as a value: JSON in and out."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

import tyro

from kerastpu.config import (
    checks,
    model_checks,
    optimizer_checks,
    schedule_checks,
    values,
)
from kerastpu.config.sections import (
    AcceleratorName,
    BackendName,
    InputConfig,
    LossConfig,
    ModelConfig,
    OptimizerConfig,
    PrecisionName,
    ScheduleConfig,
    TrainingConfig,
)
from kerastpu.errors import UsageError


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
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    loss: LossConfig = field(default_factory=LossConfig)
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
        values.check_types(self, "")
        checks.check_input(self)
        model_checks.check_model(self)
        optimizer_checks.check_optimizer(self)
        optimizer_checks.check_loss(self)
        checks.check_training(self)
        schedule_checks.check_schedule(self)


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
