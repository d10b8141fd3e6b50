"""Evaluates and trains on 1, 2 and 4 logical CPU devices; prints what they saw as JSON.

Usage: count_on_replicas.py SHARDS
"""

import json
import sys

import tensorflow as tf

import data_pipelines


def main(folder):
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * 4,
    )
    manifest = data_pipelines.load_manifest(folder)
    print(json.dumps({count: on_replicas(manifest, count) for count in (1, 2, 4)}))


def on_replicas(manifest, num_replicas):
    """Returns the sums of the test images seen, and the rows of a training step."""
    names = [f"CPU:{number}" for number in range(num_replicas)]
    strategy = tf.distribute.MirroredStrategy(names)

    def rows(dataset):
        """Yields the images of every replica in turn."""
        for images, _ in strategy.experimental_distribute_dataset(dataset):
            yield [part.numpy() for part in strategy.experimental_local_results(images)]

    # A batch that the number of examples and of replicas does not divide.
    test = data_pipelines.make_eval(manifest, split="test", image_size=8, batch_size=6)
    seen = [
        int(image.sum()) for parts in rows(test) for part in parts for image in part
    ]
    train = data_pipelines.make_train(manifest, image_size=8, batch_size=16, seed=0)
    return {
        "seen": sorted(seen),
        "train_rows": [len(part) for part in next(rows(train))],
    }


if __name__ == "__main__":
    main(sys.argv[1])
