"""Other ways to feed the same photos, as their own guides write them.

Each function takes a folder prepared by `bench/input.py` (shards in `shards/`, the same
bytes as files in `files/`) and returns a function that makes one pass and returns the
number of images. `python bench/peers.py NAME FOLDER` measures a pass for every line it
reads and prints images per second.
"""

import os
import sys
import time
from pathlib import Path

BATCH, SIZE, THREADS = 64, 224, os.cpu_count() or 1


def counting(batches):
    """Returns a pass over (images, labels) batches."""
    return lambda: sum(len(labels) for _, labels in batches)


def limit(folder):
    """TensorFlow decodes with its fastest DCT; nothing else is done."""
    from data_pipelines import load_manifest, throughput
    from data_pipelines.shards.reader import Table

    return throughput.decoder(Table(load_manifest(folder / "shards"), "train"))


def ours(folder, *, is_training, **options):
    """The pipelines of this project, a pass over the training split."""
    from data_pipelines import load_manifest, make_eval, make_train

    manifest = load_manifest(folder / "shards")
    sizes = {"image_size": SIZE, "batch_size": BATCH}
    if not is_training:
        return counting(make_eval(manifest, split="train", **sizes, **options))
    steps = manifest.num_examples("train") // BATCH
    return counting(make_train(manifest, seed=0, **sizes, **options).take(steps))


def codelab(folder, *, is_training):
    """The codelab's reader: non-deterministic files, decode, fill, crop, /255."""
    import tensorflow as tf

    features = {
        "image": tf.io.FixedLenFeature([], tf.string),
        "class": tf.io.FixedLenFeature([], tf.int64),
    }

    def read(example):
        example = tf.io.parse_single_example(example, features)
        image = tf.image.decode_jpeg(example["image"], channels=3)
        shape = tf.cast(tf.shape(image)[:2], tf.float32)
        scale = SIZE / tf.reduce_min(shape)
        height, width = tf.unstack(tf.cast(tf.round(shape * scale), tf.int32))
        image = tf.image.resize(image, [height, width])
        image = tf.image.resize_with_crop_or_pad(image, SIZE, SIZE)
        return tf.reshape(image / 255.0, [SIZE, SIZE, 3]), example["class"]

    def augment(image, label):
        image = tf.image.random_flip_left_right(image)
        return tf.image.random_saturation(image, 0, 2), label

    files = tf.io.gfile.glob(str(folder / "shards" / "train-*"))
    options = tf.data.Options()
    options.experimental_deterministic = False
    dataset = tf.data.TFRecordDataset(files, num_parallel_reads=tf.data.AUTOTUNE)
    dataset = dataset.with_options(options).map(read, tf.data.AUTOTUNE)
    if is_training:
        dataset = dataset.map(augment, tf.data.AUTOTUNE).shuffle(2048)
    return counting(dataset.batch(BATCH).prefetch(tf.data.AUTOTUNE))


def keras_directory(folder, *, is_training):
    """keras.utils.image_dataset_from_directory, with flips alone for training."""
    import keras
    import tensorflow as tf

    dataset = keras.utils.image_dataset_from_directory(
        folder / "files",
        image_size=(SIZE, SIZE),
        batch_size=BATCH,
        crop_to_aspect_ratio=True,
        shuffle=is_training,
        verbose=False,
    )
    if is_training:
        flip = keras.layers.RandomFlip("horizontal")
        dataset = dataset.map(
            lambda images, labels: (flip(images, training=True), labels),
            tf.data.AUTOTUNE,
        )
    return counting(dataset.prefetch(tf.data.AUTOTUNE))


def torchvision_loader(folder, *, is_training):
    """ImageFolder of torchvision in a DataLoader with a worker for each core."""
    import torch
    from torchvision import datasets, transforms

    changes = (
        [
            transforms.RandomResizedCrop(SIZE, (0.5, 1.0)),
            transforms.RandomHorizontalFlip(),
        ]
        if is_training
        else [transforms.Resize(SIZE), transforms.CenterCrop(SIZE)]
    )
    images = datasets.ImageFolder(
        str(folder / "files"), transforms.Compose([*changes, transforms.PILToTensor()])
    )
    torch.set_num_threads(1)
    loader = torch.utils.data.DataLoader(
        images,
        BATCH,
        shuffle=is_training,
        num_workers=THREADS,
        persistent_workers=True,
    )
    return counting(loader)


def _codelab_policy():
    from data_pipelines import Augment

    return Augment(crop_scale=None, saturation=(0, 2))


def _flips():
    from data_pipelines import Augment

    return Augment(crop_scale=None)


# name -> what makes its pass
PIPELINES = {
    "decode only": limit,
    "training": lambda folder: ours(folder, is_training=True),
    "training, window order": lambda folder: ours(
        folder, is_training=True, window=2048
    ),
    "training, codelab policy": lambda folder: ours(
        folder, is_training=True, augment=_codelab_policy()
    ),
    "training, flips only": lambda folder: ours(
        folder, is_training=True, augment=_flips()
    ),
    "training, second epoch from cache": lambda folder: ours(
        folder, is_training=True, cache_bytes=2**33
    ),
    "evaluation": lambda folder: ours(folder, is_training=False),
    "evaluation, second pass from cache": lambda folder: ours(
        folder, is_training=False, cache_bytes=2**33
    ),
    "peer: codelab, training": lambda folder: codelab(folder, is_training=True),
    "peer: codelab, evaluation": lambda folder: codelab(folder, is_training=False),
    "peer: image_dataset_from_directory, training": lambda folder: keras_directory(
        folder, is_training=True
    ),
    "peer: image_dataset_from_directory, evaluation": lambda folder: keras_directory(
        folder, is_training=False
    ),
    "peer: torchvision, training": lambda folder: torchvision_loader(
        folder, is_training=True
    ),
    "peer: torchvision, evaluation": lambda folder: torchvision_loader(
        folder, is_training=False
    ),
}


if __name__ == "__main__":
    run = PIPELINES[sys.argv[1]](Path(sys.argv[2]))
    run()  # warms up: traces graphs, starts workers, fills caches
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        count = run()
        print(count / (time.perf_counter() - start), flush=True)
