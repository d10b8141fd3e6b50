"""TensorFlow kernels that train faster on a CPU than those that Keras picks.

Each function does what `call` of one stock layer does, with the layer's own variables.
"""

import itertools
import math

import keras
import tensorflow as tf

# oneDNN's gradient for filters wider than this is several times slower per tap.
_FAST_WIDTH = 3


def batch_norm(
    layer: keras.layers.BatchNormalization,
    inputs: tf.Tensor,
    training: bool | None = None,
    mask: tf.Tensor | None = None,
) -> tf.Tensor:
    """Normalizes in one kernel; Keras composes it of several passes over memory.

    Args:
        layer: in float32, over the last of four axes, neither synchronized nor with
            renorm.
        inputs: float32 (batch, height, width, channels).
        training: whether to use, and keep, the statistics of this batch; a layer that
            does not train uses those it has.
        mask: stock Keras normalizes where there is one.

    Returns:
        float32, the shape of `inputs`.
    """
    if mask is not None:
        return type(layer).call(layer, inputs, training=training, mask=mask)
    gamma, beta = layer.gamma, layer.beta
    statistics = (layer.moving_mean, layer.moving_variance)
    is_training = bool(training and layer.trainable)
    outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=inputs,
        scale=tf.ones_like(statistics[0]) if gamma is None else gamma.value,
        offset=tf.zeros_like(statistics[0]) if beta is None else beta.value,
        mean=[] if is_training else statistics[0].value,
        variance=[] if is_training else statistics[1].value,
        epsilon=layer.epsilon,
        is_training=is_training,
    )
    if is_training:
        # The kernel's variance is that of a sample, over n - 1; Keras keeps the other.
        count = tf.cast(tf.reduce_prod(tf.shape(inputs)[:-1]), variance.dtype)
        found = (mean, variance * ((count - 1) / count))
        for kept, new in zip(statistics, found, strict=True):
            kept.assign(kept * layer.momentum + new * (1.0 - layer.momentum))
    return outputs


def depthwise(layer: keras.layers.DepthwiseConv2D, inputs: tf.Tensor) -> tf.Tensor:
    """Convolves each channel; the filter's gradient comes in slices of three columns.

    Args:
        layer: in float32, channels last, not dilated, with equal strides.
        inputs: float32 (batch, height, width, channels).

    Returns:
        float32 (batch, rows, columns, channels x depth multiplier).
    """
    if None in inputs.shape[1:]:  # the padding is not known beforehand
        return type(layer).call(layer, inputs)
    stride, padding = layer.strides[0], layer.padding.upper()
    options = {"strides": [1, stride, stride, 1], "padding": padding}

    @tf.custom_gradient
    def convolve(x, kernel):
        def gradients(dy):
            dx = tf.raw_ops.DepthwiseConv2dNativeBackpropInput(
                input_sizes=tf.shape(x), filter=kernel, out_backprop=dy, **options
            )
            return dx, _filter_gradient(x, kernel.shape, dy, stride, padding)

        return tf.nn.depthwise_conv2d(x, kernel, **options), gradients

    outputs = convolve(inputs, layer.kernel.value)
    if layer.use_bias:
        outputs = outputs + layer.bias.value
    return layer.activation(outputs)


def _filter_gradient(
    x: tf.Tensor, shape: tf.TensorShape, dy: tf.Tensor, stride: int, padding: str
) -> tf.Tensor:
    """Returns the gradient of a depthwise kernel, float32 `shape`.

    Args:
        x: input of the convolution, (batch, height, width, channels).
        shape: (rows, columns, channels, depth multiplier) of the kernel.
        dy: gradient of its output.
        stride: step in both directions, in pixels.
        padding: "SAME" or "VALID".
    """
    height, width, channels, multiplier = shape
    if padding == "SAME":
        sides = zip(x.shape[1:3], dy.shape[1:3], (height, width), strict=True)
        pads = [max((out - 1) * stride + k - size, 0) for size, out, k in sides]
        x = tf.pad(x, [(0, 0), *((pad // 2, pad - pad // 2) for pad in pads), (0, 0)])
    span = (dy.shape[2] - 1) * stride
    num_slices = math.ceil(width / _FAST_WIDTH)
    edges = [width * index // num_slices for index in range(num_slices + 1)]
    return tf.concat(
        [
            tf.raw_ops.DepthwiseConv2dNativeBackpropFilter(
                input=x[:, :, start : span + end],
                filter_sizes=[height, end - start, channels, multiplier],
                out_backprop=dy,
                strides=[1, stride, stride, 1],
                padding="VALID",
            )
            for start, end in itertools.pairwise(edges)
        ],
        axis=1,
    )
