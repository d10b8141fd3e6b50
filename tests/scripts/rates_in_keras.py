"""What the optimizer's learning rate is during fits; prints JSON, on any backend.

Run by `test_schedules_keras.py`: on JAX in a process of its own.
"""

import json

import keras
import numpy as np

from kerastpu import schedules
from kerastpu.config import OptimizerConfig, ScheduleConfig

STEPS_PER_EPOCH, EPOCHS = 3, 12
RAMP = ScheduleConfig(name="ramp", warmup="5 epochs", start=1e-5, floor=1e-5, decay=0.8)


def build_codelab_curve():
    """Returns the codelab's schedule, on 8 replicas."""
    return schedules.build(
        RAMP,
        OptimizerConfig(learning_rate=5e-5),
        steps_per_epoch=STEPS_PER_EPOCH,
        epochs=EPOCHS,
        num_replicas=8,
    )


class Recorder(keras.callbacks.Callback):
    """Notes the rate that the optimizer has when a batch is about to be trained."""

    def __init__(self):
        super().__init__()
        self.rates = []

    def on_train_batch_begin(self, batch, logs=None):
        """Reads it from the optimizer."""
        rate = self.model.optimizer.learning_rate
        self.rates.append(float(keras.ops.convert_to_numpy(rate)))


class Losses(keras.callbacks.Callback):
    """Puts losses of the test's choice into the logs."""

    def __init__(self, values):
        super().__init__()
        self.values = values

    def on_epoch_end(self, epoch, logs=None):
        """Adds val_loss."""
        logs["val_loss"] = self.values[epoch]


def fit(rate, callbacks=(), epochs=EPOCHS, iterations=0, **options):
    """Returns the rate before each batch, the history, and the weights' moves."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    optimizer = keras.optimizers.SGD(rate, **options)
    if iterations:
        optimizer.iterations.assign(iterations)
    model.compile(optimizer, loss=lambda labels, outputs: -outputs, metrics=[])
    recorder = Recorder()
    weights = [model.get_weights()[0][0, 0]]
    keeper = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: weights.append(model.get_weights()[0][0, 0])
    )
    count = STEPS_PER_EPOCH * epochs
    inputs = np.ones((count, 1), "float32")
    batches = ((inputs[i : i + 1], inputs[i : i + 1]) for i in range(count))
    history = model.fit(
        batches,
        shuffle=False,
        steps_per_epoch=STEPS_PER_EPOCH,
        epochs=epochs,
        verbose=0,
        callbacks=[*callbacks, recorder, keeper],
    )
    moves = np.diff(np.array(weights, "float64")).tolist()
    return recorder.rates, history.history, moves


def measure_ramp():
    """Returns rates and moves with the Keras class, and with both callbacks."""
    curve = build_codelab_curve()
    by_epoch = schedules.callback(
        lambda epoch: schedules.ramp_sustain_decay(epoch, peak=4e-4), by="epoch"
    )
    found = {
        "schedule": fit(schedules.as_keras(curve)),
        "by step": fit(0.5, [schedules.callback(curve)]),
        "by epoch": fit(0.5, [by_epoch]),
    }
    return {
        way: {"rates": rates, "moves": moves, "log": history.get("learning_rate")}
        for way, (rates, history, moves) in found.items()
    }


def measure_plateau(losses):
    """Returns the rates of a plateau with a rise, and those of Keras's without."""
    curve = schedules.build(
        ScheduleConfig(name="plateau", warmup="2 epochs", decay=0.5, period="2 epochs"),
        OptimizerConfig(learning_rate=0.1),
        steps_per_epoch=STEPS_PER_EPOCH,
        epochs=len(losses),
    )
    ours = schedules.PlateauCallback(curve)
    rates, _, _ = fit(
        schedules.as_keras(curve), [Losses(losses), ours], epochs=len(losses)
    )
    keras_own = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=2)
    later = losses[2:]
    expected, _, _ = fit(0.1, [Losses(later), keras_own], epochs=len(later))
    told = [ours(step) for step in range(len(rates))]
    return {"rates": rates, "keras": expected, "told": told}


def measure_shapes():
    """Returns how far the rate in the compiled step is from the pure function."""
    worst = {}
    for name in schedules.SHAPES:
        function = "0:1e-3,40%:3e-4" if name == "custom" else None
        curve = schedules.build(
            ScheduleConfig(name=name, function=function),
            OptimizerConfig(),
            steps_per_epoch=STEPS_PER_EPOCH,
            epochs=EPOCHS,
        )
        if name == "plateau":
            continue
        look = look_up(schedules.as_keras(curve))
        steps = np.arange(STEPS_PER_EPOCH * EPOCHS + 5)
        found = np.array([look(keras.ops.convert_to_tensor(step)) for step in steps])
        pure = np.array([curve(int(step)) for step in steps], "float32")
        worst[name] = float(np.abs(found - pure).max())
    return worst


def look_up(schedule):
    """Returns the schedule as a compiled function."""
    if keras.backend.backend() == "jax":
        import jax

        return jax.jit(schedule)
    import tensorflow as tf

    return tf.function(schedule)


def measure_accumulation():
    """Returns the rates where two batches make a step."""
    curve = schedules.Curve(
        "exponential", 18, 0.1, options={"decay": 0.5, "decay_steps": 1}
    )
    schedule = schedules.as_keras(curve, accumulate=2)
    rates, _, _ = fit(schedule, gradient_accumulation_steps=2)
    callback = schedules.RateCallback(curve, accumulate=2)
    set_rates, _, _ = fit(0.1, [callback], gradient_accumulation_steps=2)
    return {"schedule": rates, "callback": set_rates}


def measure():
    """Returns everything."""
    losses = [1.0, 0.9, 0.9, 0.8, 0.9, 0.9, 0.7, 0.7, 0.7, 0.7, 0.7, 0.7]
    return {
        "backend": keras.backend.backend(),
        "ramp": measure_ramp(),
        "plateau": measure_plateau(losses),
        "shapes": measure_shapes(),
        "accumulation": measure_accumulation(),
    }


if __name__ == "__main__":
    print(json.dumps(measure()))
