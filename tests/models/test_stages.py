"""Stages of networks that are made up: shortcuts, gates, decoders, odd sizes."""

import keras

from kerastpu import models


def test_shortcuts_and_gates_belong_to_the_stage_where_they_end():
    inputs = keras.Input((16, 16, 3), name="image")
    x = keras.layers.Conv2D(4, 3, padding="same", name="stem")(inputs)
    main = keras.layers.Conv2D(8, 3, 2, padding="same", name="main")(x)
    gate = keras.layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(main)
    gate = keras.layers.Conv2D(8, 1, name="excite")(gate)
    main = keras.layers.Multiply(name="scale")([main, gate])
    shortcut = keras.layers.Conv2D(8, 1, 2, name="shortcut")(x)
    x = keras.layers.Add(name="add")([main, shortcut]) * 2.0
    x = keras.layers.MaxPooling2D(2, name="pool")(x)
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    x = keras.layers.Dense(4, name="hidden")(x)
    x = keras.layers.Dense(3, name="probabilities")(x)
    first, second, head = models.find_stages(keras.Model(inputs, x))
    assert (first.name, first.layers) == ("stride1", ("image", "stem"))
    assert second.name == "stride2"
    assert set(second.layers) == {
        *("main", "squeeze", "excite", "scale", "shortcut", "add"),
        *("pool", "features"),  # without weights they are no stage of their own
    }
    assert (head.name, head.layers) == ("head", ("hidden", "probabilities"))
    assert head.num_parameters == 8 * 4 + 4 + 4 * 3 + 3


def test_sizes_that_shrink_for_lack_of_padding_make_no_stage():
    inputs = keras.Input((11, 11, 3))
    x = keras.layers.Conv2D(4, 3, 2, name="down")(inputs)  # 5 pixels
    x = keras.layers.Conv2D(4, 3, name="valid")(x)  # 3
    x = keras.layers.Conv2D(4, 3, name="last")(x)  # 1
    (stage,) = models.find_stages(keras.Model(inputs, x))
    assert stage.stride == 2


def test_a_model_inside_counts_with_its_stride():
    stem = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(4, 4, 4)])
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 1, name="after")(stem(inputs))
    (stage,) = models.find_stages(keras.Model(inputs, x))
    assert stage.stride == 4 and stage.layers[-2:] == (stem.name, "after")


def test_a_decoder_counts_to_the_coarsest_stage():
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(4, 3, 2, padding="same", name="down")(inputs)
    x = keras.layers.Conv2DTranspose(4, 3, 2, padding="same", name="up")(x)
    (stage,) = models.find_stages(keras.Model(inputs, x))
    assert stage.stride == 2 and stage.layers[-2:] == ("down", "up")


def test_a_model_that_is_all_head_and_one_without_weights():
    dense = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="only")])
    (head,) = models.find_stages(dense)
    assert (head.name, head.layers) == ("head", ("only",))
    inputs = keras.Input((4, 4, 3))
    assert models.find_stages(keras.Model(inputs, inputs + 1.0)) == ()
