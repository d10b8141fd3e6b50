"""A Keras model as ONNX, by tf2onnx.

tf2onnx reads TensorFlow graphs, so on another backend a process of its own converts the
saved model: `python -m kerastpu.features.conversion FROM.keras TO.onnx DTYPE IN OUT
[keep-batch-norm]`.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from kerastpu.errors import KerastpuError
from kerastpu.features import batch_norm

if TYPE_CHECKING:
    import keras

OPSET = 18  # the latest that tf2onnx 1.17 writes
INPUT, OUTPUT = "inputs", "outputs"

_KEEP = "keep-batch-norm"


def to_onnx(
    model: keras.Model,
    dtype: str,
    names: tuple[str, str] = (INPUT, OUTPUT),
    *,
    keep_batch_norm: bool = False,
) -> bytes:
    """Converts `model` in inference mode.

    Args:
        model: One input, one output (batch, ...); on another backend than TensorFlow
            it must load in plain Keras.
        dtype: Of the inputs, "uint8" say.
        names: What input and output are called in the graph.
        keep_batch_norm: Leaves BatchNorm of maps an operation of its own; else it
            disappears in the convolution before, which is faster.

    Returns:
        The serialized model: inputs -> float32, for batches of any size.

    Raises:
        KerastpuError: another process was to convert it and could not.
        Exception: whatever tf2onnx raises.
    """
    import keras

    if keras.backend.backend() == "tensorflow":
        return _convert(model, dtype, names, keep_batch_norm)
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "model.keras"), Path(folder, "model.onnx")
        model.save(source)
        command = [sys.executable, "-m", __name__, str(source), str(target), dtype]
        command += [*names, *([_KEEP] if keep_batch_norm else [])]
        environment = {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": "-1"}
        done = subprocess.run(
            command, env=os.environ | environment, capture_output=True, text=True
        )
        if done.returncode:
            words = done.stderr.strip().splitlines() or ["it said nothing"]
            raise KerastpuError(f"conversion to ONNX failed: {words[-1]}")
        return target.read_bytes()


def _convert(
    model: keras.Model, dtype: str, names: Sequence[str], keep_batch_norm: bool
) -> bytes:
    kept = batch_norm.kept_apart(model) if keep_batch_norm else contextlib.nullcontext()
    with kept:
        content = _trace_and_convert(model, dtype, names)
    gc.collect()  # graphs hold themselves, with all weights
    return content


def _trace_and_convert(model: keras.Model, dtype: str, names: Sequence[str]) -> bytes:
    import tensorflow as tf
    import tf2onnx
    from tensorflow.python.framework import convert_to_constants

    spec = tf.TensorSpec((None, *model.input_shape[1:]), dtype)
    function = tf.function(
        lambda inputs: tf.cast(model(inputs, training=False), tf.float32),
        input_signature=[spec],
        autograph=False,
    )
    with _without_inner_functions():
        traced = function.get_concrete_function()
    # Frozen here: tf2onnx itself takes constants that a layer holds for inputs.
    frozen = convert_to_constants.convert_variables_to_constants_v2(
        traced,
        lower_control_flow=False,
        aggressive_inlining=True,
    )
    tensors = [frozen.inputs[0].name, frozen.outputs[0].name]
    graph_def = frozen.graph.as_graph_def(add_shapes=True)
    del traced, frozen
    gc.collect()  # what freezing copied of the weights
    convert = functools.partial(
        tf2onnx.convert.from_graph_def,
        graph_def,
        input_names=tensors[:1],
        output_names=tensors[1:],
        tensors_to_rename=dict(zip(tensors, names, strict=True)),
        opset=OPSET,
        custom_op_handlers={"Erfc": (_erfc, [])},
    )
    with _with_transposes(), _with_weights_once(), _quietly():
        try:
            with _without_copies():
                converted, _ = convert()
        except Exception:  # noqa: BLE001 (which one depends on the pass that failed)
            # Copies let it leave out that pass: in 1.17 the one that moves transposes,
            # where a scalar is added to a map. ONNX Runtime removes some itself.
            converted, _ = convert()
    return converted.SerializeToString()


def _erfc(graph: Any, node: Any, name: str, _: list) -> None:
    """Makes 1 - erf(x) of the complement, which the exact GELU has and ONNX has not."""
    (shape,), (dtype,) = node.output_shapes, node.output_dtypes
    inputs, outputs = node.input, node.output
    graph.remove_node(node.name)
    one = graph.make_const(f"{name}/one", np.array(1, np.float32))
    erf = graph.make_node("Erf", inputs, shapes=[shape], dtypes=[dtype])
    graph.make_node(
        "Sub",
        [one.output[0], erf.output[0]],
        name=name,
        outputs=outputs,
        shapes=[shape],
        dtypes=[dtype],
    )


@contextlib.contextmanager
def _without_inner_functions() -> Iterator[None]:
    """Lets TensorFlow trace into functions that Keras wants compiled by XLA.

    Such as its grouped convolutions: calls of those stay calls when a graph is frozen.
    """
    import tensorflow as tf

    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


@contextlib.contextmanager
def _without_copies() -> Iterator[None]:
    """Lets tf2onnx change its graph in place.

    It copies the whole of it, weights included, before each of its passes, to go on
    where one of them raises: two thirds of the time.
    """
    name = "TF2ONNX_CATCH_ERRORS"
    before = os.environ.get(name)
    os.environ[name] = "FALSE"
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


@contextlib.contextmanager
def _with_weights_once() -> Iterator[None]:
    """Lets tf2onnx write the weights into protocol buffers once.

    It writes them anew after each of its passes, and a buffer keeps what it held before
    until all of it is freed: two dozen times the weights.
    """
    from tf2onnx import graph

    before = graph.Node.update_proto

    def update(node: graph.Node, *storage: Any) -> None:
        if not node.is_const():
            before(node, *storage)

    graph.Node.update_proto = update
    try:
        yield
    finally:
        graph.Node.update_proto = before


@contextlib.contextmanager
def _with_transposes() -> Iterator[None]:
    """Lets tf2onnx leave transposes of maps of one pixel, and of one channel, be.

    It makes Reshapes of them, by shapes that in 1.17 are not those of the values where
    one was squared. What it writes then computes something else.
    """
    from tf2onnx.optimizer import transpose_optimizer

    optimizer = transpose_optimizer.TransposeOptimizer
    before = optimizer.post_optimize_action
    optimizer.post_optimize_action = lambda self: None
    try:
        yield
    finally:
        optimizer.post_optimize_action = before


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Hides what is no news: passes that fail, with a traceback each, and old APIs."""
    loggers = [logging.getLogger(name) for name in ("tf2onnx", "tensorflow")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _main(
    source: str, target: str, dtype: str, taken: str, given: str, *kept: str
) -> None:
    import keras

    model = keras.models.load_model(source, compile=False)
    Path(target).write_bytes(_convert(model, dtype, (taken, given), _KEEP in kept))


if __name__ == "__main__":
    _main(*sys.argv[1:])
