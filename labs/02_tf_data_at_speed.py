# %% [markdown] key="intro"
# # Lab 02: Which stage of my input pipeline holds the model up?
#
# Between the shards on a disk and the numbers in a model lie half a dozen stages: read,
# parse, decode, resize, shuffle, change at random, batch. There is much advice about
# their order. This lab does not believe it: each rule is measured, here, on this
# machine.
#
# You will
#
# * find out what each stage costs, for one image;
# * see what parallel calls, a cache and prefetching bring, and where they do harm;
# * look at what a shuffle really does;
# * find the bottleneck of a training loop, mend it, and find the next one.
#
# Other programs disturb a measurement. So whatever is compared takes turns, in several
# rounds, and the *median* is told: a slow moment of the machine meets all alike. There
# are also two clocks. The one on the wall says how long you wait. `time.process_time`
# counts how long the cores worked *for this program*, and hardly minds what else is
# running. For the cost of a stage we ask the second one.

# %% key="verdict"
import kerastpu
from kerastpu import doctor

backend = kerastpu.backend.select()
print(doctor.verdict())

# %% tags=["parameters"] key="parameters"
NUM_IMAGES = 200  # pictures drawn
STORED_SIZE = 256  # their side in pixels, as in the shards
MODEL_SIZE = 128  # the side in pixels that the model wants
BATCH = 20  # images in a batch
ROUNDS = 5  # repeats of each measurement
SLEEP = 0.02  # seconds that a batch, and a step, take where both only sleep

# %% [markdown] key="data"
# ## The data
#
# Flowers drawn by code, packed into shards as in lab 01. They are stored larger than
# the model wants them, as most photos are. All splits are read, as only the speed
# counts here.

# %% key="data-prepare"
import tempfile
from pathlib import Path

import data_pipelines
from data_pipelines.synthetic import render

work = Path(tempfile.mkdtemp(prefix="lab02-"))
render.render_dataset(work / "flowers", num_images=NUM_IMAGES, size=STORED_SIZE)
manifest = data_pipelines.prepare(
    data_pipelines.from_folder(work / "flowers"), work / "shards"
)
shards = [
    str(path) for split in manifest.splits for path in manifest.shard_paths(split)
]
print(f"{NUM_IMAGES} images in {len(shards)} shards")

# %% [markdown] key="stages"
# ## What does each stage cost?
#
# A `tf.data` pipeline is built stage by stage; nothing runs until somebody asks for an
# element. So we build five pipelines, each one stage longer than the one before, and
# run each of them over all images.
#
# **Predict first:** of the work for one image, which stage takes the largest part?

# %% key="stages-measure"
import time

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from data_pipelines import throughput

FEATURES = {
    "image": tf.io.FixedLenFeature([], tf.string),
    "class": tf.io.FixedLenFeature([], tf.int64),
}


def parse(record):
    """Returns the JPEG's bytes and the class number of a record."""
    fields = tf.io.parse_single_example(record, FEATURES)
    return fields["image"], fields["class"]


def decode(jpeg, label):
    """Returns uint8 (height, width, 3), 0..255."""
    return tf.io.decode_jpeg(jpeg, channels=3), label


def resize(image, label):
    """Returns uint8 (MODEL_SIZE, MODEL_SIZE, 3)."""
    resized = tf.image.resize(image, (MODEL_SIZE, MODEL_SIZE))
    return tf.cast(resized, tf.uint8), label


read = tf.data.TFRecordDataset(shards)
stages = {
    "read": read,
    "parse": read.map(parse),
    "decode": read.map(parse).map(decode),
    "resize": read.map(parse).map(decode).map(resize),
    "batch": read.map(parse).map(decode).map(resize).batch(BATCH),
}
rates = throughput.compare(
    {name: throughput.drain(dataset, NUM_IMAGES) for name, dataset in stages.items()},
    "decode",
    rounds=ROUNDS,
    clock=time.process_time,
)
until = [1e6 / rate.images_per_second for rate in rates]  # microseconds per image
costs = np.diff(until, prepend=0)
for name, microseconds, cost in zip(stages, until, costs):
    print(f"up to {name:<7} {microseconds:>7.0f} us per image, {cost:>+6.0f}")

figure, axes = plt.subplots(figsize=(7, 2.2), dpi=80, layout="constrained")
bars = axes.barh([*stages], costs, color="#0072B2")
axes.bar_label(bars, fmt="%.0f", padding=3)
axes.axvline(0, color="black", lw=0.8)
axes.set(xlabel="processor time that the stage adds per image (microseconds)")
axes.margins(x=0.1)
axes.invert_yaxis()
axes.spines[["top", "right"]].set_visible(False)
plt.show()

# %% [markdown] key="parallel"
# Decoding and resizing are most of the work; reading and batching are little. A stage
# may even seem to cost less than nothing: that is noise, and a reason not to trust
# small differences.
#
# ## Parallel calls
#
# Decoding one image has nothing to do with decoding another, so `map` can do several at
# once: `num_parallel_calls`. `AUTOTUNE` lets tf.data choose the number while it runs.
# The work stays the same, so now the clock on the wall counts.
#
# **Predict first:** what do 2 calls at a time bring here? What do 16?

# %% key="parallel-measure"
import os

from kerastpu import data_text


def decoded(calls):
    """Returns the pipeline up to resizing, with so many calls at a time."""
    return read.map(
        lambda record: resize(*decode(*parse(record))), num_parallel_calls=calls
    )


rates = throughput.compare(
    {
        name: throughput.drain(decoded(calls), NUM_IMAGES)
        for name, calls in {
            "one call": None,
            "2 calls": 2,
            "16 calls": 16,
            "AUTOTUNE": tf.data.AUTOTUNE,
        }.items()
    },
    "one call",
    rounds=ROUNDS,
)
print(f"{os.cpu_count()} cores")
print(data_text.of_rates(rates, "one call"))

# %% [markdown] key="decoders"
# More calls than cores bring little. Where the cores are busy with other things, there
# is nothing left to be gained at all.
#
# ## The cost of decoding
#
# If decoding is the work, can there be less of it? (This is a cost again, so the next
# tables give images per second of *processor time*.)
#
# * `dct_method="INTEGER_FAST"` computes with less precision;
# * `ratio=2` makes an image of half the size straight from the JPEG's frequencies;
# * `decode_and_crop_jpeg` decodes only what a random crop is going to keep. Here that
#   is the middle half of the height and of the width.
#
# **Predict first:** a crop that keeps a quarter of the pixels: is it four times as
# fast?

# %% key="decoders-measure"
HALF, QUARTER = STORED_SIZE // 2, STORED_SIZE // 4
WINDOW = [QUARTER, QUARTER, HALF, HALF]  # top, left, height, width
jpegs = read.map(lambda record: parse(record)[0]).cache()
decoders = {
    "all of it": lambda jpeg: tf.io.decode_jpeg(jpeg, channels=3),
    "INTEGER_FAST": lambda jpeg: tf.io.decode_jpeg(
        jpeg, channels=3, dct_method="INTEGER_FAST"
    ),
    "half size": lambda jpeg: tf.io.decode_jpeg(jpeg, channels=3, ratio=2),
    "decode, then crop": lambda jpeg: tf.image.crop_to_bounding_box(
        tf.io.decode_jpeg(jpeg, channels=3), *WINDOW
    ),
    "decode and crop": lambda jpeg: tf.io.decode_and_crop_jpeg(
        jpeg, WINDOW, channels=3
    ),
}
rates = throughput.compare(
    {
        name: throughput.drain(jpegs.map(decoder), NUM_IMAGES)
        for name, decoder in decoders.items()
    },
    "all of it",
    rounds=ROUNDS,
    clock=time.process_time,
)
print(data_text.of_rates(rates, "all of it"))

# %% [markdown] key="cache"
# It is faster, but not four times: the compressed bits of a JPEG have to be unpacked in
# order, from the first one to the end of the window, and only the rest of the work is
# saved.
#
# ## Where the cache belongs
#
# `cache()` keeps what comes out of the stages before it, from the first epoch on. All
# stages before it cost nothing afterwards. Its price is memory: an image of 192 x 192
# pixels takes 110,592 bytes decoded, and about a tenth of that as a JPEG.
#
# **Predict first:** how much less work is an epoch with the images cached after
# decoding? And with the JPEGs cached before it?

# %% key="cache-measure"
cached = {
    "no cache": decoded(None),
    "cache, then decode": read.cache().map(lambda r: resize(*decode(*parse(r)))),
    "decode, then cache": decoded(None).cache(),
}
cache_rates = throughput.compare(
    {name: throughput.drain(dataset, NUM_IMAGES) for name, dataset in cached.items()},
    "no cache",
    rounds=ROUNDS,
    clock=time.process_time,
)
print(data_text.of_rates(cache_rates, "no cache"))
jpeg_bytes = sum(Path(shard).stat().st_size for shard in shards) / NUM_IMAGES
pixel_bytes = MODEL_SIZE * MODEL_SIZE * 3
print(f"memory per image: {jpeg_bytes:,.0f} bytes as JPEG, {pixel_bytes:,} decoded")

# %% [markdown] key="cache-trap"
# Caching the JPEGs saves reading, which was cheap anyway on this disk. From a bucket it
# would not be.
#
# ## Two traps: chance that happens only once
#
# Training images are changed at random, as by a flip, so that no epoch is like another.
#
# **Predict first:** one image, a random change of its brightness, four epochs. How many
# different images does the model see if the change comes before a cache? If it comes
# behind it? And what does it do to have set a seed?

# %% key="cache-trap-measure"
gray = tf.data.Dataset.from_tensors(tf.fill((8, 8, 3), 0.5))


def brighten(image):
    """Changes the brightness at random."""
    return tf.image.random_brightness(image, 0.4)


def num_different(dataset, epochs=4):
    """Returns how many different images come in so many epochs."""
    return len({float(image[0, 0, 0]) for _ in range(epochs) for image in dataset})


different = {
    "changed, then cached": num_different(gray.map(brighten).cache()),
    "cached, then changed": num_different(gray.cache().map(brighten)),
}
tf.random.set_seed(0)
different["the same, with a seed set"] = num_different(gray.cache().map(brighten))
different["and with repeat"] = num_different(
    gray.cache().repeat(4).map(brighten), epochs=1
)
for name, count in different.items():
    print(f"{name:<26} {count} different in 4 epochs")

# %% [markdown] key="batch-map"
# What is random goes behind the cache, or it is random only once. The second trap is
# less known: with a seed set, each new pass over a dataset starts the same random
# numbers again, so that every epoch is like the first. `repeat()` makes one long pass
# of all epochs, and the numbers go on.
#
# ## Batch first, or map first?
#
# Each call of a mapped function has a fixed cost. A *cheap* function is therefore often
# called on whole batches instead of single images. Is that always less work?
#
# **Predict first:** for `x / 255`, and for a random flip: which order is less work?

# %% key="batch-map-measure"
images = decoded(None).map(lambda image, label: image).cache()


def scale(x):
    """Returns float32, 0..1."""
    return tf.cast(x, tf.float32) / 255


for name, function in (("scale", scale), ("flip", tf.image.random_flip_left_right)):
    first = f"{name} images, then batch"
    rates = throughput.compare(
        {
            first: throughput.drain(images.map(function).batch(BATCH), NUM_IMAGES),
            f"batch, then {name} batches": throughput.drain(
                images.batch(BATCH).map(function), NUM_IMAGES
            ),
        },
        first,
        rounds=ROUNDS,
        clock=time.process_time,
    )
    print(data_text.of_rates(rates, "images first"))

# %% [markdown] key="prefetch"
# Look at the spread before you look at the shares: where the slowest and the fastest
# rounds of two lines overlap, there is no winner. An order that wins for one function
# need not win for another. When somebody tells you one, measure it.
#
# ## Prefetch: two things at the same time
#
# While a TPU or a GPU computes, the CPU has nothing to do. `prefetch` lets it make the
# next batch meanwhile. For a batch that takes `a` seconds and a step that takes `b`, it
# turns
#
# $$a + b \quad\text{into}\quad \max(a, b)$$
#
# To see that alone, both only sleep here. (Newer versions of TensorFlow put a prefetch
# at the end by themselves. To see what happens without it, we turn that off.)
#
# **Predict first:** what does prefetching bring if both take 20 ms? If the step takes
# 60 ms? If the batch does?

# %% key="prefetch-measure"
import statistics

NUM_STEPS = 8


def follow(input_sleep, step_sleep, ahead):
    """Returns the seconds of NUM_STEPS, and (start, end) of their inputs and steps."""
    begin, inputs, steps = time.perf_counter(), [], []

    def make(number):
        start = time.perf_counter() - begin
        time.sleep(input_sleep)
        inputs.append((start, time.perf_counter() - begin))
        return number

    dataset = tf.data.Dataset.range(NUM_STEPS).map(
        lambda number: tf.numpy_function(make, [number], tf.int64)
    )
    options = tf.data.Options()
    options.experimental_optimization.inject_prefetch = False
    for _ in (dataset.prefetch(1) if ahead else dataset).with_options(options):
        start = time.perf_counter() - begin
        time.sleep(step_sleep)
        steps.append((start, time.perf_counter() - begin))
    return steps[-1][1] - inputs[0][0], inputs, steps


gains = {}
print("batch  step   without      with    gain  by formula")
for a, b in ((SLEEP, SLEEP), (SLEEP, 3 * SLEEP), (3 * SLEEP, SLEEP)):
    pairs = [(follow(a, b, False)[0], follow(a, b, True)[0]) for _ in range(ROUNDS)]
    without, ahead = (statistics.median(column) for column in zip(*pairs))
    gains[a, b] = without / ahead
    print(
        f"{a * 1e3:>3.0f} ms {b * 1e3:>3.0f} ms {without:>7.3f} s {ahead:>7.3f} s "
        f"{gains[a, b]:>7.2f} {(a + b) / max(a, b):>11.2f}"
    )

figure, panels = plt.subplots(
    2, 1, figsize=(7, 3), dpi=80, sharex=True, layout="constrained"
)
for axes, ahead in zip(panels, (False, True)):
    _, inputs, steps = follow(SLEEP, SLEEP, ahead)
    for row, spans, color in ((0, inputs, "#E69F00"), (1, steps, "#0072B2")):
        for number, (start, end) in enumerate(spans):
            left, length = (start - inputs[0][0]) * 1e3, (end - start) * 1e3
            axes.barh(row, length, left=left, color=color, ec="white")
            axes.text(left + length / 2, row, str(number), ha="center", va="center")
    axes.set_yticks([0, 1], ["CPU: make batch", "model: step"])
    axes.set_title("with prefetch" if ahead else "without prefetch", fontsize=10)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
panels[1].set_xlabel("milliseconds")
plt.show()

# %% [markdown] key="shuffle"
# The gain is at most 2, where both take equally long. Prefetching *hides* the shorter
# one; only making the longer one shorter helps further. It is the last stage of every
# pipeline.
#
# ## What a shuffle does
#
# `shuffle(n)` holds a buffer of `n` elements. It hands out one of them, chosen at
# random, and puts the next one in its place. So an element cannot come out more than
# `n` places too early, and a small buffer hardly mixes. `repeat` begins again from the
# start.
#
# **Predict first:** in 300 elements there are 3 epochs of 100. Does each epoch hold
# each element once if the shuffle comes before `repeat`? If it comes behind it?

# %% key="shuffle-measure"
NUM, EPOCHS = 100, 3
numbers = tf.data.Dataset.range(NUM)
orders = {
    "shuffle(10).repeat()": numbers.shuffle(10, seed=1).repeat(EPOCHS),
    "shuffle(100).repeat()": numbers.shuffle(NUM, seed=1).repeat(EPOCHS),
    "repeat().shuffle(100)": numbers.repeat(EPOCHS).shuffle(NUM, seed=1),
}
streams = {
    name: np.array([*dataset.as_numpy_iterator()]) for name, dataset in orders.items()
}
missing = {}
for name, stream in streams.items():
    missing[name] = [
        NUM - len({*epoch.tolist()}) for epoch in stream.reshape(EPOCHS, NUM)
    ]
    print(f"{name:<22} not seen in each epoch: {missing[name]}")

figure, panels = plt.subplots(
    1, 3, figsize=(7, 2.6), dpi=80, sharey=True, layout="constrained"
)
for axes, (name, stream) in zip(panels, streams.items()):
    axes.plot(stream, ".", ms=3, color="#0072B2")
    for border in (NUM, 2 * NUM):
        axes.axvline(border, color="#D55E00", lw=1)
    axes.set_title(name, fontsize=9)
    axes.set_xlabel("place in the stream")
panels[0].set_ylabel("element")
plt.show()

# %% [markdown] key="shuffle-answer"
# On the left, the small buffer leaves the order nearly as it was: if a folder is read
# class after class, the model sees class after class. In the middle each epoch is
# complete and mixed. On the right the epochs run into each other: some images come
# twice before others come once.
#
# It also matters *what* is in the buffer. 2,048 decoded images of 192 x 192 take 226
# MB; as JPEGs of 20 KB they take 41 MB. So: shuffle, repeat, then decode.
#
# kerastpu needs no buffer at all. It knows where each record begins and computes the
# order of each epoch from a seed, so that a run that was killed goes on with the same
# images.
#
# ## Find the bottleneck
#
# No theory is needed to find what holds a training loop up. Measure three speeds, by
# the clock on the wall:
#
# 1. the input alone;
# 2. the model alone, on one batch again and again;
# 3. both together, as in training.
#
# The third cannot be faster than the slower one of the first two. That one is your
# bottleneck, and nothing that you do to the other will help.
#
# **Predict first:** a very small network on this machine: which is it?

# %% key="bottleneck-measure"
import keras

keras.utils.set_random_seed(0)
model = keras.Sequential(
    [
        keras.Input((MODEL_SIZE, MODEL_SIZE, 3)),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Conv2D(8, 4, strides=4, activation="relu"),
        keras.layers.GlobalAveragePooling2D(),
        keras.layers.Dense(5, activation="softmax"),
    ]
)
model.compile("adam", "sparse_categorical_crossentropy")


def find_bottleneck(title, dataset):
    """Measures the input, the model, and both; returns the name of the slower one."""
    dataset = dataset.batch(BATCH, drop_remainder=True).prefetch(2)
    num_steps = NUM_IMAGES // BATCH
    one = next(dataset.as_numpy_iterator())

    def train(batches):
        for images, labels in batches:
            model.train_on_batch(images, labels)
        return num_steps * BATCH

    rates = throughput.compare(
        {
            "input": throughput.drain(dataset, num_steps * BATCH),
            "model": lambda: train([one] * num_steps),
            "together": lambda: train(dataset.as_numpy_iterator()),
        },
        "together",
        rounds=ROUNDS,
    )
    slower = min(rates[:2], key=lambda rate: rate.images_per_second).stage
    print(f"{title}: the bottleneck is the {slower}")
    print(data_text.of_rates(rates, "together"))
    return slower


before = find_bottleneck("decoded each time", decoded(None))
after = find_bottleneck("decoded once, then cached", decoded(None).cache())

# %% [markdown] key="project"
# ## The pipeline of this project
#
# `data_pipelines` measures its own stages in one call, also as a command:
# `kerastpu data throughput DATA`. Its yardstick is *decode only*, TensorFlow's decoder
# with its fastest method and nothing else: a pipeline without a cache can hardly be
# faster.

# %% key="project-measure"
rates = throughput.measure(
    manifest, image_size=MODEL_SIZE, batch_size=BATCH, rounds=ROUNDS
)
print(data_text.of_rates(rates))

# %% [markdown] key="photos"
# These were drawn flowers, on your machine. On *real photos* `results/throughput.csv`
# has, for 2,727 flower photos to 224 x 224 pixels on 2 cores of an AMD EPYC, medians of
# 5 rounds (`make bench-input`, 2026-11-23):
#
# | pipeline | images per second |
# |---|---|
# | decode only | 3,446 |
# | this project, evaluation | 3,404 |
# | this project, training, with random crops and flips | 2,531 |
# | the same in its second epoch, from the cache | 6,069 |
# | the codelab's pipeline, evaluation | 1,091 |
# | the codelab's pipeline, training | 526 |
#
# ## What to remember
#
# 1. List the shards; read several at once if they lie in a bucket.
# 2. Cache the encoded images if they fit into memory, or the decoded ones if those fit
#    too.
# 3. Shuffle, then repeat.
# 4. Decode and resize, in parallel, to one fixed size.
# 5. Then whatever is random, behind the cache and behind `repeat`.
# 6. Batch, with `drop_remainder=True` in training.
# 7. Prefetch, last.
#
# And the rule above the rules: measure.

# %% [markdown] key="exercise-1"
# ## Exercise 1: endless, mixed, complete
#
# Write `batches(num_images, batch, seed)`. It returns a dataset of the numbers 0 to
# `num_images` - 1 in batches: endless, well mixed, all batches full, and each number
# once in every epoch.
#
# <details><summary>Hint</summary>
#
# `range`, `shuffle`, `repeat`, `batch`, in this order. How large does the buffer have
# to be for a perfect shuffle? A batch may hold the end of one epoch and the start of
# the next.
#
# </details>

# %% tags=["solution"] key="exercise-1-solution"
# Define batches(num_images, batch, seed) -> a tf.data.Dataset of int64 (batch,).
def batches(num_images, batch, seed):
    numbers = tf.data.Dataset.range(num_images).shuffle(num_images, seed=seed)
    return numbers.repeat().batch(batch, drop_remainder=True)


# %% tags=["check"] key="exercise-1-check"
from kerastpu.checking import check

found = [*batches(10, 4, seed=0).take(5).as_numpy_iterator()]
check(all(len(batch) == 4 for batch in found), "all batches are full")
stream = np.concatenate(found).tolist()
is_complete = sorted(stream[:10]) == sorted(stream[10:]) == list(range(10))
check(is_complete, "each epoch of 10 holds each number once")
check(stream[:10] != stream[10:], "the second epoch has another order")

# %% [markdown] key="exercise-2"
# ## Exercise 2: a cache in the right place
#
# `slow` stands for decoding and counts its calls; `noisy` stands for a random change.
# Write `build(dataset, slow, noisy)`. Over several epochs `slow` has to be called once
# for each element, and `noisy` has to differ from epoch to epoch.
#
# <details><summary>Hint</summary>
#
# Three stages: `map`, `cache`, `map`. What is random goes behind the cache.
#
# </details>

# %% tags=["solution"] key="exercise-2-solution"
# Define build(dataset, slow, noisy) -> a tf.data.Dataset.
def build(dataset, slow, noisy):
    return dataset.map(slow).cache().map(noisy)


# %% tags=["check"] key="exercise-2-check"
import itertools

calls, ticks = [], itertools.count()


def count_call(x):
    """Notes the call."""
    calls.append(int(x))
    return np.float32(x)


built = build(
    tf.data.Dataset.range(6),
    lambda x: tf.numpy_function(count_call, [x], tf.float32),
    lambda x: x + tf.numpy_function(lambda: np.float32(next(ticks)), [], tf.float32),
)
epochs = [[*built.as_numpy_iterator()] for _ in range(3)]
check(sorted(calls) == list(range(6)), "in 3 epochs each element is decoded once")
check(epochs[0] != epochs[1] != epochs[2], "no epoch is like the one before")

# %% [markdown] key="exercise-3"
# ## Exercise 3: is it worth it?
#
# Input and model overlap by prefetching. Write
# `speedup(input_rate, model_rate, factor)`, with rates in images per second: how many
# times faster does training get if you make the input `factor` times faster?
#
# <details><summary>Hint</summary>
#
# Training runs at `min(input_rate, model_rate)`. Compare that before and after.
#
# </details>

# %% tags=["solution"] key="exercise-3-solution"
# Define speedup(input_rate, model_rate, factor).
def speedup(input_rate, model_rate, factor):
    after = min(input_rate * factor, model_rate)
    return after / min(input_rate, model_rate)


# %% tags=["check"] key="exercise-3-check"
check(speedup(500, 2_000, 2) == 2, "a slow input made twice as fast: twice")
check(speedup(500, 2_000, 10) == 4, "ten times as fast: then the model holds it up")
check(speedup(2_500, 50, 10) == 1, "a slow model gains nothing")

# %% [markdown] key="checks-intro"
# ## Checks

# %% key="checks"
import shutil

cache_speed = {rate.stage: rate.images_per_second for rate in cache_rates}
check(
    cache_speed["decode, then cache"] > 1.5 * cache_speed["no cache"]
    and [*different.values()] == [1, 4, 1, 4],
    "a cache spares decoding; it freezes chance, and so does a seed without repeat",
)
check(
    missing["shuffle(100).repeat()"] == [0, 0, 0]
    and sum(missing["repeat().shuffle(100)"]) > 0,
    "only a shuffle before repeat shows each image once in each epoch",
)
check(gains[SLEEP, SLEEP] > 1.3, "prefetching lets input and model overlap")
shutil.rmtree(work)
print("all checks passed")
