# %% [markdown] key="intro"
# # Lab 03: What happens inside a network while it learns?
#
# Keras trains a classifier in three lines. This lab looks under each of them: you
# compute what a network says, how wrong it is, and how it improves, in NumPy and by
# hand, and check every number against Keras.
#
# You will
#
# * turn pictures into [tensors](glossary.md#tensor) and answers into
#   [one-hot](glossary.md#one-hot) vectors;
# * compute a [neuron](glossary.md#neuron), a [dense](glossary.md#dense) layer,
#   [softmax](glossary.md#softmax) and [cross-entropy](glossary.md#cross-entropy);
# * take a step of [gradient descent](glossary.md#gradient-descent), with
#   [momentum](glossary.md#momentum) and on mini-batches;
# * train a dense network on flowers, and find out what it cannot see.

# %% key="verdict"
import kerastpu
from kerastpu import doctor

backend = kerastpu.backend.select()
print(doctor.verdict())

# %% tags=["parameters"] key="parameters"
IMAGES = 1000  # pictures to draw, 5 classes
SIZE = 32  # height and width in pixels
STEPS = 30  # steps of gradient descent for each learning rate
EPOCHS = 15  # passes over the training pictures

# %% [markdown] key="data"
# ## A picture is a tensor
#
# These flowers are drawn by code; they are no photos. Form alone tells the five classes
# apart: colors, backgrounds and light are shared by all.
#
# A picture is a block of numbers: height x width x 3 colors, each 0 to 255. Pictures
# are handed over in a [batch](glossary.md#batch), so a batch is a tensor with four
# axes: 100 pictures of 192 x 192 pixels have the shape `[100, 192, 192, 3]`. The
# numbers that a network starts from are its [features](glossary.md#features); the class
# that it should name is the [label](glossary.md#label).

# %% key="draw"
import tempfile
from pathlib import Path

import data_pipelines
from data_pipelines.synthetic import render

folder = Path(tempfile.mkdtemp(prefix="lab03-"))
render.render_dataset(folder / "flowers", num_images=IMAGES, size=SIZE)
manifest = data_pipelines.prepare(
    data_pipelines.from_folder(folder / "flowers"),
    folder / "shards",
    fractions=data_pipelines.Fractions(validation=0.0, test=0.3),
)
images, labels = data_pipelines.as_arrays(manifest, "train", SIZE)
test_images, test_labels = data_pipelines.as_arrays(manifest, "test", SIZE)
names = manifest.class_names
print("to train on:", images.shape, images.dtype, "labels:", labels.shape)
print("to test on: ", test_images.shape)

# %% key="look"
import matplotlib.pyplot as plt
import numpy as np

figure, panels = plt.subplots(2, 5, figsize=(7, 3), dpi=80, layout="constrained")
for label, column in enumerate(panels.T):
    for axes, image in zip(column, images[labels == label]):
        axes.imshow(image)
        axes.axis("off")
    column[0].set_title(f"{label}: {names[label]}", fontsize=10)
plt.show()

# %% [markdown] key="one-hot"
# A label is a whole number: 3 stands for sunflowers. To compare it with five
# probabilities, it is written as five numbers too, all 0 but one. That is *one-hot*:
# row 3 of the identity matrix.

# %% key="make-one-hot"
one_hot = np.eye(len(names))[labels]
for label, row in zip(labels[:5], one_hot[:5], strict=True):
    print(f"{label} {names[label]:<11} {row}")

# %% [markdown] key="neuron"
# ## A neuron votes
#
# A neuron multiplies each input by a *weight*, adds everything up, adds a *bias*, and
# bends the result with an *activation*. You can think of a vote: each input pleads for
# or against, with the strength of its weight, and the bias is the opinion held
# beforehand.
#
# Two activations: [ReLU](glossary.md#relu) lets positive sums through and makes the
# rest 0. [Sigmoid](glossary.md#sigmoid) squeezes any sum between 0 and 1:
#
# $$\mathrm{relu}(z) = \max(0, z) \qquad \mathrm{sigmoid}(z) = \frac{1}{1 + e^{-z}}$$
#
# Without a bend between them, two layers could be multiplied out into one.
#
# **Predict first:** inputs 1, 2, 3, weights 0.5, -1, 0.25, bias 0.5. What do the two
# give?

# %% key="one-neuron"
import keras


def relu(z):
    return np.maximum(0.0, z)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


inputs = np.array([1.0, 2.0, 3.0])
weights, bias = np.array([0.5, -1.0, 0.25]), 0.5
z = inputs @ weights + bias
print(f"sum {z:.2f}, after ReLU {relu(z):.2f}, after sigmoid {sigmoid(z):.4f}")

keras_neuron = keras.layers.Dense(1, activation="sigmoid")
keras_neuron.build((None, 3))
keras_neuron.set_weights([weights[:, None], np.array([bias])])
said = keras.ops.convert_to_numpy(keras_neuron(inputs[None].astype("float32")))
print(f"Keras says {said.item():.4f}")

# %% key="bends"
sums = np.linspace(-4, 4, 201)
figure, axes = plt.subplots(figsize=(5, 2.6), dpi=80, layout="constrained")
axes.plot(sums, relu(sums), color="#0072B2", label="ReLU")
axes.plot(sums, sigmoid(sums), color="#D55E00", ls="--", label="sigmoid")
axes.set(xlabel="sum of the votes", ylabel="output", ylim=(-0.2, 4))
axes.grid(alpha=0.3)
axes.legend(frameon=False)
plt.show()

# %% [markdown] key="layers"
# ## Layers of neurons
#
# In a *dense* layer each neuron sees all inputs. The weights of $U$ neurons with $D$
# inputs are a $D \times U$ matrix, so a whole layer, for a whole batch, is one matrix
# product: $\mathrm{relu}(X W + b)$. It has $(D + 1) U$ parameters.
#
# The codelab's first network lays a picture out as one long row and sends it through
# 500 neurons, 50 neurons, and 5: one for each class. What the last layer adds up are
# the [logits](glossary.md#logits).
#
# **Predict first:** how many parameters has it for a picture of 192 x 192 pixels? A
# thousand, a million, more?

# %% key="count-parameters"
UNITS = (500, 50, len(names))


def count_parameters(size):
    """Returns the weights and biases of the network, for pictures of size x size."""
    widths = (size * size * 3, *UNITS)
    return sum(
        (before + 1) * after
        for before, after in zip(widths[:-1], widths[1:], strict=True)
    )


keras.utils.set_random_seed(0)
shape = (SIZE, SIZE, 3)
model = kerastpu.models.build("dense", input_shape=shape, num_classes=len(names))
print(f"{SIZE} pixels: {count_parameters(SIZE):,}, Keras: {model.count_params():,}")
print(f"192 pixels: {count_parameters(192):,}")

# %% [markdown] key="softmax"
# ## Softmax: from votes to probabilities
#
# Logits can be any numbers. *Softmax* makes probabilities of them: exponentials, so
# that all are positive, divided by their sum, so that they sum to 1:
#
# $$p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}$$
#
# The largest logit wins clearly, which gave it the name: a soft maximum. For large
# logits $e^{z}$ is more than a float can hold; subtracting the largest first changes
# nothing in the ratio and keeps all exponents at or below 0.
#
# **Predict first:** what happens to the probabilities if all logits grow by 100? If all
# are multiplied by 3?

# %% key="compute-softmax"


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


logits = np.array([[2.0, 1.0, 0.1, -1.0, 0.5]])
print("logits      ", softmax(logits).round(3))
print("plus 100    ", softmax(logits + 100).round(3))
print("times 3     ", softmax(logits * 3).round(3))
print("Keras       ", keras.ops.convert_to_numpy(keras.ops.softmax(logits)).round(3))

# %% [markdown] key="forward"
# ## The whole network, by hand
#
# Three matrix products, two bends, one softmax: that is all of it. Here it is in NumPy,
# with the random weights that Keras gave its own network. It must say the same.
#
# **Predict first:** the network has learned nothing yet. What probability will it give
# the right class, on average?

# %% key="compute-forward"


def forward(weights, pixels):
    """Returns what goes into each layer, and the probabilities (batch, classes)."""
    given = [pixels.reshape(len(pixels), -1) / 255]
    kernels, biases = weights[0::2], weights[1::2]
    for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
        given.append(relu(given[-1] @ kernel + bias))
    return given, softmax(given[-1] @ kernels[-1] + biases[-1])


start = [weight.astype("float64") for weight in model.get_weights()]
probabilities = forward(start, images[:100])[1]
from_keras = keras.ops.convert_to_numpy(model(images[:100]))
largest_difference = np.abs(probabilities - from_keras).max()
print("the first picture:", probabilities[0].round(3), "label", labels[0])
print(f"largest difference from Keras: {largest_difference:.1e}")
print(f"mean for the right class: {(probabilities * one_hot[:100]).sum(1).mean():.3f}")

# %% [markdown] key="cross-entropy"
# ## Cross-entropy: how wrong is it?
#
# The [loss](glossary.md#loss) turns "how wrong" into one number. For classes it is
# *cross-entropy*: with the one-hot label $y$ and the probabilities $p$,
#
# $$L = -\sum_k y_k \log p_k$$
#
# All terms but one are 0, so it is the negative logarithm of what the right class got.
# The right class at 100 % costs 0; at 1 % it costs 4.6. Who knows nothing and gives
# each of five classes 0.2 pays $\log 5 = 1.609$ for each picture.
#
# Why not the squared distance $\sum_k (p_k - y_k)^2$? Look at the slopes: the further
# off a network is, the steeper should its way back be.

# %% key="compute-cross-entropy"


def cross_entropy(probabilities, one_hot):
    return -np.log((probabilities * one_hot).sum(axis=1)).mean()


loss = cross_entropy(probabilities, one_hot[:100])
keras_loss = keras.losses.sparse_categorical_crossentropy(labels[:100], from_keras)
keras_loss = float(keras.ops.mean(keras_loss))
print(f"by hand {loss:.4f}, Keras {keras_loss:.4f}, knowing nothing {np.log(5):.4f}")

# %% key="slopes"
difference = np.linspace(-6, 6, 201)  # logit of the right class, minus the other one
right = sigmoid(difference)  # softmax of two classes
figure, (loss_axes, slope_axes) = plt.subplots(
    1, 2, figsize=(7, 2.8), dpi=80, layout="constrained"
)
loss_axes.plot(difference, -np.log(right), color="#0072B2", label="cross-entropy")
loss_axes.plot(
    difference, 2 * (1 - right) ** 2, color="#D55E00", ls="--", label="squared"
)
loss_axes.set(title="loss", xlabel="logit: right minus wrong class")
loss_axes.legend(frameon=False)
slope_axes.plot(difference, right - 1, color="#0072B2")
squared_slope = -4 * right * (1 - right) ** 2
slope_axes.plot(difference, squared_slope, color="#D55E00", ls="--")
slope_axes.set(title="its slope", xlabel="logit: right minus wrong class")
for axes in (loss_axes, slope_axes):
    axes.grid(alpha=0.3)
plt.show()

# %% [markdown] key="gradient"
# At the left the network is sure and wrong. There the squared distance is flat: its
# slope is almost 0, and nothing pulls the network back. Cross-entropy has slope -1.
#
# ## Gradient descent: which way is down?
#
# The *gradient* holds, for each weight, how much the loss changes if that weight grows
# a little. Go a small step against it, and the loss falls:
#
# $$w \leftarrow w - \eta \frac{\partial L}{\partial w}$$
#
# $\eta$ is the [learning rate](glossary.md#learning-rate). Softmax and cross-entropy
# together have a gradient of rare beauty: for the logits it is $p - y$, what was said
# minus what is true. *Back-propagation* hands it on from layer to layer, from the last
# to the first: through the weights, and only where ReLU let something through.
#
# First a test without any theory: move one weight by a hair, and see how the loss
# moves.

# %% key="compute-gradient"


def gradients(weights, pixels, one_hot):
    """Returns the gradient of each array of weights, in their order."""
    given, probabilities = forward(weights, pixels)
    slope = (probabilities - one_hot) / len(pixels)  # for the logits
    found = []
    for layer in reversed(range(len(given))):
        found = [given[layer].T @ slope, slope.sum(axis=0), *found]
        slope = (slope @ weights[2 * layer].T) * (given[layer] > 0)
    return found


batch, answers = images[:100], one_hot[:100]
by_formula = gradients(start, batch, answers)
moved = [weight.copy() for weight in start]
where, hair = (
    (int(by_formula[2].argmax()) // 50, int(by_formula[2].argmax()) % 50),
    1e-6,
)
moved[2][where] += hair
moved_loss = cross_entropy(forward(moved, batch)[1], answers)
by_moving = (moved_loss - loss) / hair
print(f"layer 2, weight {where}: moved {by_moving:.6f}")
print(f"layer 2, weight {where}: formula {by_formula[2][where]:.6f}")

# %% [markdown] key="one-step"
# Then the same step taken by Keras. `SGD` is its name for gradient descent. After one
# step, all parameters must be where NumPy has them.

# %% key="step-in-keras"
RATE = 0.01
model.compile(keras.optimizers.SGD(RATE), "sparse_categorical_crossentropy")
model.train_on_batch(batch, labels[:100])
by_hand = [w - RATE * g for w, g in zip(start, by_formula, strict=True)]
step_difference = max(
    np.abs(ours - theirs).max()
    for ours, theirs in zip(by_hand, model.get_weights(), strict=True)
)
after = cross_entropy(forward(by_hand, batch)[1], answers)
print(f"largest difference of all weights: {step_difference:.1e}")
print(f"loss of this batch: {loss:.4f} before the step, {after:.4f} after it")

# %% [markdown] key="learning-rate"
# ## How long a step?
#
# The gradient says which way is down *here*. It does not say for how long.
#
# **Predict first:** three learning rates, 0.0005, 0.01 and 1, the same batch again and
# again. Which one ends lowest? What do the others do wrong?

# %% key="try-rates"
histories = {}
for rate in (0.0005, 0.01, 1.0):
    current, losses = start, []
    for _ in range(STEPS):
        changes = gradients(current, batch, answers)
        current = [w - rate * g for w, g in zip(current, changes, strict=True)]
        right = (forward(current, batch)[1] * answers).sum(axis=1)
        losses.append(-np.log(np.maximum(right, 1e-9)).mean())  # 0 has no logarithm
    histories[rate] = losses
    print(f"learning rate {rate:<6}: loss {losses[-1]:.3f} after {STEPS} steps")

# %% key="plot-rates"
figure, axes = plt.subplots(figsize=(5.5, 2.8), dpi=80, layout="constrained")
styles = (("#0072B2", ":"), ("#000000", "-"), ("#D55E00", "--"))
for (rate, losses), (color, dashes) in zip(histories.items(), styles, strict=True):
    axes.plot(range(1, STEPS + 1), losses, color=color, ls=dashes, label=f"{rate}")
axes.axhline(np.log(5), color="#777777", lw=0.8)
axes.set(xlabel="step", ylabel="loss (nats)", yscale="log")
axes.set_yticks([1, 2, 5, 10], ["1", "2", "5", "10"])
axes.minorticks_off()
axes.legend(title="learning rate", frameon=False)
axes.grid(alpha=0.3)
plt.show()

# %% [markdown] key="momentum"
# Too short a step barely moves. Too long a step jumps over the valley and lands high up
# on the other side. ReLUs can fall silent there for good; then nothing is left but what
# knowing nothing costs, the thin gray line.
#
# ## Momentum: a ball, not a hiker
#
# Plain gradient descent forgets each step. *Momentum* keeps a velocity $v$: most of the
# last move, $m = 0.9$ of it, and the new step on top:
#
# $$v \leftarrow m v - \eta g \qquad w \leftarrow w + v$$
#
# Where the gradient stays the same, the velocity adds up to $\frac{1}{1 - m} = 10$
# times the plain step. That helps most at a *saddle point*, where the ground is flat,
# up on two sides and down on the other two. With millions of weights, flat spots are
# far more often saddles than true valleys.
#
# **Predict first:** the loss below has a saddle at (0, 0), and we start almost on its
# ridge. How many steps does each way take to get off?

# %% key="saddle"


def saddle_loss(x, y):
    return x**2 / 2 + (y**2 - 1) ** 2 / 4  # valleys at y = -1 and y = 1


def descend(momentum, rate=0.1, steps=80):
    """Returns the positions (steps + 1, 2) from a start near the ridge."""
    position, velocity = np.array([1.5, 0.01]), np.zeros(2)
    path = [position]
    for _ in range(steps):
        x, y = position
        gradient = np.array([x, y**3 - y])
        velocity = momentum * velocity - rate * gradient
        position = position + velocity
        path.append(position)
    return np.array(path)


paths = {momentum: descend(momentum) for momentum in (0.0, 0.9)}
escapes = {m: int((np.abs(path[:, 1]) > 0.5).argmax()) for m, path in paths.items()}
for momentum, escape in escapes.items():
    print(f"momentum {momentum}: off the ridge after {escape} steps")

# %% key="plot-saddle"
grid = np.meshgrid(np.linspace(-1.6, 1.7, 80), np.linspace(-1.6, 1.6, 80))
figure, panels = plt.subplots(1, 2, figsize=(7, 3.2), dpi=80, layout="constrained")
for axes, (momentum, path) in zip(panels, paths.items(), strict=True):
    axes.contour(*grid, saddle_loss(*grid), levels=14, colors="#BBBBBB", linewidths=0.8)
    axes.plot(*path[:21].T, ".-", color="#0072B2", lw=1, label="steps 0 to 20")
    axes.plot(*path[0], "s", color="#000000", label="start")
    axes.plot(0, 0, "x", color="#D55E00", ms=9, mew=2, label="saddle")
    axes.plot([0, 0], [-1, 1], "*", color="#009E73", ms=11, ls="", label="valleys")
    axes.set_title(f"momentum {momentum:g}", fontsize=10)
figure.legend(
    *panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4
)
plt.show()

# %% [markdown] key="momentum-keras"
# The ball swings past things, yet it is off the ridge much sooner. Does Keras do the
# same arithmetic? Three steps on the same batch, from the same weights:

# %% key="momentum-in-keras"
model.set_weights(start)
model.compile(keras.optimizers.SGD(0.01, momentum=0.9), model.loss)
current, velocities = start, [np.zeros_like(weight) for weight in start]
for _ in range(3):
    model.train_on_batch(batch, labels[:100])
    changes = gradients(current, batch, answers)
    velocities = [0.9 * v - 0.01 * g for v, g in zip(velocities, changes, strict=True)]
    current = [w + v for w, v in zip(current, velocities, strict=True)]
momentum_difference = max(
    np.abs(ours - theirs).max()
    for ours, theirs in zip(current, model.get_weights(), strict=True)
)
print(f"largest difference of all weights after 3 steps: {momentum_difference:.1e}")

# %% [markdown] key="mini-batches"
# ## Mini-batches: why not all pictures at once?
#
# The true gradient is the mean over all pictures. A *mini-batch* of $B$ pictures, drawn
# at random, estimates it at a fraction of the cost, as a poll estimates an election.
# Statistics tells how far off it is: the error falls as $1 / \sqrt{B}$. Four times the
# pictures, half the error: beyond some hundred pictures more accuracy costs too much.
# 128 is common, and fills a TPU core.
#
# **Predict first:** by which factor does the error fall from 8 pictures to 128?

# %% key="measure-noise"
pool, pool_answers = images[:400], one_hot[:400]
true_gradient = gradients(start, pool, pool_answers)[4]  # of the last layer's weights
random = np.random.default_rng(0)
errors = {}
for size in (8, 32, 128):
    squares = []
    for _ in range(40):
        chosen = random.integers(0, len(pool), size)
        estimate = gradients(start, pool[chosen], pool_answers[chosen])[4]
        squares.append(np.square(estimate - true_gradient).sum())
    errors[size] = np.sqrt(np.mean(squares)) / np.linalg.norm(true_gradient)
    print(f"{size:>4} pictures: off by {errors[size]:.0%} of the gradient's length")
print(f"8 to 128: {errors[8] / errors[128]:.2f} times less, theory says {16**0.5:g}")

# %% [markdown] key="train"
# ## Now let Keras do it
#
# All of the above is `compile` and `fit`. One pass over the training pictures is an
# [epoch](glossary.md#epoch). `Adam` is gradient descent with momentum that also gives
# each weight a step length of its own.
#
# **Predict first:** guessing names 20 of 100 flowers right. How many will this network
# name that has never seen them?

# %% key="fit"
keras.utils.set_random_seed(0)
model = kerastpu.models.build("dense", input_shape=shape, num_classes=len(names))
model.compile(
    keras.optimizers.Adam(3e-4),  # neurons with thousands of inputs need small steps
    "sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
history = model.fit(
    images,
    labels,
    validation_data=(test_images, test_labels),
    epochs=EPOCHS,
    batch_size=32,
    verbose=0,
).history

# %% key="score"
from kerastpu import evaluation

test_probabilities = model.predict(test_images, verbose=0)
score = evaluation.evaluate(test_probabilities, test_labels, names)
low, high = score.interval
print(f"{score.accuracy:.0%} of {score.count} test pictures are right")
print(f"95 % interval: {low:.0%} to {high:.0%}; guessing: {1 / len(names):.0%}")

# %% key="curves"
figure, panels = plt.subplots(1, 2, figsize=(7, 2.8), dpi=80, layout="constrained")
epochs = range(1, EPOCHS + 1)
for axes, name in zip(panels, ("loss", "accuracy"), strict=True):
    axes.plot(epochs, history[name], color="#0072B2", label="training")
    axes.plot(epochs, history[f"val_{name}"], color="#D55E00", ls="--", label="test")
    axes.set(xlabel="epoch", title=name)
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(alpha=0.3)
panels[0].legend(frameon=False)
plt.show()

# %% [markdown] key="what-it-cannot-see"
# ## What a dense network cannot see
#
# Better than guessing, and far from good. Here is why. Shuffle the pixels of every
# picture, all in the same way. For us nothing is left to see.
#
# **Predict first:** what does the network lose, if its first layer's weights are
# shuffled along?

# %% key="shuffle-pixels"
order = np.random.default_rng(1).permutation(SIZE * SIZE * 3)
shuffled = test_images.reshape(len(test_images), -1)[:, order].reshape(
    test_images.shape
)
blind = kerastpu.models.build("dense", input_shape=shape, num_classes=len(names))
kernel, *others = model.get_weights()
blind.set_weights([kernel[order], *others])
blind_probabilities = blind.predict(shuffled, verbose=0)
blind_difference = np.abs(blind_probabilities - test_probabilities).max()
print(f"largest difference of all probabilities: {blind_difference:.1e}")

# %% key="see-shuffled"
figure, panels = plt.subplots(1, 4, figsize=(7, 2.1), dpi=80, layout="constrained")
for index, (before, after_it) in enumerate(
    zip(panels[0::2], panels[1::2], strict=True)
):
    before.imshow(test_images[index])
    after_it.imshow(shuffled[index])
    before.set_title(names[test_labels[index]], fontsize=10)
    after_it.set_title("the same, shuffled", fontsize=10)
for axes in panels:
    axes.axis("off")
plt.show()

# %% [markdown] key="why"
# Nothing. A dense network does not know which pixels are neighbors, so it cannot use
# that they are. It would learn noise as well as flowers. A petal one pixel further left
# is a new thing to it. The remedy are convolutions, in [lab 05](05_convnets.ipynb).
#
# Where pictures are centered and alike, dense layers do well all the same: on
# handwritten digits the preset `mnist-mlp` of this project names 98.7 % of 10,000 test
# images right (median of three runs, `results/mnist.csv`).

# %% [markdown] key="exercise-1"
# ## Exercise 1: the sigmoid is a softmax
#
# With two classes, softmax of the logits $z$ and 0 gives the first class what the
# sigmoid of $z$ gives. Write `sigmoid_by_softmax(z)` for an array `z` of any length,
# with the function `softmax` above and without any exponential of your own.
#
# <details><summary>Hint</summary>
#
# `np.stack([z, np.zeros_like(z)], axis=-1)` makes a row of two logits of each number.
#
# </details>


# %% tags=["solution"] key="exercise-1-solution"
# Define sigmoid_by_softmax(z): float array (N,) -> float array (N,).
def sigmoid_by_softmax(z):
    return softmax(np.stack([z, np.zeros_like(z)], axis=-1))[:, 0]


# %% tags=["check"] key="exercise-1-check"
from kerastpu.checking import check

some = np.linspace(-20, 20, 9)
check(np.allclose(sigmoid_by_softmax(some), sigmoid(some)), "it is the sigmoid")
extreme = sigmoid_by_softmax(np.array([-2000.0, 2000.0]))
check(np.allclose(extreme, [0, 1]), "and survives where the exponential overflows")

# %% [markdown] key="exercise-2"
# ## Exercise 2: the best constant guess
#
# A network that ignores its input can still learn how frequent the classes are. Write
# `constant_loss(labels)`: the lowest mean cross-entropy that one and the same row of
# probabilities for all pictures can reach.
#
# <details><summary>Hint</summary>
#
# The best row is the share of each class. `np.bincount` counts; leave classes that do
# not occur out, they cost nothing.
#
# </details>


# %% tags=["solution"] key="exercise-2-solution"
# Define constant_loss(labels): int array (N,) -> the loss in nats.
def constant_loss(labels):
    counts = np.bincount(labels)
    shares = counts[counts > 0] / len(labels)
    return -(shares * np.log(shares)).sum()


# %% tags=["check"] key="exercise-2-check"
equal = constant_loss(np.array([0, 1, 2, 3, 4] * 3))
check(np.isclose(equal, np.log(5)), "five classes of one size: log 5")
check(constant_loss(np.array([2, 2, 2])) == 0, "one class alone: nothing to get wrong")
skewed = constant_loss(np.array([0, 0, 0, 1]))
check(np.isclose(skewed, 0.5623, atol=1e-4), "three to one: less than log 2")

# %% [markdown] key="exercise-3"
# ## Exercise 3: Nesterov's look ahead
#
# Nesterov's variant moves as if the velocity had already been updated once more:
#
# $$v \leftarrow m v - \eta g \qquad w \leftarrow w + m v - \eta g$$
#
# Write `nesterov_step(weight, velocity, gradient, rate, momentum)`, which returns the
# new weight and the new velocity. It is checked against Keras.
#
# <details><summary>Hint</summary>
#
# The velocity comes first; the second formula uses the new one.
#
# </details>


# %% tags=["solution"] key="exercise-3-solution"
# Define nesterov_step(weight, velocity, gradient, rate, momentum); both are returned.
def nesterov_step(weight, velocity, gradient, rate, momentum):
    velocity = momentum * velocity - rate * gradient
    return weight + momentum * velocity - rate * gradient, velocity


# %% tags=["check"] key="exercise-3-check"
variable = keras.Variable([1.0, -2.0])
optimizer = keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True)
weight, velocity = np.array([1.0, -2.0]), np.zeros(2)
for gradient in ([1.0, 3.0], [-2.0, 0.5], [0.25, 0.0]):
    optimizer.apply([keras.ops.convert_to_tensor(gradient)], [variable])
    weight, velocity = nesterov_step(weight, velocity, np.array(gradient), 0.1, 0.9)
expected = keras.ops.convert_to_numpy(variable)
check(np.allclose(weight, expected, atol=1e-6), "three steps end where Keras ends")

# %% [markdown] key="checks-title"
# ## Checks

# %% key="checks"
check(largest_difference < 1e-5, "NumPy's network says what the Keras network says")
check(
    max(step_difference, momentum_difference) < 1e-5, "steps by hand are Keras's steps"
)
check(escapes[0.9] < escapes[0.0] / 2, "momentum leaves a saddle in half the steps")
check(history["loss"][-1] < history["loss"][0], "the network learned")
check(count_parameters(192) == 55_321_805, "the codelab's network: 55,321,805 weights")
check(
    blind_difference < 1e-4, "a dense network does not know which pixels are neighbors"
)
print("all checks passed")
