"""The networks of codelab, notebooks and book have the sources' sizes, all through."""

import keras
import pytest

from kerastpu import models
from kerastpu.errors import UsageError

FLOWERS, DIGITS = (192, 192, 3), (28, 28, 1)


def build(name, shape, **options):
    return models.build(name, input_shape=shape, **options)


def size_of(weights):
    return sum(keras.ops.size(weight) for weight in weights)


def shapes_of(model, *names):
    return [tuple(model.get_layer(name).output.shape[1:]) for name in names]


def dropouts_of(model):
    kind = keras.layers.Dropout
    return [layer.rate for layer in model.layers if isinstance(layer, kind)]


@pytest.mark.parametrize(
    ("name", "shape", "options", "count"),
    [
        ("firenet", FLOWERS, {"batch_norm": True}, 22_701),
        ("mnist_dense", DIGITS, {}, 169_670),
        ("mnist_mlp", DIGITS, {"units": (128,)}, 101_770),
        ("mnist_mlp", DIGITS, {"units": (512,)}, 407_050),
        ("mnist_mlp", DIGITS, {"units": (256, 64)}, 218_058),
        ("mnist_mlp", DIGITS, {"units": ()}, 7_850),
        ("mnist_mlp", DIGITS, {"batch_norm": True}, 203_530 - 256 + 4 * 256),
    ],
)
def test_options_change_the_number_of_parameters_as_in_the_source(
    name, shape, options, count
):
    assert build(name, shape, **options).count_params() == count


@pytest.mark.parametrize(
    ("name", "shape", "trained", "kept"),
    [
        ("squeezenet_pod", (331, 331, 3), 118_053, 1_312),
        ("mnist_convnet_small", DIGITS, 250_466, 484),
    ],
)
def test_notebooks_print_as_many_trained_parameters(name, shape, trained, kept):
    model = build(name, shape)
    assert size_of(model.trainable_weights) == trained
    assert size_of(model.non_trainable_weights) == kept


def test_stages_of_the_pod_notebook_have_the_shapes_that_it_prints():
    model = build("squeezenet_pod", (331, 331, 3))
    fires = shapes_of(model, *(f"fire{n}_concat" for n in range(1, 6)))
    assert shapes_of(model, "conv1", "features") == [(331, 331, 32), (48,)]
    assert fires == [
        (331, 331, 48),
        (165, 165, 96),
        (82, 82, 128),
        (41, 41, 96),
        (20, 20, 48),
    ]
    assert dropouts_of(model) == [0.4]


def test_stages_of_the_digits_notebook_have_the_shapes_that_it_prints():
    model = build("mnist_convnet_small", DIGITS)
    assert shapes_of(model, "conv1", "conv2", "conv3", "flatten", "features") == [
        (28, 28, 6),
        (14, 14, 12),
        (7, 7, 24),
        (1176,),
        (200,),
    ]
    assert dropouts_of(model) == [0.5]


@pytest.mark.parametrize(
    ("name", "last", "map_shape", "num_features"),
    [
        ("convnet", "conv4", (48, 48, 6), 48 * 48 * 6),
        ("convnet_1x1", "conv10", (12, 12, 8), 12 * 12 * 8),
        ("flowers_convnet", "conv7", (12, 12, 40), 40),
        ("firenet", "fire3_concat", (48, 48, 48), 48),
        ("inception_convnet", "inception3_concat", (48, 48, 64), 64),
        ("squeezenet", "fire5_concat", (12, 12, 48), 48),
    ],
)
def test_pools_and_filters_of_the_ladder(name, last, map_shape, num_features):
    model = build(name, FLOWERS)
    assert shapes_of(model, last, "features") == [map_shape, (num_features,)]


def test_convnet_1x1_has_ten_convolutions_five_of_them_1x1():
    model = build("convnet_1x1", FLOWERS)
    sizes = [
        layer.kernel_size[0]
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D)
    ]
    assert sizes == [3, 1] * 5


def test_the_book_puts_no_activation_between_its_two_layers():
    model = build("mnist_mlp", DIGITS)
    assert model.get_layer("features").activation is keras.activations.linear
    assert dropouts_of(model) == [0.2]
    bent = build("mnist_mlp", DIGITS, activation="relu")
    assert bent.get_layer("features").activation is keras.activations.relu


@pytest.mark.parametrize(
    ("initializer", "ratio"),
    [("random_normal", 1), ("glorot_uniform", 10), ("he_normal", 10)],
)
def test_normalized_initializers_follow_the_size_of_the_layer(initializer, ratio):
    def spread(side):
        keras.utils.set_random_seed(0)
        options = {"units": (side * side,), "initializer": initializer}
        model = build("mnist_mlp", (side, side, 1), **options)
        return model.get_layer("dense1").get_weights()[0].std()

    # a hundred times the inputs: a tenth of the spread
    assert spread(4) / spread(40) == pytest.approx(ratio, rel=0.1)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("mnist_mlp", {"units": (0,)}, r"units must be .* 1..65536; got \(0,\)"),
        ("mnist_mlp", {"units": 256}, "units must be a list .*; got 256"),
        ("mnist_mlp", {"activation": "step"}, "activation must be relu, .* got 'step'"),
        ("mnist_mlp", {"dropout": 1.0}, "dropout must be 0..0.9; got 1.0"),
        ("dense", {"initializer": "ones"}, "initializer must be .* got 'ones'"),
        ("mnist_convnet", {"dropout": -0.1}, "dropout must be 0..0.9; got -0.1"),
        ("mnist_convnet_small", {"dropout": "no"}, "got 'no'"),
        ("squeezenet_pod", {"dropout": True}, "dropout must be 0..0.9; got True"),
        ("firenet", {"batch_norm": "after"}, "batch_norm must be True or False; got"),
        ("inception_convnet", {"batch_norm": 1}, "True or False; got 1"),
        ("convnet_1x1", {"input_shape": (15, 16, 3)}, r"at least 16 .* got \(15, 16"),
        ("flowers_convnet", {"input_shape": (15, 16, 3)}, r"at least 16 .* got"),
    ],
)
def test_options_out_of_range_are_refused(name, options, message):
    with pytest.raises(UsageError, match=message):
        models.build(name, **{"input_shape": (16, 16, 3)} | options)
