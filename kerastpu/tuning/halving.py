"""Latin hypercube, then halving, then better proposals: the algorithm without Keras.

`Halving` says what to train and is told how it went; whoever trains keeps the weights
of each trial, so that one that stays in the race goes on where it stood:

    search = Halving(space, Controls(num_trials=27), seed=0)
    while not search.is_over:
        job = search.ask()  # None: others are at work, whose results it waits for
        errors = train(job.trial, job.values, job.start, job.stop)
        search.tell(job.trial, errors)  # one error for each of these epochs
    print(search.best().values)

* `space` is a sequence of `dimensions.Dimension` (Float, Int, Choice, boolean).
* A job is "train set `trial` from `start` epochs to `stop` epochs"; `start` is 0 for a
  new one and else where the last job of that trial ended. Errors are what is to be
  small, such as the share of validation images that are wrong, one for each epoch of
  the job. Fewer than asked end the trial (`stopped`), one that is no finite number
  too (`failed`).
* `budget` is a number of epochs that all jobs together never exceed.
* `best()` may be asked at any time.
* `to_state()` and `Halving.from_state(...)` are its memory as plain JSON; jobs that
  were out when it was made are handed out again.
* `planning.for_budget(epochs, longest)` chooses the controls for a number of epochs.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from kerastpu.errors import UsageError
from kerastpu.tuning import keeping, latin_hypercube, proposals
from kerastpu.tuning.controls import Controls
from kerastpu.tuning.dimensions import Dimension, values_at
from kerastpu.tuning.trials import (
    DROPPED,
    FAILED,
    FINISHED,
    RESTING,
    RUNNING,
    STOPPED,
    WAITING,
    Job,
    Trial,
    level,
)


class Halving:
    """The search: what to train next, given what is known.

    What is random is that of (seed, refill): the same answers lead to the same jobs.

    Args:
        space: at least one dimension, those that others depend on first.
        controls: the four controls and the refills.
        seed: of all that is random, at least 0.
        budget: epochs that all trials together may take; None = what the controls say.
        initial: places in the space, as those of `Trial.units`, that are tried beside
            the first sets: the settings one has.

    Attributes:
        trials: all sets so far, by number.
    """

    def __init__(
        self,
        space: Sequence[Dimension],
        controls: Controls | None = None,
        seed: int = 0,
        budget: int | None = None,
        initial: Sequence[Sequence[float | None]] = (),
    ):
        if not space:
            raise UsageError("space must hold at least one setting; got none")
        if budget is not None and budget < 1:
            raise UsageError(f"budget must be at least one epoch; got {budget}")
        self.space, self.controls = tuple(space), controls or Controls()
        self.seed, self.budget = seed, budget
        self.initial = [list(row) for row in initial]
        self.trials: list[Trial] = []
        self._cohort = -1
        self._is_spent = False  # nothing new can be proposed

    @property
    def is_over(self) -> bool:
        """Whether no trial is to be trained any more."""
        self._advance()
        return not any(t.state in (WAITING, RUNNING, RESTING) for t in self.trials)

    @property
    def epochs(self) -> int:
        """Epochs done or being done by all trials together."""
        return sum(
            trial.stop if trial.state == RUNNING else trial.epochs
            for trial in self.trials
        )

    def ask(self) -> Job | None:
        """Returns what is to be trained next.

        Returns:
            None where the search is over, or where results of jobs that are out have
            to come first: `is_over` tells which.
        """
        self._advance()
        for trial in self.trials:
            if trial.state != WAITING:
                continue
            if self.budget is not None:
                left = self.budget - self.epochs
                if left < 1:
                    return None
                trial.stop = min(trial.stop, trial.epochs + left)
            trial.state, trial.start = RUNNING, trial.epochs
            return Job(trial.number, dict(trial.values), trial.start, trial.stop)
        return None

    def tell(self, number: int, errors: Sequence[float]) -> None:
        """Takes the result of a job.

        Args:
            number: its `trial`.
            errors: validation error of each epoch from `start` to `stop`. Fewer end
                the trial, a number that is not finite too.

        Raises:
            UsageError: no such job is out, or there are more errors than epochs.
        """
        trial = self._running(number)
        if len(errors) > trial.stop - trial.start:
            raise UsageError(
                f"trial {number} was to train {trial.stop - trial.start} epochs; got "
                f"{len(errors)} errors"
            )
        finite = [float(error) for error in errors if np.isfinite(error)]
        trial.curve = trial.curve[: trial.start] + finite
        if len(finite) < len(errors):
            trial.state = FAILED
        elif trial.epochs < self.controls.rungs[trial.rung]:
            trial.state = STOPPED  # by whoever trains it, or by the budget
        else:
            trial.state = RESTING

    def hand_back(self, number: int) -> None:
        """Takes a job back whose worker has died: it will be given out again."""
        self._running(number).state = WAITING

    def take(self, number: int) -> None:
        """Counts a trial's job as out that somebody else has given out again.

        Raises:
            UsageError: it has none.
        """
        if not 0 <= number < len(self.trials) or self.trials[number].has_ended:
            raise UsageError(f"trial {number!r} has no job to take")
        self.trials[number].state = RUNNING

    def extend(self, dimensions: Sequence[Dimension]) -> None:
        """Adds settings that have only now become known: new sets will have them.

        Args:
            dimensions: Sets that are there count as if they did not have them.
        """
        self.space += tuple(dimensions)
        for trial in self.trials:
            trial.units += [None] * len(dimensions)

    def _running(self, number: int) -> Trial:
        known = 0 <= number < len(self.trials)
        if not known or self.trials[number].state != RUNNING:
            raise UsageError(f"trial {number!r} has no job that is out")
        return self.trials[number]

    def best(self) -> Trial:
        """Returns the best set: of those trained furthest, the lowest error.

        Raises:
            UsageError: no trial has a result.
        """
        usable = [trial for trial in self.trials if trial.is_usable]
        if not usable:
            raise UsageError("no trial has a result yet")
        longest = max(trial.epochs for trial in usable)
        return min(
            (trial for trial in usable if trial.epochs == longest),
            key=lambda trial: level(trial.curve),
        )

    def to_state(self) -> dict[str, Any]:
        """Returns all that it knows, ready for `json`."""
        return {
            "cohort": self._cohort,
            "is_spent": self._is_spent,
            "trials": [trial.to_dict() for trial in self.trials],
        }

    @classmethod
    def from_state(
        cls,
        state: Mapping[str, Any],
        space: Sequence[Dimension],
        controls: Controls | None = None,
        seed: int = 0,
        budget: int | None = None,
        initial: Sequence[Sequence[float | None]] = (),
    ) -> "Halving":
        """Goes on from what `to_state` returned; the other arguments are as they were.

        Jobs that were out are given out again.
        """
        search = cls(space, controls, seed, budget, initial)
        search.trials = [Trial.from_dict(values) for values in state["trials"]]
        search._cohort, search._is_spent = state["cohort"], state["is_spent"]
        for trial in search.trials:
            if trial.state == RUNNING:
                trial.state = WAITING
                del trial.curve[trial.start :]
        return search

    def _advance(self) -> None:
        """Ends an iteration whose trials are all done, and begins the next one."""
        while not any(t.state in (WAITING, RUNNING) for t in self.trials):
            resting = [trial for trial in self.trials if trial.state == RESTING]
            if resting:
                self._halve(resting)
            elif not self._begin_cohort():
                return

    def _halve(self, resting: Sequence[Trial]) -> None:
        """Drops the worst of an iteration; the others go into the next one."""
        rungs, rung = self.controls.rungs, resting[0].rung
        if rung + 1 == len(rungs):
            for trial in resting:
                trial.state = FINISHED
            return
        kept = keeping.kept(self.space, self.controls, self.trials, resting)
        for trial in resting:
            trial.state = DROPPED
        for trial in kept:
            trial.rung, trial.stop, trial.state = rung + 1, rungs[rung + 1], WAITING

    def _begin_cohort(self) -> bool:
        """Adds new sets, the first ones or a refill; returns whether there are any."""
        controls, cohort = self.controls, self._cohort + 1
        goes_on = cohort <= controls.refills
        if self.budget is not None:
            goes_on = self.epochs < self.budget and (controls.refills > 0 or not cohort)
        if not goes_on or self._is_spent:
            return False
        rng = np.random.default_rng([self.seed, cohort])
        if cohort == 0:
            design = latin_hypercube.sample(self.space, controls.num_trials, rng)
            rows = [*self.initial, *(proposals.as_list(row) for row in design)]
        else:
            rows = proposals.propose(
                self.space, self.trials, controls.rungs, controls.refill_size, rng
            )
        self._cohort, self._is_spent = cohort, not rows
        for row in rows:
            values = values_at(self.space, [0.0 if u is None else u for u in row])
            self.trials.append(
                Trial(len(self.trials), cohort, row, values, controls.rungs[0])
            )
        return bool(rows)
