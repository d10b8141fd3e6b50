"""A search as its record has it, whatever version of the algorithm made it."""

import math
from collections.abc import Sequence

from kerastpu.tuning.record import Event
from kerastpu.tuning.trials import (
    DROPPED,
    FAILED,
    FINISHED,
    RUNNING,
    STOPPED,
    WAITING,
    Job,
    Trial,
)


class RecordedSearch:
    """Gives out again what a record says was given out; proposes nothing.

    Args:
        longest: epochs of a trial that is not dropped.

    Attributes:
        trials: all sets so far, by number.
    """

    def __init__(self, longest: int):
        self.longest = longest
        self.trials: list[Trial] = []
        self._next: Event | None = None

    @property
    def is_over(self) -> bool:
        """Whether no job is out."""
        return not any(trial.state == RUNNING for trial in self.trials)

    def expect(self, event: Event) -> None:
        """Has `ask` return what an event says was asked for."""
        self._next = event

    def ask(self) -> Job | None:
        """Returns the job of the event; None where there is none."""
        event, self._next = self._next, None
        if event is None:
            return None
        number, start, stop = event["trial"], event["start"], event["stop"]
        if number == len(self.trials):
            values, units = event["values"], event["units"]
            self.trials.append(Trial(number, event["cohort"], units, values, stop))
        trial = self.trials[number]
        trial.start, trial.stop, trial.state = start, stop, RUNNING
        return Job(number, dict(trial.values), start, stop)

    def tell(self, number: int, errors: Sequence[float]) -> None:
        """Takes the errors of a job; a trial counts as dropped unless it goes on."""
        trial = self.trials[number]
        finite = [error for error in errors if math.isfinite(error)]
        trial.curve = trial.curve[: trial.start] + finite
        if len(finite) < len(errors):
            trial.state = FAILED
        elif trial.epochs < trial.stop:
            trial.state = STOPPED
        else:
            trial.state = FINISHED if trial.epochs >= self.longest else DROPPED

    def hand_back(self, number: int) -> None:
        """Takes a job back."""
        self.trials[number].state = WAITING
