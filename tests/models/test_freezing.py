"""A training step moves what is not frozen, all of it, and nothing else."""

import keras
import numpy as np
import pytest

from kerastpu import models
from kerastpu.errors import UsageError

NUM_STAGES = 4
IMAGES = np.random.default_rng(0).uniform(-1, 1, (8, 16, 16, 3)).astype("float32")
LABELS = np.arange(8) % 3


def build(drop=0.5):
    """Stages of strides 1, 2, 4 and 8 with BatchNorm and drop-connect, and a head."""
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((16, 16, 3), name="image")
    for index in range(NUM_STAGES):
        stride = 2 if index else 1
        x = keras.layers.Conv2D(
            4, 3, stride, padding="same", use_bias=False, name=f"conv{index}"
        )(x)
        x = keras.layers.BatchNormalization(name=f"bn{index}")(x)
        y = keras.layers.Activation("tanh", name=f"tanh{index}")(x)
        shape = (None, 1, 1, 1)
        y = keras.layers.Dropout(drop, noise_shape=shape, name=f"drop{index}")(y)
        x = keras.layers.Add(name=f"add{index}")([x, y])
    x = keras.layers.GlobalAveragePooling2D(name="features")(x)
    x = keras.layers.Dense(4, activation="tanh", name="hidden")(x)
    x = keras.layers.BatchNormalization(name="hidden_bn")(x)
    x = keras.layers.Dense(3, activation="softmax", name="probabilities")(x)
    return keras.Model(inputs, x)


def step(model, optimizer=None):
    """Takes one training step; returns the paths of the variables that it moved."""
    before = [weight.copy() for weight in model.get_weights()]
    model.compile(
        optimizer or keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy"
    )
    model.train_on_batch(IMAGES, LABELS)
    pairs = zip(model.weights, before, model.get_weights(), strict=True)
    return {weight.path for weight, old, new in pairs if (old != new).any()}


def weights_of(model, *parts):
    return {
        weight.path
        for weight in model.weights
        if any(part in weight.path for part in parts)
    }


@pytest.mark.parametrize("trainable_stages", [0, 1, 2, 3, 4, None])
def test_a_step_moves_exactly_what_is_not_frozen(trainable_stages):
    model = build()
    models.freeze(model, trainable_stages)
    count = NUM_STAGES if trainable_stages is None else trainable_stages
    trained = range(NUM_STAGES - count, NUM_STAGES)
    parts = [part for index in trained for part in (f"conv{index}/", f"bn{index}/")]
    assert step(model) == weights_of(model, "hidden", "probabilities", *parts)


def test_batch_norm_of_the_backbone_stays_where_it_is_told_to():
    model = build()
    models.freeze(model, 2, freeze_batch_norm=True)
    expected = weights_of(model, "conv2/", "conv3/", "hidden", "probabilities")
    assert weights_of(model, "hidden_bn/moving_mean") < expected
    assert step(model) == expected


def features_of(model, training):
    part = keras.Model(model.input, model.get_layer("features").output)
    return keras.ops.convert_to_numpy(part(IMAGES, training=training))


def test_a_frozen_backbone_computes_the_same_in_training_and_inference():
    model = build()
    assert not np.allclose(features_of(model, True), features_of(model, False))
    models.freeze(model, 0)
    np.testing.assert_array_equal(features_of(model, True), features_of(model, False))


def test_dropout_of_a_stage_that_trains_stays_on():
    model = build(drop=0.5)
    models.freeze(model, 1)
    rates = [model.get_layer(f"drop{index}").rate for index in range(NUM_STAGES)]
    assert rates == [0, 0, 0, 0.5]


def state(model):
    return [
        (layer.name, layer.trainable, getattr(layer, "rate", None))
        for layer in model.layers
    ]


def test_freezing_twice_is_freezing_once_and_the_last_call_counts():
    once, twice = build(), build()
    models.freeze(once, 1, True)
    for arguments in ((0, False), (None, True), (1, True), (1, True)):
        models.freeze(twice, *arguments)
    assert state(once) == state(twice)


def test_unfreezing_everything_is_as_if_nothing_had_been_frozen():
    plain, thawed = build(), build()
    models.freeze(thawed, 0, True)
    thawed.get_layer("hidden").trainable = False
    models.freeze(thawed, None)
    plain.trainable = True
    assert state(plain) == state(thawed)
    step(plain), step(thawed)
    for mine, theirs in zip(plain.get_weights(), thawed.get_weights(), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_a_saved_model_predicts_the_same_and_stays_frozen(tmp_path):
    model = build()
    models.freeze(model, 1)
    step(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(
        loaded.predict(IMAGES, verbose=0), model.predict(IMAGES, verbose=0), atol=1e-6
    )
    names = {weight.path for weight in loaded.trainable_weights}
    assert names == {weight.path for weight in model.trainable_weights}


def count_gradients(model):
    """Returns how many convolutions a compiled step runs to get gradients."""
    tf = pytest.importorskip("tensorflow")
    model.compile("sgd", "sparse_categorical_crossentropy", jit_compile=False)
    graph = tf.function(model.train_step).get_concrete_function((IMAGES, LABELS)).graph
    waiting = [tensor.op for tensor in graph.outputs] + list(graph.control_outputs)
    reached = set()
    while waiting:
        operation = waiting.pop()
        if operation not in reached:
            reached.add(operation)
            waiting += [tensor.op for tensor in operation.inputs]
            waiting += operation.control_inputs
    return sum("Conv2DBackprop" in operation.type for operation in reached)


def test_no_gradient_is_computed_below_the_lowest_stage_that_trains():
    counts = []
    for trainable_stages in range(NUM_STAGES + 1):
        model = build()
        models.freeze(model, trainable_stages)
        counts.append(count_gradients(model))
    # For its kernel each convolution has one, and one for its input but for the lowest.
    assert counts == [0, 1, 3, 5, 7]


@pytest.mark.parametrize("value", [-1, 5, 1.0, "all", True])
def test_a_number_of_stages_that_are_not_there_is_refused(value):
    expected = "trainable_stages must be None or 0..4, .* stride1, stride2, stride4"
    with pytest.raises(UsageError, match=expected):
        models.freeze(build(), value)


def test_the_summary_shows_each_stage():
    model = build()
    models.freeze(model, 2, freeze_batch_norm=True)
    rows = [line.split() for line in models.trainable_summary(model).splitlines()]
    assert rows[0] == ["stage", "layers", "parameters", "trainable", "BatchNorm"]
    assert [row[0] for row in rows[1:]] == [
        *("stride1", "stride2", "stride4", "stride8", "head")
    ]
    assert [row[3] for row in rows[1:]] == ["0", "0", "144", "144", "43"]
    assert [row[4] for row in rows[1:]] == ["frozen"] * 4 + ["trains"]
    assert (
        len({len(line) for line in models.trainable_summary(model).splitlines()}) == 1
    )


@pytest.mark.parametrize("trainable_stages", [0, None])
def test_layers_inside_a_model_that_is_a_layer_are_frozen_too(trainable_stages):
    base = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, strides=2),
            keras.layers.BatchNormalization(),
            keras.layers.Dropout(0.5),
        ]
    )
    image = keras.Input((8, 8, 3))
    x = keras.layers.GlobalAveragePooling2D(name="features")(base(image))
    model = keras.Model(image, keras.layers.Dense(2, name="probabilities")(x))
    models.freeze(model, trainable_stages, freeze_batch_norm=True)
    assert not base.layers[1].trainable
    assert base.layers[0].trainable == (trainable_stages is None)
    assert base.layers[2].rate == (0.5 if trainable_stages is None else 0.0)
