"""Every engine computes what Keras computes, or is not used."""

import logging

import keras
import numpy as np
import pytest

from kerastpu import features, optional
from kerastpu.errors import KerastpuError, MissingExtraError, UsageError
from kerastpu.features import engines

SHAPE = (32, 32, 3)
IMAGES = np.random.default_rng(0).integers(0, 256, (9, *SHAPE), np.uint8)


def hard_swish(x):
    return x * keras.ops.relu6(x + 3.0) / 6.0  # a scalar stops a pass of tf2onnx 1.17


@pytest.fixture(scope="module", params=[keras.ops.relu6, hard_swish])
def network(request):
    """A residual block of depthwise and plain convolutions, with BatchNorm."""
    keras.utils.set_random_seed(0)
    inputs = keras.Input(SHAPE)
    x = start = keras.layers.Conv2D(8, 3, strides=2)(inputs / 255.0)
    x = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)(x)
    x = request.param(keras.layers.BatchNormalization()(x))
    x = keras.layers.Add(name="residual")([start, x])
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def run(name, model):
    engine, runner = engines.start(engines.candidates(name), model, IMAGES)
    labels = np.zeros(len(IMAGES))
    found, _ = features.extract(
        model, [(IMAGES, labels)], num_examples=len(IMAGES), runner=runner
    )
    return engine.name, found


def test_onnx_runtime_is_chosen_on_a_cpu_and_equals_keras(network, caplog):
    with caplog.at_level(logging.INFO, "kerastpu"):
        name, found = run("auto", network)
    assert name == "onnx" and "onnxruntime" in caplog.text
    expected = network.predict(IMAGES, verbose=0)
    assert expected.any()
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


def test_keras_by_name_equals_keras(network):
    name, found = run("keras", network)
    assert name == "keras"
    expected = network.predict(IMAGES, verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_a_map_in_the_middle_of_a_network_is_converted_too(network):
    front = keras.Model(network.input, network.get_layer("residual").output)
    expected = front.predict(IMAGES, verbose=0)
    found = run("onnx", front)[1]
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


def test_an_unknown_engine_is_refused():
    with pytest.raises(UsageError, match="auto, onnx, keras; got 'gpu'"):
        engines.candidates("gpu")


def hide(monkeypatch, module):
    is_installed = optional.is_installed
    monkeypatch.setattr(
        optional, "is_installed", lambda name: name != module and is_installed(name)
    )


@pytest.mark.parametrize("module", ["onnxruntime", "tf2onnx"])
def test_without_onnx_runtime_keras_computes_and_says_why(monkeypatch, caplog, module):
    hide(monkeypatch, module)
    with caplog.at_level(logging.INFO, "kerastpu"):
        assert [engine.name for engine in engines.candidates("auto")] == ["keras"]
    (line,) = caplog.messages
    assert module in line and 'pip install "kerastpu[onnx]"' in line
    with pytest.raises(MissingExtraError, match=r"kerastpu\[onnx\]"):
        engines.candidates("onnx")


@keras.saving.register_keras_serializable("tests")
class Unconvertible(keras.layers.Layer):
    """TensorFlow's FFT, which ONNX Runtime has no operation for."""

    def call(self, inputs):
        real, imaginary = keras.ops.fft((inputs, keras.ops.zeros_like(inputs)))
        return real + imaginary


def test_what_cannot_be_converted_is_left_to_keras_and_refused_by_name(caplog):
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, Unconvertible()(inputs))
    images = IMAGES[:, :8, :8]
    with caplog.at_level(logging.INFO, "kerastpu"):
        engine, _ = engines.start(engines.candidates("auto"), model, images)
    assert engine.name == "keras"
    assert "Keras computes them, for ONNX Runtime cannot run it" in caplog.text
    with pytest.raises(KerastpuError, match="ONNX Runtime cannot run it: "):
        engines.start(engines.candidates("onnx"), model, images)


def test_outputs_that_differ_from_those_of_keras_are_not_used(network):
    onnx, plain = engines.candidates("auto")
    wrong = keras.Model(network.input, keras.ops.add(network.output, 0.1))
    broken = engines.Engine("onnx", "", lambda model, dtype: onnx.start(wrong, dtype))
    assert engines.start((broken, plain), network, IMAGES)[0] is plain
    with pytest.raises(KerastpuError, match=r"differ by \d.* those of Keras"):
        engines.start((broken,), network, IMAGES)
