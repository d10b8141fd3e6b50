# %% [markdown] key="intro"
# # Lab 05: How can a few small filters see more than millions of weights?
#
# The dense network of [lab 03](03_first_keras_model.ipynb) does not know which pixels
# are neighbors. A [convolution](glossary.md#convolution) does: it looks through a small
# window and moves the window over the whole picture. What it learns in one corner it
# knows in all.
#
# You will
#
# * match patterns by hand, then build a convolution in NumPy that equals Keras's;
# * predict the size of what comes out, with any [stride](glossary.md#stride), padding
#   and [pooling](glossary.md#pooling), and the number of weights of whole networks;
# * find out what a 1x1 convolution could be good for;
# * climb a ladder of four networks, from dense to SqueezeNet, and measure each rung.

# %% key="verdict"
import kerastpu
from kerastpu import doctor

backend = kerastpu.backend.select()
print(doctor.verdict())

# %% tags=["parameters"] key="parameters"
IMAGES = 1400  # pictures to draw, 5 classes
SIZE = 48  # height and width in pixels
EPOCHS = 11  # passes over the training pictures, for each of four networks

# %% [markdown] key="match"
# ## A filter is a pattern to look for
#
# Let ink be 1 and paper -1. To see whether a small pattern lies somewhere in a picture,
# lay it there, multiply number by number, add up, and divide by how many there are. Two
# equal signs give 1, two different ones -1. So 1 means the same, -1 the negative, and
# around 0 means nothing to do with each other.
#
# The picture is a letter X of 9 x 9. Three patterns of 3 x 3 are its parts: a stroke
# that falls, one that rises, and a crossing.
#
# **Predict first:** where does the crossing match perfectly? Where do the strokes?

# %% key="match-by-hand"
import matplotlib.pyplot as plt
import numpy as np

ink = np.pad(np.eye(7), 1) + np.pad(np.eye(7)[::-1], 1)
letter = np.where(ink > 0, 1.0, -1.0)
falling = 2 * np.eye(3) - 1
patterns = {
    "falls": falling,
    "rises": falling[::-1],
    "crosses": np.maximum(falling, falling[::-1]),
}


def match(picture, pattern):
    """Returns how well the pattern fits at each place, -1 to 1."""
    windows = np.lib.stride_tricks.sliding_window_view(picture, pattern.shape)
    return (windows * pattern).mean(axis=(2, 3))


matches = {name: match(letter, pattern) for name, pattern in patterns.items()}
print(matches["crosses"].round(2))

# %% key="see-matches"
figure, panels = plt.subplots(1, 4, figsize=(7, 2.1), dpi=80, layout="constrained")
panels[0].imshow(letter, cmap="gray_r")
panels[0].set_title("picture", fontsize=10)
for axes, (name, found) in zip(panels[1:], matches.items(), strict=True):
    shown = axes.imshow(found, cmap="RdBu", vmin=-1, vmax=1)
    axes.set_title(f"match: {name}", fontsize=10)
for axes in panels:
    axes.set(xticks=[], yticks=[])
figure.colorbar(shown, ax=panels, shrink=0.8)
plt.show()

# %% [markdown] key="convolution"
# Three filters, three *feature maps*: blue where the part is there. That is a
# convolution. Its output is a new picture with one channel for each filter, and the
# next convolution looks for patterns among *those*: a cross of strokes, a petal of
# edges.
#
# ## The same for colors, batches and strides
#
# A window of $f \times f$ pixels has $f \cdot f \cdot C$ numbers, $C$ for the channels,
# for a filter covers all channels at once. 4 x 4 pixels in 3 colors: $4 \cdot 4 \cdot 3
# = 48$ weights. With $F$ filters and their biases a convolution has
#
# $$(f \cdot f \cdot C + 1) F$$
#
# weights, whatever the size of the picture. Networks leave out the division; the
# weights take care of that. Nobody draws the patterns either: they start at random, and
# gradient descent turns them into what helps.

# %% key="convolve"
import keras


def convolve(pictures, kernel, bias, stride=1):
    """Returns the maps: (batch, height, width, C) -> (batch, height', width', F)."""
    size = kernel.shape[:2]  # the kernel is (f, f, C, F)
    windows = np.lib.stride_tricks.sliding_window_view(pictures, size, axis=(1, 2))
    windows = windows[:, ::stride, ::stride]
    return np.einsum("bhwcij,ijcf->bhwf", windows, kernel, optimize=True) + bias


random = np.random.default_rng(0)
noise = random.normal(size=(2, 20, 30, 3)).astype("float32")
layer = keras.layers.Conv2D(5, 4, strides=2)
theirs = keras.ops.convert_to_numpy(layer(noise))
kernel, bias = (np.asarray(weight) for weight in layer.get_weights())
ours = convolve(noise, kernel, bias, stride=2)
conv_difference = np.abs(ours - theirs).max()
filter_weights = kernel[..., 0].size
print(f"{noise.shape} -> {ours.shape}, largest difference {conv_difference:.1e}")
print(f"one filter has {filter_weights} weights")
print(f"the layer has {layer.count_params()}, formula {(4 * 4 * 3 + 1) * 5}")

# %% [markdown] key="flowers"
# ## Filters on flowers
#
# These flowers are drawn by code; they are no photos. Two filters that people used long
# before any learned: the difference between left and right, and between above and
# below.

# %% key="draw"
import tempfile
from pathlib import Path

import data_pipelines
from data_pipelines.synthetic import render

folder = Path(tempfile.mkdtemp(prefix="lab05-"))
render.render_dataset(folder / "flowers", num_images=IMAGES, size=SIZE)
manifest = data_pipelines.prepare(
    data_pipelines.from_folder(folder / "flowers"),
    folder / "shards",
    fractions=data_pipelines.Fractions(validation=0.0, test=0.3),
)
images, labels = data_pipelines.as_arrays(manifest, "train", SIZE)
test_images, test_labels = data_pipelines.as_arrays(manifest, "test", SIZE)
names = manifest.class_names
print(len(images), "to train on,", len(test_images), "to test on")

# %% key="edges"
across = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]) / 4
edges = np.stack([across, across.T], axis=-1)[:, :, None]  # (3, 3, 1, 2)
gray = images[:1].mean(axis=-1, keepdims=True) / 255
maps = convolve(gray, edges, 0.0)[0]
strongest = np.abs(maps).max()

figure, panels = plt.subplots(1, 3, figsize=(7, 2.5), dpi=80, layout="constrained")
panels[0].imshow(images[0])
panels[0].set_title(names[labels[0]], fontsize=10)
for axes, found, name in zip(
    panels[1:], maps.transpose(2, 0, 1), ("left to right", "top to bottom")
):
    axes.imshow(found, cmap="RdBu", vmin=-strongest / 2, vmax=strongest / 2)
    axes.set_title(f"brighter from {name}", fontsize=10)
for axes in panels:
    axes.set(xticks=[], yticks=[])
plt.show()

# %% [markdown] key="shift"
# ## It moves along
#
# Move the flower, and its maps move along, unchanged. A dense layer knows nothing of
# the kind.
#
# **Predict first:** the picture moves 5 pixels to the right. How much do the numbers in
# the maps change, apart from moving?

# %% key="measure-shift"
moved = np.roll(gray, 5, axis=2)
maps_of_moved = convolve(moved, edges, 0.0)[0]
shift_difference = np.abs(maps_of_moved[:, 5:] - maps[:, :-5]).max()
votes = random.normal(size=gray.size) / np.sqrt(gray.size)  # one neuron, dense
print(f"convolution: {shift_difference:.1e}")
print(f"dense neuron: {votes @ gray.ravel():.2f} becomes {votes @ moved.ravel():.2f}")

# %% [markdown] key="sizes"
# ## How large is what comes out?
#
# A window of side $f$ fits into a row of $n$ pixels at $n - f + 1$ places. With $p$
# zeros at both ends (*padding*) there are $2p$ more, and with a step of $s$ pixels (the
# *stride*) only every $s$-th counts:
#
# $$\left\lfloor \frac{n + 2p - f}{s} \right\rfloor + 1$$
#
# `padding="same"` puts as many zeros on as are needed for $\lceil n / s \rceil$: stride
# 1 keeps the size, 2 halves it, 3 leaves a third.
#
# **Predict first:** 192 pixels, a window of 7, stride 2, no padding. How many come out?

# %% key="check-sizes"
from kerastpu import convolutions

print("192, window 7, stride 2 ->", convolutions.output_size(192, 7, stride=2))
num_sizes = num_right = 0
for n in (28, 32, 47, 192):
    for f in (1, 2, 3, 5, 7):
        for s in (1, 2, 3):
            for p in (0, 1, 2):
                given = keras.KerasTensor((None, n + 2 * p, n + 2 * p, 1))
                made = keras.layers.Conv2D(1, f, strides=s).compute_output_shape(
                    given.shape
                )
                num_sizes += 1
                num_right += made[1] == (n + 2 * p - f) // s + 1
                num_right += made[1] == convolutions.output_size(
                    n, f, stride=s, padding=p
                )
print(f"{num_sizes} cases, {num_right // 2} of them as the formula says")

# %% [markdown] key="pooling"
# ## Pooling: whether, not exactly where
#
# A network has to get from a hundred thousand numbers to five. Max-pooling with a
# window of 2 x 2 and stride 2 keeps the largest of four neighbors: "is the pattern
# there?" rather than "in which of the four?". Three of four numbers go. A convolution
# with stride 2 shrinks as much; it learns what to keep, but looks at every other place
# only.
#
# So data flow through a convnet as *cubes*: wide and flat at first, then smaller in
# height and width, and deeper in channels.

# %% key="pool"


def max_pool(maps):
    """Returns the largest of each 2 x 2: (batch, H, W, C) -> (batch, H/2, W/2, C)."""
    batch, height, width, channels = maps.shape
    tiles = maps.reshape(batch, height // 2, 2, width // 2, 2, channels)
    return tiles.max(axis=(2, 4))


some = images[:8].astype("float32")
pooled = max_pool(some)
keras_pooled = keras.ops.convert_to_numpy(keras.layers.MaxPooling2D(2)(some))
print(f"{some.shape} -> {pooled.shape}: {pooled.size / some.size:.0%} of the numbers")
print("equal to Keras's:", np.array_equal(pooled, keras_pooled))

# %% [markdown] key="one-by-one"
# ## 1x1: a window of one pixel?
#
# It sees no neighbors, but all channels. So it is a dense layer that is applied to each
# pixel on its own: a weighted sum of the channels. Behind a convolution with 32 filters
# it mixes 32 answers: "an edge *and* yellow, *but no* green". It costs a ninth of a 3x3
# convolution and can make fewer channels of many.
#
# Three channels are red, green and blue, and one mixture of them everybody knows: gray.
# Another one, red and green against blue, answers to warm colors.

# %% key="mix-channels"
gray_filter = np.array([0.299, 0.587, 0.114]).reshape(1, 1, 3, 1)
as_gray = convolve(some, gray_filter, 0.0)
as_dense = (some.reshape(-1, 3) @ gray_filter.reshape(3, 1)).reshape(as_gray.shape)
mix_difference = np.abs(as_gray - as_dense).max()
print(f"1x1 convolution against a dense layer on each pixel: {mix_difference:.1e}")

warm_filter = np.array([0.5, 0.5, -1.0]).reshape(1, 1, 3, 1)
as_warm = np.maximum(convolve(some, warm_filter, 0.0), 0)
figure, panels = plt.subplots(1, 4, figsize=(7, 2), dpi=80, layout="constrained")
small = convolve(max_pool(max_pool(some)), gray_filter, 0.0)
shown = {"picture": images[1], "gray": as_gray[1], "warm": as_warm[1]}
shown["gray, pooled twice"] = small[1]
for axes, (name, picture) in zip(panels, shown.items(), strict=True):
    axes.imshow(picture, cmap="gray")
    axes.set_title(name, fontsize=10)
    axes.set(xticks=[], yticks=[])
plt.show()

# %% [markdown] key="networks"
# ## Whole networks
#
# The codelab's simple convnet has four 3x3 convolutions, with 24, 24, 12 and 6 filters,
# a max-pool after the second and the third, and a dense layer. Its larger one has four
# times a pair of 3x3 and 1x1 with 32 filters and a max-pool, then 3x3 with 16, 1x1 with
# 8, and a dense layer.
#
# **Predict first:** for pictures of 192 pixels, which of the two has more weights?
# Where are most of them?

# %% key="count-networks"
CONVNET = [(3, 24), (3, 24), "pool", (3, 12), "pool", (3, 6)]
CONVNET_1X1 = [(3, 32), (1, 32), "pool"] * 4 + [(3, 16), (1, 8)]


def count(steps, size, classes=5):
    """Returns the weights of the convolutions, and of the dense layer at the end."""
    channels, convs = 3, 0
    for step in steps:
        if step == "pool":
            size //= 2
            continue
        side, filters = step
        convs += (side * side * channels + 1) * filters
        channels = filters
    return convs, (size * size * channels + 1) * classes


counted = {}
for name, steps in {"convnet": CONVNET, "convnet_1x1": CONVNET_1X1}.items():
    convs, dense = count(steps, 192)
    counted[name] = convs + dense
    network = kerastpu.models.build(name, input_shape=(192, 192, 3), num_classes=5)
    print(
        f"{name:<12} convolutions {convs:>6,}, dense {dense:>6,}, all {convs + dense:,}"
    )
    print(f"{'':<12} Keras counts {network.count_params():,}")

# %% [markdown] key="ladder"
# The simple one spends most of its weights on the dense layer at the end, since it has
# pooled twice only. The larger one looks deeper with fewer.
#
# ## The ladder
#
# Four networks, the same pictures, the same number of epochs, Adam for all: dense, the
# two convnets, and a SqueezeNet, which [lab 06](06_modern_convnets.ipynb) explains. The
# codelab gives them, for its photos, about 40, 60, 70 and 80 percent. Ours are drawn
# flowers, so the rungs need not be the same.
#
# **Predict first:** how many of 100 flowers will each name right? Guessing gives 20.
# Which will know its training pictures best?

# %% key="climb"
import time

from kerastpu import evaluation

# Learning rates of Adam. Neurons with thousands of inputs die of 1e-3: a step moves
# all of their weights, and the sum goes too far for ReLU to come back.
LADDER = {"dense": 1e-4, "convnet": 1e-3, "convnet_1x1": 1e-3, "squeezenet": 1e-3}
scores, networks = {}, {}
for name, rate in LADDER.items():
    keras.utils.set_random_seed(0)
    shape = (SIZE, SIZE, 3)
    network = kerastpu.models.build(name, input_shape=shape, num_classes=len(names))
    network.compile(
        keras.optimizers.Adam(rate),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    started = time.perf_counter()
    history = network.fit(
        images, labels, epochs=EPOCHS, batch_size=32, verbose=0
    ).history
    seconds = time.perf_counter() - started
    probabilities = keras.ops.convert_to_numpy(network(test_images))
    scores[name] = evaluation.evaluate(probabilities, test_labels, names)
    networks[name] = network
    print(
        f"{name:<12} {network.count_params():>9,} weights  {seconds:>4.0f} s  "
        f"training {history['accuracy'][-1]:.0%}  test {scores[name].accuracy:.0%}"
    )

# %% key="see-ladder"
figure, axes = plt.subplots(figsize=(7, 2.8), dpi=80, layout="constrained")
for row, score in enumerate(scores.values()):
    low, high = score.interval
    axes.plot([100 * low, 100 * high], [row, row], color="#0072B2", lw=3)
    axes.plot(100 * score.accuracy, row, "o", color="#0072B2", ms=9)
    axes.text(100 * high + 2, row, f"{score.accuracy:.0%}", va="center")
weights = [f"{name}\n{networks[name].count_params():,}" for name in LADDER]
axes.set_yticks(range(len(LADDER)), weights)
axes.axvline(100 / len(names), color="#D55E00", ls="--", label="guessing")
axes.set(xlabel="test pictures right (%), with 95 % intervals", xlim=(0, 100))
axes.set_ylim(len(LADDER) - 0.5, -0.5)
axes.grid(axis="x", alpha=0.3)
axes.legend(frameon=False)
plt.show()

# %% [markdown] key="read-ladder"
# Where two lines overlap widely, this lab has not shown which network is better: that
# would take more test pictures and more runs. The ends of the ladder are far apart.
#
# The two convnets differ most in how fast they learn: with 18 epochs instead of 11 they
# meet, at 70 % and 68 % in one run each.
#
# On photos the top rung stands at 85.3 % of 776 test pictures: one run of the preset
# `flowers-squeezenet`, 192 pixels and 35 epochs, from `results/flowers.csv`.
#
# ## What it looks for
#
# These are the first maps of the trained simple convnet, for one flower. Some answer to
# edges in one direction, some to a color.

# %% key="feature-maps"
trained = networks["convnet"]
first = keras.Model(trained.input, trained.get_layer("conv1").output)
answers = keras.ops.convert_to_numpy(first(test_images[:1]))[0]
busiest = answers.std(axis=(0, 1)).argsort()[::-1][:6]
figure, panels = plt.subplots(1, 7, figsize=(7, 1.5), dpi=80, layout="constrained")
panels[0].imshow(test_images[0])
panels[0].set_title(names[test_labels[0]], fontsize=9)
for axes, channel in zip(panels[1:], busiest, strict=True):
    axes.imshow(answers[..., channel], cmap="gray")
    axes.set_title(f"filter {channel}", fontsize=9)
for axes in panels:
    axes.axis("off")
plt.show()

# %% [markdown] key="exercise-1"
# ## Exercise 1: how far does it see?
#
# A number behind two 3x3 convolutions depends on 5 pixels of each row of the picture:
# its *receptive field*. Write `receptive_field(layers)` for a list of (window, stride).
# A layer with window $f$ adds $f - 1$ steps, and a step is as long as all strides
# before it, multiplied.
#
# <details><summary>Hint</summary>
#
# Keep two numbers: the field, which begins at 1, and the length of a step, which begins
# at 1. First add to the field, then multiply the step.
#
# </details>


# %% tags=["solution"] key="exercise-1-solution"
# Define receptive_field(layers): a list of (window, stride) -> pixels.
def receptive_field(layers):
    field = step = 1
    for window, stride in layers:
        field += (window - 1) * step
        step *= stride
    return field


# %% tags=["check"] key="exercise-1-check"
from kerastpu.checking import check

check(receptive_field([(3, 1), (3, 1)]) == 5, "two 3x3 convolutions see 5 pixels")
check(
    receptive_field([(7, 2), (3, 2), (3, 1)]) == 19, "strides make later windows wider"
)
check(receptive_field([(1, 1)] * 9) == 1, "1x1 never sees a neighbor")
seen = receptive_field([(3, 1), (3, 1), (2, 2), (3, 1), (2, 2), (3, 1)])
check(seen == 20, "the simple convnet sees 20 pixels")

# %% [markdown] key="exercise-2"
# ## Exercise 2: the mean instead of the largest
#
# Write `mean_pool(maps, side)`: the mean of each `side` x `side` tile. What does not
# fill a tile at the right and at the bottom is left out, as Keras does.
#
# <details><summary>Hint</summary>
#
# Cut the maps to a multiple of `side` first; then `max_pool` above shows how to
# reshape.
#
# </details>


# %% tags=["solution"] key="exercise-2-solution"
# Define mean_pool(maps, side): (batch, H, W, C) -> (batch, H // side, W // side, C).
def mean_pool(maps, side):
    batch, height, width, channels = maps.shape
    rows, columns = height // side, width // side
    tiles = maps[:, : rows * side, : columns * side]
    tiles = tiles.reshape(batch, rows, side, columns, side, channels)
    return tiles.mean(axis=(2, 4))


# %% tags=["check"] key="exercise-2-check"
for side in (2, 3, 7):
    expected = keras.ops.convert_to_numpy(keras.layers.AveragePooling2D(side)(noise))
    check(
        np.allclose(mean_pool(noise, side), expected, atol=1e-6),
        f"side {side}: Keras's",
    )

# %% [markdown] key="exercise-3"
# ## Exercise 3: a network on a budget
#
# Write `build_small()`: a Keras model for pictures of 64 x 64 x 3 and 5 classes, with
# at least three convolutions, at most 5,000 weights, and softmax at its end.
#
# <details><summary>Hint</summary>
#
# The dense layer is what costs: `keras.layers.GlobalAveragePooling2D` turns each map
# into one number before it. 16 filters of 3x3 on 16 channels have 2,320 weights.
#
# </details>


# %% tags=["solution"] key="exercise-3-solution"
# Define build_small() -> keras.Model, at most 5,000 weights.
def build_small():
    return keras.Sequential(
        [
            keras.Input((64, 64, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(12, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(5, activation="softmax"),
        ]
    )


# %% tags=["check"] key="exercise-3-check"
small_network = build_small()
kinds = [type(layer).__name__ for layer in small_network.layers]
check(small_network.input_shape[1:] == (64, 64, 3), "it takes 64 x 64 x 3")
check(kinds.count("Conv2D") >= 3, "it has three convolutions or more")
check(small_network.count_params() <= 5000, "it keeps to the budget")
sums = keras.ops.convert_to_numpy(small_network(np.zeros((2, 64, 64, 3))))
check(
    sums.shape == (2, 5) and np.allclose(sums.sum(axis=1), 1, atol=1e-5),
    "softmax ends it",
)

# %% [markdown] key="checks-title"
# ## Checks

# %% key="checks"
check(
    max(matches["crosses"].ravel()) == matches["crosses"][3, 3] == 1,
    "X has one crossing",
)
check(conv_difference < 1e-5 and filter_weights == 48, "convolution by hand is Keras's")
check(num_right == 2 * num_sizes, "the formula gives every size that Keras makes")
check(shift_difference < 1e-12, "what moves in the picture moves in the maps")
check(counted == {"convnet": 78_263, "convnet_1x1": 43_389}, "the codelab's weights")
if EPOCHS >= 10:  # fewer say nothing about a network
    top, bottom = scores["squeezenet"], scores["dense"]
    check(top.interval[0] > bottom.interval[1], "SqueezeNet beats dense beyond chance")
print("all checks passed")
