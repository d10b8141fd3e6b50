"""Costs are those of real Keras layers, TensorFlow's profiler and published figures."""

import keras
import pytest
import tensorflow as tf
from keras import layers

from kerastpu import cost
from kerastpu.errors import UsageError

PROFILED = ("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "MatMul")


def profiled_flops(model):
    """What TensorFlow's profiler counts in the convolutions and matrix products."""
    shape = tf.TensorSpec((1, *model.input_shape[1:]))
    call = tf.function(lambda x: model(x, training=False)).get_concrete_function(shape)
    option = tf.compat.v1.profiler.ProfileOptionBuilder
    options = option(option.float_operation()).with_empty_output().build()
    node = tf.compat.v1.profiler.profile(call.graph, cmd="op", options=options)
    total = 0
    while node.children:  # the kinds of operations hang in a chain
        (node,) = node.children
        total += node.float_ops if node.name in PROFILED else 0
    return total


def network(*stack, shape=(12, 10, 6)):
    return keras.Sequential([keras.Input(shape), *stack])


NETWORKS = {
    "same, strides": (
        layers.Conv2D(8, 3, strides=2, padding="same"),
        layers.BatchNormalization(),
        layers.Conv2D(4, 1),
    ),
    "valid, rectangle": (layers.Conv2D(8, (3, 2)), layers.MaxPooling2D()),
    "depthwise": (layers.DepthwiseConv2D(3, strides=2, depth_multiplier=2),),
    "separable": (layers.SeparableConv2D(5, 4, depth_multiplier=2, padding="same"),),
    "transpose": (layers.Conv2DTranspose(4, 3, strides=2, padding="same"),),
    "dense": (layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(7), layers.Dense(3)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_count_is_that_of_the_tensorflow_profiler(name):
    model = network(*NETWORKS[name])
    assert cost.count_flops(model) == profiled_flops(model) > 0


def test_whole_networks_are_counted_as_published():
    # Layers of 1.0 MobileNet-224 in the paper: 569 million multiply-adds.
    mobile = keras.applications.MobileNet(weights=None)
    assert round(cost.count_flops(mobile) / 2e6) == 569
    assert cost.count_flops(mobile) == profiled_flops(mobile)
    # SAS DLPy prints 3,855,925,248 "FLOPs" of its ResNet-50: the multiply-adds of the
    # convolutions alone, with the stride in the blocks' first 1x1 convolution.
    resnet = cost.count_flops_by_layer(keras.applications.ResNet50(weights=None))
    assert resnet.pop("predictions") == 2 * 2048 * 1000
    assert sum(resnet.values()) == 2 * 3_855_925_248


@pytest.mark.parametrize(
    ("layer", "shape", "multiply_adds"),
    [
        (layers.Conv1D(4, 3, dilation_rate=2), (10, 5), 6 * 3 * 5 * 4),
        (layers.Conv2D(8, 3, groups=2), (9, 9, 6), 7 * 7 * 9 * 3 * 8),
        (layers.Conv2D(8, 3, data_format="channels_first"), (6, 9, 8), 42 * 54 * 8),
        (layers.Conv3D(4, 2), (3, 3, 3, 2), 8 * 8 * 2 * 4),
        (layers.Dense(9), (12, 10, 6), 12 * 10 * 6 * 9),
        (layers.EinsumDense("abc,cd->abd", (None, 7)), (5, 3), 5 * 3 * 7),
        (layers.EinsumDense("...bc,bcde->...de", (2, 7)), (4, 5, 3), 4 * 15 * 14),
        (layers.SimpleRNN(4), (9, 3), 9 * (3 + 4) * 4),
        (layers.GRU(4, return_sequences=True), (9, 3), 9 * 3 * (3 + 4) * 4),
        (layers.LSTM(4), (9, 3), 9 * 4 * (3 + 4) * 4),
        (layers.Bidirectional(layers.LSTM(4)), (9, 3), 2 * 9 * 4 * (3 + 4) * 4),
        (layers.Rescaling(2.0), (8, 8, 3), 0),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_other_layers_are_counted_by_hand(layer, shape, multiply_adds):
    assert cost.count_flops(network(layer, shape=shape)) == 2 * multiply_adds


def test_attention_is_four_projections_and_two_products():
    query, value = keras.Input((5, 8)), keras.Input((7, 6))
    attention = layers.MultiHeadAttention(2, 4, value_dim=3)
    model = keras.Model([query, value], attention(value=value, query=query))
    projections = 5 * 8 * 8 + 7 * 6 * 8 + 7 * 6 * 6 + 5 * 6 * 8
    assert cost.count_flops(model) == 2 * (projections + 5 * 7 * (8 + 6))


def test_each_call_counts_and_so_do_models_inside():
    image = keras.Input((8, 8, 3))
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    head = network(layers.Dense(2), shape=(8, 8, 3))
    once = shared(image)
    model = keras.Model(image, head(shared(once)))
    conv = 2 * 8 * 8 * 27 * 3
    assert cost.count_flops_by_layer(model) == {
        model.layers[0].name: 0,
        "shared": 2 * conv,
        head.name: 2 * 8 * 8 * 3 * 2,
    }
    # A part of the model is what leads to its outputs.
    assert cost.count_flops(keras.Model(image, once)) == conv


def product(shape=(5, 5)):
    data = keras.Input(shape)
    return keras.Model(data, keras.ops.matmul(data, data))


class Doubled(layers.Dense):
    """Computes other than its parent does, perhaps."""


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: network(layers.Conv2D(2, 3, name="c"), shape=(None, 9, 3)), "'c'"),
        (lambda: keras.Sequential([layers.Dense(2)]), "known input shape; got 'seq"),
        (lambda: network(Doubled(2, name="mine")), r"'mine' \(Doubled\)"),
        (product, r"'matmul\w*' \(Matmul\)"),
    ],
)
def test_what_cannot_be_counted_is_refused_by_name(make, message):
    with pytest.raises(UsageError, match=message):
        cost.count_flops(make())
