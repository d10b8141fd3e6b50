"""What a config says about the network is what is built to be trained."""

import contextlib
import dataclasses

import keras
import numpy as np
import pytest

from kerastpu import datasets, models, presets, recipes, strategy
from kerastpu.config import HeadConfig, ModelConfig


class Stopwatch:
    """Takes no times."""

    def phase(self, name):
        return contextlib.nullcontext()


@pytest.fixture(scope="module")
def make_task(flower_folder):
    """Returns a function from a mode and a network to its task, at 32 pixels."""

    def make(mode, **model):
        flowers = presets.get("flowers")
        config = dataclasses.replace(
            flowers,
            data=str(flower_folder),
            input=dataclasses.replace(flowers.input, image_size=32),
            model=ModelConfig(**({"weights": None} | model)),
            training=dataclasses.replace(flowers.training, mode=mode, batch_size=16),
        )
        config.validate()
        keras.utils.set_random_seed(0)
        return recipes.RECIPES[mode](
            config,
            datasets.prepare(config),
            strategy.resolve("single"),
            Stopwatch(),
            lambda: None,
        )

    return make


def names_of(layers):
    return [layer.name for layer in layers]


HEAD = HeadConfig(pooling="max", units=(6,), batch_norm=True, dropout=0.0)
HEAD_LAYERS = ["features_bn", "hidden1", "hidden1_bn", "hidden1_activation"]


def test_end_to_end_trains_the_stages_and_the_head_of_the_config(make_task):
    task = make_task(
        "end_to_end",
        name="mobilenet_v3_small",
        head=HEAD,
        trainable_stages=1,
        freeze_batch_norm=True,
    )
    *frozen, last, head = models.find_stages(task.model)
    assert list(head.layers) == [*HEAD_LAYERS, "probabilities"]
    assert type(task.model.get_layer("features")) is keras.layers.GlobalMaxPooling2D
    trained = {layer.name for layer in task.model.layers if layer.trainable_weights}
    assert trained.isdisjoint(name for stage in frozen for name in stage.layers)
    assert {"features_bn", "hidden1", "probabilities"} < trained
    assert {
        type(task.model.get_layer(name)) for name in trained & set(last.layers)
    } == {keras.layers.Conv2D, keras.layers.DepthwiseConv2D}


def test_a_network_that_is_no_backbone_keeps_its_own_classifier(make_task):
    model = make_task("end_to_end", name="convnet").model
    own = models.build("convnet", input_shape=(32, 32, 3), num_classes=5)
    assert names_of(model.layers)[-2:] == names_of(own.layers)[-2:]
    assert len(model.trainable_variables) == len(own.trainable_variables)


def test_a_head_on_kept_features_becomes_one_flat_model(make_task):
    task = make_task("features", name="mobilenet_v3_small", head=HEAD)
    assert names_of(task.model.layers) == [*HEAD_LAYERS, "probabilities"]
    whole = task.finish()
    assert names_of(whole.layers)[-6:] == ["features", *HEAD_LAYERS, "probabilities"]
    assert not any(isinstance(layer, keras.Model) for layer in whole.layers)
    (kept, labels), images = task.validation.batches[0], []
    for batch, _ in make_task("end_to_end", name="convnet").validation.batches:
        images.append(batch)
    expected = keras.ops.convert_to_numpy(task.model(kept, training=False))
    found = whole.predict(np.concatenate(images), verbose=0)
    assert len(labels) == len(found)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_head_on_features_starts_and_drops_as_its_seed_says(make_task):
    first, second = (make_task("features", name="convnet").model for _ in range(2))
    ones = np.ones((4, first.input_shape[1]), "float32")
    outputs = [
        keras.ops.convert_to_numpy(model(ones, training=True))
        for model in (first, second)
    ]
    np.testing.assert_array_equal(*outputs)
    assert first.get_layer("head_dropout").seed == 0
