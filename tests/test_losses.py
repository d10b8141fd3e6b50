"""Losses, weights and penalties equal their formulas, value and gradient."""

import keras
import numpy as np
import pytest
from sklearn import metrics
from sklearn.utils import class_weight

from kerastpu import class_weights, losses, regularization
from kerastpu.config import LossConfig
from kerastpu.errors import UsageError

CLASSES = 4
WEIGHTS = (0.5, 2.0, 1.5, 0.25)


@pytest.fixture
def logits():
    return np.random.default_rng(0).normal(size=(6, CLASSES)).astype("float32")


LABELS = np.array([0, 3, 1, 1, 2, 0])
ONE_HOT = np.eye(CLASSES, dtype="float32")[LABELS]
MIXED = 0.7 * ONE_HOT + 0.3 * ONE_HOT[::-1]


def softmax(logits):
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def by_hand(targets, probabilities, smoothing=0.0, gamma=0.0, weights=None):
    """The loss of one-hot or mixed targets, as the sum over classes of its parts."""
    weights = np.ones(CLASSES) if weights is None else np.array(weights)
    total = np.zeros(len(targets))
    for label in range(CLASSES):
        smoothed = np.full(CLASSES, smoothing / CLASSES)
        smoothed[label] += 1 - smoothing
        cost = smoothed * (1 - probabilities) ** gamma * -np.log(probabilities)
        total += targets[:, label] * weights[label] * cost.sum(axis=1)
    return total.mean()


def value(loss, labels, probabilities):
    return float(keras.ops.convert_to_numpy(loss(labels, probabilities)))


CASES = [
    {},
    {"label_smoothing": 0.1},
    {"name": "focal", "focal_gamma": 2.0},
    {"name": "focal", "focal_gamma": 0.5, "label_smoothing": 0.2},
]


@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["plain", "weighted"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_loss_equals_its_formula(case, weights, logits):
    config, probabilities = LossConfig(**case), softmax(logits)
    gamma = config.focal_gamma if config.name == "focal" else 0.0
    for labels, targets in ((LABELS, ONE_HOT), (LABELS[:, None], ONE_HOT)):
        loss = losses.build_loss(config, CLASSES, is_mixed=False, class_weights=weights)
        expected = by_hand(
            targets, probabilities, config.label_smoothing, gamma, weights
        )
        assert value(loss, labels, probabilities) == pytest.approx(expected, rel=1e-5)
    loss = losses.build_loss(config, CLASSES, is_mixed=True, class_weights=weights)
    expected = by_hand(MIXED, probabilities, config.label_smoothing, gamma, weights)
    assert value(loss, MIXED, probabilities) == pytest.approx(expected, rel=1e-5)


def test_cross_entropy_is_that_of_scikit_learn(logits):
    probabilities = softmax(logits.astype("float64"))
    loss = losses.ClassificationLoss(CLASSES)
    assert value(loss, LABELS, probabilities) == pytest.approx(
        metrics.log_loss(LABELS, probabilities), rel=1e-5
    )


def test_focal_loss_cares_less_for_what_is_right_already():
    easy, hard = np.array([[0.9, 0.1]]), np.array([[0.4, 0.6]])
    plain, focal = (losses.ClassificationLoss(2, gamma=gamma) for gamma in (0.0, 2.0))
    label = np.array([0])
    assert value(focal, label, easy) == pytest.approx(0.01 * value(plain, label, easy))
    assert value(focal, label, hard) == pytest.approx(0.36 * value(plain, label, hard))


def dense(logits):
    """A softmax layer whose logits are `logits` at its weights, for one-hot inputs."""
    model = keras.Sequential(
        [
            keras.Input((len(logits),)),
            keras.layers.Dense(CLASSES, activation="softmax", use_bias=False),
        ]
    )
    model.set_weights([logits])
    return model, np.eye(len(logits), dtype="float32")


def gradient(model, inputs, labels, loss):
    """Returns what a step of SGD at rate 1 subtracts from the kernel."""
    before = model.get_weights()[0]
    model.compile(keras.optimizers.SGD(1.0), loss, run_eagerly=False)
    model.train_on_batch(inputs, labels)
    return before - model.get_weights()[0]


@pytest.mark.parametrize("gamma", [0.0, 2.0])
def test_gradient_of_weighted_mixed_labels_is_that_of_the_formula(gamma, logits):
    model, inputs = dense(logits)
    loss = losses.ClassificationLoss(
        CLASSES, is_mixed=True, gamma=gamma, label_smoothing=0.1, class_weights=WEIGHTS
    )
    found = gradient(model, inputs, MIXED, loss)
    expected, step = np.zeros_like(logits), 1e-5
    for index in np.ndindex(logits.shape):
        sides = []
        for sign in (1, -1):
            moved = logits.astype("float64")
            moved[index] += sign * step
            sides.append(by_hand(MIXED, softmax(moved), 0.1, gamma, WEIGHTS))
        expected[index] = (sides[0] - sides[1]) / (2 * step)
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_weighted_loss_is_what_class_weight_of_keras_gives(logits):
    model, inputs = dense(logits)
    ours = losses.ClassificationLoss(
        CLASSES, label_smoothing=0.1, class_weights=WEIGHTS
    )
    model.compile(loss=ours)
    here = model.evaluate(inputs, LABELS, batch_size=6, verbose=0)
    model.compile(
        keras.optimizers.SGD(0.0), keras.losses.CategoricalCrossentropy(False, 0.1)
    )
    weights = dict(enumerate(WEIGHTS))
    theirs = model.fit(inputs, ONE_HOT, 6, class_weight=weights, verbose=0)
    assert here == pytest.approx(theirs.history["loss"][0], rel=1e-5)


@pytest.mark.parametrize("is_mixed", [False, True])
def test_accuracy_goes_with_the_labels(is_mixed, logits):
    accuracy = losses.build_accuracy(is_mixed=is_mixed)
    accuracy.update_state(MIXED if is_mixed else LABELS, softmax(logits))
    found = float(keras.ops.convert_to_numpy(accuracy.result()))
    assert accuracy.name == "accuracy"
    assert found == pytest.approx(np.mean(logits.argmax(axis=1) == LABELS))


def test_balanced_weights_are_those_of_scikit_learn_and_have_mean_one():
    labels = np.repeat([0, 1, 2], [70, 20, 10])
    weights = class_weights.balanced(labels, 3)
    theirs = class_weight.compute_class_weight(
        "balanced", classes=np.arange(3), y=labels
    )
    np.testing.assert_allclose(weights, theirs)
    assert np.mean(np.array(weights)[labels]) == pytest.approx(1.0)
    assert class_weights.from_counts([70, 20, 10]) == weights


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: class_weights.balanced([0, 0, 2], 3), ["none of 1"]),
        (lambda: class_weights.balanced([0, 1, 2], 2), ["0..1", "got 2"]),
        (lambda: class_weights.balanced([0.5, 1.0], 2), ["float64"]),
        (lambda: class_weights.from_counts([3, 0], ("cat", "dog")), ["none of dog"]),
    ],
)
def test_weights_that_cannot_be_are_refused(call, words):
    with pytest.raises(UsageError) as error:
        call()
    for word in words:
        assert word in str(error.value)


def small_model():
    return keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(2, bias_initializer="ones"),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(2, bias_initializer="ones", name="frozen"),
            keras.layers.Dense(1, bias_initializer="ones"),
        ]
    )


def weights_of(model):
    return list(map(keras.ops.convert_to_numpy, model.trainable_weights))


def test_penalty_is_on_kernels_that_train_value_and_gradient(tmp_path):
    model = small_model()
    model.get_layer("frozen").trainable = False
    names = [weight.path for weight in model.trainable_weights]
    before = dict(zip(names, weights_of(model), strict=True))
    kernels = [name for name in names if name.endswith("kernel")]
    assert len(kernels) == 2 and len(names) == 6
    frozen = keras.ops.convert_to_numpy(model.get_layer("frozen").kernel)
    l1, l2 = 0.02, 0.3
    expected = sum(
        l1 * abs(before[k]).sum() + l2 * (before[k] ** 2).sum() for k in kernels
    )
    with regularization.penalties(model, l1=l1, l2=l2):
        # The loss of the data is 0, so that the penalty is all of it.
        model.compile(keras.optimizers.SGD(1.0), lambda labels, outputs: 0 * outputs)
        inputs = np.zeros((4, 3), "float32")
        history = model.fit(inputs, np.zeros((4, 1)), verbose=0).history
    assert history["loss"][0] == pytest.approx(expected, rel=1e-5)
    for name, now in zip(names, weights_of(model), strict=True):
        start = before[name]
        moved = l1 * np.sign(start) + 2 * l2 * start if name in kernels else 0.0
        np.testing.assert_allclose(now, start - moved, rtol=1e-5, atol=1e-7)
    kept = keras.ops.convert_to_numpy(model.get_layer("frozen").kernel)
    np.testing.assert_array_equal(kept, frozen)
    model.save(tmp_path / "model.keras")
    plain = keras.models.load_model(tmp_path / "model.keras", compile=False)
    assert not model.losses and not plain.losses


def test_penalty_on_a_regularized_layer_is_refused():
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(2, kernel_regularizer="l2")]
    )
    with (
        pytest.raises(UsageError, match="regularizer of its own, L2"),
        regularization.penalties(model, l1=0.1),
    ):
        pass
    assert len(model.losses) == 1


def test_penalty_acts_in_its_block_only_also_between_other_fits():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, use_bias=False)])
    model.compile(keras.optimizers.SGD(0.0), lambda labels, outputs: 0 * outputs)
    batch = np.zeros((4, 3), "float32"), np.zeros((4, 1))

    def loss():
        return model.fit(*batch, verbose=0).history["loss"][0]

    before = loss()
    with regularization.penalties(model, l2=10.0):
        inside = loss()
    kernel = model.get_weights()[0]
    assert (before, loss()) == (0.0, 0.0)
    assert inside == pytest.approx(10 * (kernel**2).sum(), rel=1e-5)


def test_a_compiled_model_with_our_loss_is_saved_and_loaded(tmp_path):
    config = LossConfig(name="focal", label_smoothing=0.1)
    loss = losses.build_loss(config, 3, is_mixed=False, class_weights=(0.5, 1.0, 1.5))
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, "softmax")])
    model.compile("sgd", loss)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    inputs, labels = np.eye(2, dtype="float32"), np.array([0, 2])
    assert loaded.evaluate(inputs, labels, verbose=0) == pytest.approx(
        model.evaluate(inputs, labels, verbose=0)
    )
