"""Training steps of EfficientNet-Lite0: ours, those of stock Keras, and of PyTorch.

`python bench/step_peers.py "NAME, batch N" FOLDER` takes steps for every line it reads
and prints images per second; FOLDER holds the same photos in `shards/` and `files/`.
It takes BENCH_STEPS (3) at a time; with BENCH_ONE_CORE set, engines get one thread, and
the seconds are the processor's.
"""

import os
import sys
import time
from pathlib import Path

SIZE, CLASSES = 192, 5
STEPS = int(os.environ.get("BENCH_STEPS", "3"))
IS_ONE_CORE = bool(os.environ.get("BENCH_ONE_CORE"))
# Memory that is given back to the system costs page faults when it is asked for anew.
KEEP_MEMORY = {
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(2**40),
    "MALLOC_ARENA_MAX": "1",
}


def pytorch(batch, _folder, *, layout, keeps_memory=False):
    """PyTorch eager on a ready batch."""
    if keeps_memory and not KEEP_MEMORY.items() <= os.environ.items():
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | KEEP_MEMORY)
    import torch
    import torch_lite0

    if IS_ONE_CORE:
        torch.set_num_threads(1)
    return torch_lite0.stepper(batch, SIZE, CLASSES, getattr(torch, layout))


def keras_fit(batch, folder, *, is_fast, data="ready", stages=None):
    """Steps of `fit` on TensorFlow, compiled as the trainer of this project does.

    Without `is_fast` the model is what its builder made, trained by stock Keras.
    """
    from kerastpu import backend

    backend.select("tensorflow")
    import keras
    import tensorflow as tf

    if IS_ONE_CORE:
        tf.config.threading.set_intra_op_parallelism_threads(1)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    from kerastpu import fast_steps, models, strategy

    accelerator = strategy.resolve("single")
    shape = (SIZE, SIZE, 3)
    model = models.build("efficientnet_lite0", input_shape=shape, num_classes=CLASSES)
    models.freeze(model, stages)
    context = fast_steps.fast_steps(model, accelerator)
    if is_fast:
        context.__enter__()
    model.compile(
        keras.optimizers.SGD(1e-3, momentum=0.9),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        **accelerator.compile_options(),
    )
    batches = DATA[data](folder, batch)

    def run(num_steps):
        model.fit(batches, steps_per_epoch=num_steps, verbose=0)

    run.context = context  # kept open for as long as there are steps
    return run


def ready(_folder, batch):
    """One batch, again and again."""
    import tensorflow as tf

    images = tf.cast(tf.random.uniform((batch, SIZE, SIZE, 3), 0, 256), tf.uint8)
    labels = tf.range(batch) % CLASSES
    batches = tf.data.Dataset.from_tensors((images, labels)).repeat().prefetch(1)
    # The thread that tunes a pipeline may hold up its end by 5 or 10 seconds.
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def shards(folder, batch):
    """The pipeline of this project, augmented."""
    from data_pipelines import load_manifest, make_train

    manifest = load_manifest(folder / "shards")
    return make_train(manifest, seed=0, image_size=SIZE, batch_size=batch)


def directory(folder, batch):
    """keras.utils.image_dataset_from_directory."""
    import keras
    import tensorflow as tf

    batches = keras.utils.image_dataset_from_directory(
        folder / "files", image_size=(SIZE, SIZE), batch_size=batch, verbose=False
    )
    return batches.repeat().prefetch(tf.data.AUTOTUNE)


DATA = {"ready": ready, "shards": shards, "directory": directory}
NCHW, NHWC = {"layout": "contiguous_format"}, {"layout": "channels_last"}
# name -> what makes its steps, and with which options
PEERS = {
    "ours": (keras_fit, {"is_fast": True}),
    "ours, decoding": (keras_fit, {"is_fast": True, "data": "shards"}),
    "ours, 2 stages train": (keras_fit, {"is_fast": True, "stages": 2}),
    "ours, 1 stage trains": (keras_fit, {"is_fast": True, "stages": 1}),
    "ours, head trains": (keras_fit, {"is_fast": True, "stages": 0}),
    "peer: Keras": (keras_fit, {"is_fast": False}),
    "peer: Keras, decoding": (keras_fit, {"is_fast": False, "data": "directory"}),
    "peer: Keras, 1 stage trains": (keras_fit, {"is_fast": False, "stages": 1}),
    "peer: PyTorch": (pytorch, NCHW),
    "peer: PyTorch, channels last": (pytorch, NHWC),
    "peer: PyTorch, memory kept": (pytorch, NCHW | {"keeps_memory": True}),
    "peer: PyTorch, channels last, memory kept": (
        pytorch,
        NHWC | {"keeps_memory": True},
    ),
}


if __name__ == "__main__":
    name, batch = sys.argv[1].rsplit(", batch ", 1)
    make, options = PEERS[name]
    run = make(int(batch), Path(sys.argv[2]), **options)
    clock = time.process_time if IS_ONE_CORE else time.perf_counter
    run(2)  # warms up: traces graphs, fills queues
    print("ready", flush=True)
    for _ in sys.stdin:
        start = clock()
        run(STEPS)
        print(STEPS * int(batch) / (clock() - start), flush=True)
