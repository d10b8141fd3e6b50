# %% [markdown] key="intro"
# # Lab 09: How do you find good settings without training everything?
#
# A network has weights, which training finds, and settings, which somebody has to
# choose: the [learning rate](glossary.md#learning-rate), how much to penalize large
# weights, how many units to drop. Each choice can be judged only by training with it.
#
# You will
#
# * spread a few sets of settings over all they could be, better than a grid does;
# * drop the bad ones early and count what that saves;
# * search the settings of a small flower classifier, and score the winner once;
# * measure how much the best of many is flattered by having been chosen.

# %% key="verdict"
import kerastpu
from kerastpu import doctor

backend = kerastpu.backend.select()
print(doctor.verdict())

# %% tags=["parameters"] key="parameters"
IMAGES = 300  # flowers to draw, 5 classes
SIZE = 32  # height and width in pixels
ITERATIONS = 3  # of training, with a drop between two: 1, 3, 9 epochs, ...
SETS = 6  # to begin with, in each of two stages

# %% [markdown] key="where"
# ## Where to look
#
# Nine trainings are affordable, for two settings. A *grid* takes three values of each
# and tries all pairs. A *random* draw takes any nine points. A *Latin hypercube* cuts
# each axis into nine strips, uses every strip of every axis exactly once, and leaves to
# chance which strip meets which.
#
# **Predict first:** if only one of the two settings matters, how many different values
# of it does each of the three ways try?

# %% key="three-ways"
import numpy as np

from kerastpu.tuning import latin_hypercube
from kerastpu.tuning.dimensions import Float

plane = [Float("x", low=0, high=1), Float("y", low=0, high=1)]
thirds = (np.arange(3) + 0.5) / 3
designs = {
    "grid": np.array([(x, y) for x in thirds for y in thirds]),
    "random": np.random.default_rng(0).random((9, 2)),
    "Latin hypercube": latin_hypercube.sample(plane, 9, np.random.default_rng(0)),
}


def strips_used(points):
    """Returns how many of the nine strips of the first axis hold a point."""
    return len(set(np.floor(points[:, 0] * 9).astype(int)))


for name, points in designs.items():
    print(f"{name:<16} {strips_used(points)} of 9 strips")
draws = [strips_used(np.random.default_rng(i).random((9, 2))) for i in range(1000)]
print(f"random, on average of 1,000 draws: {np.mean(draws):.1f}")

# %% key="see-three-ways"
import matplotlib.pyplot as plt

figure, panels = plt.subplots(1, 3, figsize=(7, 2.6), dpi=80, layout="constrained")
for axes, (name, points) in zip(panels, designs.items(), strict=True):
    axes.plot(*points.T, "o", color="#0072B2", ms=5)
    axes.plot(points[:, 0], np.zeros(9), "|", color="#D55E00", ms=14, mew=2)
    axes.set(xlim=(0, 1), ylim=(0, 1), xticks=np.arange(10) / 9, yticks=np.arange(10) / 9)
    axes.set(xticklabels=[], yticklabels=[], xlabel="what matters")
    axes.set_title(f"{name}: {strips_used(points)} strips", fontsize=10)
    axes.grid(alpha=0.4)
panels[0].set_ylabel("what does not")
plt.show()

# %% [markdown] key="scale"
# ## On which scale
#
# A learning rate may be 0.0001 or 0.1. Spread evenly between them, nine of ten points
# lie above 0.01. What matters is the factor: the step from 0.001 to 0.01 is as large as
# that from 0.01 to 0.1. So its logarithm is what is spread: a point $u$ between 0 and 1
# stands for $\text{low} \cdot (\text{high} / \text{low})^u$.
#
# **Predict first:** of 9 rates between 0.0001 and 0.1, how many are below 0.001?

# %% key="two-scales"
places = np.sort(latin_hypercube.strata(9, None, np.random.default_rng(1)))
even = Float("rate", low=1e-4, high=1e-1)
log = Float("rate", low=1e-4, high=1e-1, log=True)
for kind, axis in (("evenly", even), ("in the logarithm", log)):
    rates = np.array([axis.value(place) for place in places])
    print(f"{kind:<17} {(rates < 1e-3).sum()} below 0.001:", rates.round(4))

# %% [markdown] key="halving"
# ## Drop the worst early
#
# Most sets are bad, and most bad ones look bad soon. *Successive halving* trains all
# sets for a few [epochs](glossary.md#epoch), keeps the best share, gives those more
# epochs, and so on. Four numbers control it: `max_epochs` until the first drop,
# `tune_iterations`, `num_trials` and `tune_retention`, the share kept.
#
# Take 27 sets, keep a third each time, drop after epochs 1, 3 and 9, end after 27.
#
# **Predict first:** training all 27 sets for 27 epochs takes 729. How many does halving
# take?

# %% key="cost"
from kerastpu.tuning.controls import Controls

controls = Controls(max_epochs=1, tune_iterations=4, num_trials=27, refills=0)
left, before, spent = controls.num_trials, 0, 0
for end in controls.rungs:
    print(f"epochs {before + 1:>2} to {end:>2}: {left:>2} sets, {left * (end - before)}")
    spent += left * (end - before)
    before, left = end, controls.kept(left)
print(f"{spent} epochs instead of {27 * 27}")

# %% [markdown] key="race"
# ## A race by formula
#
# Made-up curves show when this works. The error of a set after $t$ epochs falls from
# 0.8 to a floor that depends on the learning rate; high rates fall faster. Near the
# best rate curves *cross*: what leads after one epoch does not win.
#
# `Halving` only says what to train next and is told how it went, so a formula can take
# the place of a network.
#
# **Predict first:** will the set with the lowest floor survive the first drop?

# %% key="race-run"
from kerastpu.tuning.halving import Halving

axis = Float("rate", low=1e-4, high=1e-1, log=True)


def error(rate, epoch):
    """Returns the error of a made-up network, 0..1."""
    place = axis.unit(rate)
    floor = 0.1 + 0.8 * (place - 0.6) ** 2
    return floor + (0.8 - floor) * (1 + epoch * np.exp(3 * (place - 0.6))) ** -1.2


search = Halving([axis], controls, seed=0)
while not search.is_over:
    job = search.ask()
    epochs = range(job.start + 1, job.stop + 1)
    search.tell(job.trial, [error(job.values["rate"], epoch) for epoch in epochs])
winner = search.best()
print(f"winner: rate {winner.values['rate']:.4f}, error {winner.curve[-1]:.3f}")

# %% key="see-race"
figure, axes = plt.subplots(figsize=(6, 3.2), dpi=80, layout="constrained")
for trial in search.trials:
    is_winner = trial is winner
    axes.plot(
        range(1, trial.epochs + 1),
        trial.curve,
        "-" if trial.epochs > 1 else ".",
        color="#D55E00" if is_winner else "#0072B2",
        alpha=1 if is_winner else 0.4,
        lw=2.5 if is_winner else 1,
    )
axes.set(xlabel="epoch", ylabel="error", xscale="log", xticks=controls.rungs)
axes.set_xticklabels(controls.rungs)
axes.minorticks_off()
axes.grid(alpha=0.3)
plt.show()
finals = {trial.number: error(trial.values["rate"], 27) for trial in search.trials}
best_possible = min(finals.values())
print(f"the best of the 27, had all been trained: {best_possible:.3f}")

# %% [markdown] key="flowers"
# ## Real networks
#
# Now a small convnet on drawn flowers. `tune` searches in two stages: the learning rate
# first, because a bad one spoils every other comparison; then, near the best rate, what
# keeps a network from learning its pictures by heart. After the first sets, new ones are
# proposed near what did well. Sets that stay in the race go on with their own
# weights *and* the state of their optimizer.
#
# What decides is the error on the validation pictures. The test pictures are kept
# for the end.

# %% key="tune"
import tempfile
from dataclasses import replace
from pathlib import Path

from data_pipelines.synthetic import render
from kerastpu import presets
from kerastpu.tuning import plans, tune

folder = Path(tempfile.mkdtemp())
render.render_dataset(folder / "flowers", num_images=IMAGES, size=SIZE)
tiny = presets.get("tiny")
config = replace(
    tiny,
    data=str(folder / "flowers"),
    input=replace(tiny.input, image_size=SIZE, validation_fraction=0.25),
    training=replace(tiny.training, epochs=3 ** (ITERATIONS - 1)),
)
chosen = {
    "max_epochs": 1,
    "tune_iterations": ITERATIONS,
    "num_trials": SETS,
    "tune_retention": 1 / 3,
    "refills": 1,
}
plan = plans.Plan(controls=tuple(chosen.items()), stages=("rate", "regularization"))
tuned = tune.tune(config, folder / "search", plan, is_final=False)
for name, value in tuned.values.items():
    print(f"{name:<26} {value:.3g}")

# %% [markdown] key="read"
# ## Read the picture
#
# Each line is a set; the winner has a color, the others end where they were
# dropped.
#
# **Predict first:** how many epochs did all sets of the second stage take together,
# compared with training each of them to the end?

# %% key="see-search"
from kerastpu.tuning import opening

rate_stage, last_stage = opening.studies(folder / "search")
study = last_stage.study
for trial in study.trials:
    losses = [row["val_loss"] for row in study.facts[trial.number].rows]
    plt.plot(range(1, len(losses) + 1), losses, ".-", color="#BBBBBB", lw=1)
best = study.best()
losses = [row["val_loss"] for row in study.facts[best.number].rows]
plt.plot(range(1, len(losses) + 1), losses, ".-", color="#D55E00", lw=2, label="winner")
plt.gcf().set(size_inches=(6, 3.2), dpi=80)
plt.xlabel("epoch of the set")
plt.ylabel("validation loss")
plt.grid(alpha=0.3)
plt.legend(frameon=False)
plt.show()
whole = len(study.trials) * config.training.epochs
print(f"{study.epochs} epochs; all to the end: {whole}")

# %% [markdown] key="once"
# ## Score once
#
# The winner is trained anew, as any run is, and meets the test pictures for the first
# time.

# %% key="score"
run = tune.train_winner(tuned, folder / "search")
low, high = run.result["test"]["interval"]
print(f"validation error in the search {tuned.error:.1%}")
print(f"test error {1 - run.accuracy:.1%}, 95 % interval {1 - high:.1%} to {1 - low:.1%}")

# %% [markdown] key="flattered"
# ## The best of many is flattered
#
# Suppose 50 sets are all *equally* good: each gets 10 % of all possible pictures wrong.
# Measured on 367 validation pictures, some are lucky.
#
# **Predict first:** what error does the luckiest of the 50 seem to have?

# %% key="luck"
random = np.random.default_rng(0)
measured = random.binomial(367, 0.1, size=(2000, 50)) / 367
luckiest = measured.min(axis=1).mean()
print(f"true error 10.0%, luckiest of 50 on average {luckiest:.1%}")

# %% [markdown] key="luck-why"
# Nothing was tuned, and yet the winner seems a third better. The more is tried and the
# fewer pictures decide, the larger the gap. So a validation error that settings were
# chosen by is no result; the test error of the one winner is.

# %% [markdown] key="exercise-1"
# ## Exercise 1: one axis of a Latin hypercube
#
# Write `stratify(count, rng)`: `count` numbers in 0..1, exactly one in each of `count`
# strips of equal width, in random order.
#
# <details><summary>Hint</summary>
#
# `rng.permutation(count)` says which strip each number is in; `rng.random(count)` where
# in it.
#
# </details>


# %% tags=["solution"] key="exercise-1-solution"
# Define stratify(count, rng) -> float (count,), 0..1.
def stratify(count, rng):
    return (rng.permutation(count) + rng.random(count)) / count


# %% tags=["check"] key="exercise-1-check"
from kerastpu.checking import check

for count in (1, 2, 7, 30):
    drawn = np.asarray(stratify(count, np.random.default_rng(count)))
    strips = sorted(np.floor(drawn * count).astype(int))
    check(strips == list(range(count)), f"{count} numbers, one in each strip")
orders = {
    tuple(np.argsort(stratify(5, np.random.default_rng(seed)))) for seed in range(20)
}
check(len(orders) > 5, "their order is random")

# %% [markdown] key="exercise-2"
# ## Exercise 2: what halving costs
#
# Write `cost(sets, keep, ends)`: the epochs that halving takes with `sets` sets, of
# which the share `keep` is kept, rounded up, after each number of epochs in `ends` but
# the last.
#
# <details><summary>Hint</summary>
#
# Between two ends, as many sets train as are left. `math.ceil(sets * keep - 1e-9)`
# rounds up in spite of floating point.
#
# </details>

# %% tags=["solution"] key="exercise-2-solution"
# Define cost(sets, keep, ends) -> int.
import math


def cost(sets, keep, ends):
    total = before = 0
    for end in ends:
        total += sets * (end - before)
        before, sets = end, max(1, math.ceil(sets * keep - 1e-9))
    return total


# %% tags=["check"] key="exercise-2-check"
check(cost(27, 1 / 3, (1, 3, 9, 27)) == spent, "27 sets cost what was counted above")
check(cost(10, 0.5, (2, 4)) == 10 * 2 + 5 * 2, "half of ten are five")
check(cost(1, 0.5, (1, 2, 4)) == 4, "one set is kept")

# %% [markdown] key="exercise-3"
# ## Exercise 3: how far can luck go?
#
# Write `luck(sets, pictures)`: the lowest error that the luckiest of `sets` equally
# good sets shows, on average, if each truly gets 10 % wrong and `pictures` pictures
# decide. Let chance play it 2,000 times.
#
# <details><summary>Hint</summary>
#
# The cell above does it for 50 sets and 367 pictures.
#
# </details>


# %% tags=["solution"] key="exercise-3-solution"
# Define luck(sets, pictures) -> float, 0..1.
def luck(sets, pictures):
    rng = np.random.default_rng(1)
    return (rng.binomial(pictures, 0.1, (2000, sets)) / pictures).min(axis=1).mean()


# %% tags=["check"] key="exercise-3-check"
check(abs(luck(1, 367) - 0.1) < 0.002, "one set has nothing to choose from")
check(abs(luck(50, 367) - luckiest) < 0.002, "50 sets: as above")
check(luck(500, 367) < luck(50, 367), "more sets, more luck")
check(luck(50, 36_700) > 0.095, "with many pictures luck hardly counts")

# %% [markdown] key="checks-title"
# ## Checks

# %% key="checks"
check(strips_used(designs["Latin hypercube"]) == 9, "a Latin hypercube uses every strip")
check(winner.curve[-1] < best_possible + 0.02, "halving ends near the best of the 27")
check(best.epochs == config.training.epochs, "the winner trained to the end")
check(study.epochs < whole, "others were dropped")
print("all checks passed")
