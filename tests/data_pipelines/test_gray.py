"""One channel: the luma of the colored images, wherever images are made."""

import numpy as np
import pytest
from drawings import draw, encode
from PIL import Image

from data_pipelines import (
    Augment,
    TrainBatches,
    as_arrays,
    make_eval,
    make_predict,
    make_train,
    pixels,
    read_images,
)
from data_pipelines.errors import DataError

COLORFUL = Augment(saturation=(0, 2), hue=0.5, color_jitter=(0.5, 1.5), rotation=20)


def test_gray_is_that_of_pillow_within_one_level():
    images = [draw(seed, 24, 24) for seed in range(20)]
    found = pixels.to_color(np.stack([np.asarray(one) for one in images]), "gray")
    assert found.shape == (20, 24, 24, 1) and found.dtype == np.uint8
    expected = np.stack([np.asarray(one.convert("L")) for one in images])
    assert np.abs(found[..., 0].astype(int) - expected).max() <= 1


def test_gray_files_keep_their_values():
    values = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = read_images([encode(Image.fromarray(values), "PNG")], 16, color="gray")
    assert np.array_equal(found, values[None, :, :, None])


@pytest.mark.parametrize("view", [0, 1])
def test_what_is_done_to_colors_is_done_before(manifest, view):
    options = {"view": view, "augment": COLORFUL}
    colored, labels = as_arrays(manifest, "test", 24, **options)
    gray, same_labels = as_arrays(manifest, "test", 24, color="gray", **options)
    assert np.array_equal(gray, pixels.to_color(colored, "gray"))
    assert np.array_equal(labels, same_labels)


@pytest.mark.parametrize("policy", [COLORFUL, Augment(mixup=0.2)])
def test_tensorflow_gets_the_same_batches(manifest, policy):
    options = {
        **{"image_size": 24, "batch_size": 16, "seed": 5},
        **{"augment": policy, "color": "gray"},
    }
    batches, dataset = (
        TrainBatches(manifest, **options),
        make_train(manifest, **options),
    )
    assert batches.image_shape == (24, 24, 1)
    assert dataset.element_spec[0].shape == (16, 24, 24, 1)
    for step, found in enumerate(dataset.take(3).as_numpy_iterator()):
        for ours, theirs in zip(batches[step], found, strict=True):
            assert np.array_equal(ours, theirs)


def test_evaluation_and_prediction_are_gray_too(manifest):
    sizes = {"image_size": 24, "batch_size": 7, "color": "gray"}
    scored = list(make_eval(manifest, split="test", **sizes).as_numpy_iterator())
    images = np.concatenate([images for images, _ in scored])
    assert np.array_equal(images, as_arrays(manifest, "test", 24, color="gray")[0])
    items = [encode(draw(seed), "PNG") for seed in range(9)]
    predicted = np.concatenate(list(make_predict(items, **sizes).as_numpy_iterator()))
    assert np.array_equal(predicted, read_images(items, 24, color="gray"))


def test_an_unknown_color_is_one_line(manifest):
    with pytest.raises(DataError, match="color must be one of rgb, gray; got 'grey'"):
        as_arrays(manifest, "test", 24, color="grey")
