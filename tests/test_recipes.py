"""What a config says about the network is what is built to be trained."""

import contextlib
import dataclasses

import keras
import numpy as np
import pytest

from kerastpu import datasets, models, presets, recipes, strategy
from kerastpu.config import HeadConfig, InputConfig, ModelConfig, TrainingConfig
from kerastpu.errors import UsageError


class Stopwatch:
    """Takes no times."""

    def phase(self, name):
        return contextlib.nullcontext()


@pytest.fixture(scope="module")
def make_task(flower_folder):
    """Returns a function from a mode and a network to its task, at 32 pixels."""

    def make(mode, training=None, **model):
        flowers = presets.get("flowers")
        config = dataclasses.replace(
            flowers,
            data=str(flower_folder),
            input=InputConfig(image_size=32),
            model=ModelConfig(**({"weights": None} | model)),
            training=TrainingConfig(mode=mode, batch_size=16, **(training or {})),
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
    assert names_of(task.model.layers)[1:] == [*HEAD_LAYERS, "probabilities"]
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


def images_of(task):
    """Returns the validation images, which end_to_end validates on."""
    return np.concatenate([images for images, _ in task.validation.batches])


def forward(model, inputs):
    return keras.ops.convert_to_numpy(model(inputs, training=False))


@pytest.fixture(scope="module")
def validation_images(make_task):
    return images_of(make_task("end_to_end", name="convnet"))


@pytest.mark.parametrize(
    "model",
    [
        {"trainable_stages": 1},
        {"trainable_stages": 2, "freeze_batch_norm": True},
        {"cut": "block6_add"},
        {"trainable_stages": 1, "head": HeadConfig(taps=("block12_add",))},
    ],
)
def test_the_last_layers_train_on_kept_maps_and_the_whole_follows(
    make_task, validation_images, model
):
    task = make_task("features", {"views": 0}, name="efficientnet_lite0", **model)
    (kept, labels), inputs = task.validation.batches[0], task.make_batches(0)[0][0]
    assert kept.ndim == 4 and inputs.shape[1:] == kept.shape[1:]
    before = forward(task.model, kept)
    task.model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    task.model.fit(kept, labels, verbose=0)
    whole = task.finish()
    np.testing.assert_allclose(
        forward(whole, validation_images), forward(task.model, kept), atol=1e-5
    )
    assert np.abs(forward(task.model, kept) - before).max() > 1e-4


def test_a_trained_tail_is_frozen_as_end_to_end_freezes_it(make_task):
    model = {
        "name": "mobilenet_v3_small",
        "trainable_stages": 1,
        "freeze_batch_norm": True,
    }
    tail = make_task("features", {"views": 0}, **model).finish()
    whole = make_task("end_to_end", **model).model
    assert [
        (layer.name, len(layer.trainable_weights)) for layer in tail.layers[1:]
    ] == [(layer.name, len(layer.trainable_weights)) for layer in whole.layers[1:]]


def test_features_on_disk_as_float16_train_as_well(make_task):
    task = make_task("features", {"feature_dtype": "float16"}, name="convnet")
    assert task.make_batches(0)[0][0].dtype == np.float16
    task.model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    task.model.fit(task.make_batches(0), steps_per_epoch=2, verbose=0)


def test_a_place_where_the_network_cannot_be_cut_is_refused(make_task):
    with pytest.raises(UsageError, match="cannot be cut at 'block4_expand_conv'"):
        make_task("features", name="efficientnet_lite0", cut="block4_expand_conv")
