"""Trains on JAX, exports, and runs the ONNX file beside the model on JAX.

Usage: export_from_jax.py FOLDER OUT; prints JSON.
"""

import dataclasses
import json
import sys
from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime

import kerastpu
from kerastpu import export, models, presets
from kerastpu.errors import UsageError
from kerastpu.features import conversion


def main(folder, out):
    tiny = presets.get("tiny")
    training = dataclasses.replace(tiny.training, epochs=2)
    config = dataclasses.replace(tiny, data=folder, backend="jax", training=training)
    run = kerastpu.train(config, Path(out) / "run")
    result = export.export(run)
    images = np.random.default_rng(0).integers(0, 256, (9, 48, 48, 3), np.uint8)
    session = onnxruntime.InferenceSession(result.folder / "model.onnx")
    (found,) = session.run(None, {"image": images})
    wanted = np.asarray(run.load_model()(images, training=False))
    refused = ""
    try:
        export.export(run, formats=["x"])
    except UsageError as error:
        refused = str(error)
    options = {"input_shape": (48, 48, 3), "num_classes": 3, "batch_norm": True}
    network = models.build("firenet", **options)
    content = conversion.to_onnx(network, "uint8", keep_batch_norm=True)
    operators = [node.op_type for node in onnx.load_from_string(content).graph.node]
    assert keras.backend.backend() == "jax"
    report = {
        "agreements": [check.agreement for check in result.checks],
        "difference": float(np.abs(found - wanted).max()),
        "refused": refused,
        "norms": operators.count("BatchNormalization"),
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(*sys.argv[1:])
