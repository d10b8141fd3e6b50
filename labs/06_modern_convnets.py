# %% [markdown] key="intro"
# # Lab 06: Which modern idea helps, and by how much?
#
# A plain convnet is a chain: one layer after the other. Since about 2014 networks
# branch, squeeze, normalize, and see each picture in a hundred variations. Each of
# these ideas comes with a promise. This lab takes them one by one, checks the
# arithmetic behind each, and then measures what it brings.
#
# You will
#
# * build a network that branches, in Keras's functional style;
# * replace a 5x5 filter by two of 3x3, exactly;
# * count the weights of *fire modules*, up to the codelab's SqueezeNet;
# * compute [batch normalization](glossary.md#batch-normalization) by hand, and see why
#   its momentum is 0.9 here;
# * measure the gain of each idea on the same test pictures, with an honest interval.

# %% key="verdict"
import kerastpu
from kerastpu import doctor

backend = kerastpu.backend.select()
print(doctor.verdict())

# %% tags=["parameters"] key="parameters"
IMAGES = 700  # pictures to draw, 5 classes
SIZE = 40  # height and width in pixels
EPOCHS = 10  # passes over the training pictures, for each network
SEEDS = 2  # runs of each network
EARLY = 4  # epochs after which two momentums of BatchNorm are compared
RACE = ("fire, no BN", "plain", "inception", "fire", "fire, views")  # who takes part

# %% [markdown] key="functional"
# ## A layer is a function
#
# In Keras a layer takes a tensor and returns a tensor. So the output of one layer can
# go into two, and two outputs can be joined. `keras.Model(start, end)` is all that lies
# between.
#
# An *inception module* looks at the same maps through windows of several sizes, side by
# side, and lays the answers behind one another: the network itself decides which size
# serves where.
#
# **Predict first:** 32 filters of 1x1 beside 32 filters of 3x3. How many channels come
# out?

# %% key="build-inception"
import keras

picture = keras.Input((192, 192, 3))
x = keras.layers.Conv2D(32, 3, padding="same", activation="relu")(picture)
ones = keras.layers.Conv2D(32, 1, padding="same", activation="relu")(x)
threes = keras.layers.Conv2D(32, 3, padding="same", activation="relu")(x)
z = keras.layers.Concatenate()([ones, threes])
by_hand = keras.Model(picture, z)
print("comes out:", z.shape, f"with {by_hand.count_params():,} weights")

# %% [markdown] key="inception-library"
# Modules repeat, so they are worth a function: it takes the numbers of filters and
# returns a function from tensor to tensor. That is how `kerastpu.models` has them.

# %% key="use-inception"
from kerastpu.models import inception

module = inception.inception_module(32, 32)
from_library = keras.Model(picture, module(x))
print("the same:", from_library.count_params() == by_hand.count_params())

# %% [markdown] key="two-threes"
# ## One 5x5, or two 3x3?
#
# Two 3x3 convolutions in a row see 5 pixels each way, as one of 5x5 does. From $C$
# channels to $C$ the one has $25 C^2$ weights, the two have $2 \cdot 9 C^2 = 18 C^2$.
# And a ReLU fits between them, which makes more of the same window.
#
# Are they the same? Leave the ReLU out, and two filters in a row *are* one filter of
# 5x5: its weights are the two patterns slid over each other. (The other way round it
# does not always work: 18 numbers cannot be any 25.)
#
# **Predict first:** what share of the weights is saved?

# %% key="combine-filters"
import numpy as np

random = np.random.default_rng(0)
CHANNELS = 4
first = random.normal(size=(3, 3, CHANNELS, CHANNELS))
second = random.normal(size=(3, 3, CHANNELS, CHANNELS))
combined = np.zeros((5, 5, CHANNELS, CHANNELS))
for row in range(3):
    for column in range(3):
        shifted = np.einsum("ijab,bc->ijac", first, second[row, column])
        combined[row : row + 3, column : column + 3] += shifted

noise = random.normal(size=(1, 16, 16, CHANNELS))
twice = keras.ops.conv(keras.ops.conv(noise, first), second)
once = keras.ops.conv(noise, combined)
twice, once = (keras.ops.convert_to_numpy(maps) for maps in (twice, once))
combined_difference = np.abs(twice - once).max() / np.abs(once).max()
print(f"{once.shape[1:3]} maps, largest relative difference {combined_difference:.1e}")
print(f"32 channels: 5x5 {25 * 32**2:,} weights, two 3x3 {18 * 32**2:,}")
print(f"saved: {1 - 18 / 25:.0%}")

# %% [markdown] key="fire"
# ## Fire modules: squeeze, then expand
#
# A 3x3 convolution costs $9 C F$ weights: each filter looks at all channels. SqueezeNet
# first *squeezes* the channels to a few, with 1x1 filters, and then *expands* them
# again, half with 1x1 and half with 3x3 filters. With $C$ channels in, $s$ squeezed and
# $e$ expanded:
#
# $$(C + 1) s + (s + 1) \frac{e}{2} + (9 s + 1) \frac{e}{2}$$
#
# The codelab's example has a 3x3 convolution with 32 filters, three modules `fire(24,
# 48)` with max-pools between, global average pooling, and a dense layer. *Global
# average pooling* makes one number of each map, so the dense layer no longer depends on
# the size of the picture.
#
# **Predict first:** how many weights has this network, compared with the 43,389 of the
# larger convnet in [lab 05](05_convnets.ipynb)? And how many has a 3x3 convolution from
# 48 to 48 channels, compared with a fire module?

# %% key="count-fire"


def fire_weights(channels, squeeze, expand):
    """Returns the weights and biases of a fire module."""
    half = expand // 2
    return (channels + 1) * squeeze + (squeeze + 1) * half + (9 * squeeze + 1) * half


def network_weights(modules, *, batch_norm, classes=5):
    """Returns those of conv 32, fire modules, global average pooling, dense."""
    total, channels, normalized = (9 * 3 + 1) * 32, 32, 32
    for squeeze, expand in modules:
        total += fire_weights(channels, squeeze, expand)
        channels = expand
        normalized += squeeze + expand
    total += (channels + 1) * classes
    return total + 4 * normalized * batch_norm  # BatchNorm has four numbers per channel


FIRENET = [(24, 48)] * 3
SQUEEZENET = [(24, 48), (48, 96), (64, 128), (48, 96), (24, 48)]
counted = {
    "firenet": network_weights(FIRENET, batch_norm=False),
    "firenet, BatchNorm": network_weights(FIRENET, batch_norm=True),
    "squeezenet, BatchNorm": network_weights(SQUEEZENET, batch_norm=True),
}
shape = (192, 192, 3)
built = {
    "firenet": kerastpu.models.build("firenet", input_shape=shape, num_classes=5),
    "firenet, BatchNorm": kerastpu.models.build(
        "firenet", input_shape=shape, num_classes=5, batch_norm=True
    ),
    "squeezenet, BatchNorm": kerastpu.models.build(
        "squeezenet", input_shape=shape, num_classes=5
    ),
}
for name, number in counted.items():
    print(f"{name:<22} {number:>7,}  Keras: {built[name].count_params():>7,}")
plain_weights = (9 * 48 + 1) * 48
print(f"48 to 48 channels: 3x3 {plain_weights:,}, fire {fire_weights(48, 24, 48):,}")

# %% [markdown] key="batch-norm"
# ## BatchNorm: every layer gets tidy numbers
#
# As weights change, so do the sizes of the numbers that the next layer gets; it learns
# on moving ground. *Batch normalization* puts each channel right, over all pictures of
# the batch and all places: mean 0, variance 1. Then it stretches by a learned $\gamma$
# and moves by a learned $\beta$:
#
# $$y = \gamma \, \frac{x - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta$$
#
# That needs a batch. One picture to be named has none; so while training, the layer
# keeps a moving average of $\mu$ and of $\sigma^2$, and uses them later:
#
# $$\bar\mu \leftarrow m \bar\mu + (1 - m) \mu$$

# %% key="compute-batch-norm"
layer = keras.layers.BatchNormalization(momentum=0.9)
batch = (3 + 2 * random.normal(size=(8, 6, 6, 4))).astype("float32")
theirs = keras.ops.convert_to_numpy(layer(batch, training=True))
mean, variance = batch.mean(axis=(0, 1, 2)), batch.var(axis=(0, 1, 2))
ours = (batch - mean) / np.sqrt(variance + layer.epsilon)
norm_difference = np.abs(ours - theirs).max()
moving = keras.ops.convert_to_numpy(layer.moving_mean)
average_difference = np.abs(moving - (0.9 * 0 + 0.1 * mean)).max()
print(f"largest difference from Keras: {norm_difference:.1e}")
print("mean of the batch", mean.round(2), "kept so far", moving.round(2))

# %% [markdown] key="momentum"
# ## Why 0.9 and not 0.99?
#
# The averages start at mean 0 and variance 1, which is wrong. After $n$ batches they
# still hold a share of $m^n$ of that. Keras's default, 0.99, is made for long
# trainings. With a few hundred pictures an epoch has few batches, and the codelab takes
# 0.9.
#
# **Predict first:** after 40 batches, how much of the wrong start is left with 0.9?
# With 0.99?

# %% key="plot-momentum"
import matplotlib.pyplot as plt

batches = np.arange(0, 401)
figure, axes = plt.subplots(figsize=(5.5, 2.6), dpi=80, layout="constrained")
for momentum, color, dashes in ((0.9, "#0072B2", "-"), (0.99, "#D55E00", "--")):
    axes.plot(batches, 100 * momentum**batches, color=color, ls=dashes, label=momentum)
    left, later = momentum**40, momentum**400
    print(f"momentum {momentum}: {left:.1%} after 40 batches, {later:.1%} after 400")
axes.set(xlabel="batches", ylabel="left of the start (%)")
axes.legend(title="momentum", frameon=False)
axes.grid(alpha=0.3)
plt.show()

# %% [markdown] key="data"
# Now on flowers. They are drawn by code; they are no photos. Training never uses the
# moving averages, so two networks that differ in this momentum alone learn the very
# same weights. They differ in what they say afterwards.
#
# **Predict first:** a few epochs of training. What will the two get right of the test
# pictures?

# %% key="draw"
import tempfile
from pathlib import Path

import data_pipelines
from data_pipelines.synthetic import render

BATCH = 32
folder = Path(tempfile.mkdtemp(prefix="lab06-"))
render.render_dataset(folder / "flowers", num_images=IMAGES, size=SIZE)
manifest = data_pipelines.prepare(
    data_pipelines.from_folder(folder / "flowers"),
    folder / "shards",
    fractions=data_pipelines.Fractions(validation=0.0, test=0.35),
)
images, labels = data_pipelines.as_arrays(manifest, "train", SIZE)
test_images, test_labels = data_pipelines.as_arrays(manifest, "test", SIZE)
names = manifest.class_names
print(len(images), "to train on,", len(test_images), "to test on")

# %% key="train"
import logging

from kerastpu import feeding

# TensorFlow warns where much is compiled anew; here each network has to be.
logging.getLogger("tensorflow").setLevel(logging.ERROR)


def train(build, seed, epochs, augment=None):
    """Returns a trained network; `build` makes it, `augment` is the policy."""
    keras.utils.set_random_seed(seed)
    network = build()
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    batches = data_pipelines.TrainBatches(
        manifest, image_size=SIZE, batch_size=BATCH, seed=seed, augment=augment
    )
    network.fit(
        feeding.StepBatches(batches),
        steps_per_epoch=len(images) // BATCH,
        epochs=epochs,
        shuffle=False,  # they are
        verbose=0,
    )
    return network


def are_right(network):
    """Returns for each test picture whether it is named right: bool (N,)."""
    probabilities = keras.ops.convert_to_numpy(network(test_images))
    return probabilities.argmax(axis=1) == test_labels


# %% key="compare-momentum"


def build_fire(batch_norm, momentum=0.9):
    network = kerastpu.models.build(
        "firenet",
        input_shape=(SIZE, SIZE, 3),
        num_classes=len(names),
        batch_norm=batch_norm,
    )
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = momentum
    return network


early = {
    m: train(lambda: build_fire(True, m), seed=0, epochs=EARLY) for m in (0.9, 0.99)
}
early_scores = {m: are_right(network).mean() for m, network in early.items()}
for momentum, accuracy in early_scores.items():
    print(f"momentum {momentum:<4}: {accuracy:.0%} right after {EARLY} epochs")
learned = [
    np.concatenate([weight.numpy().ravel() for weight in network.trainable_weights])
    for network in early.values()
]
weight_difference = np.abs(learned[0] - learned[1]).max()
print(f"largest difference of the learned weights: {weight_difference:.1e}")

# %% [markdown] key="augmentation"
# ## Augmentation: more pictures for nothing
#
# A daisy in the mirror is a daisy; so is a pale one.
# [Augmentation](glossary.md#augmentation) changes each training picture at random, in
# every epoch anew, in ways that leave its label alone. The network cannot learn the
# pictures by heart any more. Test pictures stay as they are, for they stand for the
# world.
#
# The codelab mirrors left and right, and multiplies the saturation by 0 to 2. In a
# policy of `data_pipelines` that is two settings. Where a random change does harm it
# must stay off: a mirrored 3 is no digit.

# %% key="see-views"
from data_pipelines import augment

CODELAB = augment.Augment(flip=True, crop_scale=None, saturation=(0.0, 2.0))
figure, panels = plt.subplots(2, 4, figsize=(7, 3.6), dpi=80, layout="constrained")
panels = panels.ravel()
panels[0].imshow(images[0])
panels[0].set_title(f"{names[labels[0]]}, as it is", fontsize=10)
for number, axes in enumerate(panels[1:], start=1):
    draws = random.uniform(size=augment.num_draws(CODELAB))
    axes.imshow(augment.augment_image(images[0], SIZE, CODELAB, draws))
    axes.set_title(f"view {number}", fontsize=10)
for axes in panels:
    axes.axis("off")
plt.show()

# %% [markdown] key="race"
# ## Each idea's gain
#
# Five networks of the same outline: a convolution with 32 filters, three modules with
# max-pools between, global average pooling, a dense layer. All but the first have
# BatchNorm after each convolution:
#
# * `fire, no BN`: squeeze to 24, expand to 48, without BatchNorm;
# * `plain`: a module is one 3x3 convolution with 48 filters;
# * `inception`: 1x1 and 3x3 side by side, 32 filters each;
# * `fire`: squeeze to 24, expand to 48;
# * `fire, views`: the same with the codelab's augmentation.
#
# **Predict first:** which idea brings most? Which brings nothing, in so few epochs?

# %% key="define-networks"
from kerastpu.models import blocks


def build_plain():
    picture = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Rescaling(1 / 255)(picture)
    x = blocks.conv(x, 32, 3, "conv1", batch_norm="after")
    modules = [
        lambda x, name=f"conv{number}": blocks.conv(x, 48, 3, name, batch_norm="after")
        for number in (2, 3, 4)
    ]
    x = blocks.with_pools(x, modules)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dense(len(names), activation="softmax")(x)
    return keras.Model(picture, x)


def build_inception():
    return kerastpu.models.build(
        "inception_convnet",
        input_shape=(SIZE, SIZE, 3),
        num_classes=len(names),
        batch_norm=True,
    )


CONTESTANTS = {
    "fire, no BN": (lambda: build_fire(False), None),
    "plain": (build_plain, None),
    "inception": (build_inception, None),
    "fire": (lambda: build_fire(True), None),
    "fire, views": (lambda: build_fire(True), CODELAB),
}

# %% key="run-race"
import time

right, weights = {}, {}
for name in RACE:
    build, policy = CONTESTANTS[name]
    started = time.perf_counter()
    runs = [train(build, seed, EPOCHS, policy) for seed in range(SEEDS)]
    right[name] = np.array([are_right(network) for network in runs])  # seeds, pictures
    weights[name] = runs[0].count_params()
    scores = " ".join(f"{score:.0%}" for score in right[name].mean(axis=1))
    seconds = time.perf_counter() - started
    print(f"{name:<11} {weights[name]:>6,} weights  {scores}  in {seconds:.0f} s")

# %% [markdown] key="interval"
# ## Is a difference one?
#
# Two networks, the same test pictures: then each picture is a little duel. For picture
# $i$ let $d_i$ be how often B named it right, less how often A did, as a mean over the
# seeds. The gain is the mean of all $d_i$, and statistics says how far the luck of the
# pictures can carry it:
#
# $$\bar d \pm 1.96 \, \frac{s_d}{\sqrt{n}}$$
#
# with $s_d$ the standard deviation of the $n$ values. Such *paired* intervals are
# narrower than those of each score alone, as hard pictures are hard for both. The luck
# of the seed is in them only in part: look at how far the runs of one network lie
# apart.

# %% key="gains"


def gain(before, after):
    """Returns the mean gain in points, and half of its 95 % interval."""
    duels = 100 * (right[after].mean(axis=0) - right[before].mean(axis=0))
    return duels.mean(), 1.96 * duels.std(ddof=1) / np.sqrt(len(duels))


STEPS = (
    ("fire, no BN", "fire"),
    ("plain", "inception"),
    ("plain", "fire"),
    ("fire", "fire, views"),
)
gains = {pair: gain(*pair) for pair in STEPS if set(pair) <= set(right)}
for (before, after), (points, half) in gains.items():
    verdict = "more than chance" if abs(points) > half else "may be chance"
    print(
        f"{before:>11} -> {after:<11} {points:+5.1f} +/- {half:.1f} points: {verdict}"
    )

# %% key="see-race"
figure, (run_axes, gain_axes) = plt.subplots(
    1, 2, figsize=(7, 2.9), dpi=80, layout="constrained"
)
for row, runs in enumerate(right.values()):
    accuracies = 100 * runs.mean(axis=1)
    run_axes.plot(accuracies, [row] * SEEDS, "o", color="#0072B2", alpha=0.7)
    run_axes.plot(accuracies.mean(), row, "|", color="#000000", ms=16, mew=2)
run_axes.set_yticks(range(len(right)), list(right))
run_axes.set(xlabel="test pictures right (%)", title="each run, and the mean")
for row, (points, half) in enumerate(gains.values()):
    gain_axes.plot([points - half, points + half], [row, row], color="#0072B2", lw=3)
    gain_axes.plot(points, row, "o", color="#0072B2", ms=8)
labels_of_steps = [f"{after}\nover {before}" for before, after in gains]
gain_axes.set_yticks(range(len(gains)), labels_of_steps, fontsize=8)
gain_axes.axvline(0, color="#D55E00", ls="--")
gain_axes.set(xlabel="gain (points)", title="paired gains, 95 %")
for axes in (run_axes, gain_axes):
    axes.grid(axis="x", alpha=0.3)
    axes.set_ylim(len(axes.get_yticks()) - 0.5, -0.5)
    axes.title.set_fontsize(10)
plt.show()

# %% [markdown] key="read-race"
# Read both sides. Fewer weights need not mean fewer right answers, nor more: that is
# what an interval around 0 says. What an idea brings depends on the data and on how
# long one trains: BatchNorm shows its worth at once, while augmentation can slow
# learning at first, and pays where a network would otherwise learn its pictures by
# heart. The codelab puts its gain at about 2 points.
#
# All of it together, for longer and on photos: the preset `flowers-squeezenet`, 120,613
# weights, 192 pixels, 35 epochs, names 85.3 % of 776 test photos right (one run,
# `results/flowers.csv`).

# %% [markdown] key="exercise-1"
# ## Exercise 1: a fire module
#
# Write `fire(squeeze, expand)` in functional style, without BatchNorm. It returns a
# function that takes a tensor with any number of channels and returns one with `expand`
# channels, and all its convolutions have ReLU and `padding="same"`.
#
# <details><summary>Hint</summary>
#
# A function inside a function. One 1x1 convolution with `squeeze` filters; its output
# goes into two more, each with `expand // 2` filters; `keras.layers.Concatenate` joins
# them.
#
# </details>


# %% tags=["solution"] key="exercise-1-solution"
# Define fire(squeeze, expand) -> a function from tensor to tensor.
def fire(squeeze, expand):
    def conv(filters, size):
        return keras.layers.Conv2D(filters, size, padding="same", activation="relu")

    def apply(x):
        narrow = conv(squeeze, 1)(x)
        sides = [conv(expand // 2, size)(narrow) for size in (1, 3)]
        return keras.layers.Concatenate()(sides)

    return apply


# %% tags=["check"] key="exercise-1-check"
from kerastpu.checking import check

maps = keras.Input((20, 30, 32))
fired = keras.Model(maps, fire(24, 48)(maps))
check(
    fired.output_shape == (None, 20, 30, 48), "it keeps the size, 48 channels come out"
)
check(
    fired.count_params() == fire_weights(32, 24, 48),
    "it has the weights of the formula",
)
kinds = [
    layer.kernel_size[0] for layer in fired.layers if hasattr(layer, "kernel_size")
]
check(sorted(kinds) == [1, 1, 3], "two 1x1 convolutions and one of 3x3")
lowest = keras.ops.min(fired(random.normal(size=(2, 20, 30, 32))))
check(float(lowest) >= 0, "ReLU ends all of it")

# %% [markdown] key="exercise-2"
# ## Exercise 2: BatchNorm for free
#
# When training is over, BatchNorm only multiplies and adds fixed numbers, channel by
# channel. If it follows a convolution directly, the convolution can do that itself.
# Write `fold(kernel, bias, gamma, beta, mean, variance, epsilon)`, which returns the
# kernel and the bias of a convolution that does both.
#
# <details><summary>Hint</summary>
#
# With $c = \gamma / \sqrt{\sigma^2 + \varepsilon}$ the result is $c (W x + b - \mu) +
# \beta$. Sort by what stands with $x$. The filters are the last axis of the kernel.
#
# </details>


# %% tags=["solution"] key="exercise-2-solution"
# Define fold(kernel, bias, gamma, beta, mean, variance, epsilon) -> (kernel, bias).
def fold(kernel, bias, gamma, beta, mean, variance, epsilon):
    factor = gamma / np.sqrt(variance + epsilon)
    return kernel * factor, (bias - mean) * factor + beta


# %% tags=["check"] key="exercise-2-check"
conv, norm = keras.layers.Conv2D(6, 3), keras.layers.BatchNormalization()
pair = keras.Sequential([keras.Input((12, 12, 3)), conv, norm])
pair.set_weights([random.uniform(0.5, 2, size=w.shape) for w in pair.get_weights()])
folded = keras.layers.Conv2D(6, 3)
folded.build((None, 12, 12, 3))
folded.set_weights(fold(*conv.get_weights(), *norm.get_weights(), norm.epsilon))
sample = random.normal(size=(2, 12, 12, 3)).astype("float32")
one_layer = keras.ops.convert_to_numpy(folded(sample))
two_layers = keras.ops.convert_to_numpy(pair(sample))
check(
    np.allclose(one_layer, two_layers, atol=1e-3), "one convolution does what both did"
)

# %% [markdown] key="exercise-3"
# ## Exercise 3: a mirror
#
# Write `mirror(pictures, random)`: each picture of the batch is mirrored left to right
# with probability one half, with numbers from the generator `random`. The pictures that
# are given must not change.
#
# <details><summary>Hint</summary>
#
# `random.random(len(pictures)) < 0.5` chooses; `pictures[:, :, ::-1]` are all in the
# mirror. `np.where` takes one or the other, if the choice has the shape `(N, 1, 1, 1)`.
#
# </details>


# %% tags=["solution"] key="exercise-3-solution"
# Define mirror(pictures, random): uint8 (N, H, W, 3) -> uint8 (N, H, W, 3).
def mirror(pictures, random):
    chosen = random.random(len(pictures)) < 0.5
    return np.where(chosen[:, None, None, None], pictures[:, :, ::-1], pictures)


# %% tags=["check"] key="exercise-3-check"
given = np.random.default_rng(1).integers(0, 256, (400, 4, 6, 3)).astype("uint8")
copy = given.copy()
seen = mirror(given, np.random.default_rng(2))
same = (seen == copy).all(axis=(1, 2, 3))
mirrored = (seen == copy[:, :, ::-1]).all(axis=(1, 2, 3))
check(
    seen.dtype == np.uint8 and bool((same ^ mirrored).all()), "as it was, or mirrored"
)
check(140 < mirrored.sum() < 260, "about half of 400 are mirrored")
check(np.array_equal(given, copy), "what was given is as it was")

# %% [markdown] key="checks-title"
# ## Checks

# %% key="checks"
check(combined_difference < 1e-5, "two 3x3 filters are one of 5x5")
check(max(norm_difference, average_difference) < 1e-3, "BatchNorm is its formula")
check(list(counted.values()) == [21_709, 22_701, 120_613], "the codelab's weights")
check(
    all(counted[name] == built[name].count_params() for name in counted), "as Keras's"
)
if EARLY >= 4 and EPOCHS >= 10:  # fewer say nothing about a network
    points, half = gains["fire, no BN", "fire"]
    check(points > half, "BatchNorm's gain is more than chance")
    check(early_scores[0.9] > early_scores[0.99], "0.9 is ready sooner than 0.99")
print("all checks passed")
