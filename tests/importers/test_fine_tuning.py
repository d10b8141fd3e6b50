"""An imported network is trained further, as any Keras model."""

import keras
import numpy as np
import pytest

from kerastpu import models
from kerastpu.features import conversion
from kerastpu.importers import import_onnx
from tests.importers.graphs import write


def exported_backbone(name, size, weights=None):
    """Returns a backbone and the same as ONNX, with its BatchNorm."""
    model = models.build(
        name, input_shape=(size, size, 3), include_top=False, weights=weights
    )
    return model, conversion.to_onnx(model, "uint8", keep_batch_norm=True)


def with_head(backbone, num_classes):
    """Returns a classifier on a backbone."""
    outputs = keras.layers.Dense(num_classes, activation="softmax")(backbone.output)
    return keras.Model(backbone.input, outputs)


def freeze_all_but_last(model, share):
    """Lets the last layers train, but no BatchNormalization."""
    border = int(len(model.layers) * (1 - share))
    for index, layer in enumerate(model.layers):
        is_norm = isinstance(layer, keras.layers.BatchNormalization)
        layer.trainable = index >= border and not is_norm


def read_flowers(folder, size, count):
    """Returns images and labels of a folder of class folders, mixed."""
    images, labels = [], []
    names = sorted(path.name for path in folder.iterdir() if path.is_dir())
    for label, name in enumerate(names):
        for path in sorted((folder / name).glob("*.*"))[:count]:
            image = keras.utils.load_img(path, target_size=(size, size))
            images.append(np.asarray(image, np.uint8))
            labels.append(label)
    order = np.random.default_rng(0).permutation(len(labels))
    return np.stack(images)[order], np.asarray(labels)[order]


def test_drawn_flowers(flower_folder, tmp_path):
    keras.utils.set_random_seed(0)
    images, labels = read_flowers(flower_folder, 40, 12)
    _, content = exported_backbone("firenet", 40)
    model = with_head(import_onnx(write(tmp_path, content)), 5)
    before = [weight.numpy().copy() for weight in model.trainable_weights]
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    history = model.fit(images, labels, batch_size=12, epochs=3, verbose=0)
    losses = history.history["loss"]
    assert losses[-1] < losses[0]
    moved = [
        np.any(weight.numpy() != old)
        for weight, old in zip(model.trainable_weights, before, strict=True)
    ]
    assert all(moved)
    model.save(tmp_path / "tuned.keras")
    again = keras.models.load_model(tmp_path / "tuned.keras")
    np.testing.assert_allclose(again(images[:4]), model(images[:4]), atol=1e-6)


def test_with_its_batch_norm_kept_it_learns_step_by_step_as_the_model(tmp_path):
    keras.utils.set_random_seed(0)
    options = {"input_shape": (40, 40, 3), "num_classes": 5, "batch_norm": True}
    model = models.build("firenet", **options)
    random = np.random.default_rng(0)
    for weight in model.weights:
        if weight.name == "bias":  # one of zeros is left out
            weight.assign(random.uniform(-0.1, 0.1, weight.shape))
    content = conversion.to_onnx(model, "uint8", keep_batch_norm=True)
    imported = import_onnx(write(tmp_path, content))
    images = random.integers(0, 256, (4, 16, 40, 40, 3), np.uint8)
    labels = random.integers(0, 5, (4, 16))
    losses = {}
    for each in (model, imported):
        each.compile(keras.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
        losses[each] = [
            float(each.train_on_batch(*batch))
            for batch in zip(images, labels, strict=True)
        ]
    assert np.ptp(losses[model]) > 0.01
    np.testing.assert_allclose(losses[imported], losses[model], rtol=1e-4)


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_photos_of_flowers(tmp_path):
    """EfficientNet-Lite0 from an ONNX file learns flowers as well as the original."""
    folder = data_folder()
    images, labels = read_flowers(folder, 96, 120)
    border = len(labels) * 3 // 4
    original, content = exported_backbone("efficientnet_lite0", 96, "imagenet")
    imported = import_onnx(write(tmp_path, content))
    accuracies = []
    for backbone in (original, imported):
        keras.utils.set_random_seed(0)
        model = with_head(backbone, 5)
        freeze_all_but_last(model, 0.15)
        model.compile(
            keras.optimizers.Adam(1e-3),
            "sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )
        model.fit(images[:border], labels[:border], epochs=4, verbose=0)
        scores = model.evaluate(
            images[border:], labels[border:], verbose=0, return_dict=True
        )
        accuracies.append(scores["accuracy"])
    print(f"original {accuracies[0]:.3f}, imported {accuracies[1]:.3f}")
    assert min(accuracies) > 0.7
    assert abs(accuracies[0] - accuracies[1]) < 0.06


def data_folder():
    """Returns the folder of photos; skips where there is none."""
    import os
    from pathlib import Path

    root = os.environ.get("KERASTPU_DATA")
    if not root:
        pytest.skip("KERASTPU_DATA is not set")
    return Path(root) / "flowers"
