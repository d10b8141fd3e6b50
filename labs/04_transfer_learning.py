# %% [markdown] key="intro"
# # Lab 04: How many pictures do I need, if a network has already seen a million?
#
# A network that learned to tell 1,000 kinds of things in ImageNet's photos has filters
# for edges, textures and petals. Very little of that is about those 1,000 kinds.
# [Transfer learning](glossary.md#transfer-learning) keeps the filters and learns only
# the last layer anew, for classes of your own.
#
# You will
#
# * put a new head on a *frozen* backbone, and race it against a network that starts
#   from nothing, on a few dozen pictures;
# * compute [features](glossary.md#features) once instead of in every
#   [epoch](glossary.md#epoch), and check that this changes nothing;
# * feed the backbone pixels in the wrong range, and measure what it costs;
# * see why frozen [BatchNorm](glossary.md#batch-normalization) has to stay in inference
#   mode.

# %% key="verdict"
import kerastpu
from kerastpu import doctor

backend = kerastpu.backend.select()
print(doctor.verdict())

# %% tags=["parameters"] key="parameters"
IMAGES = 400  # pictures to draw, 5 classes
SIZE = 64  # height and width in pixels
COUNTS = (10, 25, 50, 100)  # training pictures of the race
HEAD_EPOCHS = 30  # passes over the features
SCRATCH_EPOCHS = 15  # passes of the network from scratch

# %% [markdown] key="data"
# ## The pictures
#
# These flowers are drawn by code. They are no photos, so no figure below says anything
# about photos. Two fifths are for training; the rest is a test set that no training
# sees.

# %% key="draw"
import tempfile
from pathlib import Path

import data_pipelines
from data_pipelines.synthetic import render

folder = Path(tempfile.mkdtemp(prefix="lab04-"))
render.render_dataset(folder / "flowers", num_images=IMAGES, size=SIZE)
manifest = data_pipelines.prepare(
    data_pipelines.from_folder(folder / "flowers"),
    folder / "shards",
    fractions=data_pipelines.Fractions(validation=0.0, test=0.6),
)
images, labels = data_pipelines.as_arrays(manifest, "train", SIZE)
test_images, test_labels = data_pipelines.as_arrays(manifest, "test", SIZE)
num_classes = len(manifest.class_names)
print(images.shape, images.dtype, "to train on,", len(test_images), "to test on")

# %% key="look"
import matplotlib.pyplot as plt
import numpy as np

figure, panels = plt.subplots(2, 5, figsize=(7, 3.2), dpi=80, layout="constrained")
for label, column in enumerate(panels.T):
    for axes, image in zip(column, images[labels == label]):
        axes.imshow(image)
        axes.axis("off")
    column[0].set_title(manifest.class_names[label], fontsize=10)
plt.show()

# %% [markdown] key="backbone"
# ## A backbone and a head
#
# The *backbone* is EfficientNet-Lite0 with ImageNet weights, less its classifier: an
# image becomes 1,280 numbers, its features. The *head* is one
# [dense](glossary.md#dense) layer with [softmax](glossary.md#softmax) on top. A dense
# layer from $D$ features to $K$ classes has $D K$ weights and $K$ biases:
#
# $$(D + 1) K = 1281 \cdot 5 = 6405$$
#
# *Frozen* means that training leaves a weight as it is. **Predict first:** what share
# of all weights is left to train?

# %% key="build"
from kerastpu import models

transfer = models.build_transfer(
    "efficientnet_lite0",
    input_shape=(SIZE, SIZE, 3),
    num_classes=num_classes,
    weights="imagenet",
    trainable_stages=0,  # the head alone
)
print(models.trainable_summary(transfer))
num_trainable = sum(weight.numpy().size for weight in transfer.trainable_weights)
share = num_trainable / transfer.count_params()
print(f"{num_trainable:,} of {transfer.count_params():,} train: {share:.2%}")

# %% [markdown] key="features-once"
# ## Features, computed once
#
# A frozen backbone gives the same features for the same image in every epoch. So
# compute them once, keep them, and train the head on them alone. With $E$ epochs this
# saves $E - 1$ of $E$ passes through the backbone. `kerastpu.features.extract` runs a
# network over batches and returns what comes out.

# %% key="extract"
import time

import keras

from kerastpu import features

pooled = transfer.get_layer("features").output
backbone = keras.Model(transfer.input, pooled, name="backbone")


def extract(network, pictures, runner=None):
    """Returns the features of all pictures: float32 (N, 1280)."""
    starts = range(0, len(pictures), features.BATCH_SIZE)
    chunks = [pictures[start : start + features.BATCH_SIZE] for start in starts]
    batches = [(chunk, np.zeros(len(chunk), np.int32)) for chunk in chunks]
    rows, _ = features.extract(
        network, batches, num_examples=len(pictures), runner=runner
    )
    return rows


started = time.perf_counter()
train_features = extract(backbone, images)
extract_seconds = time.perf_counter() - started
test_features = extract(backbone, test_images)
print(train_features.shape, f"in {extract_seconds:.1f} s")

# %% [markdown] key="race"
# ## The race
#
# The head learns from the features of 10, 25, 50 and 100 pictures. The network from
# scratch is the codelab's small one with three fire modules and BatchNorm, 22,701
# weights; it gets the largest of these sets, and a fair number of epochs.
#
# **Predict first:** how many of 100 test pictures does each name right? Guessing gives
# 20.

# %% key="run-race"
import logging

logging.getLogger("tensorflow").setLevel("ERROR")  # each fit is compiled anew: we know


def train_head(inputs, targets):
    """Trains a dense layer on features; returns weights (1280, 5) and bias (5,)."""
    keras.utils.set_random_seed(0)
    layers = [
        keras.Input(inputs.shape[1:]),
        keras.layers.Dense(num_classes, activation="softmax"),
    ]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    model.fit(inputs, targets, epochs=HEAD_EPOCHS, batch_size=16, verbose=0)
    return model.get_weights()


def accuracy(head, inputs, targets):
    """Returns the share of inputs, 0..1, whose largest logit is that of the target."""
    weights, bias = head  # softmax would not change which is the largest
    return float(((inputs @ weights + bias).argmax(axis=1) == targets).mean())


head_scores = []
for count in COUNTS:
    head = train_head(train_features[:count], labels[:count])
    head_scores.append(accuracy(head, test_features, test_labels))
    print(f"head on {count:>3} pictures: {head_scores[-1]:.1%}")

keras.utils.set_random_seed(0)
scratch = models.build(
    "firenet", input_shape=(SIZE, SIZE, 3), num_classes=num_classes, batch_norm=True
)
scratch.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
few = slice(COUNTS[-1])
scratch.fit(images[few], labels[few], epochs=SCRATCH_EPOCHS, batch_size=20, verbose=0)
guesses = scratch.predict(test_images, verbose=0).argmax(axis=1)
scratch_score = float((guesses == test_labels).mean())
print(f"from scratch on {COUNTS[-1]} pictures: {scratch_score:.1%}")

# %% key="plot-race"
BLUE, ORANGE, GRAY = "#0072B2", "#D55E00", "#555555"  # told apart by the color-blind

figure, axes = plt.subplots(figsize=(6, 3.4), dpi=80, layout="constrained")
heights = np.multiply(head_scores, 100)
axes.plot(COUNTS, heights, "o-", color=BLUE, label="frozen + head")
axes.plot(COUNTS[-1], scratch_score * 100, "s", color=ORANGE, label="from scratch")
axes.axhline(100 / num_classes, color=GRAY, ls=":", label="guessing")
axes.set(xlabel="training pictures", ylabel="test accuracy (%)", ylim=(0, 100))
figure.legend(frameon=False, ncols=3, loc="outside upper center")
axes.grid(alpha=0.3)
plt.show()

# %% [markdown] key="race-result"
# The head knows more after a handful of pictures than the other network after many
# passes over all of them. It does not have to find out what a petal is.
#
# On **real photos** the codelab asks for more than 75 % in 10 epochs. What this project
# measured on real photos that took no part in training (`results/flowers.csv`):
# `flowers` is a frozen EfficientNet-Lite0, `flowers-squeezenet` a network from scratch.

# %% key="photos"
from kerastpu.presets import cards

for name in ("flowers", "flowers-squeezenet"):
    card = cards.get(name)
    print(f"{name}: {card.score} in {card.seconds:.0f} s" if card else f"{name}: none")

# %% [markdown] key="same-model-title"
# ## Is it the same model?
#
# Put the weights of the head into the whole model, and compare the probabilities.

# %% key="same-model"
transfer.get_layer("probabilities").set_weights(head)
whole = transfer.predict(test_images[:32], verbose=0)
powers = np.exp(test_features[:32] @ head[0] + head[1])
apart = powers / powers.sum(axis=1, keepdims=True)  # softmax
largest_difference = float(np.abs(whole - apart).max())
print(f"largest difference of a probability: {largest_difference:.1e}")

# %% [markdown] key="range"
# ## What the backbone expects
#
# Lite0 was trained on $(x - 127) / 128$, other networks on $x / 127.5 - 1$, on $x /
# 255$, or on BGR colors less a mean. Nothing stops you from feeding one the pixels of
# another: shapes fit, training runs, and the result is worse without an error. In this
# project every model has its preprocessing *inside*, so pixels 0..255 go in everywhere.
# To see what would happen otherwise, take the bare network with
# `include_preprocessing=False`.
#
# Two mistakes are measured. *Served wrong*: the head learned from right features, then
# gets pixels in another range. *Trained wrong too*: it learned from wrong features as
# well.
#
# **Predict first:** which of the two does more harm? Which of the ranges?

# %% key="run-range"
from kerastpu.features import keras_engine
from kerastpu.models import preprocessing

bare = models.build(
    "efficientnet_lite0",
    input_shape=(SIZE, SIZE, 3),
    include_top=False,
    include_preprocessing=False,
    weights="imagenet",
)
runner = keras_engine.start(bare, "float32")  # compiles the network once for all
RANGES = {
    "(x - 127) / 128": preprocessing.LITE.on_array,
    "x / 255": preprocessing.UNIT.on_array,
    "0..255 as they are": lambda pixels: pixels.astype(np.float32),
    "scaled twice": lambda pixels: preprocessing.LITE.on_array(
        preprocessing.LITE.on_array(pixels)
    ),
    "blue and red swapped": lambda pixels: preprocessing.LITE.on_array(
        pixels[..., ::-1]
    ),
}
pixels = np.concatenate([images[few], test_images])
served, trained = {}, {}
print(f"{'range':<22}{'served wrong':>14}{'trained wrong too':>20}")
for name, prepare in RANGES.items():
    wrong = extract(bare, prepare(pixels), runner)
    wrong_train, wrong_test = wrong[: len(images[few])], wrong[len(images[few]) :]
    served[name] = accuracy(head, wrong_test, test_labels)
    retrained = train_head(wrong_train, labels[few])
    trained[name] = accuracy(retrained, wrong_test, test_labels)
    print(f"{name:<22}{served[name]:>14.1%}{trained[name]:>20.1%}")

# %% key="plot-range"
figure, axes = plt.subplots(figsize=(7, 3.2), dpi=80, layout="constrained")
places = np.arange(len(RANGES))
for shift, color, hatch, name, scores in (
    (-0.2, BLUE, "", "served wrong", served),
    (0.2, ORANGE, "//", "trained wrong too", trained),
):
    heights = np.multiply(list(scores.values()), 100)
    axes.barh(
        places + shift, heights, 0.38, color=color, hatch=hatch, ec="white", label=name
    )
axes.axvline(100 / num_classes, color=GRAY, ls=":", label="guessing")
axes.set_yticks(places, list(RANGES))
axes.invert_yaxis()
axes.set(xlabel="test accuracy (%)", xlim=(0, 100))
figure.legend(frameon=False, ncols=3, loc="outside upper center")
plt.show()

# %% [markdown] key="guard"
# Pixels that are 127 times too large leave little of what the network knew. A milder
# mistake may cost next to nothing on one data set and a lot on another, which makes it
# hard to notice. And nothing raised an error. So `kerastpu.guards.check` looks at a
# batch before training and refuses what is certainly wrong.

# %% key="run-guard"
from kerastpu import guards
from kerastpu.errors import UsageError

try:
    guards.check(transfer, preprocessing.LITE.on_array(images[:8]))
except UsageError as error:
    print(error)

# %% [markdown] key="batch-norm"
# ## BatchNorm, frozen
#
# BatchNorm scales each channel by a mean and a variance, then by two weights of its
# own:
#
# $$y = \gamma \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta$$
#
# In inference $\mu$ and $\sigma^2$ are stored averages over ImageNet. In training they
# are those *of the batch*, and the stored ones move: with momentum $m$, each step makes
# $\mu \leftarrow m \mu + (1 - m) \mu_{batch}$. A frozen backbone whose BatchNorm goes
# on like that is not frozen: the features of an image depend on its neighbors in the
# batch, and training sees others than inference.
#
# Keras does the right thing since version 2: a BatchNorm with `trainable = False` stays
# in inference mode, even when the model is called with `training=True`. Other
# frameworks, and old code, do not.
#
# **Predict first:** the same image is put into two batches. How much do its features
# differ, with BatchNorm frozen and with BatchNorm that trains?

# %% key="run-batch-norm"


def neighbors_matter(network):
    """Returns how far the features of an image move with its batch, as a share."""
    first = images[:8].astype(np.float32)
    second = np.concatenate([first[:1], images[-7:].astype(np.float32)])
    one, other = (
        keras.ops.convert_to_numpy(network(batch, training=True))[0]
        for batch in (first, second)
    )
    return float(np.linalg.norm(one - other) / np.linalg.norm(one))


norm = backbone.get_layer("stem_bn")
before = norm.moving_mean.numpy().copy()
frozen_difference = neighbors_matter(backbone)
frozen_drift = float(np.abs(norm.moving_mean.numpy() - before).max())

stored_weights = backbone.get_weights()
norms = [
    layer
    for layer in backbone.layers
    if isinstance(layer, keras.layers.BatchNormalization)
]
for layer in norms:
    layer.trainable = True
alive_difference = neighbors_matter(backbone)
alive_drift = float(np.abs(norm.moving_mean.numpy() - before).max())
for layer in norms:
    layer.trainable = False
backbone.set_weights(stored_weights)
print(f"frozen:   features differ by {frozen_difference:.1%}, drift {frozen_drift:.2g}")
print(f"training: features differ by {alive_difference:.1%}, drift {alive_drift:.2g}")

# %% [markdown] key="by-hand"
# And the formula, by hand, on the first BatchNorm of the network:

# %% key="run-by-hand"
stem = keras.Model(backbone.input, [norm.input, norm.output])
inputs, outputs = (part.numpy() for part in stem(images[:4].astype(np.float32)))
gamma, beta, mean, variance = norm.get_weights()
by_hand = gamma * (inputs - mean) / np.sqrt(variance + norm.epsilon) + beta
norm_error = float(np.abs(by_hand - outputs).max())
print(f"largest difference from Keras: {norm_error:.1e}")

# %% [markdown] key="exercise-1"
# ## Exercise 1: weights of a larger head
#
# A head with a hidden layer: $D$ features, then a dense layer of $U$ units, then $K$
# classes. Write `head_weights(num_features, units, num_classes)`, which returns how
# many weights and biases it has.
#
# <details><summary>Hint</summary>Each of the two dense layers has inputs times outputs
# weights, and a bias for each output.</details>

# %% tags=["solution"] key="exercise-1-solution"
# Define head_weights(num_features, units, num_classes) -> int.


def head_weights(num_features, units, num_classes):
    return (num_features + 1) * units + (units + 1) * num_classes


# %% tags=["check"] key="exercise-1-check"
from kerastpu.checking import check

for units in (1, 64):
    two_layers = keras.Sequential(
        [keras.Input((1280,)), keras.layers.Dense(units), keras.layers.Dense(5)]
    )
    check(
        head_weights(1280, units, 5) == two_layers.count_params(),
        f"the head with {units} hidden units has {two_layers.count_params():,} weights",
    )

# %% [markdown] key="exercise-2"
# ## Exercise 2: a network without training
#
# Features are so good that no gradient is needed. Write `nearest_mean(train_features,
# train_labels, features)`: average the training features of each class, and give each
# row of `features` the class with the nearest average. It returns an integer array with
# one class for each row.
#
# <details><summary>Hint</summary>With the averages as an array of shape `(5, 1280)`,
# `np.linalg.norm(features[:, None] - means, axis=2)` holds all distances.</details>

# %% tags=["solution"] key="exercise-2-solution"
# Define nearest_mean(train_features, train_labels, features) -> int array (N,).


def nearest_mean(train_features, train_labels, features):
    classes = np.unique(train_labels)
    means = np.stack([train_features[train_labels == k].mean(axis=0) for k in classes])
    distances = np.linalg.norm(features[:, None] - means, axis=2)
    return classes[distances.argmin(axis=1)]


# %% tags=["check"] key="exercise-2-check"
corners = np.array([[0.0, 0.0], [0.0, 2.0], [9.0, 9.0]])
near = nearest_mean(corners, np.array([3, 3, 7]), np.array([[1.0, 1.0], [8.0, 7.0]]))
check(list(near) == [3, 7], "the nearest average decides, whatever classes are called")
guesses = nearest_mean(train_features[few], labels[few], test_features)
score = float((guesses == test_labels).mean())
check(score > 2 / num_classes, f"it names {score:.0%}, far more than guessing")

# %% [markdown] key="exercise-3"
# ## Exercise 3: the range of another network
#
# MobileNetV2 and Xception take pixels in -1..1. Write `to_signed(pixels)`, which turns
# uint8 pixels 0..255 into float32 in that range, so that 0 becomes -1 and 255 becomes
# 1.
#
# <details><summary>Hint</summary>Subtracting from uint8 wraps around at 0: turn it into
# float32 first.</details>

# %% tags=["solution"] key="exercise-3-solution"
# Define to_signed(pixels) -> float32 array in -1..1.


def to_signed(pixels):
    return pixels.astype(np.float32) / 127.5 - 1


# %% tags=["check"] key="exercise-3-check"
expected = keras.applications.mobilenet_v2.preprocess_input(
    images[:4].astype(np.float32)
)
signed = to_signed(images[:4])
check(signed.dtype == np.float32, "the pixels are float32")
check(bool(np.allclose(signed, expected, atol=1e-6)), "MobileNetV2 takes them so")

# %% [markdown] key="checks-title"
# ## Checks

# %% key="checks"
check(num_trainable == (1280 + 1) * num_classes, "only the head trains, as computed")
check(largest_difference < 1e-3, "kept features give what the whole model gives")
check(head_scores[-1] > scratch_score, "a trained backbone beats a start from nothing")
check(max(served, key=served.get) == "(x - 127) / 128", "the right range serves best")
check(frozen_difference < 1e-5 < alive_difference, "frozen BatchNorm ignores neighbors")
check(norm_error < 1e-3, "BatchNorm is its formula")
print("all checks passed")
