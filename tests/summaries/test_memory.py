"""Bytes are those of the real arrays, and what is kept follows from who needs it."""

import keras
import numpy as np
import pytest
from keras import layers

from kerastpu import models
from kerastpu.errors import UsageError
from kerastpu.summaries import memory
from kerastpu.summaries.calls import read_calls

BATCH = 3


@pytest.mark.parametrize("name", ["squeezenet", "mnist_convnet", "mnist_mlp"])
def test_bytes_are_those_of_the_arrays_that_the_network_makes(name):
    channels = models.REGISTRY[name].channels
    model = models.build(name, input_shape=(32, 24, channels))
    outputs = [call.node.output_tensors[0] for call in read_calls(model)]
    images = np.zeros((BATCH, 32, 24, channels), np.float32)
    arrays = keras.Model(model.input, outputs)(images)
    found = memory.measure(read_calls(model), BATCH)
    real = sum(keras.ops.convert_to_numpy(array).nbytes for array in arrays)
    assert found.training_activations == real
    assert found.weights == sum(w.nbytes for w in model.get_weights())
    trainable = sum(np.prod(w.shape) * 4 for w in model.trainable_weights)
    assert found.trainable == trainable
    assert found.training == found.weights + 3 * trainable + real


def test_the_most_that_is_kept_is_counted_by_hand():
    image = keras.Input((4, 4, 1))  # 64 bytes
    wide = layers.Conv2D(8, 1)(image)  # 512
    narrow = layers.Conv2D(1, 1)(wide)  # 64
    model = keras.Model(image, layers.Add()([image, narrow]))  # 64
    # image and wide and narrow together; wide is gone when the sum is made.
    found = memory.measure(read_calls(model))
    assert found.inference_activations == 64 + 512 + 64
    assert found.training_activations == 64 + 512 + 64 + 64
    assert memory.measure(read_calls(model), 5).inference_activations == 5 * 640


def test_outputs_are_kept_to_the_end():
    image = keras.Input((10,))  # 40 bytes
    first = layers.Dense(100)(image)  # 400
    second = layers.Dense(10)(first)  # 40
    third = layers.Dense(100)(second)  # 400
    chain = memory.measure(read_calls(keras.Model(image, third)))
    assert chain.inference_activations == 440
    both = memory.measure(read_calls(keras.Model(image, [first, third])))
    assert both.inference_activations == 840


def test_types_have_their_sizes_and_unknown_sizes_are_told():
    assert memory.array_bytes((3, 5), "bfloat16") == 30
    assert memory.array_bytes((3, 5), "float16") == 30
    assert memory.array_bytes((7,), "int64") == 56
    assert memory.array_bytes((7,), "bool") == 7
    assert memory.array_bytes((None, 7), "float32") is None
    model = keras.Sequential([keras.Input((None, None, 3)), layers.Conv2D(2, 3)])
    found = memory.measure(read_calls(model))
    assert (found.inference, found.training) == (None, None)
    assert found.weights == 4 * (27 * 2 + 2)


@pytest.mark.parametrize("batch_size", [0, -1, 1.5, "2"])
def test_a_batch_has_at_least_one_example(batch_size):
    model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
    with pytest.raises(UsageError, match=r"batch_size must be .* got "):
        memory.measure(read_calls(model), batch_size)
