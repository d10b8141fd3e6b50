"""Features are kept once per example, in order, whatever the batches look like."""

import keras
import numpy as np
import pytest

from kerastpu import features, models
from kerastpu.errors import DataError, UsageError

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
    monkeypatch.setattr(features, "_CPU_CHUNK_BYTES", 3 * 4 * np.prod(SHAPE))
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


def test_an_unknown_engine_is_refused(backbone):
    with pytest.raises(UsageError, match="engine must be auto or keras; got 'gpu'"):
        features.extract(backbone, [], num_examples=0, engine="gpu")


def outputs_of(model, images):
    return features.extract(model, [(images, LABELS)], num_examples=NUM_EXAMPLES)[0]


def test_each_pass_uses_the_present_weights(images):
    model = models.build("convnet", input_shape=SHAPE, num_classes=3)
    before = outputs_of(model, images)
    model.set_weights([weight * 0 for weight in model.get_weights()])
    np.testing.assert_allclose(outputs_of(model, images), 1 / 3, atol=1e-6)
    assert not np.allclose(before, 1 / 3)


def build_head(num_features):
    return keras.Sequential(
        [
            keras.Input((num_features,)),
            keras.layers.Dropout(0.2),
            keras.layers.Dense(3, activation="softmax", name="probabilities"),
        ]
    )


def test_the_assembled_model_is_the_head_on_the_features(images, tmp_path):
    backbone = models.build("squeezenet", input_shape=SHAPE, include_top=False)
    head = build_head(48)
    kept = outputs_of(backbone, images)
    model = features.assemble(backbone, head)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    expected = keras.ops.convert_to_numpy(head(kept, training=False))
    np.testing.assert_allclose(outputs_of(loaded, images), expected, atol=1e-5)
    assert not any(isinstance(layer, keras.Model) for layer in loaded.layers)


def test_training_the_assembled_model_moves_only_the_head(images):
    backbone = models.build("squeezenet", input_shape=SHAPE, include_top=False)
    model = features.assemble(backbone, build_head(48))
    before = [weight.copy() for weight in backbone.get_weights()]
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    model.train_on_batch(images, LABELS % 3)
    for old, new in zip(before, backbone.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert len(model.trainable_weights) == 2


def test_a_head_for_another_number_of_features_is_refused(backbone):
    with pytest.raises(
        UsageError, match=r"\(None, 47\); the backbone gives \(None, 48"
    ):
        features.assemble(backbone, build_head(47))
