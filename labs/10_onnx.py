# %% [markdown] key="intro"
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
# are [tensors](glossary.md#tensor) in the same file, in Protocol Buffers.

# %% key="verdict"
import kerastpu
from kerastpu import doctor

backend = kerastpu.backend.select()  # has to come before `import keras`
print(doctor.verdict())

# %% tags=["parameters"] key="parameters"
PRESET = "flowers"  # EfficientNet-Lite0, and a head that is trained
NUM_IMAGES = 800  # flowers drawn by code, of all classes together
SIZE = 96  # pixels on each side
EPOCHS = 30
FORMATS = ["onnx", "litert"]
PRECISIONS = ["float32", "int8"]

# %% [markdown] key="model"
# ## A model to export
#
# EfficientNet-Lite0 with a new head, on flowers that are drawn by code:
# [transfer learning](glossary.md#transfer-learning), for which a CPU is enough. Your own
# folder of photos would do as well.

# %% key="train"
import dataclasses
import tempfile
from pathlib import Path

from data_pipelines.synthetic import render

folder = Path(tempfile.mkdtemp(prefix="lab10-"))
flowers = folder / "flowers"
render.render_dataset(flowers, num_images=NUM_IMAGES, size=SIZE)

preset = kerastpu.presets.get(PRESET)
config = dataclasses.replace(
    preset,
    data=str(flowers),
    input=dataclasses.replace(preset.input, image_size=SIZE),
    training=dataclasses.replace(
        preset.training, epochs=EPOCHS, batch_size=16, views=1
    ),
)
run = kerastpu.train(config, folder / "run")
print(f"{run.accuracy:.1%} of the test images are right")

# %% [markdown] key="out-of-keras"
# ## Out of Keras
#
# One call writes the files and runs each in its own runtime on the run's test images. What
# it compares are probabilities, image by image, with those of the model. An export that
# disagrees is an error, not a footnote.
#
# **Predict first:** of 1,000 images, how many get another class from the exported model?
# How many if its weights have 8 bits instead of 32?

# %% key="export"
import logging

from kerastpu import export
from kerastpu.export import report

logging.getLogger("tensorflow").setLevel("ERROR")  # it would name each file it writes
exported = export.export(run, formats=FORMATS, precisions=PRECISIONS)
print(report.of_result(exported))

# %% [markdown] key="parity"
# Was your guess right? With float32 the answers differ by very little, since sums are made
# in another order, and no class changes. With int8 each map is rounded to 256 steps between
# its least and its greatest value, as 128 training images have them: a probability can move
# by a tenth, and an image that stood between two classes anyway may fall to the other side.
#
# ## The file, without Keras
#
# Nothing but ONNX Runtime is needed from here on: what scales the pixels is inside the
# graph, and so are the names of the classes.

# %% key="onnx-runtime"
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
for row in probabilities:
    print(f"noise is said to be {class_names[row.argmax()]}, {row.max():.0%} sure")

# %% [markdown] key="into-keras"
# Even noise gets a class: [softmax](glossary.md#softmax) has to share out 1, and the network
# knows no other answer than one of its classes.
#
# ## Into Keras
#
# `import_onnx` makes of such a file, wherever it came from, a plain Keras model. ONNX keeps
# images as (batch, channels, height, width), Keras as (batch, height, width, channels). The
# weights are turned once, here, so that no layer has to turn its images.

# %% key="import"
from kerastpu import importers

imported = importers.import_onnx(exported.folder / "model.onnx")
again = np.asarray(imported(noise.astype(imported.inputs[0].dtype)))
difference = float(np.abs(again - probabilities).max())
print(f"{len(imported.layers)} layers, {imported.count_params():,} parameters")
print(f"largest difference from ONNX Runtime: {difference:.1e}")

# %% [markdown] key="fine-tune"
# ## And on with training
#
# A network is only *in* Keras if it can learn there. One thing is not what it was: the
# converter folded each [batch normalization](glossary.md#batch-normalization) into the
# convolution before it, which gives the same answers with fewer operations. Without it
# large steps do harm, so only the classifier trains here, and what comes before it stays.
# Five passes over some training images: their [loss](glossary.md#loss) has to fall.

# %% key="learn"
import keras

import data_pipelines

manifest = kerastpu.datasets.prepare(config)
images, labels = data_pipelines.ViewBatches(
    manifest, "train", image_size=SIZE, batch_size=min(64, NUM_IMAGES // 2)
)[0]
for layer in imported.layers:
    layer.trainable = isinstance(layer, keras.layers.Dense)
imported.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
before = imported.evaluate(images, labels, verbose=0)
imported.fit(images, labels, epochs=5, verbose=0)
after = imported.evaluate(images, labels, verbose=0)
print(f"loss of {len(images)} images: {before:.4f} -> {after:.4f}")

# %% [markdown] key="exercise-1"
# ## Exercise 1: a classifier of one function
#
# A web server has the session and the names of the classes, and no Keras. Write
# `classify(images)`: it takes uint8 images of shape (n, SIZE, SIZE, 3) and returns a list
# of n names.
#
# <details><summary>Hint</summary>
#
# `session.run` gives a list with one array of shape (n, classes). `argmax` along the last
# axis gives the index of each image's class. Nothing has to be scaled.
#
# </details>

# %% tags=["solution"] key="exercise-1-solution"
# classify(images): a list of class names, one for each image
def classify(images):
    (rows,) = session.run([output.name], {image_input.name: images})
    return [class_names[index] for index in rows.argmax(axis=-1)]


# %% tags=["check"] key="exercise-1-check"
from kerastpu.checking import check

model = run.load_model()
rows = model.predict(images, verbose=0)
expected = [class_names[index] for index in rows.argmax(axis=-1)]
check(classify(images) == expected, "classify names what the Keras model names")

# %% [markdown] key="exercise-2"
# ## Exercise 2: eight bits by hand
#
# int8 keeps a number $x$ as one of 256 steps. With the least value $a$ and the greatest
# value $b$ of a map, the width of a step is $s = (b - a) / 255$, and $x$ is kept as the
# whole number nearest to $(x - a) / s$. Write `quantize(x, a, b)`, which returns these
# whole numbers as uint8, and `dequantize(q, a, b)`, which makes numbers of them again.
#
# How far from $x$ can the result be?
#
# <details><summary>Hint</summary>
#
# `np.rint` rounds to the nearest whole number. What lies outside of $a$ to $b$ has no step
# of its own: `np.clip` moves it to the nearest end before it is rounded.
#
# </details>

# %% tags=["solution"] key="exercise-2-solution"
# quantize(x, a, b): uint8 steps of the array x between a and b
# dequantize(q, a, b): the numbers that these steps stand for
def quantize(x, a, b):
    step = (b - a) / 255
    return np.rint((np.clip(x, a, b) - a) / step).astype(np.uint8)


def dequantize(q, a, b):
    return a + q * ((b - a) / 255)


# %% tags=["check"] key="exercise-2-check"
values = np.linspace(-1.5, 4.5, 1001)
steps = quantize(values, -1.5, 4.5)
error = np.abs(dequantize(steps, -1.5, 4.5) - values).max()
print(f"largest error {error:.4f}, half a step {6 / 255 / 2:.4f}")
check(steps.dtype == np.uint8, "a step is kept in 8 bits")
check(set(steps.tolist()) == set(range(256)), "all 256 steps are used")
check(error <= 6 / 255 / 2 + 1e-9, "no number moves by more than half a step")
check(quantize(np.array([9.0]), -1.5, 4.5)[0] == 255, "9 becomes the last step")

# %% [markdown] key="exercise-3"
# ## Exercise 3: turn the weights
#
# A [convolution](glossary.md#convolution) of ONNX keeps its kernel as (filters, channels,
# height, width), one of Keras as (height, width, channels, filters). Write
# `to_keras_kernel(kernel)`, which makes the second of the first.
#
# <details><summary>Hint</summary>
#
# `np.transpose` takes the order in which the old axes come in the new array. `reshape`
# would give the right shape too, and wrong numbers.
#
# </details>

# %% tags=["solution"] key="exercise-3-solution"
# to_keras_kernel(kernel): from (filters, channels, height, width)
# to (height, width, channels, filters)
def to_keras_kernel(kernel):
    return np.transpose(kernel, (2, 3, 1, 0))


# %% tags=["check"] key="exercise-3-check"
import onnx

NODE = """
<ir_version: 8, opset_import: ["": 18]>
one_node (float[1, 3, 8, 9] pixels, float[5, 3, 2, 4] kernel)
  => (float[1, 5, 7, 6] maps) { maps = Conv(pixels, kernel) }
"""
random = np.random.default_rng(1)
kernel = random.normal(size=(5, 3, 2, 4)).astype("float32")
pixels = random.normal(size=(1, 3, 8, 9)).astype("float32")
node = onnxruntime.InferenceSession(onnx.parser.parse_model(NODE).SerializeToString())
(by_onnx,) = node.run(["maps"], {"pixels": pixels, "kernel": kernel})
by_keras = keras.ops.conv(
    np.moveaxis(pixels, 1, -1), to_keras_kernel(kernel), data_format="channels_last"
)
by_keras = np.moveaxis(keras.ops.convert_to_numpy(by_keras), -1, 1)
check(by_keras.shape == by_onnx.shape, "both give maps of the same shape")
check(np.allclose(by_keras, by_onnx, atol=1e-4), "both give the same numbers")

# %% [markdown] key="summary"
# ## Checks
#
# An export is done when it has been run beside the model, not when its file is written. The
# last cell says again what has to hold of this one.

# %% key="checks"
by_file = {one.file: one for one in exported.checks}
whole, small = by_file["model.onnx"], by_file[f"model.{PRECISIONS[-1]}.onnx"]
check(
    whole.agreement >= 0.999,
    "a float32 export gives each image the class that the model gives",
)
check(small.num_bytes < 0.6 * whole.num_bytes, "fewer bits make a smaller file")
check(difference <= 1e-4, "what was imported computes what ONNX Runtime computes")
check(after < before, "an imported network learns")
print("all checks passed")
