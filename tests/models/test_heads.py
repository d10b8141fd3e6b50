"""A head: which layers stand on the features, in which order."""

import keras
import numpy as np
import pytest

from kerastpu.config import HeadConfig
from kerastpu.errors import UsageError
from kerastpu.models import heads

FEATURES = np.random.default_rng(0).uniform(-1, 1, (6, 4)).astype("float32")
MAP = np.random.default_rng(0).uniform(-1, 1, (2, 3, 4, 5)).astype("float32")


def kinds(head):
    return [(type(layer).__name__, layer.name) for layer in heads.head_layers(head, 3)]


def test_the_plain_head_is_dropout_and_a_softmax():
    assert kinds(HeadConfig()) == [
        ("Dropout", "head_dropout"),
        ("Dense", "probabilities"),
    ]
    assert kinds(HeadConfig(dropout=0.0)) == [("Dense", "probabilities")]


def test_hidden_layers_have_batch_norm_before_their_activation():
    assert kinds(HeadConfig(units=(8, 4), batch_norm=True)) == [
        ("BatchNormalization", "features_bn"),
        ("Dropout", "hidden1_dropout"),
        ("Dense", "hidden1"),
        ("BatchNormalization", "hidden1_bn"),
        ("Activation", "hidden1_activation"),
        ("Dropout", "hidden2_dropout"),
        ("Dense", "hidden2"),
        ("BatchNormalization", "hidden2_bn"),
        ("Activation", "hidden2_activation"),
        ("Dropout", "head_dropout"),
        ("Dense", "probabilities"),
    ]


def attach(shape, head):
    image = keras.Input(shape, name="image")
    return heads.attach_head("net", image, image, 3, head)


@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_number_of_parameters_is_that_of_its_layers(batch_norm):
    head = HeadConfig(units=(8,), batch_norm=batch_norm)
    # A bias in front of BatchNorm would do nothing that its shift does not do.
    hidden = 4 * 4 + 4 * 8 + 4 * 8 if batch_norm else 4 * 8 + 8
    assert attach((4,), head).count_params() == hidden + 8 * 3 + 3


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ("avg", MAP.mean(axis=(1, 2))),
        ("max", MAP.max(axis=(1, 2))),
        ("flatten", MAP.reshape(2, -1)),
    ],
)
def test_a_feature_map_is_pooled_into_the_layer_called_features(pooling, expected):
    model = attach(MAP.shape[1:], HeadConfig(pooling=pooling))
    found = keras.Model(model.input, model.get_layer("features").output)(MAP)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(found), expected, atol=1e-6)
    assert model.output_shape == (None, 3)


@pytest.fixture
def two_levels():
    """A network of two maps: images (4, 4, 3) -> map "early" -> map "late"."""
    image = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(5, 1, name="early")(image)
    x = keras.layers.Conv2D(7, 2, strides=2, name="late")(x)
    return keras.Model(image, x, name="two_levels")


@pytest.mark.parametrize(("pooling", "reduce"), [("avg", np.mean), ("max", np.max)])
def test_tapped_maps_are_pooled_and_follow_the_last_one(two_levels, pooling, reduce):
    head = HeadConfig(pooling=pooling, taps=("early",))
    features = heads.pooled_backbone(two_levels, head)
    outputs = [two_levels.output, two_levels.get_layer("early").output, features]
    images = np.random.default_rng(0).uniform(-1, 1, (2, 4, 4, 3)).astype("float32")
    *maps, found = map(
        keras.ops.convert_to_numpy, keras.Model(two_levels.input, outputs)(images)
    )
    expected = np.concatenate([reduce(values, axis=(1, 2)) for values in maps], axis=1)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert features._keras_history.operation.name == heads.FEATURES


@pytest.mark.parametrize("tap", ["nowhere", "flat"])
def test_a_tap_that_makes_no_map_is_refused_by_name(two_levels, tap):
    flat = keras.layers.Flatten(name="flat")(two_levels.output)
    x = keras.layers.Reshape((1, 2, 14))(flat)
    backbone = keras.Model(two_levels.input, x, name="backbone")
    with pytest.raises(UsageError, match=f"backbone.*'{tap}'"):
        heads.pooled_backbone(backbone, HeadConfig(taps=(tap,)))


def test_dropouts_of_one_seed_repeat_and_drop_unlike_units():
    head = HeadConfig(units=(4,), activation="linear", dropout=0.5)

    def masks():
        layers = heads.head_layers(head, 3, seed=7)
        dropouts = [x for x in layers if isinstance(x, keras.layers.Dropout)]
        ones = np.ones((50, 4), "float32")
        return [keras.ops.convert_to_numpy(x(ones, training=True)) for x in dropouts]

    first, second = masks()
    assert (first != second).any()
    np.testing.assert_array_equal([first, second], masks())


def test_probabilities_are_float32_under_mixed_precision():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = attach(MAP.shape[1:], HeadConfig(units=(8,), batch_norm=True))
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("hidden1").compute_dtype == "bfloat16"
    assert model.get_layer("features").compute_dtype == "float32"
    probabilities = keras.ops.convert_to_numpy(model(MAP))
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
