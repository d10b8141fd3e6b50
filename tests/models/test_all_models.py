"""Laws that every registered model keeps, through one harness."""

import subprocess
import sys

import keras
import numpy as np
import pytest

from kerastpu import models
from kerastpu.errors import UsageError

NAMES = tuple(models.REGISTRY)
SHAPE = (32, 40, 3)


def random_images(count, shape=SHAPE):
    return np.random.default_rng(0).integers(0, 256, (count, *shape), np.uint8)


def predict(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))


@pytest.fixture(scope="module")
def built():
    return {
        name: models.build(name, input_shape=SHAPE, num_classes=3) for name in NAMES
    }


@pytest.fixture(params=NAMES)
def model(built, request):
    return built[request.param]


@pytest.mark.parametrize("name", NAMES)
def test_the_number_of_parameters_is_that_of_the_source(name):
    entry = models.REGISTRY[name]
    side = entry.image_size
    assert models.build(name, input_shape=(side, side, 3)).count_params() == (
        entry.num_parameters
    )


def test_uint8_and_float_pixels_give_the_same_probabilities(model):
    images = random_images(2)
    probabilities = predict(model, images)
    assert probabilities.shape == (2, 3)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    as_float = predict(model, images.astype("float32"))
    np.testing.assert_array_equal(probabilities, as_float)


def test_layers_are_all_stock_keras(model):
    for layer in model.layers:
        assert type(layer).__module__.startswith("keras."), layer.name
        assert not isinstance(layer, (keras.layers.Lambda, keras.layers.Normalization))


def test_bare_network_fed_with_scaled_pixels_equals_the_whole(model):
    bare = models.build(
        model.name, input_shape=SHAPE, num_classes=3, include_preprocessing=False
    )
    bare.set_weights(model.get_weights())
    images = random_images(2)
    scaled = models.REGISTRY[model.name].preprocessing.on_array(images)
    np.testing.assert_allclose(predict(bare, scaled), predict(model, images), atol=1e-5)


@pytest.mark.parametrize("name", ["convnet", "squeezenet"])
def test_mnist_normalization_is_that_of_the_data(name):
    options = {"input_shape": SHAPE, "num_classes": 3, "normalization": "mnist"}
    whole = models.build(name, **options)
    bare = models.build(name, **options, include_preprocessing=False)
    bare.set_weights(whole.get_weights())
    images = random_images(2)
    scaled = (images.astype("float32") / 255 - 0.1307) / 0.3081
    np.testing.assert_allclose(predict(bare, scaled), predict(whole, images), atol=1e-5)
    with pytest.raises(UsageError, match="normalization must be unit or mnist"):
        models.build(name, input_shape=SHAPE, normalization="imagenet")


def test_without_top_the_model_returns_what_its_classifier_gets(model):
    backbone = models.build(model.name, input_shape=SHAPE, include_top=False)
    backbone.set_weights(model.get_weights()[:-2])
    images = random_images(2)
    kernel, bias = model.get_layer("probabilities").get_weights()
    logits = predict(backbone, images) @ kernel + bias
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(predict(model, images), expected, atol=1e-5)


def test_saved_models_load_with_plain_keras_in_a_process_without_kerastpu(
    built, tmp_path
):
    images = random_images(2)
    np.save(tmp_path / "images.npy", images)
    for name, model in built.items():
        model.save(tmp_path / f"{name}.keras")
        np.save(tmp_path / f"{name}.npy", predict(model, images))
    code = (
        "import sys; sys.modules['kerastpu'] = None; import keras, numpy as np\n"
        "for name in sys.argv[1:]:\n"
        "    model = keras.models.load_model(name + '.keras')\n"
        "    found = model(np.load('images.npy'), training=False)\n"
        "    np.testing.assert_allclose(found, np.load(name + '.npy'), atol=1e-6)\n"
    )
    command = [sys.executable, "-c", code, *NAMES]
    subprocess.run(command, cwd=tmp_path, check=True, timeout=200)


@pytest.mark.parametrize("name", NAMES)
def test_mixed_precision_keeps_pixels_and_probabilities_in_float32(name):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = models.build(name, input_shape=SHAPE, num_classes=3)
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("preprocessing").compute_dtype == "float32"
    assert any(layer.compute_dtype == "bfloat16" for layer in model.layers)
    assert predict(model, random_images(2)).dtype == np.float32


def test_importing_the_registry_imports_no_keras():
    code = "import sys, kerastpu.models; sys.exit('keras' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "resnet"}, "unknown model 'resnet'; known: convnet, squeezenet"),
        ({"input_shape": (32, 32)}, r"input_shape must be .* got \(32, 32\)"),
        ({"input_shape": (8, 32, 3)}, r"at least 16 .* got \(8, 32, 3\)"),
        ({"input_shape": (32.0, 32, 3)}, r"got \(32.0, 32, 3\)"),
        ({"num_classes": 1}, "num_classes must be .* at least 2; got 1"),
        ({"num_classes": "5"}, "got '5'"),
        ({"weights": "imagenet"}, "weights must be None; got 'imagenet'"),
        ({"depth": 3}, "'squeezenet' takes no option depth; its options: normal"),
    ],
)
def test_bad_arguments_are_refused_in_one_line_that_repeats_them(arguments, message):
    good = {"name": "squeezenet", "input_shape": SHAPE, "num_classes": 3}
    with pytest.raises(UsageError, match=message) as caught:
        models.build(**{**good, **arguments})
    assert "\n" not in str(caught.value)
