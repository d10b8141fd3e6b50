"""What `bench/features.py` measures, each in a process of its own.

`python bench/feature_peers.py NAME FOLDER` makes one pass over photos of the shards in
FOLDER for every line it reads, and prints images per second.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

SIZE, IMAGES, PEER_BATCH = 224, 512, 32
NETWORK = "efficientnet_lite0"


def batches_of(folder):
    from data_pipelines import ViewBatches, load_manifest
    from kerastpu import features

    # Host 0 of several has the first part of the split.
    manifest = load_manifest(folder / "shards")
    hosts = max(1, manifest.num_examples("train") // IMAGES)
    size = {"image_size": SIZE, "batch_size": features.BATCH_SIZE}
    return ViewBatches(manifest, "train", host=(0, hosts), **size)


def build():
    from kerastpu import backend, models

    backend.start("tensorflow")
    return models.build(
        NETWORK,
        input_shape=(SIZE, SIZE, 3),
        include_top=False,
        weights="imagenet",
        pooling="avg",
    )


def decode(folder):
    """Decoding and cropping, and nothing else."""
    batches = batches_of(folder)
    return lambda: sum(len(labels) for _, labels in batches)


def ready(folder, *, engine):
    """The engine on images that are in memory."""
    from kerastpu import features
    from kerastpu.features import engines

    model, found = build(), list(batches_of(folder))
    _, runner = engines.start(engines.candidates(engine), model, found[0][0])
    count = sum(len(labels) for _, labels in found)

    def run():
        features.extract(model, found, num_examples=count, runner=runner)
        return count

    return run


def end_to_end(folder, *, engine):
    """From the shards to the file of features; the engine is ready."""
    from kerastpu.features import engines, keeping
    from kerastpu.features.store import FeatureStore

    model, view = build(), keeping.View("train-view-0", batches_of(folder))
    sample, _ = view.batches[0]
    _, runner = engines.start(engines.candidates(engine), model, sample)

    def run():
        with tempfile.TemporaryDirectory(dir=folder) as out:
            store = FeatureStore(Path(out), runner.output_shape, "float32")
            return keeping.compute(store, view, runner)[1]

    return run


def onnx_runtime(folder):
    """ONNX Runtime as its guide has it: batches, all cores on each, its defaults."""
    import numpy as np
    import onnxruntime

    from kerastpu.features import conversion

    model = build()
    images = np.concatenate([images for images, _ in batches_of(folder)])
    session = onnxruntime.InferenceSession(conversion.to_onnx(model, "uint8"))

    def run():
        for start in range(0, len(images), PEER_BATCH):
            chunk = images[start : start + PEER_BATCH]
            session.run(None, {conversion.INPUT: chunk})
        return len(images)

    return run


def keras_predict(folder):
    """`model.predict` of Keras on TensorFlow."""
    import numpy as np

    model = build()
    images = np.concatenate([images for images, _ in batches_of(folder)])
    return lambda: len(model.predict(images, batch_size=PEER_BATCH, verbose=0))


# name -> what makes its pass
PIPELINES = {
    "decode only": decode,
    "onnx, ready batches": lambda folder: ready(folder, engine="onnx"),
    "onnx, end to end": lambda folder: end_to_end(folder, engine="onnx"),
    "keras, ready batches": lambda folder: ready(folder, engine="keras"),
    "keras, end to end": lambda folder: end_to_end(folder, engine="keras"),
    "peer: ONNX Runtime, ready batches": onnx_runtime,
    "peer: Keras predict, ready batches": keras_predict,
}


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    run = PIPELINES[sys.argv[1]](Path(sys.argv[2]))
    run()  # warms up
    print("ready", flush=True)
    for _ in sys.stdin:
        start = time.perf_counter()
        count = run()
        print(count / (time.perf_counter() - start), flush=True)
