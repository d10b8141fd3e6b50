"""Guards take each form of batch, loss and graph that Keras takes, and no other."""

import keras
import numpy as np
import pytest
from test_guards import (
    CATEGORICAL,
    LABELS,
    ONE_HOT,
    SPARSE,
    from_logits,
    images,
    network,
    refusal,
)

from kerastpu import guards, models


def softmax(units=3):
    return network(activation="softmax", units=units)


@pytest.mark.parametrize(
    ("shape", "came"),
    [
        ((8, 8, 1), (4, 8, 8)),
        ((8, 8, 1), (4, 8, 8, 1, 1)),
        ((1,), (4,)),
        ((2,), (4, 2, 1)),
    ],
)
@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: [x], lambda x: {"im": x}])
def test_batch_that_keras_takes_passes(shape, came, wrap):
    inputs = keras.Input(shape, name="im")
    outputs = keras.layers.Dense(3, activation="softmax", name="top")(
        keras.layers.Flatten()(inputs)
    )
    model = keras.Model(inputs, outputs)
    model.compile(loss=SPARSE, run_eagerly=True)
    batch = wrap(np.zeros(came, "float32"))
    for labels in (LABELS, LABELS[:, None], LABELS[:, None, None]):
        model.test_on_batch(batch, labels)
        guards.check(model, batch, labels)
    for labels in ([LABELS], (LABELS,), {"top": LABELS}, LABELS.tolist()):
        guards.check(model, batch, labels)
        assert "got 9" in refusal(model, batch, keras.tree.map_structure(nine, labels))


def nine(labels):
    return labels * 0 + 9


def test_one_hot_labels_pass_with_an_axis_more():
    model = softmax()
    model.compile(loss=CATEGORICAL)
    model.test_on_batch(images(), ONE_HOT[..., None])
    guards.check(model, images(), ONE_HOT[..., None])


def test_what_holds_no_numbers_is_not_judged():
    objects = np.array([None, "a", 3, 4], object)
    guards.check(softmax(), objects, LABELS, SPARSE)
    guards.check(softmax(), images(), objects, SPARSE)
    guards.check(softmax(), [np.zeros((2, 3)), np.zeros((4, 5))], LABELS, SPARSE)
    texts = keras.Sequential([keras.Input((1,), dtype="string")])
    guards.check(texts, np.array(["a", "b"]))


def test_empty_batch_passes():
    for loss in (SPARSE, CATEGORICAL, "binary_crossentropy"):
        guards.check(softmax(), images()[:0], LABELS[:0], loss)


def test_labels_of_text_are_refused():
    message = refusal(softmax(), images(), LABELS.astype(str), SPARSE)
    assert message.startswith("labels must be numbers; got dtype")


@pytest.mark.parametrize("loss", [SPARSE, CATEGORICAL, "binary_crossentropy"])
def test_bfloat16_counts_as_numbers(loss):
    bfloat16 = keras.ops.convert_to_numpy(keras.ops.zeros((1,), "bfloat16")).dtype
    right = LABELS if loss == SPARSE else ONE_HOT
    activation = "sigmoid" if loss == "binary_crossentropy" else "softmax"
    model = network(activation=activation)
    guards.check(model, images().astype(bfloat16), right.astype(bfloat16), loss)
    refusal(model, images(), (right + 5).astype(bfloat16), loss)
    own = models.build("convnet", input_shape=(16, 16, 3), num_classes=3)
    refusal(own, (images() / 255).astype(bfloat16))


def test_message_shows_the_first_wrong_row_and_is_short():
    labels = np.eye(1000)[[1, 2, 3, 4]]
    labels[1, :3] = 0.5, -0.25, 0.75  # sums to 1
    labels[1, 3:] = 0
    labels[3] = 1  # farther from 1, but later
    message = refusal(softmax(units=1000), images(), labels, CATEGORICAL)
    assert "[0.5, -0.25, 0.75, 0, 0, ...], of sum 1" in message
    assert len(message) < 300
    nan = np.where(np.eye(3)[LABELS] > 0, np.nan, 0)
    assert "nan" in refusal(softmax(), images(), nan, CATEGORICAL)


def wraps(loss):
    return [loss], (loss,), {"top": loss}


@pytest.mark.parametrize("loss", wraps(from_logits()))
def test_loss_of_one_output_in_a_structure_is_judged(loss):
    assert "from_logits=False" in refusal(softmax(), images(), loss=loss)
    model = softmax()
    model.compile(loss=loss)
    assert "from_logits=False" in refusal(model, images())


class Reduced(keras.losses.SparseCategoricalCrossentropy):
    def get_config(self):
        return {"name": self.name}


def test_loss_that_says_nothing_of_itself_is_not_judged():
    guards.check(network(), images(), ONE_HOT, Reduced())
    guards.check(network(), images(), ONE_HOT, [SPARSE, SPARSE])


def test_unknown_loss_is_refused():
    assert "got 'nope'" in refusal(softmax(), images(), LABELS, "nope")


def model_of(shape, *layers):
    return keras.Sequential([keras.Input(shape), *layers])


@pytest.mark.parametrize(
    "model",
    [
        model_of((10, 1), keras.layers.Softmax(axis=1)),
        model_of((6, 6, 1), keras.layers.Softmax(axis=(1, 2))),
        model_of(
            (10, 1),
            keras.layers.Softmax(axis=1),
            keras.layers.Reshape((10,)),
            keras.layers.Softmax(),
        ),
        model_of((1, 10), keras.layers.Softmax(), keras.layers.Reshape((10, 1))),
    ],
)
def test_softmax_over_another_axis_passes(model):
    batch = np.zeros((4, *model.input_shape[1:]))
    guards.check(model, batch, loss=SPARSE)


@pytest.mark.parametrize("axis", [-1, 2, (2,)])
def test_softmax_over_a_last_axis_of_one_is_refused(axis):
    flat = keras.layers.Flatten()
    model = model_of((10, 1), keras.layers.Softmax(axis=axis), flat)
    assert "always 1" in refusal(model, np.zeros((4, 10, 1)))


def test_shared_layer_ends_the_walk():
    inputs, shared = keras.Input((4,)), keras.layers.Dropout(0.1)
    hidden = keras.layers.Dense(3, activation="softmax")(inputs)
    model = keras.Model(inputs, shared(shared(hidden)))
    batch = np.zeros((4, 4))
    guards.check(model, batch, LABELS, SPARSE)
    assert "from_logits=False" in refusal(model, batch, loss=from_logits())
    twice = keras.layers.Softmax()
    model = keras.Model(inputs, twice(shared(twice(shared(hidden)))))
    assert "remove one" in refusal(model, batch)


@pytest.mark.parametrize(
    "first",
    [
        keras.Sequential([keras.layers.RandomFlip()], name="preprocessing"),
        keras.layers.RandomFlip(name="preprocessing"),
        keras.layers.Rescaling(2.0, offset=-1.0, name="preprocessing"),
    ],
)
def test_name_of_a_layer_is_no_scaling(first):
    guards.check(model_of((16, 16, 3), first), images() / 255)


def test_subtracting_a_mean_of_bytes_is_scaling():
    own = models.build("vgg16", input_shape=(32, 32, 3), include_top=False)
    batch = np.random.default_rng(0).uniform(size=(4, 32, 32, 3))
    assert "scales pixels" in refusal(own, batch)
