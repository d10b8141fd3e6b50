"""One fit: what is scored, what is kept, and steps that are as if made otherwise."""

import dataclasses
import tempfile
from pathlib import Path

import fits
import keras
import numpy as np
import pytest
from fits import BATCH_SIZE, CLASSES, build, config_of, data

from kerastpu import evaluation, feeding, fitting, strategy
from kerastpu.callbacks import Validation
from kerastpu.config import LossConfig, ScheduleConfig
from kerastpu.errors import KerastpuError, UsageError


def run(folder, config, **options):
    """Fits in a folder of its own: in one that holds a fit, that is gone on with."""
    return fits.run(Path(tempfile.mkdtemp(dir=folder)), config, **options)


def column(rows, name):
    return [float(row[name]) for row in rows]


def test_array_batches_hold_every_example_at_most_once_an_epoch():
    numbers = np.arange(50)
    batches = feeding.ArrayBatches(numbers, numbers, 8, seed=3)
    epochs = [
        np.concatenate([batches[6 * epoch + index][0] for index in range(6)])
        for epoch in range(3)
    ]
    for epoch in epochs:
        assert len(set(epoch.tolist())) == 48
    assert set(epochs[0].tolist()) != set(epochs[1].tolist())
    np.testing.assert_array_equal(batches[0][0], epochs[0][:8])  # by number, again


WARMUP = ScheduleConfig(name="cosine", warmup="4 steps")


@pytest.mark.parametrize("schedule", [None, WARMUP], ids=["constant", "cosine"])
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_accumulated_batches_are_one_large_batch(name, schedule, tmp_path):
    """Two batches of 8 make the step of one of 16: 50 examples, 3 steps an epoch."""
    config = config_of(name=name, schedule=schedule, learning_rate=0.05)
    large, rates, _ = run(tmp_path, config, batch_size=16)
    split = dataclasses.replace(config.optimizer, accumulate=2)
    config = dataclasses.replace(config, optimizer=split)
    small, same_rates, rows = run(tmp_path, config, batch_size=8)
    assert same_rates == rates and len(rates) == 9
    for left, right in zip(large.get_weights(), small.get_weights(), strict=True):
        np.testing.assert_allclose(left, right, rtol=2e-4, atol=1e-5)
    assert column(rows, "learning_rate") == pytest.approx(
        [rates[2], rates[5], rates[8]]
    )


def averages(config, num_batches):
    """Returns the averaged weights after each epoch of a loop made by hand."""
    model, total, optimizer = build(), None, config.optimizer
    model.compile(
        keras.optimizers.SGD(optimizer.learning_rate, 0.9, nesterov=True),
        "sparse_categorical_crossentropy",
    )
    size = BATCH_SIZE * optimizer.accumulate
    batches = feeding.ArrayBatches(*data(), size, seed=0)
    for batch in range(num_batches):
        update, rest = divmod(batch + 1, optimizer.accumulate)
        if not rest:
            model.train_on_batch(*batches[update - 1])
        weights = model.get_weights()
        # `ema` for each update, in as many parts as it has batches.
        keep = optimizer.ema ** (1 / optimizer.accumulate)
        keep = keep if batch >= optimizer.accumulate else 0.0
        total = [
            keep * old + (1 - keep) * new
            for old, new in zip(total or weights, weights, strict=True)
        ]
        if (batch + 1) % 6 == 0:
            yield total


@pytest.mark.parametrize("accumulate", [1, 2])
def test_average_of_the_weights_is_scored_and_kept(accumulate, tmp_path):
    config = config_of(ema=0.8, learning_rate=0.5, epochs=4, accumulate=accumulate)
    model, _, rows = run(tmp_path, config)
    inputs, labels = data()
    expected, other = list(averages(config, 24)), build()
    losses = []
    for weights in expected:
        other.set_weights(weights)
        probabilities = other.predict(inputs, verbose=0)
        losses.append(evaluation.evaluate(probabilities, labels, CLASSES).loss)
    np.testing.assert_allclose(column(rows, "val_loss"), losses, rtol=1e-3)
    best = expected[int(np.argmin(losses))]
    for kept, weights in zip(model.get_weights(), best, strict=True):
        np.testing.assert_allclose(kept, weights, rtol=2e-3, atol=1e-4)


def test_best_average_is_kept_where_training_goes_bad(tmp_path):
    """At this rate the weights soon jump about, and stopping comes before the end."""
    model, _, rows = run(tmp_path, config_of(ema=0.5, learning_rate=20.0, epochs=30))
    inputs, labels = data()
    losses = column(rows, "val_loss")
    probabilities = model.predict(inputs, verbose=0)
    kept = evaluation.evaluate(probabilities, labels, CLASSES).loss
    assert kept == pytest.approx(min(losses), rel=1e-4)
    assert losses[-1] > min(losses)


def test_loss_that_is_followed_holds_the_penalty_and_the_score_does_not(tmp_path):
    still = {"learning_rate": 1e-12, "epochs": 1}
    _, _, plain = run(tmp_path, config_of(**still))
    penalized = config_of(**still, loss=LossConfig(l2=0.5))
    model, _, rows = run(tmp_path, penalized)
    squares = sum((w**2).sum() for w in model.get_weights() if w.ndim > 1)
    gap = column(rows, "loss")[0] - column(plain, "loss")[0]
    assert gap == pytest.approx(0.5 * squares, rel=1e-4)
    assert column(rows, "val_loss") == pytest.approx(column(plain, "val_loss"))


def test_class_weights_help_the_rare_class(tmp_path):
    inputs, labels = data()
    config = config_of(epochs=8)

    def recall(**options):
        model, _, _ = run(tmp_path, config, **options)
        probabilities = model.predict(inputs, verbose=0)
        scores = evaluation.evaluate(probabilities, labels, CLASSES)
        return [score.recall for score in scores.classes]

    plain, weighted = recall(), recall(class_weights=(0.1, 0.1, 10.0))
    assert weighted[2] == 1.0
    assert weighted[0] < plain[0]


def test_plateau_lowers_the_rate_and_the_log_says_so(tmp_path):
    schedule = ScheduleConfig(
        name="plateau", warmup="0 steps", decay=0.1, period="1 epochs"
    )
    config = config_of(schedule=schedule, learning_rate=3.0, epochs=6)
    _, rates, rows = run(tmp_path, config)
    assert column(rows, "learning_rate")[0] == 3.0
    assert column(rows, "learning_rate")[-1] < 1.0
    assert column(rows, "learning_rate") == pytest.approx(
        [rates[i] for i in range(5, 36, 6)]
    )


def test_loss_that_is_not_finite_ends_with_advice(tmp_path):
    with pytest.raises(KerastpuError, match=r"lower optimizer\.learning_rate"):
        run(tmp_path, config_of(learning_rate=1e3, loss=LossConfig(l2=1.0), epochs=30))


def test_labels_out_of_range_are_refused_before_the_first_step(tmp_path):
    inputs, labels = data()
    model = build()
    with pytest.raises(UsageError, match=r"0\.\.2.*got 3"):
        fitting.fit(
            model,
            lambda step: feeding.ArrayBatches(inputs, labels + 1, 50, 0, step),
            steps_per_epoch=1,
            validation=Validation(model, [(inputs, labels)], 50, CLASSES),
            config=config_of(),
            accelerator=strategy.resolve("single"),
            workdir=tmp_path,
            update=lambda done, total: None,
        )
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_replicas_fit_as_one_would(backend):
    """Clipping, weight decay, averages, penalties and class weights together."""
    found = fits.on_replicas(backend, fits.__file__)
    assert found["weights"] < 2e-5 and found["scores"] < 2e-5
    assert found["moved"] > 1e-2
