# %% [markdown] key="intro"
# # Lab 00: What will my model run on, and does that change the result?
#
# A CPU, a GPU and a TPU differ in how many multiplications they do at once. Keras code
# is the same on all of them: a *[strategy](glossary.md#strategy)* says how the work is
# shared out. This lab looks inside a TPU, finds out what is here, and then checks on
# numbers that sharing the work changes nothing.
#
# You will
#
# * multiply two matrices the way a TPU does, tick by tick;
# * round numbers to [bfloat16](glossary.md#bfloat16) by hand, and see what is lost;
# * share a [batch](glossary.md#batch) among [replicas](glossary.md#replica);
# * train one network on one device and on two, and compare all weights.
#
# First of all: what is on this machine? The backend has to be chosen before Keras is
# imported.

# %% key="verdict"
import kerastpu
from kerastpu import doctor

backend = kerastpu.backend.select()
print(doctor.verdict())

# %% tags=["parameters"] key="parameters"
BATCH_ROWS = 6  # rows of the matrix that streams through the array
NUM_RANDOM = 100_000  # numbers rounded to bfloat16
TERMS = 4_096  # products in a long sum
XLA_ELEMENTS = 4_000_000  # numbers that XLA works on
ROUNDS = 5  # repeats of each measurement
STEPS = 3  # training steps on one device and on two

# %% [markdown] key="tpu"
# ## What a TPU is
#
# Nearly all of the arithmetic in a neural network is multiplying matrices: a row of
# inputs times a column of weights, the products added up. So a TPU spends its silicon
# on one thing. Each core of a TPU v2 has
#
# * a **matrix unit** (MXU): 128 x 128 cells, each with a multiplier and an adder. That
#   is 16,384 multiplications in every tick of the clock. It takes bfloat16 numbers and
#   adds them up in float32;
# * a **vector unit** (VPU) for all the rest, such as activations and softmax, in
#   float32 and int32.
#
# Two such cores make a chip, four chips a board: 8 cores. Boards are wired together
# into pods, with up to 512 cores of v2 or 2,048 of v3.
#
# A GPU has thousands of cores that can each run a program, and that fetch numbers from
# memory and write results back. The cells of the matrix unit run no program. They are a
# **systolic array**: numbers go in at the edges and are handed from cell to cell in the
# rhythm of the clock, like blood in the beat of a heart. A number is read from memory
# once and used by every cell that it passes.
#
# ## A systolic array in NumPy
#
# To compute `inputs @ weights`, each cell holds one weight. In every tick a cell takes
# an input from the left and a sum from above, adds input times weight to the sum, and
# hands the input on to the right and the sum on downwards. Row `k` of the array gets
# its inputs `k` ticks late, so that a sum and the inputs that belong to it meet in each
# cell.
#
# **Predict first:** the array below has 4 x 4 cells and 6 rows of input stream through
# it. How many ticks does that take? 6? 24? 96?

# %% key="systolic"
import numpy as np


def multiply(inputs, weights):
    """Returns inputs @ weights, and the row that each cell works on in each tick.

    Args:
        inputs: float (rows, K).
        weights: float (K, N), one for each of the K x N cells.

    Returns:
        The product, float (rows, N), and int (ticks, K, N): a row, or -1 for idle.
    """
    (rows, K), N = inputs.shape, weights.shape[1]
    product = np.zeros((rows, N))
    passing, sums = np.zeros((K, N)), np.zeros((K, N))
    at_work = []
    for tick in range(rows + K + N - 2):
        # Every cell hands on: inputs to the right, sums downwards.
        passing[:, 1:], sums[1:] = passing[:, :-1].copy(), sums[:-1].copy()
        sums[0] = 0
        row = tick - np.arange(K)  # row k of the array starts k ticks late
        is_in = (row >= 0) & (row < rows)
        passing[:, 0] = np.where(is_in, inputs[row % rows, np.arange(K)], 0)
        sums += passing * weights
        works_on = tick - np.add.outer(np.arange(K), np.arange(N))
        at_work.append(np.where((works_on >= 0) & (works_on < rows), works_on, -1))
        leaving = at_work[-1][-1]  # finished sums leave the lowest row of cells
        for column in np.flatnonzero(leaving >= 0):
            product[leaving[column], column] = sums[-1, column]
    return product, np.array(at_work)


random = np.random.default_rng(0)
inputs = random.normal(size=(BATCH_ROWS, 4))
weights = random.normal(size=(4, 4))
product, at_work = multiply(inputs, weights)
num_ticks = len(at_work)
print(f"{num_ticks} ticks; largest difference from NumPy's product:")
print(f"{np.abs(product - inputs @ weights).max():.1e}")

# %% [markdown] key="systolic-look"
# A row of inputs crosses the array as a diagonal wave. While the first waves come in
# and while the last ones go out, some cells are idle. The numbers in the cells say
# which row of `inputs` each cell works on. In a notebook, press play below the second
# picture.

# %% key="systolic-picture"
import matplotlib.pyplot as plt
from matplotlib import animation


def draw_tick(axes, tick):
    """Draws the cells: dark ones work, pale ones are idle."""
    axes.clear()
    works_on = at_work[tick]
    colors = np.where(works_on[..., None] >= 0, (0.0, 0.45, 0.70), (0.88, 0.88, 0.88))
    axes.imshow(colors)
    for (k, n), row in np.ndenumerate(works_on):
        text = str(row) if row >= 0 else ""
        axes.text(n, k, text, ha="center", va="center", color="white", fontsize=12)
    axes.set_xticks(np.arange(-0.5, 4), [])
    axes.set_yticks(np.arange(-0.5, 4), [])
    axes.tick_params(length=0)
    axes.grid(color="white", lw=3)
    axes.spines[:].set_visible(False)
    axes.set_title(f"tick {tick + 1} of {num_ticks}", fontsize=10)


figure, panels = plt.subplots(1, 4, figsize=(7, 2.3), dpi=80, layout="constrained")
for axes, tick in zip(panels, np.linspace(1, num_ticks - 2, 4).astype(int)):
    draw_tick(axes, tick)
panels[0].set(xlabel="sums leave here", ylabel="inputs enter here")
plt.show()

if "get_ipython" in globals():  # a plain script has nowhere to play it
    from IPython.display import HTML, display

    figure, axes = plt.subplots(figsize=(2.6, 2.6), dpi=80, layout="constrained")
    wave = animation.FuncAnimation(
        figure, lambda tick: draw_tick(axes, tick), frames=num_ticks, interval=600
    )
    display(HTML(wave.to_jshtml(default_mode="loop")))
    plt.close(figure)

# %% [markdown] key="utilization"
# Was your guess right? It takes `rows + K + N - 2` ticks, while all the work would fill
# `rows` ticks of a busy array. So the share of the time in which cells work is
#
# $$\frac{rows}{rows + K + N - 2}$$
#
# This toy waits for one product to end before the next begins; a real matrix unit lets
# them follow each other closely. What remains true is that the array wants *many rows*,
# and columns in multiples of 128: a layer with 24 filters leaves 104 of 128 columns
# idle.
#
# **Predict first:** with 128 x 128 cells, what is the share for 8 rows? For 1,024?

# %% key="utilization-numbers"
share = (at_work >= 0).mean()
formula = BATCH_ROWS / (BATCH_ROWS + 4 + 4 - 2)
print(f"counted above: {share:.3f}; formula: {formula:.3f}")
for rows in (8, 128, 1_024, 8_192):
    print(f"128 x 128 cells, {rows:>5,} rows: {rows / (rows + 128 + 128 - 2):>6.1%}")

# %% [markdown] key="batch-advice"
# This is why the usual advice for a TPU is 128 images for each core, and no fewer than
# 8. In a [convolution](glossary.md#convolution) each *pixel* is a row, so that even a
#    small batch has many of them; in a [dense](glossary.md#dense) layer each *image* is
#    one.
#
# ## bfloat16: half the bits, the same range
#
# A float32 has 1 bit for the sign, 8 for the exponent and 23 for the digits. bfloat16
# keeps sign and exponent and only 7 digit bits: it is a float32 without its last 16
# bits. The other 16-bit format, float16, keeps 10 digit bits and has 5 bits for the
# exponent.
#
# Cutting the bits off is the simplest way; to *round* to the nearest, a half of the
# last place is added before (ties go to the even number).
#
# **Predict first:** which of these six numbers survive bfloat16 unchanged? Which of
# them does float16 turn into infinity or 0?

# %% key="bfloat16"
import ml_dtypes


def to_bfloat16(numbers):
    """Returns float32 numbers rounded to the nearest that has 7 digit bits."""
    bits = np.asarray(numbers, np.float32).view(np.uint32)
    is_odd = (bits >> np.uint32(16)) & np.uint32(1)
    rounded = bits + np.uint32(0x7FFF) + is_odd
    return (rounded & np.uint32(0xFFFF0000)).view(np.float32)


numbers = np.array([1.0, 1.5, 3.14159265, 257.0, 1e38, 1e-30], np.float32)
with np.errstate(over="ignore"):
    halves = numbers.astype(np.float16).astype(np.float32)
print(f"{'float32':>14} {'bfloat16':>14} {'float16':>14}")
for number, brain, half in zip(numbers, to_bfloat16(numbers), halves):
    print(f"{number:>14.8g} {brain:>14.8g} {half:>14.8g}")

many = random.normal(size=NUM_RANDOM).astype(np.float32) * 1e3
library = many.astype(ml_dtypes.bfloat16).astype(np.float32)
is_same = bool((to_bfloat16(many) == library).all())
worst = (np.abs(to_bfloat16(many) - many) / np.abs(many)).max()
print(f"{NUM_RANDOM:,} random numbers: same as ml_dtypes: {is_same}")
print(f"largest relative error {worst:.5f}, which is below 1/256 = {1 / 256:.5f}")

# %% [markdown] key="accumulate"
# Three decimal digits at most, and yet networks train well with it: a gradient is a
# noisy estimate anyway, and the range is what must not be lost. One thing does need
# more digits.
#
# **Predict first:** start at 0 and add 1 a thousand times, rounding to bfloat16 each
# time. What comes out?

# %% key="accumulate-numbers"
def add_up(terms, round_sum):
    """Returns the sum of the terms, rounded after each addition."""
    total = np.float32(0)
    for term in terms:
        total = round_sum(total + term)
    return float(total)


ones = np.ones(1_000, np.float32)
stuck = add_up(ones, to_bfloat16)
print("1,000 ones:", add_up(ones, np.float32), "in float32,", stuck, "in bfloat16")

factors = to_bfloat16(random.uniform(size=(2, TERMS)))
products = factors[0] * factors[1]
exact = products.astype(np.float64).sum()
errors = {
    "float32": abs(add_up(products, np.float32) - exact) / exact,
    "bfloat16": abs(add_up(products, to_bfloat16) - exact) / exact,
}
for name, error in errors.items():
    print(f"{TERMS:,} products of bfloat16 added up in {name:<8}: {error:.5%} off")

# %% [markdown] key="accumulate-answer"
# From 256 on the next bfloat16 number is 258, so adding 1 falls back to 256 for ever.
# That is why the matrix unit multiplies in bfloat16 but *adds* in float32: the products
# are short, the sums are long. Keras does the same with the policy `mixed_bfloat16`:
# variables and sums stay float32.
#
# ## What is here?
#
# `resolve_accelerator` looks for a TPU, then for GPUs, then takes the CPU, and keeps
# the reasons. On TensorFlow it gives a `tf.distribute` strategy, on JAX a
# `keras.distribution.DataParallel`.
#
# **Predict first:** how many replicas will it find on this machine?

# %% key="resolve"
accelerator = kerastpu.resolve_accelerator()
print(accelerator.describe())
for reason in accelerator.reasons:
    print(" -", reason)

# %% [markdown] key="global-batch"
# ## The global batch
#
# Each replica (a TPU core, a GPU, or the one CPU) holds a copy of the model and works
# on its share of the batch. What you hand to `fit` is the **global batch**: share x
# replicas. On a board of 8 cores, 128 images for each are a global batch of 1,024. More
# images in a step mean fewer steps in an [epoch](glossary.md#epoch), so the
# [learning rate](glossary.md#learning-rate) is usually raised along with the batch, and
# very large batches want an optimizer made for them, such as LARS.

# %% key="global-batch-numbers"
for per_replica in (8, 32, 128):
    here = accelerator.global_batch(per_replica)
    print(f"{per_replica:>4} per replica -> {here:>4} here, {per_replica * 8:>5} on 8")

# %% [markdown] key="all-reduce"
# ## All-reduce: how replicas stay equal
#
# After each step every replica has the gradient of *its* images. The gradient of the
# whole batch is their mean, and every replica needs it, so that all take the same step
# and the copies stay equal. "Everyone has a part, everyone gets the sum" is called
# **all-reduce**.
#
# In a ring, each replica talks to its neighbor only. The gradient is cut into as many
# pieces as there are replicas. In the first half of the way the pieces go around and
# are added up; in the second half the finished sums go around. Each replica sends
# `2 * (replicas - 1)` pieces: nearly two gradients, *however many replicas there are*.
#
# **Predict first:** with 4 replicas and 12 numbers, how many numbers does each one
# send?

# %% key="all-reduce-ring"
def ring_all_reduce(gradients):
    """Sums gradients in a ring; each replica sends one piece in a round.

    Args:
        gradients: float (replicas, numbers), numbers a multiple of replicas.

    Returns:
        What each replica has in the end, and how many numbers each one sent.
    """
    replicas = len(gradients)
    pieces = np.array(gradients).reshape(replicas, replicas, -1)
    ring, sent = np.arange(replicas), 0
    for turn in range(2 * (replicas - 1)):
        piece = (ring - turn) % replicas  # the one that each replica hands on
        message = pieces[ring, piece].copy()
        if turn < replicas - 1:
            pieces[(ring + 1) % replicas, piece] += message
        else:
            pieces[(ring + 1) % replicas, piece] = message
        sent += message.shape[1]
    return pieces.reshape(replicas, -1), sent


gradients = random.normal(size=(4, 12))
reduced, sent = ring_all_reduce(gradients)
print(f"each of 4 replicas sent {sent} numbers of a gradient of 12")
print(f"largest error of a sum: {np.abs(reduced - gradients.sum(axis=0)).max():.1e}")

# %% [markdown] key="two-replicas"
# ## One device or two: the same network?
#
# Enough of toys. A small network with [BatchNorm](glossary.md#batch-normalization)
# trains on one device and on two, from the same weights, on the same images. The CPU is
# made to look like two devices; that has to happen before the backend starts, which is
# why it happens in a process of its own. Nothing gets faster by it: they share the same
# cores.
#
# There is one catch. BatchNorm takes the mean over the batch. Left alone, each
# TensorFlow replica takes it over *its share*, which makes another network of it.
# `accelerator.prepare` lets all replicas use the mean of the whole batch.
#
# **Predict first:** how far apart are the weights after three steps, with `prepare` and
# without it?

# %% key="two-replicas-run"
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = """
import json, sys
import kerastpu
from kerastpu import simulation
simulation.split_cpu(2)
import keras
import numpy as np

images = np.random.default_rng(0).random((16, 8, 8, 3), dtype="float32")
images += np.linspace(0, 2, 16, dtype="float32")[:, None, None, None]  # dark to bright
labels = np.arange(16) * 3 // 16

def train(accelerator, is_prepared):
    keras.utils.set_random_seed(0)
    with accelerator.scope():
        model = keras.Sequential([
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, use_bias=False),
            keras.layers.BatchNormalization(momentum=0.5),
            keras.layers.Activation("relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3, activation="softmax"),
        ])
        if is_prepared:
            accelerator.prepare(model)
        sgd = keras.optimizers.SGD(0.05, momentum=0.9)
        model.compile(sgd, "sparse_categorical_crossentropy")
        model.fit(images, labels, batch_size=16, epochs=int(sys.argv[1]),
                  shuffle=False, verbose=0)
    return np.concatenate([weight.ravel() for weight in model.get_weights()])

two, one = kerastpu.resolve_accelerator(), kerastpu.resolve_accelerator("single")
alone = train(one, True)
print(json.dumps({
    "replicas": two.num_replicas,
    "one": alone.tolist(),
    "prepared": train(two, True).tolist(),
    "unprepared": train(two, False).tolist(),
}))
"""

with tempfile.TemporaryDirectory() as folder:
    program = Path(folder) / "two_replicas.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, str(program), str(STEPS)],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": "-1"},
        capture_output=True,
        text=True,
    )
if done.returncode:
    raise SystemExit(done.stderr)
found = json.loads(done.stdout.splitlines()[-1])
alone = np.array(found["one"])
apart = {
    name: float(np.abs(np.array(found[name]) - alone).max())
    for name in ("prepared", "unprepared")
}
print(f"{found['replicas']} replicas against 1, {len(alone)} weights and statistics")
print(f"with prepare, largest difference:    {apart['prepared']:.1e}")
print(f"without prepare, largest difference: {apart['unprepared']:.1e}")

# %% [markdown] key="two-replicas-answer"
# With `prepare` they differ by millionths, as float32 sums do that are added up in
# another order. Without it, on TensorFlow, they are different networks, and nothing
# would have told you. (On JAX both lines are tiny: there the program is written for the
# whole batch and the compiler shares it out.) `kerastpu train` always prepares.
#
# ## XLA: one program instead of many
#
# Without a compiler, each operation reads its inputs from memory and writes its result
# back. [XLA](glossary.md#xla) compiles a whole step into one program: operations that
# follow each other on the same numbers are fused into a single pass. A TPU runs nothing
# else; `fit` compiles for it by itself.
#
# The price is that a program fits one *shape*. **Predict first:** batches of 32, 32, 32
# and then a last one of 17 images come along. How often is the function compiled?

# %% key="xla"
from data_pipelines import throughput

num_compiled = 0


def chain(x):
    """Six operations on every number."""
    global num_compiled
    num_compiled += 1  # Python runs when the function is traced, to be compiled
    x = x * 1.5 + 0.5
    x = x * x - 1.0
    return x / 3.0


if backend == "jax":
    import jax

    compiled, plain, to_device = jax.jit(chain), chain, jax.numpy.asarray
else:
    import tensorflow as tf

    compiled = tf.function(chain, jit_compile=True)
    plain, to_device = chain, tf.constant

for size in (32, 32, 32, 17):
    compiled(to_device(np.ones((size, 4), np.float32)))
compiled_for_shapes = num_compiled
print(f"4 batches, {compiled_for_shapes} compilations")

big = to_device(np.ones(XLA_ELEMENTS, np.float32))


def timed(function):
    """Returns a pass over `big` that ends when the result is there."""
    return lambda: len(np.asarray(function(big)))


for rate in throughput.compare(
    {"one by one": timed(plain), "compiled by XLA": timed(compiled)},
    "one by one",
    rounds=ROUNDS,
):
    million = rate.images_per_second / 1e6
    print(f"{rate.stage:<16} {million:>7.0f} million numbers/s, x {rate.share:.2f}")

# %% [markdown] key="xla-answer"
# Twice: once for 32 and once for 17. On a TPU a compilation may take a minute, so input
# pipelines drop the last short batch in training and decode images to one fixed size.
#
# Does XLA always help? No. On CPUs it compiles some networks into *slower* code, which
# is why kerastpu leaves it off there. On a TPU there is no choice.
#
# A TPU is fast enough that feeding it becomes the hard part: labs 01 and 02 are about
# that.

# %% [markdown] key="exercise-1"
# ## Exercise 1: a global batch
#
# You have a TPU with 8 cores, each holds up to 128 images, and 2,990 training images.
# Write `plan(num_images, per_replica, replicas)`. It returns the global batch, and the
# number of whole batches in one epoch.
#
# <details><summary>Hint</summary>
#
# Whole batches: integer division, `//`. What does not fill a batch is left for the next
# epoch.
#
# </details>

# %% tags=["solution"] key="exercise-1-solution"
# Define plan(num_images, per_replica, replicas) -> (global batch, whole batches).
def plan(num_images, per_replica, replicas):
    batch = per_replica * replicas
    return batch, num_images // batch


# %% tags=["check"] key="exercise-1-check"
from kerastpu.checking import check

check(plan(2_990, 128, 8) == (1_024, 2), "8 cores: batches of 1,024, 2 in an epoch")
check(plan(2_990, 16, 8) == (128, 23), "with 16 for each: the codelab's 23 steps")
check(plan(100, 32, 1) == (32, 3), "one device: 3 whole batches in 100 images")

# %% [markdown] key="exercise-2"
# ## Exercise 2: where does bfloat16 lose the units?
#
# Write `first_lost()`. It returns the smallest whole number above 0 that bfloat16
# cannot hold. Use `to_bfloat16` from above.
#
# <details><summary>Hint</summary>
#
# Try the numbers 1, 2, 3, ... and compare each with what `to_bfloat16` makes of it.
# With 7 stored digit bits and one that is implied, how far can you count?
#
# </details>

# %% tags=["solution"] key="exercise-2-solution"
# Define first_lost() -> the smallest whole number that bfloat16 cannot hold.
def first_lost():
    number = 1
    while to_bfloat16(np.float32([number]))[0] == number:
        number += 1
    return number


# %% tags=["check"] key="exercise-2-check"
check(first_lost() == 2**8 + 1, "the first number lost is 257, one above 2 to the 8th")

# %% [markdown] key="exercise-3"
# ## Exercise 3: shares of unequal size
#
# The gradient of a batch is the mean over its images. Replica 0 got 6 images, replica 1
# only 2. Write `combine(means, counts)`: from the mean of each share and its number of
# images, the mean of all images. (Many frameworks take the plain mean of the shares'
# means. That is right only for equal shares, and kerastpu therefore refuses batches
# that do not divide by the replicas.)
#
# <details><summary>Hint</summary>
#
# A share with three times the images has three times the weight. `np.average` takes
# weights.
#
# </details>

# %% tags=["solution"] key="exercise-3-solution"
# Define combine(means, counts): means (replicas, numbers), counts (replicas,).
def combine(means, counts):
    return np.average(means, axis=0, weights=counts)


# %% tags=["check"] key="exercise-3-check"
of_images = random.normal(size=(8, 5))
of_shares = np.stack([of_images[:6].mean(axis=0), of_images[6:].mean(axis=0)])
is_close = np.allclose(combine(of_shares, [6, 2]), of_images.mean(axis=0))
check(is_close, "the weighted mean of shares is the mean of all images")

# %% [markdown] key="checks-intro"
# ## Checks

# %% key="checks"
is_right = np.allclose(product, inputs @ weights) and np.isclose(share, formula)
check(is_right, "a systolic array multiplies matrices, in rows + K + N - 2 ticks")
check(is_same and stuck == 256, "our bfloat16 is the library's; adding 1 ends at 256")
check(apart["prepared"] < 2e-5, "two replicas train the network that one trains")
print("all checks passed")
