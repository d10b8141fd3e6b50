# %% [markdown]
# # Lab 10: Does my model say the same in another runtime?
#
# A model that was trained with Keras seldom ends its life there. A phone runs LiteRT, a web
# server ONNX Runtime, a colleague has PyTorch. Each of them computes the same layers with
# other code, and each conversion is a place where pixels can be scaled twice, channels
# swapped, classes renamed. This lab exports a model, *runs* each export, and imports one
# again to go on training it.
#
# **ONNX** is a file format for such a network: a list of nodes, each with an operator
# (`Conv`, `Relu`, `Softmax`, about 200 of them), named inputs and named outputs. An output
# of one node is the input of others, so the nodes are a graph without cycles. The weights
# are tensors in the same file, in Protocol Buffers.
#
# **Predict first:** of 1,000 images, how many get another class from the exported model?
# How many if its weights have 8 bits instead of 32?

# %%
import dataclasses
import tempfile
from pathlib import Path

import kerastpu

backend = kerastpu.backend.select()  # has to come before `import keras`
folder = Path(tempfile.mkdtemp(prefix="lab10-"))

# %% [markdown]
# ## A model to export
#
# EfficientNet-Lite0 with a new head, at 96 pixels, on flowers that are drawn by code: less
# than a minute on a laptop. Your own folder of photos would do as well.

# %%
from data_pipelines.synthetic import render

SIZE = 96
flowers = folder / "flowers"
render.render_dataset(flowers, num_images=400, size=SIZE)

preset = kerastpu.presets.get("flowers")
config = dataclasses.replace(
    preset,
    data=str(flowers),
    input=dataclasses.replace(preset.input, image_size=SIZE),
    training=dataclasses.replace(preset.training, epochs=10, views=1),
)
run = kerastpu.train(config, folder / "run")
print(f"{run.accuracy:.1%} of the test images are right")

# %% [markdown]
# ## Out of Keras
#
# One call writes the files and runs each in its own runtime on the run's test images. What
# it compares are probabilities, image by image, with those of the model. An export that
# disagrees is an error, not a footnote.

# %%
from kerastpu import export
from kerastpu.export import report

exported = export.export(
    run, formats=("onnx", "litert"), precisions=("float32", "int8")
)
print(report.of_result(exported))

# %% [markdown]
# Was your guess right? In float32 the answers differ in the sixth digit, since sums are made
# in another order, and no class changes. With int8 each map is rounded to 256 steps between
# its least and its greatest value, as 128 training images have them: probabilities move in
# the second digit, and only an image that stood between two classes anyway falls to the
# other side.
#
# ## The file, without Keras
#
# Nothing but ONNX Runtime is needed from here on: what scales the pixels is inside the
# graph, and so are the names of the classes.

# %%
import json

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(exported.folder / "model.onnx")
(image_input,), (output,) = session.get_inputs(), session.get_outputs()
print("takes", image_input.name, image_input.type, image_input.shape)
print("gives", output.name, output.type, output.shape)
facts = session.get_modelmeta().custom_metadata_map
class_names = json.loads(facts["class_names"])
print("classes", class_names)

noise = np.random.default_rng(0).integers(0, 256, (3, SIZE, SIZE, 3), np.uint8)
(probabilities,) = session.run([output.name], {image_input.name: noise})
print("noise is said to be", [class_names[row.argmax()] for row in probabilities])

# %% [markdown]
# It is sure of something even for noise: softmax has to share out 1.
#
# ## Into Keras
#
# `import_onnx` makes of such a file, wherever it came from, a plain Keras model. ONNX keeps
# images as (batch, channels, height, width), Keras as (batch, height, width, channels). The
# weights are turned once, here, so that no layer has to turn its images.

# %%
from kerastpu import importers

imported = importers.import_onnx(exported.folder / "model.onnx")
again = np.asarray(imported(noise.astype(imported.inputs[0].dtype)))
difference = float(np.abs(again - probabilities).max())
print(f"{len(imported.layers)} layers, {imported.count_params():,} parameters")
print(f"largest difference from ONNX Runtime: {difference:.1e}")

# %% [markdown]
# ## And on with training
#
# A network is only *in* Keras if it can learn there. One thing is not what it was: the
# converter folded each BatchNorm into the convolution before it, which gives the same
# answers with fewer operations. Without BatchNorm large steps do harm, so only the
# classifier trains here, and what comes before it stays. Five passes over 64 training
# images: their loss has to fall.

# %%
import keras

import data_pipelines

manifest = kerastpu.datasets.prepare(config)
images, labels = data_pipelines.ViewBatches(
    manifest, "train", image_size=SIZE, batch_size=64
)[0]
for layer in imported.layers:
    layer.trainable = isinstance(layer, keras.layers.Dense)
imported.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
before = imported.evaluate(images, labels, verbose=0)
imported.fit(images, labels, epochs=5, verbose=0)
after = imported.evaluate(images, labels, verbose=0)
print(f"loss of 64 images: {before:.4f} -> {after:.4f}")

# %% [markdown]
# ## Checks

# %%
best = {check.file: check for check in exported.checks}
if best["model.onnx"].agreement < 0.999:
    raise SystemExit("a float32 export gives each image the class that the model gives")
if best["model.onnx"].num_bytes < 2 * best["model.int8.onnx"].num_bytes:
    raise SystemExit("8 bits take less than half of the room of 32")
if difference > 1e-4:
    raise SystemExit("what was imported computes what ONNX Runtime computes")
if not after < before:
    raise SystemExit("an imported network learns")
print("all checks passed")
