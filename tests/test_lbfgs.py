"""L-BFGS finds the optimum that others find, in few passes, and changes no more."""

import keras
import numpy as np
import pytest
from sklearn import linear_model

from kerastpu import lbfgs
from kerastpu.errors import KerastpuError, UsageError

SPARSE = "sparse_categorical_crossentropy"
NUM_EXAMPLES, CLASSES = 300, 4


@pytest.fixture(scope="module")
def points():
    """Returns float32 (300, 5) and labels of four clouds that overlap."""
    random = np.random.default_rng(0)
    labels = random.integers(0, CLASSES, NUM_EXAMPLES)
    centers = random.normal(size=(CLASSES, 5))
    return (centers[labels] + random.normal(size=(NUM_EXAMPLES, 5))).astype(
        "float32"
    ), labels


def softmax_regression():
    return keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(CLASSES, activation="softmax")]
    )


def test_softmax_regression_reaches_the_optimum_of_scikit_learn(points):
    x, y = points
    inverse = 2.0  # scikit-learn's C: its penalty is 1 / (2 C N) of the squares
    theirs = linear_model.LogisticRegression(C=inverse, tol=1e-8, max_iter=1000)
    expected = theirs.fit(x, y).predict_proba(x)
    l2 = 1 / (2 * inverse * NUM_EXAMPLES)
    model = softmax_regression()
    result = lbfgs.fit(model, x, y, loss=SPARSE, l2=l2)
    kernel = keras.ops.convert_to_numpy(model.layers[0].kernel)
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, atol=1e-3)
    np.testing.assert_allclose(kernel, theirs.coef_.T, atol=2e-3)
    penalty = l2 * (theirs.coef_**2).sum()
    optimum = penalty - np.log(expected[np.arange(NUM_EXAMPLES), y]).mean()
    assert result.losses[-1] == pytest.approx(optimum, rel=1e-5)
    assert result.is_converged and result.num_iterations < 100


def test_few_passes_do_what_many_of_sgd_do_not(points):
    x, y = points
    fitted, stepped = softmax_regression(), softmax_regression()
    stepped.set_weights(fitted.get_weights())
    result = lbfgs.fit(fitted, x, y, loss=SPARSE)
    stepped.compile(keras.optimizers.SGD(0.1), SPARSE)
    stepped.fit(x, y, batch_size=32, epochs=result.num_passes, verbose=0)
    assert result.num_passes < 80
    assert result.losses[-1] < stepped.evaluate(x, y, batch_size=300, verbose=0) - 1e-4


def test_result_tells_what_happened(points):
    x, y = points
    told = []
    model = softmax_regression()
    model.compile(loss=SPARSE)
    before = model.evaluate(x, y, batch_size=NUM_EXAMPLES, verbose=0)
    result = lbfgs.fit(
        model, x, y, max_iterations=7, update=lambda done, total: told.append(done)
    )
    after = model.evaluate(x, y, batch_size=NUM_EXAMPLES, verbose=0)
    assert result.num_iterations == 7 and not result.is_converged
    assert told == list(range(1, 8))
    assert (
        len(result.losses) == 8 and list(result.losses) == sorted(result.losses)[::-1]
    )
    assert result.losses[0] == pytest.approx(before, rel=1e-5)
    assert result.losses[-1] == pytest.approx(after, rel=1e-5)
    assert 7 < result.num_passes < 20


def test_regression_on_one_output_does_not_broadcast():
    random = np.random.default_rng(0)
    x = random.normal(size=(40, 3)).astype("float32")
    y = x @ [1.0, -2.0, 0.5] + 3.0
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    lbfgs.fit(model, x, y, loss="mse")
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(kernel.ravel(), [1.0, -2.0, 0.5], atol=1e-3)
    np.testing.assert_allclose(bias, [3.0], atol=1e-3)


def test_only_what_trains_moves_and_noise_stays_out(points):
    x, y = points
    model = keras.Sequential(
        [
            keras.Input((5,)),
            keras.layers.Dense(6, name="frozen"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Activation("tanh"),
            keras.layers.Dropout(0.5),
            keras.layers.Dense(CLASSES, activation="softmax", kernel_regularizer="l2"),
        ]
    )
    model.get_layer("frozen").trainable = False
    norm = model.get_layer("norm")
    norm.moving_mean.assign(np.full(6, 0.5))
    before = {w.path: keras.ops.convert_to_numpy(w) for w in model.weights}
    result = lbfgs.fit(model, x, y, loss=keras.losses.get(SPARSE), max_iterations=30)
    assert result.losses[-1] < result.losses[0]
    for weight in model.weights:
        now = keras.ops.convert_to_numpy(weight)
        is_moved = bool(np.abs(now - before[weight.path]).max() > 0)
        is_trained = weight.trainable and "frozen" not in weight.path
        assert is_moved == is_trained, weight.path
    # The last loss is that of inference, with the penalty that the layer brought.
    model.compile(loss=SPARSE)
    loss = model.evaluate(x, y, batch_size=NUM_EXAMPLES, verbose=0)
    assert loss == pytest.approx(result.losses[-1], rel=1e-5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loss": None}, ["loss must be given"]),
        ({"max_iterations": 0}, ["max_iterations", "got 0"]),
        ({"history_size": 1.5}, ["history_size", "got 1.5"]),
        ({"l2": -1.0}, ["l2", "got -1.0"]),
        ({"y": [0, 1]}, ["x and y", "300 and 2"]),
    ],
)
def test_bad_arguments_are_refused(points, options, words):
    x, y = points
    arguments = {"x": x, "y": y, "loss": SPARSE} | options
    with pytest.raises(UsageError) as error:
        lbfgs.fit(softmax_regression(), **arguments)
    for word in words:
        assert word in str(error.value)


def test_model_without_trainable_weights_is_refused(points):
    model = softmax_regression()
    model.trainable = False
    with pytest.raises(UsageError, match="no weight that trains"):
        lbfgs.fit(model, *points, loss=SPARSE)


def test_loss_that_is_not_finite_is_told_with_advice(points):
    x, y = points
    with pytest.raises(KerastpuError, match="not finite"):
        lbfgs.fit(softmax_regression(), np.full_like(x, np.nan), y, loss=SPARSE)
