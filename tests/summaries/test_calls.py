"""Calls of a model: each once, after its sources, whatever the graph looks like."""

import keras
import pytest
from keras import layers

from kerastpu import cost
from kerastpu.errors import UsageError
from kerastpu.summaries import measure
from kerastpu.summaries.calls import read_calls


def names(model):
    return [call.name for call in read_calls(model)]


def branched():
    image = keras.Input((8, 8, 3), name="image")
    left = layers.Conv2D(4, 1, name="left")(image)
    right = layers.Conv2D(4, 3, padding="same", name="right")(image)
    right = layers.ReLU(name="relu")(right)
    return keras.Model(image, layers.Add(name="sum")([left, right]), name="branched")


def test_the_first_input_comes_before_the_second_and_sources_before_all():
    assert names(branched()) == ["image", "left", "right", "relu", "sum"]
    calls = read_calls(branched())
    assert [call.sources for call in calls] == [(), (0,), (0,), (2,), (1, 3)]
    assert [call.num_uses for call in calls] == [2, 1, 1, 1, 1]
    assert [call.is_output for call in calls] == [False] * 4 + [True]


def test_models_inside_are_taken_apart_and_count_what_they_count_alone():
    inner = branched()
    image = keras.Input((8, 8, 3), name="photo")
    stack = keras.Sequential([keras.Input((8, 8, 4)), layers.Flatten(name="flat")])
    stack.name = "head"
    outer = keras.Model(image, stack(inner(image)))
    assert names(outer) == [
        *("photo", "branched/left", "branched/right", "branched/relu"),
        *("branched/sum", "head/flat"),
    ]
    measures = measure(outer)
    assert measures.num_parameters == outer.count_params()
    assert measures.flops == cost.count_flops(outer) > 0


def test_weights_of_a_layer_that_is_called_twice_count_once():
    image = keras.Input((8, 8, 3))
    shared = layers.Conv2D(3, 3, padding="same", name="shared")
    model = keras.Model(image, shared(shared(image)))
    first, second = measure(model).layers[1:]
    assert (first.num_parameters, second.num_parameters) == (3 * 3 * 3 * 3 + 3, 0)
    assert first.flops == second.flops == 2 * 8 * 8 * 27 * 3


def test_a_network_as_deep_as_keras_makes_it_is_read():
    x = image = keras.Input((4,))
    for _ in range(700):
        x = keras.ops.relu(x)
    assert len(read_calls(keras.Model(image, x))) == 701


def test_what_has_no_graph_is_refused():
    with pytest.raises(UsageError, match=r"functional or Sequential .* got 'bare"):
        read_calls(keras.Sequential([layers.Dense(2)], name="bare"))
