"""What `tf2onnx.convert` does, step by step: in less memory, and without its mistakes.

Of each step, what the next ones do not need is let go before they begin.
"""

from __future__ import annotations

import contextlib
import gc
import logging
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras

OPSET = 18  # the latest that tf2onnx 1.17 writes


def convert(model: keras.Model, dtype: str, names: Sequence[str]) -> bytes:
    """Converts a model of the TensorFlow backend in inference mode.

    Args:
        model: One input, one output (batch, ...).
        dtype: Of the inputs, "uint8" say.
        names: What input and output are called in ONNX.

    Returns:
        The serialized model: inputs -> float32, for batches of any size.

    Raises:
        Exception: whatever tf2onnx raises.
    """
    from tf2onnx import optimizer

    frozen, ends = _frozen(model, dtype)
    gc.collect()  # what freezing copied of the weights
    with _quietly(), _with_transposes(), _with_weights_once():
        graph_def = _folded(frozen, ends)
        del frozen
        try:
            # In place: copies of the graph, made before each pass, hold all weights.
            graph = _translated(graph_def, ends, names)
            graph = optimizer.optimize_graph(graph, catch_errors=False)
        except Exception:  # noqa: BLE001 (which one depends on the pass that failed)
            # Copies let it leave out that pass: in 1.17 the one that moves transposes,
            # where a scalar is added to a map. ONNX Runtime removes some itself.
            graph = _translated(graph_def, ends, names)
            graph = optimizer.optimize_graph(graph, catch_errors=True)
        return graph.make_model("converted").SerializeToString()


def _frozen(model: keras.Model, dtype: str) -> tuple[Any, list[str]]:
    """Returns a GraphDef with the weights as constants; names of its input and output.

    tf2onnx's own freezing takes constants that a layer holds for inputs.
    """
    import tensorflow as tf
    from tensorflow.python.framework import convert_to_constants

    spec = tf.TensorSpec((None, *model.input_shape[1:]), dtype)
    function = tf.function(
        lambda inputs: tf.cast(model(inputs, training=False), tf.float32),
        input_signature=[spec],
        autograph=False,
    )
    with _without_inner_functions():
        traced = function.get_concrete_function()
    frozen = convert_to_constants.convert_variables_to_constants_v2(
        traced,
        lower_control_flow=False,
        aggressive_inlining=True,
    )
    ends = [frozen.inputs[0].name, frozen.outputs[0].name]
    return frozen.graph.as_graph_def(add_shapes=True), ends


def _folded(graph_def: Any, ends: Sequence[str]) -> Any:
    """Returns a GraphDef without computations of constants alone."""
    import tensorflow as tf
    from tf2onnx import tf_loader

    with tf.Graph().as_default():
        return tf_loader.tf_optimize(list(ends[:1]), list(ends[1:]), graph_def)


def _translated(graph_def: Any, ends: Sequence[str], names: Sequence[str]) -> Any:
    """Returns tf2onnx's graph of ONNX operators."""
    import tensorflow as tf
    from tf2onnx import tfonnx

    with tf.Graph().as_default() as graph:
        tf.import_graph_def(graph_def, name="")
        return tfonnx.process_tf_graph(
            graph,
            continue_on_error=True,
            opset=OPSET,
            input_names=list(ends[:1]),
            output_names=list(ends[1:]),
            tensors_to_rename=dict(zip(ends, names, strict=True)),
            custom_op_handlers={"Erfc": (_erfc, [])},
        )


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
