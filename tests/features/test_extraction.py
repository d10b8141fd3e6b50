"""Features are kept once per example, in order, whatever the batches look like."""

import keras
import numpy as np
import pytest

from kerastpu import features, models
from kerastpu.errors import DataError
from kerastpu.features import keras_engine

SHAPE = (32, 32, 3)
NUM_EXAMPLES = 23


@pytest.fixture(scope="module")
def backbone():
    return models.build("squeezenet", input_shape=SHAPE, include_top=False)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (NUM_EXAMPLES, *SHAPE), np.uint8)


LABELS = np.arange(NUM_EXAMPLES) * 7 % 5


def batches_of(images, size):
    for start in range(0, NUM_EXAMPLES, size):
        yield images[start : start + size], LABELS[start : start + size]


@pytest.mark.parametrize("size", [1, 8, 23])
def test_features_equal_the_plain_forward_pass_in_order(backbone, images, size):
    found, labels = features.extract(
        backbone, batches_of(images, size), num_examples=NUM_EXAMPLES
    )
    expected = keras.ops.convert_to_numpy(backbone(images, training=False))
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(labels, LABELS)
    assert found.dtype == np.float32 and labels.dtype == np.int32


def test_small_chunks_give_the_same_features(backbone, images, monkeypatch):
    whole, _ = features.extract(
        backbone, batches_of(images, 23), num_examples=NUM_EXAMPLES
    )
    monkeypatch.setattr(keras_engine, "_CPU_CHUNK_BYTES", 3 * 4 * np.prod(SHAPE))
    chunked, _ = features.extract(
        backbone, batches_of(images, 10), num_examples=NUM_EXAMPLES
    )
    np.testing.assert_allclose(chunked, whole, atol=1e-5)


def test_a_tf_data_pipeline_is_read_as_it_is(backbone, images):
    tf = pytest.importorskip("tensorflow")
    dataset = tf.data.Dataset.from_tensor_slices((images, LABELS)).batch(8)
    found, labels = features.extract(backbone, dataset, num_examples=NUM_EXAMPLES)
    expected, _ = features.extract(
        backbone, batches_of(images, 8), num_examples=NUM_EXAMPLES
    )
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(labels, LABELS)


def test_progress_rises_to_the_number_of_examples(backbone, images):
    seen = []
    features.extract(
        backbone,
        batches_of(images, 8),
        num_examples=NUM_EXAMPLES,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == sorted(seen) and seen[-1] == (NUM_EXAMPLES, NUM_EXAMPLES)


@pytest.mark.parametrize("num_examples", [22, 24, 1])
def test_another_number_of_examples_than_announced_is_refused(
    backbone, images, num_examples
):
    with pytest.raises(DataError, match=f"expected {num_examples} examples"):
        features.extract(backbone, batches_of(images, 8), num_examples=num_examples)


def test_images_of_another_shape_are_refused(backbone):
    small = np.zeros((2, 16, 16, 3), np.uint8)
    with pytest.raises(DataError, match=r"\(32, 32, 3\); got \(16, 16, 3\)"):
        features.extract(backbone, [(small, [0, 1])], num_examples=2)


def test_labels_that_do_not_match_the_images_are_refused(backbone, images):
    with pytest.raises(DataError, match="a batch of 2 images with 3 labels"):
        features.extract(backbone, [(images[:2], [0, 1, 2])], num_examples=2)


def test_an_error_of_the_pipeline_reaches_the_caller(backbone, images):
    def broken():
        yield images[:2], [0, 1]
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        features.extract(backbone, broken(), num_examples=4)


def test_inputs_of_another_dtype_than_the_first_are_refused(backbone, images):
    batches = [(images[:2], [0, 1]), (images[:2].astype("float32"), [0, 1])]
    with pytest.raises(DataError, match="expected inputs of uint8; got float32"):
        features.extract(backbone, batches, num_examples=4)


def test_maps_come_out_as_maps(images):
    inputs = keras.Input(SHAPE)
    model = keras.Model(inputs, keras.layers.MaxPooling2D(4)(inputs))
    found, _ = features.extract(model, [(images, LABELS)], num_examples=NUM_EXAMPLES)
    expected = images.reshape(NUM_EXAMPLES, 8, 4, 8, 4, 3).max(axis=(2, 4))
    np.testing.assert_array_equal(found, expected)


def outputs_of(model, images):
    return features.extract(model, [(images, LABELS)], num_examples=NUM_EXAMPLES)[0]


def test_each_pass_uses_the_present_weights(images):
    model = models.build("convnet", input_shape=SHAPE, num_classes=3)
    before = outputs_of(model, images)
    model.set_weights([weight * 0 for weight in model.get_weights()])
    np.testing.assert_allclose(outputs_of(model, images), 1 / 3, atol=1e-6)
    assert not np.allclose(before, 1 / 3)
