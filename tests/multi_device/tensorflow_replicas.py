"""Two logical CPU devices of TensorFlow; prints findings as JSON.

Argument: the folder for the saved model.
"""

import json
import sys
from pathlib import Path

import network
import numpy as np
import tensorflow as tf

from kerastpu import strategy

NUM_REPLICAS = 2


def main(folder):
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * NUM_REPLICAS,
    )
    replicated, single = strategy.resolve(), strategy.resolve("single")
    found, many, one = network.compare(replicated, single)
    found["choice"] = [replicated.kind, replicated.num_replicas, single.num_replicas]

    unprepared = network.compile_in(replicated, prepare=False)
    network.step(replicated, unprepared, network.NUM_STEPS)
    found["unprepared"] = network.difference(
        unprepared.get_weights(), one.get_weights()
    )
    replica_values = [
        replicated.strategy.experimental_local_results(variable.value)
        for variable in many.non_trainable_variables
        if "moving" in variable.path
    ]
    found["num_statistics"] = len(replica_values)
    found["replicas_disagree"] = max(
        float(np.abs(first - other).max())
        for first, *others in replica_values
        for other in others
    )
    images, _ = network.batch()
    predictions = many.predict(images, batch_size=network.BATCH_SIZE, verbose=0)
    replicated.finalize(many).save(Path(folder) / "tensorflow.keras")
    np.save(Path(folder) / "images.npy", images)
    np.save(Path(folder) / "tensorflow.npy", predictions)
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1])
