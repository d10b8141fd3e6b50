"""A backbone with a head of one's own: counts, what trains, what is saved."""

import keras
import numpy as np
import pytest

from kerastpu import models
from kerastpu.config import HeadConfig
from kerastpu.errors import UsageError

SHAPE = (32, 32, 3)
IMAGES = np.random.default_rng(0).integers(0, 256, (8, *SHAPE), np.uint8)
LABELS = np.arange(8) % 3


def build(backbone="efficientnet_lite0", **options):
    keras.utils.set_random_seed(0)
    arguments = {"input_shape": SHAPE, "num_classes": 3, "weights": None}
    return models.build_transfer(backbone, **(arguments | options))


def predict(model):
    return keras.ops.convert_to_numpy(model(IMAGES, training=False))


@pytest.mark.parametrize(
    ("backbone", "size", "pooling", "expected"),
    [
        # The codelab's transfer learning and its fine-tuned Xception.
        ("mobilenet_v2", 192, "flatten", 2_488_389),
        ("xception", 331, "avg", 20_871_725),
    ],
)
def test_the_codelabs_networks_have_its_parameters(backbone, size, pooling, expected):
    model = build(
        backbone,
        input_shape=(size, size, 3),
        num_classes=5,
        head=HeadConfig(pooling=pooling),
    )
    assert model.count_params() == expected
    kernel, bias = model.trainable_variables
    assert kernel.path.startswith("probabilities") and bias.shape == (5,)


@pytest.mark.parametrize("trainable_stages", [0, 2])
def test_a_step_moves_exactly_the_weights_of_the_stages_that_train(trainable_stages):
    model = build(trainable_stages=trainable_stages, head=HeadConfig(dropout=0.0))
    last = models.find_stages(model)[-1 - trainable_stages :]
    trained = {name for stage in last for name in stage.layers}
    before = {layer.name: layer.get_weights() for layer in model.layers}
    optimizer = keras.optimizers.SGD(1e6)  # features of random weights are small
    model.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=False)
    model.train_on_batch(IMAGES, LABELS)
    for layer in model.layers:
        pairs = zip(before[layer.name], layer.get_weights(), strict=True)
        moved = [bool((old != new).any()) for old, new in pairs]
        assert moved == [layer.name in trained] * len(moved), layer.name


def test_frozen_batch_norm_stays_and_the_rest_of_its_stage_trains():
    model = build(trainable_stages=1, freeze_batch_norm=True)
    kinds = {type(layer) for layer in model.layers if layer.weights and layer.trainable}
    assert kinds == {
        keras.layers.Conv2D,
        keras.layers.DepthwiseConv2D,
        keras.layers.Dense,
    }


def test_a_frozen_backbone_gives_training_and_inference_the_same_features():
    model = build(trainable_stages=0)
    features = keras.Model(model.input, model.get_layer("features").output)
    in_training = keras.ops.convert_to_numpy(features(IMAGES, training=True))
    np.testing.assert_array_equal(in_training, predict(features))


def test_all_stages_are_the_network_that_was_never_frozen():
    whole = models.build("efficientnet_lite0", input_shape=SHAPE, num_classes=3)
    model = build(trainable_stages=None)
    paths = [weight.path for weight in whole.trainable_weights]
    assert [weight.path for weight in model.trainable_weights] == paths
    model.set_weights(whole.get_weights())
    np.testing.assert_allclose(predict(model), predict(whole), atol=1e-6)


def test_it_is_flat_and_a_saved_model_predicts_the_same(tmp_path):
    head = HeadConfig(pooling="max", units=(6,), activation="gelu", batch_norm=True)
    model = build(trainable_stages=1, head=head)
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(predict(loaded), predict(model), atol=1e-6)
    paths = [weight.path for weight in loaded.trainable_weights]
    assert paths == [weight.path for weight in model.trainable_weights]


def test_weights_of_a_file_are_those_of_the_backbone(tmp_path):
    trained = build(trainable_stages=None)
    trained.save_weights(tmp_path / "trained.weights.h5")
    model = build(num_classes=7, weights=str(tmp_path / "trained.weights.h5"))
    pairs = zip(model.get_weights()[:-2], trained.get_weights()[:-2], strict=True)
    for mine, theirs in pairs:
        np.testing.assert_array_equal(mine, theirs)


def test_options_reach_the_builder_and_unknown_ones_are_refused():
    kinds = {type(layer) for layer in build(drop_connect=0.0).layers}
    drops = [layer for layer in build(drop_connect=0.5).layers if "drop" in layer.name]
    assert keras.layers.Dropout in kinds  # that of the head
    assert len(drops) > 2
    with pytest.raises(UsageError, match="takes no option depth"):
        build(depth=3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"backbone": "convnet"}, "unknown backbone 'convnet'"),
        ({"num_classes": 1}, "num_classes must be .* at least 2; got 1"),
        ({"trainable_stages": 9}, "trainable_stages must be None or 0..5.*; got 9"),
        ({"head": HeadConfig(pooling="mean")}, "pooling must be .*; got 'mean'"),
        ({"head": HeadConfig(dropout=1.5)}, "head.dropout must be 0..0.9; got 1.5"),
        ({"head": HeadConfig(units=(0,))}, r"head.units must each be .* got \(0,\)"),
        ({"head": HeadConfig(activation="mish")}, "head.activation must be .*'mish'"),
    ],
)
def test_bad_arguments_are_refused_in_one_line_that_repeats_them(arguments, message):
    with pytest.raises(UsageError, match=message) as caught:
        build(**arguments)
    assert "\n" not in str(caught.value)
