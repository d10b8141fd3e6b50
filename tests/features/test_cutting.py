"""The two parts of a cut network are the network."""

import keras
import numpy as np
import pytest

from kerastpu import models
from kerastpu.errors import UsageError
from kerastpu.features import cutting

SIZE = 32
IMAGES = np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), np.uint8)


def forward(model, inputs):
    return keras.ops.convert_to_numpy(model(inputs, training=False))


@pytest.fixture(scope="module")
def small():
    """A residual block between two convolutions, then a shared layer called twice."""
    inputs = keras.Input((SIZE, SIZE, 3), name="image")
    x = keras.layers.Conv2D(4, 3, strides=4, name="stem")(inputs / 255.0)
    y = keras.layers.Conv2D(4, 3, padding="same", name="inner")(x)
    y = keras.layers.BatchNormalization(name="inner_bn")(y)
    x = keras.layers.Add(name="add")([x, y])
    twice = keras.layers.ReLU(name="twice")
    x = keras.layers.Conv2D(8, 1, name="last")(twice(x))
    x = keras.layers.GlobalAveragePooling2D(name="pool")(twice(x))
    x = keras.layers.Dense(3, activation="softmax", name="probabilities")(x)
    return keras.Model(inputs, x, name="small")


def test_it_is_cut_where_all_goes_through_one_layer(small):
    assert list(cutting.places(small)) == ["stem", "add", "pool"]


def test_the_parts_one_after_the_other_are_the_model(small):
    expected = forward(small, IMAGES)
    for place in cutting.places(small):
        front, back = cutting.cut(small, place)
        np.testing.assert_allclose(
            forward(back, forward(front, IMAGES)), expected, atol=1e-6
        )


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "squeezenet_v11", "convnet"])
def test_networks_of_the_registry_are_cut_anywhere(name):
    model = models.build(name, input_shape=(SIZE, SIZE, 3), num_classes=3)
    expected = forward(model, IMAGES)
    names = list(cutting.places(model))
    assert len(names) > 3
    for place in (names[0], names[len(names) // 2], names[-1]):
        front, back = cutting.cut(model, place)
        kept = forward(front, IMAGES)
        np.testing.assert_allclose(forward(back, kept), expected, atol=1e-5)


def test_who_trains_the_back_trains_the_model(small, tmp_path):
    model = keras.models.clone_model(small)
    front, back = cutting.cut(model, "add")
    before = front.get_weights()
    kept = forward(front, IMAGES)
    back.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    back.fit(kept, np.arange(4) % 3, epochs=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(forward(loaded, IMAGES), forward(back, kept), atol=1e-5)
    for old, new in zip(before, front.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("place", "reason"),
    [
        ("inner", "which does not cut it in two"),  # the residual goes around it
        ("twice", "which does not cut it in two"),  # has two outputs
        ("last", "which does not cut it in two"),  # the shared layer is on both sides
        ("probabilities", "which does not cut it in two"),  # nothing is behind it
        ("image", "which does not cut it in two"),
        ("innr", "which is none of its layers"),
    ],
)
def test_a_layer_that_does_not_cut_is_refused_and_others_are_named(
    small, place, reason
):
    with pytest.raises(UsageError, match=f"{place}', {reason}; .* stem, add, pool"):
        cutting.cut(small, place)


def test_a_narrow_map_is_kept_in_the_place_of_a_wide_one():
    model = models.build_transfer(
        "efficientnet_lite0", input_shape=(64, 64, 3), num_classes=3, weights=None
    )
    *_, last, _head = models.find_stages(model)
    place = cutting.place_before_stages(model, 1)
    front, back = cutting.cut(model, place)
    # Not the 672 channels that the block's first convolution makes of them.
    assert front.output_shape == (None, 4, 4, 112)
    assert set(last.layers) <= {layer.name for layer in back.layers}


def test_stages_that_leave_no_front_are_refused():
    model = models.build_transfer(
        "squeezenet_v11", input_shape=(64, 64, 3), num_classes=3, weights=None
    )
    num_stages = len(models.find_stages(model)) - 1
    with pytest.raises(UsageError, match="cannot be cut before its last"):
        cutting.place_before_stages(model, num_stages)
