"""Guards refuse what trains wrongly, and let everything else pass."""

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kerastpu import guards, losses, models
from kerastpu.errors import UsageError
from kerastpu.models import REGISTRY

SIDE, CLASSES = 16, 3
LABELS = np.array([0, 1, 2, 1])
ONE_HOT = np.eye(CLASSES, dtype="float32")[LABELS]
SPARSE = "sparse_categorical_crossentropy"
CATEGORICAL = "categorical_crossentropy"


def images(count=4):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)


def network(*last, activation=None, units=CLASSES):
    """A model of one's own: no layer of this package, no scaling."""
    return keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(units, activation=activation, name="top"),
            *last,
        ]
    )


def convnet(**options):
    return models.build(
        "convnet", input_shape=(SIDE, SIDE, 3), num_classes=CLASSES, **options
    )


@pytest.fixture(scope="module")
def own():
    return convnet()


@pytest.fixture(scope="module")
def bare():
    return convnet(include_preprocessing=False)


def refusal(*arguments, **options):
    with pytest.raises(UsageError) as error:
        guards.check(*arguments, **options)
    message = str(error.value)
    assert "\n" not in message
    return message


def from_logits(sparse=True):
    kind = "SparseCategoricalCrossentropy" if sparse else "CategoricalCrossentropy"
    return getattr(keras.losses, kind)(from_logits=True)


@pytest.mark.parametrize(
    ("model", "loss", "fix"),
    [
        (network(activation="softmax"), from_logits(), "from_logits=False"),
        (network(keras.layers.Softmax()), from_logits(), "from_logits=False"),
        (
            network(keras.layers.Activation("softmax")),
            keras.losses.CategoricalCrossentropy(from_logits=True),
            "from_logits=False",
        ),
        (
            network(activation="sigmoid"),
            keras.losses.BinaryCrossentropy(from_logits=True),
            "from_logits=False",
        ),
        (network(keras.layers.Softmax(), activation="softmax"), SPARSE, "remove one"),
        (
            network(
                keras.layers.Dropout(0.1), keras.layers.Softmax(), activation="softmax"
            ),
            from_logits(),
            "remove one",
        ),
        (network(), SPARSE, "from_logits=True"),
        (network(keras.layers.Activation("linear")), CATEGORICAL, "from_logits=True"),
        (network(), keras.losses.CategoricalFocalCrossentropy(), "from_logits=True"),
        (network(), keras.losses.sparse_categorical_crossentropy, 'softmax"'),
        (network(), losses.ClassificationLoss(CLASSES), 'softmax"'),
        (network(), "binary_crossentropy", 'sigmoid"'),
        (network(activation="sigmoid"), SPARSE, "binary_crossentropy"),
        (network(activation="softmax", units=1), SPARSE, "always 1"),
    ],
)
def test_output_that_the_loss_does_not_expect_is_refused(model, loss, fix):
    before = model.get_weights()
    message = refusal(model, images(), loss=loss)
    assert fix in message
    assert any(layer.name in message for layer in model.layers)
    for now, start in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(now, start)


@pytest.mark.parametrize(
    ("model", "labels", "loss"),
    [
        (network(activation="softmax"), LABELS, SPARSE),
        (network(activation="softmax"), LABELS[:, None], SPARSE),
        (network(activation="softmax"), LABELS.astype("float32"), SPARSE),
        (network(activation="softmax"), ONE_HOT, CATEGORICAL),
        (
            network(activation="softmax"),
            0.5 * ONE_HOT + 0.5 * ONE_HOT[::-1],
            CATEGORICAL,
        ),
        (network(keras.layers.Softmax()), LABELS, SPARSE),
        (network(), LABELS, from_logits()),
        (network(), ONE_HOT, from_logits(sparse=False)),
        (network(keras.layers.Softmax()), LABELS, losses.ClassificationLoss(CLASSES)),
        (
            network(activation="softmax"),
            ONE_HOT,
            losses.ClassificationLoss(CLASSES, is_mixed=True),
        ),
        (network(activation="sigmoid"), ONE_HOT, "binary_crossentropy"),
        (network(activation="sigmoid", units=1), LABELS % 2, "binary_crossentropy"),
        (network(activation="relu", units=1), LABELS * 7.5, "mse"),
        (network(), LABELS, lambda labels, outputs: outputs),
        (
            network(activation="softmax"),
            np.array([0, -1, 2, 1]),
            keras.losses.SparseCategoricalCrossentropy(ignore_class=-1),
        ),
    ],
)
def test_what_fits_together_passes(model, labels, loss):
    guards.check(model, images(), labels, loss)
    model.compile(loss=loss)
    guards.check(model, images(), labels)


@pytest.mark.parametrize(
    ("labels", "loss", "fix"),
    [
        (ONE_HOT, SPARSE, "categorical_crossentropy, or labels.argmax(axis=-1)"),
        (LABELS, CATEGORICAL, "to_categorical(labels, 3)"),
        (LABELS[:, None], CATEGORICAL, "sparse_categorical_crossentropy"),
        (LABELS + 1, SPARSE, "0..2 for the 3 outputs of the model; got 3"),
        (LABELS - 1, SPARSE, "got -1"),
        (LABELS + 0.5, SPARSE, "whole numbers"),
        (np.eye(4)[LABELS], CATEGORICAL, "(batch, 3)"),
        (2 * ONE_HOT, CATEGORICAL, "sum to 1"),
        (LABELS[:3], SPARSE, "as many as images, 4"),
    ],
)
def test_labels_that_the_loss_does_not_take_are_refused(labels, loss, fix):
    model = network(activation="softmax")
    assert fix in refusal(model, images(), labels, loss)


def test_numbered_classes_are_no_binary_labels():
    model = network(activation="sigmoid", units=1)
    message = refusal(model, images(), LABELS, "binary_crossentropy")
    assert "0..1" in message and "got 2" in message


@pytest.mark.parametrize(
    ("change", "fix"),
    [
        (lambda x: x[0], "images[None]"),
        (lambda x: np.moveaxis(x, -1, 1), "numpy.moveaxis(images, 1, -1)"),
        (lambda x: x[..., :1], "images.repeat(3, axis=-1)"),
        (lambda x: np.concatenate([x, x[..., :1]], -1), "images[..., :3]"),
        (lambda x: x[:, :8], "(batch, 16, 16, 3); got (4, 8, 16, 3)"),
        (lambda x: x.reshape(4, -1), "got (4, 768)"),
    ],
)
def test_batch_of_another_shape_is_refused_with_what_turns_it(own, change, fix):
    batch = change(images())
    assert fix in refusal(own, batch)
    if fix.startswith(("images[", "images.", "numpy.")):
        guards.check(own, eval(fix, {"images": batch, "numpy": np}))


def test_gray_images_pass_with_and_without_an_axis():
    model = models.build("convnet", input_shape=(SIDE, SIDE, 1), num_classes=2)
    gray = images()[..., 0]
    for batch in (gray, gray[..., None], gray[..., None, None]):
        guards.check(model, batch)
        assert "scales pixels" in refusal(model, batch / 255)
    assert "images[None]" in refusal(model, gray[0][..., None])
    assert "keepdims" in refusal(model, images())


def scaled(kind):
    x = images().astype("float32") / 255
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    return {"0..1": x, "-1..1": 2 * x - 1, "standardized": (x - mean) / std}[kind]


@pytest.mark.parametrize("kind", ["0..1", "-1..1", "standardized"])
def test_pixels_scaled_twice_are_refused(own, kind):
    assert "include_preprocessing=False" in refusal(own, scaled(kind))


def test_other_peoples_scaling_counts_too():
    inner = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
        ]
    )
    nested = keras.Sequential([keras.Input((SIDE, SIDE, 3)), inner])
    for model in (inner, nested):
        guards.check(model, images())
        assert "scales pixels 0..255 itself" in refusal(model, scaled("0..1"))


def test_pixels_that_are_not_scaled_are_refused_by_a_bare_network(bare):
    message = refusal(bare, images())
    assert "include_preprocessing=True" in message and "x / 255" in message
    for kind in ("0..1", "-1..1", "standardized"):
        guards.check(bare, scaled(kind))


def test_pixels_that_are_not_centered_are_refused_by_a_bare_network():
    shape, batch = (32, 32, 3), np.full((4, 32, 32, 3), 240, np.uint8)
    options = {"include_top": False, "include_preprocessing": False}
    vgg = models.build("vgg16", input_shape=shape, **options)
    assert "103.939" in refusal(vgg, batch)
    guards.check(vgg, REGISTRY["vgg16"].preprocessing.on_array(batch))


def test_models_of_other_people_are_not_judged_by_their_pixels():
    for batch in (images(), scaled("0..1"), scaled("-1..1")):
        guards.check(network(), batch)


class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


def test_what_cannot_be_read_passes(own):
    guards.check(Subclassed(), scaled("0..1"), LABELS, SPARSE)
    left, right = keras.Input((2,)), keras.Input((3,))
    both = keras.Model([left, right], keras.layers.Concatenate()([left, right]))
    guards.check(both, [np.zeros((4, 2)), np.zeros((4, 3))], LABELS, SPARSE)
    two = keras.Model(own.inputs, [own.output, own.output])
    guards.check(two, images(), {"a": LABELS}, SPARSE)


@given(hnp.arrays(np.uint8, (4, SIDE, SIDE, 3), elements=st.integers(0, 255)))
def test_no_image_of_bytes_is_taken_for_scaled(own, batch):
    guards.check(own, batch, LABELS, SPARSE)
    guards.check(own, batch.astype("float32"), LABELS, SPARSE)


@given(hnp.arrays(np.uint8, (4, SIDE, SIDE, 3), elements=st.integers(0, 1)))
def test_dark_images_pass(own, bare, batch):
    for dtype in ("uint8", "int32", "float32"):
        guards.check(own, batch.astype(dtype))
        guards.check(bare, batch.astype(dtype))


@given(st.integers(0, 4), st.floats(2**-8, 1, width=32))
def test_scaled_pixels_are_refused_where_several_images_say_so(own, count, value):
    batch = np.zeros((6, SIDE, SIDE, 3), "float32")
    batch[:count, 3, 3, 0] = value
    if count >= 3 and value < 1:
        assert "scaled already" in refusal(own, batch)
    else:
        guards.check(own, batch)
    batch[5, 0, 0, 0] = 200  # one photo among dark ones
    guards.check(own, batch)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (entry.num_parameters > 2e6))
        for name, entry in REGISTRY.items()
    ],
)
def test_registered_models_pass_with_pixels_as_they_are(name):
    entry = REGISTRY[name]
    side = max(entry.min_size, 16)
    shape = (side, side, entry.channels)
    model = models.build(name, input_shape=shape, num_classes=CLASSES)
    model.compile(loss=SPARSE)
    batch = np.random.default_rng(0).integers(0, 256, (4, *shape), np.uint8)
    guards.check(model, batch, LABELS)
    if len(model.input_shape) == 4:
        assert "scales pixels 0..255 itself" in refusal(model, batch / 255, LABELS)
