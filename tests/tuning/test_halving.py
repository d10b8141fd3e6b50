"""The algorithm alone: who is trained how long, and who is kept."""

import json

import numpy as np
import pytest

from kerastpu.errors import UsageError
from kerastpu.tuning import planning
from kerastpu.tuning.controls import Controls
from kerastpu.tuning.dimensions import Choice, Float
from kerastpu.tuning.halving import Halving

SPACE = [
    Float("rate", low=1e-4, high=1.0, log=True),
    Choice("optimizer", choices=("sgd", "adam")),
    Float("momentum", (("optimizer", ("sgd",)),), low=0, high=0.99),
]


def error_curve(values, start, stop):
    """Falls with the epochs to a floor that is lowest at a rate of 0.01."""
    floor = 0.05 * abs(np.log10(values["rate"]) + 2) + 0.1 * values.get("momentum", 0.5)
    return [floor + 0.5 / epoch for epoch in range(start + 1, stop + 1)]


def run(search, jobs=None):
    while not search.is_over:
        job = search.ask()
        if job is None:
            break
        if jobs is not None:
            jobs.append(job)
        search.tell(job.trial, error_curve(job.values, job.start, job.stop))
    return search


def test_the_plain_algorithm_costs_what_the_controls_say():
    controls = Controls(2, 3, 9, 1 / 3, refills=0)
    jobs = []
    search = run(Halving(SPACE, controls), jobs)
    assert controls.rungs == (2, 6, 18)
    assert [(job.start, job.stop) for job in jobs] == [(0, 2)] * 9 + [(2, 6)] * 3 + [
        (6, 18)
    ]
    assert search.epochs == controls.cost() == 9 * 2 + 3 * 4 + 12
    assert search.ask() is None
    steady = Controls(2, 3, 9, 1 / 3, redistribute=False, refills=0)
    assert steady.rungs == (2, 4, 6)
    assert run(Halving(SPACE, steady)).epochs == steady.cost() == 18 + 6 + 2


def test_the_best_share_is_kept_and_what_falls_fastest():
    search = run(Halving(SPACE, Controls(1, 3, 10, 0.5, refills=0)))
    for end, later in ((1, 2), (2, 4)):
        went = [trial for trial in search.trials if trial.epochs >= end]
        went_on = [trial for trial in went if trial.epochs >= later]
        assert len(went_on) == -(-len(went) // 2)
        order = sorted(went, key=lambda trial: trial.curve[end - 1])
        best = order[: len(went_on) - 1]  # one place is for what falls fastest
        assert all(trial in went_on for trial in best)


def test_what_starts_slowly_but_falls_fast_is_kept():
    search = Halving(SPACE, Controls(2, 2, 6, 0.5, refills=0))
    while (job := search.ask()).start == 0:
        slow = job.trial == 3
        search.tell(job.trial, [0.9, 0.5] if slow else [0.4, 0.38 + job.trial / 500])
    kept = {trial.number for trial in search.trials if not trial.has_ended}
    assert kept == {0, 1, 3}


def test_a_value_of_a_choice_goes_on_though_all_sets_with_it_start_badly():
    loss = {"plain": 0.3, "warm": 0.4, "cosine": 0.6}
    space = [SPACE[0], Choice("schedule", choices=tuple(loss))]
    search = Halving(space, Controls(2, 3, 18, 0.4, refills=0))
    while (job := search.ask()) is not None:
        epochs = job.stop - job.start
        search.tell(job.trial, [loss[job.values["schedule"]]] * epochs)

    def seen(epochs):
        went = (trial for trial in search.trials if trial.epochs >= epochs)
        return sorted(trial.values["schedule"] for trial in went)

    _, second, last = search.controls.rungs
    assert seen(second) == ["cosine"] + 6 * ["plain"] + ["warm"]
    assert seen(last) == 3 * ["plain"] + ["warm"]


def test_a_trial_goes_on_where_it_stood():
    jobs = []
    search = run(Halving(SPACE, Controls(1, 3, 9)), jobs)
    for trial in search.trials:
        mine = [job for job in jobs if job.trial == trial.number]
        assert [job.start for job in mine] == [0, *(job.stop for job in mine[:-1])]
        assert trial.epochs == mine[-1].stop
        assert trial.curve == error_curve(trial.values, 0, trial.epochs)


@pytest.mark.parametrize("budget", [1, 7, 150])
def test_a_budget_in_epochs_is_spent_to_the_last(budget):
    search = run(Halving(SPACE, Controls(1, 3, 9), budget=budget))
    assert search.epochs == budget


def test_refills_beat_the_first_sets():
    gains = []
    for seed in range(5):
        search = run(Halving(SPACE, Controls(1, 3, 12), seed))
        finals = {0: [], 1: []}
        for trial in search.trials:
            floor = error_curve(trial.values, 98, 99)[0]
            finals[int(trial.cohort > 0)].append(floor)
        gains.append(np.median(finals[0]) - np.median(finals[1]))
    assert min(gains) > 0


def test_it_goes_on_from_its_state_as_if_nothing_had_been():
    whole = []
    run(Halving(SPACE, Controls(1, 3, 9)), whole)
    for stop in (0, 1, 8, 9, 13, len(whole) - 1):
        search = Halving(SPACE, Controls(1, 3, 9))
        for _ in range(stop):
            job = search.ask()
            search.tell(job.trial, error_curve(job.values, job.start, job.stop))
        lost = search.ask()  # its worker dies
        state = json.loads(json.dumps(search.to_state()))
        rest = []
        run(Halving.from_state(state, SPACE, Controls(1, 3, 9)), rest)
        assert rest[0] == lost
        assert whole[:stop] + rest == whole


def test_several_workers_leave_nothing_out_and_do_nothing_twice():
    rng = np.random.default_rng(0)
    search, out, done = Halving(SPACE, Controls(1, 3, 9)), [], []
    while not search.is_over:
        job = search.ask() if len(out) < 4 else None
        if job is not None:
            out.append(job)
            continue
        job = out.pop(rng.integers(len(out)))
        search.tell(job.trial, error_curve(job.values, job.start, job.stop))
        done.append((job.trial, job.start))
    assert len(done) == len(set(done))
    assert all(trial.has_ended for trial in search.trials)


def test_what_fails_or_stops_early_goes_no_further():
    search = Halving(SPACE, Controls(2, 2, 4, 0.5, refills=0))
    first, second = search.ask(), search.ask()
    search.tell(first.trial, [0.1, float("nan")])
    search.tell(second.trial, [0.05])
    jobs = []
    run(search, jobs)
    assert {first.trial, second.trial}.isdisjoint(job.trial for job in jobs)
    assert [search.trials[i].state for i in (0, 1)] == ["failed", "stopped"]
    assert search.best().state == "finished"


def test_a_search_in_which_all_fails_ends():
    search = Halving(SPACE, Controls(1, 2, 3))
    for _ in range(100):
        job = search.ask()
        if job is None:
            break
        search.tell(job.trial, [float("nan")])
    assert search.is_over
    with pytest.raises(UsageError, match="no trial has a result"):
        search.best()


def test_a_small_space_is_tried_once_and_then_left():
    space = [Choice("x", choices=tuple(range(8)))]
    search = Halving(space, Controls(1, 2, 8), budget=10_000)
    while not search.is_over:
        job = search.ask()
        search.tell(job.trial, [job.values["x"] / 10] * (job.stop - job.start))
    assert search.best().values == {"x": 0}
    assert search.epochs < 200


def test_answers_to_no_question_are_refused():
    search = Halving(SPACE)
    with pytest.raises(UsageError, match="trial 0 has no job"):
        search.tell(0, [0.1])
    job = search.ask()
    with pytest.raises(UsageError, match="2 epochs; got 3 errors"):
        search.tell(job.trial, [0.1] * 3)


@pytest.mark.parametrize(
    ("field", "value"),
    [("max_epochs", 0), ("num_trials", 1.5), ("tune_retention", 1), ("refills", -1)],
)
def test_controls_out_of_range_are_refused(field, value):
    with pytest.raises(UsageError, match=field):
        Controls(**{field: value})


@pytest.mark.parametrize(
    ("epochs", "longest"), [(10, 10), (200, 1), (500, 27), (90, 7)]
)
def test_controls_for_a_budget_fit_it(epochs, longest):
    controls = planning.for_budget(epochs, longest)
    assert controls.rungs[-1] >= longest
    assert controls.cost() <= max(epochs, controls.rungs[-1])


@pytest.mark.parametrize("total", [1, 2, 7, 12, 50])
def test_controls_for_a_number_of_sets_never_have_more(total):
    controls = planning.for_total(total, 9)
    search = run(Halving(SPACE, controls))
    assert total - controls.refill_size < len(search.trials) <= total
