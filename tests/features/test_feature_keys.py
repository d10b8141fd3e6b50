"""Keys tell networks apart by what they compute, not by how they are called."""

import keras
import numpy as np

from kerastpu.features import keys


def build(units=4, activation="relu", scale=255.0, **names):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(units, 3, activation=activation, **names)(inputs / scale)
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def test_the_same_network_built_again_has_the_same_fingerprint():
    first, second = build(), build()
    assert first.layers[2].name != second.layers[2].name
    assert keys.fingerprint(first) == keys.fingerprint(second)
    assert keys.fingerprint(build(name="mine")) == keys.fingerprint(first)


def test_whatever_it_computes_with_changes_the_fingerprint():
    moved = build()
    moved.layers[-2].moving_mean.assign(np.full(4, 1e-6))
    others = [
        build(units=5),
        build(activation="tanh"),
        build(scale=127.0),
        build(name="relu", activation="tanh"),  # a name is no activation
        build(name="tanh", activation="relu"),
        moved,
    ]
    found = [keys.fingerprint(model) for model in others]
    assert found[3] == found[1] and found[4] == keys.fingerprint(build())
    assert len({keys.fingerprint(build()), *found}) == 5


def test_a_key_depends_on_values_and_not_on_their_order():
    assert keys.key({"a": 1, "b": [2]}) == keys.key({"b": [2], "a": 1})
    assert keys.key({"a": 1, "b": [2]}) != keys.key({"a": 1, "b": [3]})
    assert len(keys.key([])) == 16
