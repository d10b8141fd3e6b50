"""Where training runs: `resolve()` finds the hardware, `Accelerator` runs on it safely.

The guards against what Keras 3 and tf.distribute cannot do together live here only.
"""

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from kerastpu import backend, hardware
from kerastpu.errors import AcceleratorError, UsageError
from kerastpu.precision import PRECISIONS, resolve_precision

if TYPE_CHECKING:
    import keras

LOG = logging.getLogger("kerastpu")
KINDS = ("auto", "tpu", "mirrored", "data-parallel", "single", "cpu")
NEEDS = ("gradient_accumulation", "jit_compile", "short_steps")


@dataclass(frozen=True, eq=False)
class Accelerator:
    """The chosen hardware, how a batch is spread over it, and why."""

    kind: str
    """tpu, mirrored, data-parallel, single or cpu."""
    backend: str
    """tensorflow or jax."""
    strategy: Any
    """A tf.distribute.Strategy, a keras.distribution.DataParallel, or None."""
    devices: tuple[str, ...]
    """Names of the devices that compute."""
    platform: str
    """cpu, gpu or tpu."""
    num_replicas: int
    """Shares that a global batch is cut into, at least 1."""
    precision: str
    """Keras dtype policy of the layers that are built inside `scope()`."""
    jit_compile: bool
    """Whether Keras is told to compile steps with XLA."""
    reasons: tuple[str, ...]
    """What was found and tried on the way to this choice, in order."""

    @contextlib.contextmanager
    def scope(self) -> Iterator[None]:
        """Builds, compiles and fits here; the dtype policy is set, then set back.

        TensorFlow makes variables in this scope; JAX also needs it while fitting.
        """
        import keras

        previous = keras.config.dtype_policy()
        no_scope = contextlib.nullcontext()
        with no_scope if self.strategy is None else self.strategy.scope():
            keras.config.set_dtype_policy(self.precision)
            try:
                yield
            finally:
                keras.config.set_dtype_policy(previous)

    def prepare(self, model: "keras.Model") -> "keras.Model":
        """Returns `model`, changed in place so that N replicas train it as one would.

        Its BatchNorms, nested ones too, will see the global batch; call it before the
        first step. Otherwise each TensorFlow replica normalizes its own share and keeps
        its own statistics, of which the first replica's are saved. JAX needs nothing.
        """
        if self._has_tensorflow_replicas():
            _set_synchronized(model, True)
        return model

    def finalize(self, model: "keras.Model") -> "keras.Model":
        """Returns `model`, its BatchNorms plain again; call it before saving.

        Only TensorFlow loads a model that holds the flag which `prepare` sets.
        """
        _set_synchronized(model, False)
        return model

    def global_batch(self, per_replica: int) -> int:
        """Returns images in a step, from those on one replica; UsageError below 1."""
        if per_replica < 1:
            raise UsageError(f"batch size must be at least 1, not {per_replica}")
        return per_replica * self.num_replicas

    def check_batch(self, batch_size: int, num_examples: int | None = None) -> None:
        """Refuses batches that cannot be shared by the replicas.

        In training the remainder has to be dropped: on TensorFlow a last batch of
        unequal shares gives wrong gradients, or NaN, without an error.

        Args:
            batch_size: global batch size.
            num_examples: given when all of them are to be scored or predicted, in
                batches of `batch_size` and a smaller last one.

        Raises:
            AcceleratorError: the batch, or the last one, does not fit.
        """
        replicas = self.num_replicas
        if batch_size < 1 or batch_size % replicas:
            below = max(batch_size - batch_size % replicas, replicas)
            raise AcceleratorError(
                f"a batch of {batch_size} does not divide by {replicas} replicas; "
                f"use {below} or {below + replicas}"
            )
        tail = (num_examples or 0) % batch_size
        if tail and self.backend == "jax" and tail % replicas:
            rule = f"a multiple of {replicas}"
        elif 0 < tail < replicas:
            rule = f"at least {replicas}, one for each replica"
        else:
            return
        raise AcceleratorError(
            f"{num_examples} examples in batches of {batch_size} leave a last batch of "
            f"{tail}; it must be {rule}: pad it, change the batch size or use single"
        )

    def compile_options(
        self,
        *,
        steps_per_execution: int = 1,
        jit_compile: bool | None = None,
        gradient_accumulation_steps: int | None = None,
    ) -> dict[str, Any]:
        """Returns steps_per_execution and jit_compile for `model.compile`, safe here.

        Args:
            steps_per_execution: optimizer steps in one call of the compiled function;
                on several TensorFlow replicas 1, with a warning (keras #19246).
            jit_compile: XLA on or off; None = `self.jit_compile`.
            gradient_accumulation_steps: what the optimizer is going to be built with.

        Raises:
            AcceleratorError: XLA or gradient accumulation is asked for and cannot work.
        """
        needs = ["jit_compile"] if jit_compile else []
        if gradient_accumulation_steps not in (None, 1):
            needs.append("gradient_accumulation")
        _refuse(needs, self.backend, self.kind, self.num_replicas)
        if steps_per_execution > 1 and self._has_tensorflow_replicas():
            LOG.warning(
                "steps_per_execution is 1, not %d: more fails on several TensorFlow "
                "replicas (https://github.com/keras-team/keras/issues/19246)",
                steps_per_execution,
            )
            steps_per_execution = 1
        if jit_compile is None or (self.backend, self.kind) == ("tensorflow", "tpu"):
            jit_compile = self.jit_compile  # TPUStrategy always compiles, by itself
        return {"steps_per_execution": steps_per_execution, "jit_compile": jit_compile}

    def _has_tensorflow_replicas(self) -> bool:
        return self.backend == "tensorflow" and self.num_replicas > 1

    def describe(self) -> str:
        """Returns one line: strategy, devices, backend, number format, XLA."""
        name = "" if self.strategy is None else f"{type(self.strategy).__name__} on "
        xla = "on" if self.jit_compile or self.platform == "tpu" else "off"
        return (
            f"{name}{hardware.count(self.devices, self.platform)} "
            f"({self.backend}, {self.precision}, XLA {xla})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns the choice, its summary and its reasons, ready for `json`."""
        names = (item.name for item in fields(self) if item.name != "strategy")
        return {"summary": self.describe()} | {k: getattr(self, k) for k in names}


def resolve(
    prefer: str = "auto", precision: str = "auto", needs: Sequence[str] = ()
) -> Accelerator:
    """Finds the accelerator to train on.

    auto on TensorFlow: a TPU where there are signs of one, else MirroredStrategy over
    all GPUs or over the one device. auto on JAX: DataParallel over all devices, or the
    one device. `reasons` says why it fell back; a named choice that is not there is an
    error. Imports Keras, on the backend that `backend.select()` takes.

    Args:
        prefer: one of `KINDS`. mirrored on JAX is DataParallel; single is the default
            device without a strategy; cpu hides the others.
        precision: auto, or a Keras dtype policy; see `precision.resolve_precision`.
        needs: what the run is going to ask for, out of `NEEDS`; on one device auto then
            takes single, as MirroredStrategy may fail (keras #20763, #17187), or, with
            short_steps, adds 5 to 7 ms to each (a softmax head takes 2.2 times as
            much processor time).

    Raises:
        UsageError: an argument that is not allowed.
        AcceleratorError: what was asked for is not there, or cannot do what it needs.
        KerastpuError: the Keras backend cannot be used.
    """
    _check_name("accelerator", prefer, KINDS)
    _check_name("precision", precision, PRECISIONS)
    for need in needs:
        _check_name("needs", need, NEEDS)
    name = backend.select()
    choice = hardware.CHOOSERS[name](prefer, tuple(needs))
    _refuse(needs, name, choice.kind, choice.num_replicas)
    policy, reason = resolve_precision(precision, name, choice.platform)
    # Without XLA there is no JAX; on a CPU it made TensorFlow 18 times slower; a TPU
    # strategy compiles by itself.
    is_lone_gpu = choice.strategy is None and choice.platform == "gpu"
    wants_xla = "jit_compile" in needs and choice.platform != "tpu"
    return Accelerator(
        kind=choice.kind,
        backend=name,
        strategy=choice.strategy,
        devices=choice.devices,
        platform=choice.platform,
        num_replicas=choice.num_replicas,
        precision=policy,
        jit_compile=name == "jax" or is_lone_gpu or wants_xla,
        reasons=(*choice.reasons, reason),
    )


def _check_name(argument: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"{argument} must be {', '.join(allowed)}, not {value!r}")


def _refuse(needs: Sequence[str], name: str, kind: str, num_replicas: int) -> None:
    if name != "tensorflow" or kind not in ("mirrored", "tpu"):
        return
    if "gradient_accumulation" in needs:
        raise AcceleratorError(
            f"gradient accumulation fails under tf.distribute ({kind}); use single, or "
            "KERAS_BACKEND=jax"
        )
    if "jit_compile" in needs and kind == "mirrored" and num_replicas > 1:
        raise AcceleratorError(
            f"XLA (jit_compile) fails on {num_replicas} TensorFlow replicas "
            "(https://github.com/keras-team/keras/issues/20763); use single, or "
            "KERAS_BACKEND=jax"
        )


def _set_synchronized(model: "keras.Model", value: bool) -> None:
    import keras

    for layer in model._flatten_layers():  # reaches layers inside layers and models
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.synchronized = value
