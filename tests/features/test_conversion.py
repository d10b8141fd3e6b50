"""What tf2onnx alone stumbles over becomes ONNX with the same outputs."""

import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest

from kerastpu.features import conversion

ROOT = Path(__file__).parents[2]
SHAPE = (12, 10, 4)


def normalized(x):
    """Holds constants, which are no variables."""
    layer = keras.layers.Normalization(mean=[1, 2, 3, 4], variance=[4, 3, 2, 1])
    return keras.layers.GlobalAveragePooling2D()(layer(x))


def grouped(x):
    """Keras has it compiled by XLA."""
    return keras.layers.Conv2D(6, 3, groups=2)(x)


def exact_gelu(x):
    """TensorFlow computes it by erfc."""
    return keras.layers.Activation("gelu")(x - 100)


def pixel(x):
    """A map of one pixel that is squared, for its variance."""
    x = keras.layers.Conv2D(6, SHAPE[:2])(x)
    return keras.layers.Conv2D(5, 1)(keras.layers.LayerNormalization()(x))


def recurrent(x):
    """A loop."""
    return keras.layers.GRU(5)(keras.layers.Reshape((-1, 4))(x) / 255)


@pytest.mark.parametrize("layers", [normalized, grouped, exact_gelu, pixel, recurrent])
def test_onnx_runtime_gives_what_keras_gives(layers):
    keras.utils.set_random_seed(0)
    image = keras.Input(SHAPE)
    model = keras.Model(image, layers(image))
    data = conversion.to_onnx(model, "uint8", names=("here", "there"))
    session = onnxruntime.InferenceSession(data)
    assert [taken.name for taken in session.get_inputs()] == ["here"]
    images = np.random.default_rng(0).integers(0, 256, (3, *SHAPE), np.uint8)
    (found,) = session.run(["there"], {"here": images})
    wanted = np.asarray(model(images, training=False))
    np.testing.assert_allclose(found, wanted, atol=1e-6 * np.abs(wanted).max())


def test_batch_norm_of_maps_is_an_operator_where_that_is_asked_for():
    keras.utils.set_random_seed(0)
    norm = keras.layers.BatchNormalization
    image = keras.Input(SHAPE)
    x = norm()(keras.layers.Conv2D(6, 3)(image))
    x = norm(center=False, epsilon=0.1)(keras.layers.DepthwiseConv2D(3)(x))
    x = norm(scale=False)(keras.layers.Activation("relu")(x))
    x = norm()(keras.layers.GlobalAveragePooling2D()(x))  # of no maps
    model = keras.Model(image, x)
    random = np.random.default_rng(0)
    model.set_weights([random.uniform(0.1, 1, w.shape) for w in model.get_weights()])
    images = random.integers(0, 256, (3, *SHAPE), np.uint8)
    wanted = np.asarray(model(images, training=False))
    for is_kept in (False, True, False):
        data = conversion.to_onnx(model, "uint8", keep_batch_norm=is_kept)
        names = [node.op_type for node in onnx.load_from_string(data).graph.node]
        assert names.count("BatchNormalization") == (3 if is_kept else 0)
        (found,) = onnxruntime.InferenceSession(data).run(None, {"inputs": images})
        np.testing.assert_allclose(found, wanted, rtol=1e-4)


@pytest.mark.timeout(180)
@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted as Linux does")
def test_memory_holds_the_weights_a_few_times():
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "scripts" / "convert_wide.py"],
        capture_output=True,
        text=True,
        timeout=170,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert 1 < float(done.stdout) < 25  # tf2onnx alone: about 40
