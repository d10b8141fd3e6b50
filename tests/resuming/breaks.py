"""A fit that is broken off and taken up; as a script, one on two replicas."""

import dataclasses
import json
import os
import signal
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))  # noqa: PTH120

import fits

STEPS = fits.NUM_EXAMPLES // fits.BATCH_SIZE  # in an epoch: 6


def config_of(**training):
    """All that a run remembers: averages, a plateau's drops, patience, Adam's state."""
    from kerastpu.config import ScheduleConfig

    schedule = ScheduleConfig(
        name="plateau", warmup="0 steps", decay=0.5, period="1 epochs"
    )
    config = fits.config_of(
        epochs=5, name="adam", learning_rate=2.0, ema=0.6, schedule=schedule
    )
    training = dataclasses.replace(config.training, patience=3, **training)
    return dataclasses.replace(config, training=training)


def run(folder, config, **options):
    """Returns the weights of the best epoch, and metrics.csv without its times."""
    model, rates, rows = fits.run(folder, config, dropout=0.3, **options)
    for row in rows:
        del row["seconds"], row["images_per_second"]
    return [w.tobytes() for w in model.get_weights()], rates, rows


def stopped_at(folder, config, step, **options):
    """Runs until SIGTERM comes in a step; returns whether there was such a step."""
    from kerastpu.stopping import Stopped, Stopping

    stopping = Stopping()

    def update(done, total):
        stopping.is_asked |= done == step * fits.BATCH_SIZE

    try:
        run(folder, config, update=update, stopping=stopping, **options)
    except Stopped:
        return True
    return False


class StoppedWhileScoring:
    """The batches of a validation, in which Ctrl-C comes."""

    def __init__(self, stopping, epoch):
        self.stopping, self.epochs_left = stopping, epoch

    def __iter__(self):
        if not self.epochs_left:
            self.stopping.handle(signal.SIGINT, None)
        self.epochs_left -= 1
        yield fits.data()


def main():
    if os.environ["KERAS_BACKEND"] == "tensorflow":
        import tensorflow as tf

        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * fits.NUM_REPLICAS,
        )
    from kerastpu import strategy

    config, where = config_of(), {"where": "auto"}
    with tempfile.TemporaryDirectory() as folder:
        whole = run(folder, config, **where)
    with tempfile.TemporaryDirectory() as folder:
        stops = [stopped_at(folder, config, step, **where) for step in (2, 6, 13)]
        broken = run(folder, config, **where)
    # The sums that each TensorFlow replica has for the mean loss of an epoch are kept
    # as one sum, which rounds otherwise.
    gaps = [
        abs(float(mine[name]) - float(yours[name])) / max(1.0, abs(float(mine[name])))
        for mine, yours in zip(whole[-1], broken[-1], strict=True)
        for name in mine
    ]
    found = {
        "num_replicas": strategy.resolve().num_replicas,
        "stops": stops,
        "same": whole[:2] == broken[:2],
        "gap": max(gaps),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
