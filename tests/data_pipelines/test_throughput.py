"""Throughput: every stage is measured, against decoding alone."""

import itertools

import numpy as np
import pytest
import tensorflow as tf

from data_pipelines import throughput
from data_pipelines.errors import DataError


def test_every_stage_is_measured_in_turns(manifest):
    calls = []
    rates = throughput.measure(
        manifest,
        image_size=24,
        batch_size=16,
        rounds=2,
        progress=lambda done, total: calls.append((done, total)),
    )
    stages = [rate.stage for rate in rates]
    assert stages[:2] == ["read the shards", throughput.LIMIT]
    assert len(set(stages)) == len(stages) == 6
    assert calls == [(done, 18) for done in range(1, 19)]  # a round warms up
    assert all(0 < rate.low <= rate.images_per_second <= rate.high for rate in rates)
    limit = rates[1].images_per_second
    for rate in rates:
        assert rate.share == pytest.approx(rate.images_per_second / limit)


def test_bad_arguments_are_one_line(manifest):
    with pytest.raises(DataError, match="rounds must be >= 1; got 0"):
        throughput.measure(manifest, image_size=24, rounds=0)


def test_passes_of_any_kind_take_turns():
    calls = []

    def stage(name, num_images):
        def run():
            calls.append(name)
            return num_images

        return run

    many, few = throughput.compare(
        {"many": stage("many", 1000), "few": stage("few", 10)}, "few", rounds=3
    )
    assert calls == ["many", "few"] * 4  # a round warms up
    assert (many.stage, few.stage, few.share) == ("many", "few", 1.0)
    assert many.share == many.images_per_second / few.images_per_second


def test_the_clock_can_be_another():
    ticks = itertools.count()  # one second passes in each pass
    (rate,) = throughput.compare(
        {"pass": lambda: 7}, "pass", rounds=1, clock=lambda: next(ticks)
    )
    assert (rate.low, rate.images_per_second, rate.high) == (7, 7, 7)


def test_the_limit_has_to_be_a_stage():
    with pytest.raises(DataError, match="limit must be one of many; got 'few'"):
        throughput.compare({"many": lambda: 1}, "few")


def test_draining_makes_every_element_in_every_pass():
    made = []

    def make(number):
        made.append(int(number))
        return np.full((2, 3), number)

    numbers = tf.data.Dataset.range(5)
    images = numbers.map(lambda n: tf.numpy_function(make, [n], tf.int64))
    texts = numbers.map(tf.strings.as_string)
    run = throughput.drain(tf.data.Dataset.zip(images, texts), 5)
    assert (run(), run()) == (5, 5)
    assert made == [*range(5)] * 2
    assert throughput.drain(texts, 5)() == 5
