"""Evaluates and trains on N logical CPU devices; prints what the replicas saw as JSON.

Usage: count_on_replicas.py SHARDS NUM_REPLICAS
"""

import json
import sys

import tensorflow as tf

import data_pipelines


def main(folder, num_replicas):
    tf.config.set_logical_device_configuration(
        tf.config.list_physical_devices("CPU")[0],
        [tf.config.LogicalDeviceConfiguration()] * num_replicas,
    )
    names = [f"CPU:{number}" for number in range(num_replicas)]
    strategy = tf.distribute.MirroredStrategy(names)
    manifest = data_pipelines.load_manifest(folder)

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
    print(
        json.dumps(
            {
                "seen": sorted(seen),
                "train_rows": [len(part) for part in next(rows(train))],
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
