"""A few real batches through the real network, with the clock running."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from data_pipelines import Manifest, ViewBatches
from data_pipelines.batches import in_threads
from kerastpu import (
    features,
    feeding,
    fitting,
    recipes,
    regularization,
    schedules,
    stopwatch,
)
from kerastpu.calibration.estimate import Estimate, Rates, Sizes, count
from kerastpu.config import Config
from kerastpu.fast_steps import fast_steps
from kerastpu.features import engines, keras_engine
from kerastpu.features.extraction import stream
from kerastpu.peak_memory import peak_memory
from kerastpu.recipes import head
from kerastpu.recipes.networks import build_parts
from kerastpu.recipes.task import global_batch
from kerastpu.strategy import Accelerator

_WARM_STEPS = 2  # the first traces and compiles, the second fills the queues
_MOST_STEPS = 1_000_000
_NUM_CHECKPOINTS = 2


def measure(
    config: Config, manifest: Manifest, accelerator: Accelerator, seconds: float
) -> Estimate:
    """Measures how fast a run's parts are; what it built is forgotten.

    Args:
        config: the run.
        manifest: its shards.
        accelerator: where it runs.
        seconds: how long to measure in all; getting ready comes on top.
    """
    parts = _kept if config.training.mode == "features" else _whole
    policy = keras.config.dtype_policy()
    try:
        return parts(config, manifest, accelerator, seconds)
    finally:
        keras.backend.clear_session()  # the run's layers get the names they always get
        keras.config.set_dtype_policy(policy)  # which that sets to the default


def _whole(
    config: Config, manifest: Manifest, accelerator: Accelerator, seconds: float
) -> Estimate:
    start = time.perf_counter()
    task = recipes.train_all(
        config, manifest, accelerator, stopwatch.Stopwatch(), lambda: None
    )
    batch_size = global_batch(config, accelerator, manifest.num_examples("train"))
    building = time.perf_counter() - start
    steps, compiling = _fit(
        task.model, task.make_batches(0), config, accelerator, 0.7 * seconds
    )
    view = _view(config, manifest, batch_size)
    start = time.perf_counter()
    runner = keras_engine.start(task.model, "uint8")
    tracing = time.perf_counter() - start
    scoring = _infer(runner, view, 0.3 * seconds)
    return Estimate(
        count(config, manifest, batch_size),
        Rates(
            training=steps * batch_size,
            validation=scoring,
            features=0.0,
            scoring=scoring,
            ready=building + compiling + tracing,
        ),
        _sizes(task.model, task.model, 0),
    )


def _kept(
    config: Config, manifest: Manifest, accelerator: Accelerator, seconds: float
) -> Estimate:
    start = time.perf_counter()
    num_train = manifest.num_examples("train")
    batch_size = global_batch(config, accelerator, num_train)
    with accelerator.scope():
        whole, front, back = build_parts(config, len(manifest.class_names))
        accelerator.prepare(back)
    view = _view(config, manifest, features.BATCH_SIZE)
    missing = features.missing(
        front,
        head.views_of(config, manifest),
        images=head.pixels_of(config, manifest),
        engine=config.training.engine,
        dtype=config.training.feature_dtype,
    )
    found = engines.candidates(config.training.engine)
    engine, runner = engines.start(found, front, view[0][0])
    building = time.perf_counter() - start
    kept_rate = _infer(runner, view, 0.4 * seconds)
    if engine.name != "keras":  # with which the whole network is scored
        runner = keras_engine.start(front, "uint8")
    front_rate = _infer(runner, view, 0.2 * seconds)
    shape = front.output_shape[1:]
    some = np.random.default_rng(0).random((batch_size, *shape), np.float32)
    labels = np.arange(batch_size, dtype=np.int32) % len(manifest.class_names)
    mix = feeding.mixer(config.input.augment, len(manifest.class_names), config.seed)
    batches = feeding.ArrayBatches(some, labels, batch_size, config.seed, mix=mix)
    steps, compiling = _fit(back, batches, config, accelerator, 0.3 * seconds)
    call = keras_engine.start(back, "float32").call
    calls = (len(call(some)) for _ in itertools.count())
    back_rate = _rate(calls, 0.1 * seconds)
    kept = num_train * (config.training.views + 1)
    kept += manifest.num_examples("validation")
    itemsize = np.dtype(config.training.feature_dtype).itemsize
    return Estimate(
        replace(count(config, manifest, batch_size), missing=missing),
        Rates(
            training=steps * batch_size,
            validation=back_rate,
            features=kept_rate,
            scoring=1 / (1 / front_rate + 1 / back_rate),
            ready=building + compiling,
        ),
        _sizes(whole, back, kept * math.prod(shape) * itemsize),
    )


def _view(config: Config, manifest: Manifest, batch_size: int) -> ViewBatches:
    """Returns training images as features are made of them, or as they are scored."""
    inputs, training_ = config.input, config.training
    return ViewBatches(
        manifest,
        "train",
        image_size=inputs.image_size,
        batch_size=batch_size,
        seed=config.seed,
        view=min(1, training_.views) if training_.mode == "features" else 0,
        augment=inputs.augment,
        color=inputs.color,
    )


def _infer(runner: features.Runner, view: ViewBatches, seconds: float) -> float:
    """Returns images per second through a network, the next ones made meanwhile."""
    steps = itertools.cycle(range(view.num_batches))
    images = (batch for batch, _ in in_threads(view, steps))
    size = runner.chunk_size(min(view.batch_size, view.num_examples))
    return _rate((len(rows) for rows in stream(runner, images, size)), seconds)


def _rate(done: Iterator[int], seconds: float) -> float:
    """Returns units per second of work that tells how many it did, after a warm-up."""
    for _ in range(_WARM_STEPS):
        next(done)
    start = time.perf_counter()
    total, spent = 0, 0.0
    while spent < seconds:
        total += next(done)
        spent = time.perf_counter() - start
    return total / spent


class _Clock(keras.callbacks.Callback):
    """Counts steps after a warm-up, and stops when the time is over."""

    def __init__(self, seconds: float):
        super().__init__()
        self.seconds, self.steps, self.start = seconds, -_WARM_STEPS, 0.0

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Looks at the clock."""
        self.steps += 1
        if self.steps == 0:
            self.start = time.perf_counter()
        self.spent = time.perf_counter() - self.start
        if self.steps > 0 and self.spent >= self.seconds:
            self.model.stop_training = True


def _fit(
    model: keras.Model,
    batches: Any,
    config: Config,
    accelerator: Accelerator,
    seconds: float,
) -> tuple[float, float]:
    """Returns training steps per second, and the seconds until they were in flow."""
    start, clock = time.perf_counter(), _Clock(seconds)
    rate = schedules.Curve("constant", 1, config.optimizer.learning_rate)
    penalty = {"l1": config.loss.l1, "l2": config.loss.l2}
    with (
        accelerator.scope(),
        regularization.penalties(model, **penalty),
        fast_steps(model, accelerator),
    ):
        fitting.compile_model(model, rate, None, config, accelerator)
        model.fit(
            batches,
            steps_per_epoch=_MOST_STEPS,
            shuffle=False,
            verbose=0,
            callbacks=[clock],
        )
    return clock.steps / clock.spent, clock.start - start


def _sizes(whole: keras.Model, trained: keras.Model, feature_bytes: int) -> Sizes:
    """Returns the sizes of a network and of the compiled part that trains."""
    state = [*trained.variables, *trained.optimizer.variables]
    num_bytes = sum(
        math.prod(variable.shape) * np.dtype(str(variable.dtype)).itemsize
        for variable in state
    )
    return Sizes(
        parameters=whole.count_params(),
        trainable=sum(math.prod(one.shape) for one in trained.trainable_variables),
        feature_bytes=feature_bytes,
        checkpoint_bytes=_NUM_CHECKPOINTS * num_bytes,
        memory_bytes=peak_memory(),
    )
