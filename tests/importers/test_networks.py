"""Whole networks: the classic ones of the onnx wheel, our own, those of torchvision."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from kerastpu import models
from kerastpu.importers import importing, parity, runtime
from tests import networks
from tests.importers.graphs import check, load

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"
NETWORKS = (
    *("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50"),
    *("shufflenet", "squeezenet", "vgg19", "zfnet512"),
)
CONVERT = Path(__file__).parents[1] / "scripts" / "convert_network.py"
TORCHVISION = (
    *("squeezenet1_1", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2_x0_5"),
    *("resnet18", "mnasnet0_5", "efficientnet_b0", "regnet_y_400mf", "googlenet"),
)


def randomized(name):
    """Returns a network of the wheel with random weights, and without its softmax.

    The files hold no weights: nodes fill them with one number. Random ones keep the
    size of what goes through; softmax would hide how far two results are apart.
    """
    message = load((LIGHT / f"light_{name}.onnx").read_bytes())
    graph, random = message.graph, np.random.default_rng(0)
    shapes = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    positive, kernels = set(), set()
    for node in graph.node:
        if node.op_type == "BatchNormalization":
            positive |= {node.input[1], node.input[4]}
        elif node.op_type in ("Conv", "Gemm"):
            kernels.add(node.input[1])
    kept = []
    for node in graph.node:
        if node.op_type == "ConstantOfShape":
            shape = tuple(int(size) for size in shapes[node.input[0]])
            array = random.standard_normal(shape, np.float32) / 10
            if node.output[0] in positive:
                array = np.abs(array) + np.float32(0.8)
            elif node.output[0] in kernels:
                array *= np.float32(10 * np.sqrt(1.5 / np.prod(shape[1:])))
            graph.initializer.append(numpy_helper.from_array(array, node.output[0]))
        elif node.op_type == "Softmax" and node.output[0] == graph.output[0].name:
            graph.output[0].name = node.input[0]
        else:
            kept.append(node)
    del graph.node[:]
    graph.node.extend(kept)
    return message.SerializeToString()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", NETWORKS)
def test_a_classic_network(name, tmp_path):
    imported = check(tmp_path, randomized(name))
    assert imported.model.input_shape == (None, 224, 224, 3)
    keras.backend.clear_session()


def test_squeezenet_of_the_wheel(tmp_path):
    check(tmp_path, randomized("squeezenet"))


def comes_back(folder):
    """Asserts that what `networks.convert` wrote does as before; returns the import."""
    pixels, before = (np.load(folder / f"{name}.npy") for name in ("pixels", "before"))
    path = folder / "network.onnx"
    imported = importing.convert(path)
    assert before.max() < 0.99  # a saturated softmax would hide differences
    after = np.asarray(imported.model(pixels, training=False))
    np.testing.assert_allclose(after, before, atol=1e-4)
    (wanted,) = runtime.outputs_of(str(path), parity.to_onnx(imported, [pixels]))
    np.testing.assert_allclose(after, wanted, atol=1e-4)
    layers = {type(layer).__name__ for layer in imported.model.layers}
    assert not {"Permute", "Lambda"} & layers
    # The pixels are scaled once, at the front; the layers are those of before.
    assert [layer.name for layer in imported.model.layers][:1] == ["inputs"]
    return imported.model


@pytest.mark.parametrize("name", ["convnet", "mnist_convnet", "squeezenet"])
def test_a_small_network_of_ours_comes_back(name, tmp_path):
    before = networks.convert(name, tmp_path)
    after = comes_back(tmp_path)
    kinds = [type(layer).__name__ for layer in after.layers]
    for kind in (keras.layers.Conv2D, keras.layers.Dense, keras.layers.MaxPooling2D):
        count = sum(type(layer) is kind for layer in before.layers)
        assert kinds.count(kind.__name__) == count
    assert kinds.count("Rescaling") == 1


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", models.REGISTRY)
def test_every_network_of_ours_comes_back(name, tmp_path):
    keras.backend.clear_session()
    gc.collect()  # models hold themselves: all of them do not fit into memory
    subprocess.run(
        [sys.executable, str(CONVERT), name, str(tmp_path)],
        env=os.environ | {"PYTHONPATH": str(Path.cwd())},
        check=True,
        timeout=1800,
    )
    comes_back(tmp_path)


EXPORT = """
import sys, torch, torchvision
torch.manual_seed(0)
name, path = sys.argv[1:]
options = {"init_weights": False} if name == "googlenet" else {}
model = torchvision.models.get_model(name, weights=None, num_classes=7, **options)
for module in model.modules():
    if isinstance(module, torch.nn.BatchNorm2d):
        module.running_mean.uniform_(-0.3, 0.3)
        module.running_var.uniform_(0.5, 1.5)
torch.onnx.export(
    model.eval(), (torch.randn(2, 3, 96, 80),), path, dynamo=False, opset_version=17,
    input_names=["image"], output_names=["scores"],
    dynamic_axes={"image": {0: "n"}, "scores": {0: "n"}},
)
"""


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", TORCHVISION)
def test_a_network_of_torchvision(name, tmp_path):
    pytest.importorskip("torchvision", reason="torchvision is not installed")
    path = tmp_path / "exported.onnx"
    command = [sys.executable, "-c", EXPORT, name, str(path)]
    subprocess.run(command, check=True, timeout=900)
    imported = check(tmp_path, path.read_bytes())
    assert imported.model.input_shape == (None, 96, 80, 3)
    keras.backend.clear_session()
