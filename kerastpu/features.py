"""Runs a frozen network once over images and keeps what comes out.

On a CPU the images go through in chunks that fit its cache, two at a time: for
EfficientNet-Lite0 at 192 px a chunk of 8 takes three quarters of the processor time
that a batch of 32 takes, and reading the next images overlaps with computing.
"""

from __future__ import annotations

import collections
import functools
import math
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from kerastpu.errors import DataError, UsageError
from kerastpu.progress import Update

if TYPE_CHECKING:
    import keras

BATCH_SIZE = 32  # a good size for the batches that `extract` is given

ENGINES = ("auto", "keras")

_CPU_CHUNK_BYTES = 4 << 20  # of float32 input
_ACCELERATOR_CHUNK_BYTES = 64 << 20
_MAX_CHUNK = 1024
_WORKERS = 2

Runner = Callable[[np.ndarray], np.ndarray]


def extract(
    backbone: keras.Model,
    batches: Iterable[tuple[Any, Any]],
    *,
    num_examples: int,
    progress: Update | None = None,
    engine: str = "auto",
) -> tuple[np.ndarray, np.ndarray]:
    """Runs `backbone` in inference mode over all batches, in their order.

    Args:
        backbone: One input, one output (batch, D).
        batches: Pairs of uint8 images (B, H, W, C), 0..255, and labels (B,); B may
            differ from batch to batch. A tf.data.Dataset, a generator, a list.
        num_examples: How many examples all batches hold, N.
        progress: Told (examples done, N) as work goes on.
        engine: "keras", or "auto", which is the same today.

    Returns:
        float32 (N, D) outputs and int32 (N,) labels.

    Raises:
        UsageError: an unknown engine.
        DataError: images of another shape than the network takes, another number of
            labels than images, or not `num_examples` examples.
    """
    if engine not in ENGINES:
        raise UsageError(f"engine must be {' or '.join(ENGINES)}; got {engine!r}")
    features = np.empty((num_examples, backbone.output_shape[-1]), np.float32)
    labels = np.empty(num_examples, np.int32)
    done = 0

    def images() -> Iterator[np.ndarray]:
        start = 0
        for batch, batch_labels in batches:
            stop = start + len(batch)
            if stop > num_examples or len(batch_labels) != len(batch):
                raise DataError(
                    f"expected {num_examples} examples; a batch of {len(batch)} images "
                    f"with {len(batch_labels)} labels came after {start}"
                )
            labels[start:stop] = batch_labels
            start = stop
            yield np.asarray(batch)

    for outputs in _run(backbone, images()):
        features[done : done + len(outputs)] = outputs
        done += len(outputs)
        if progress:
            progress(done, num_examples)
    if done != num_examples:
        raise DataError(f"expected {num_examples} examples; the batches held {done}")
    return features, labels


def assemble(backbone: keras.Model, head: keras.Model) -> keras.Model:
    """Joins a backbone and the head that was trained on its features.

    The layers are shared, not copied; the backbone's are frozen. A sequential head is
    taken apart, so that the result is one flat chain of layers.

    Args:
        backbone: Images, pixels 0..255 -> features (batch, D).
        head: Features (batch, D) -> probabilities (batch, num_classes).

    Returns:
        One uncompiled model: images -> probabilities.

    Raises:
        UsageError: the head takes another number of features.
    """
    import keras

    if backbone.output_shape != head.input_shape:
        raise UsageError(
            f"the head takes features of shape {head.input_shape}; "
            f"the backbone gives {backbone.output_shape}"
        )
    backbone.trainable = False
    x = backbone.output
    for layer in head.layers if isinstance(head, keras.Sequential) else [head]:
        x = layer(x)
    return keras.Model(backbone.input, x, name=backbone.name)


def _run(model: keras.Model, arrays: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Yields outputs chunk by chunk, in order, while later chunks are computed."""
    compiled: dict[str, Runner] = {}

    def call(chunk: np.ndarray, size: int) -> np.ndarray:
        return compiled[chunk.dtype.name](_padded(chunk, size))[: len(chunk)]

    pending: collections.deque[Future[np.ndarray]] = collections.deque()
    size = 0
    with ThreadPoolExecutor(_WORKERS) as pool:
        for array in arrays:
            if array.shape[1:] != model.input_shape[1:]:
                raise DataError(
                    f"the model takes inputs of shape {model.input_shape[1:]}; "
                    f"got {array.shape[1:]}"
                )
            size = size or _chunk_size(array)
            if array.dtype.name not in compiled:
                compiled[array.dtype.name] = _compile(model, array.dtype.name)
            for start in range(0, len(array), size):
                chunk = array[start : start + size]
                pending.append(pool.submit(call, chunk, size))
                if len(pending) > _WORKERS:
                    yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def _chunk_size(array: np.ndarray) -> int:
    """Cuts a first batch into equal chunks, so that little has to be padded."""
    import keras

    is_cpu = all(name.startswith("cpu") for name in keras.distribution.list_devices())
    num_bytes = _CPU_CHUNK_BYTES if is_cpu else _ACCELERATOR_CHUNK_BYTES
    most = min(_MAX_CHUNK, max(1, num_bytes // (4 * math.prod(array.shape[1:]))))
    return math.ceil(len(array) / math.ceil(len(array) / most))


def _padded(chunk: np.ndarray, size: int) -> np.ndarray:
    """Repeats the last example up to `size`: XLA compiles anew for each shape."""
    missing = size - len(chunk)
    return np.concatenate([chunk, np.repeat(chunk[-1:], missing, axis=0)])


def _compile(model: keras.Model, dtype: str) -> Runner:
    """Returns the compiled inference function of the Keras backend in use."""
    import keras

    if keras.backend.backend() == "jax":
        return _compile_jax(model)
    return _compile_tensorflow(model, dtype)


# Two are kept, so that several passes over data trace a network once.
@functools.lru_cache(maxsize=2)
def _compile_tensorflow(model: keras.Model, dtype: str) -> Runner:
    import tensorflow as tf

    # No XLA: it is 18 times slower on depthwise convolutions on a CPU.
    spec = tf.TensorSpec((None, *model.input_shape[1:]), dtype)
    function = tf.function(
        lambda inputs: tf.cast(model(inputs, training=False), tf.float32),
        input_signature=[spec],
        jit_compile=False,
    )
    concrete = function.get_concrete_function()
    return lambda inputs: concrete(tf.constant(inputs)).numpy()


@functools.lru_cache(maxsize=2)
def _jitted(model: keras.Model) -> Callable:
    import jax

    def call(trainable: list, constant: list, inputs: Any) -> Any:
        outputs, _ = model.stateless_call(trainable, constant, inputs, training=False)
        return outputs.astype("float32")

    return jax.jit(call)


def _compile_jax(model: keras.Model) -> Runner:
    trainable = [variable.value for variable in model.trainable_variables]
    constant = [variable.value for variable in model.non_trainable_variables]
    function = _jitted(model)
    return lambda inputs: np.asarray(function(trainable, constant, inputs))
