"""One search with its record: what is asked and told is written down as it happens."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kerastpu.errors import UsageError
from kerastpu.tuning import facts, record, stop_rules
from kerastpu.tuning.budgets import Budget
from kerastpu.tuning.recorded import RecordedSearch
from kerastpu.tuning.search import Search
from kerastpu.tuning.trials import FAILED, RUNNING, Job, Trial

Row = Mapping[str, float]

DONE, MEDIAN, BUDGET, DIVERGED = "done", "median", "budget", "diverged"
_COLUMNS = ("loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")


class Study:
    """A search, asked and told through its record.

    What the record holds is played back first, so that a study goes on where it was.

    Args:
        search: not begun.
        folder: of the record; it is there.
        budget: after which no further epoch begins.
        num_validation: images that the error is a share of; among equal ones the loss
            decides.
        stops_below_median: whether trials that do worse than half of them end.
        reads: whether it is only looked at, perhaps while another process goes on;
            `search` is then a `RecordedSearch`.
        clock: seconds; for tests.

    Attributes:
        facts: of each trial, by number.
        resumed: jobs that were out when the record ended, with the epochs done of each.
        seconds: of work, of the processes before this one too.
    """

    def __init__(
        self,
        search: Search,
        folder: Path,
        *,
        budget: Budget | None = None,
        num_validation: int = 1,
        stops_below_median: bool = False,
        reads: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.search, self.budget = search, budget or Budget()
        self.num_validation, self._reads = num_validation, reads
        self.stops_below_median = stops_below_median
        self.facts: dict[int, facts.Facts] = {}
        self._clock, self._record = clock, record.Record(folder)
        self._jobs: dict[int, Job] = {}
        self._began: dict[int, float] = {}
        self._before, self._start = 0.0, clock()
        for event in record.read(folder) if reads else self._record.open():
            self._play(event)
        _ = self.search.is_over  # lets it draw its conclusions from the last result
        self.resumed = sorted(self._jobs.values(), key=lambda job: job.trial)

    @property
    def trials(self) -> Sequence[Trial]:
        """All sets so far, by number."""
        return self.search.trials

    @property
    def seconds(self) -> float:
        """Seconds of work, of earlier processes too."""
        return self._before + (0.0 if self._reads else self._clock() - self._start)

    @property
    def epochs(self) -> int:
        """Epochs done by all trials together."""
        return sum(len(facts.rows) for facts in self.facts.values())

    @property
    def is_over(self) -> bool:
        """Whether nothing is to be trained any more; jobs may still be out."""
        return self._is_spent or (self.search.is_over and not self._jobs)

    @property
    def _is_spent(self) -> bool:
        seconds, epochs = self.budget.seconds, self.budget.epochs
        if seconds is not None and self.seconds >= seconds:
            return True
        return epochs is not None and self._promised >= epochs

    @property
    def _promised(self) -> int:
        """Epochs done, and those still to be done by jobs that are out."""
        return sum(
            max(self._jobs[number].stop, len(facts.rows))
            if number in self._jobs
            else len(facts.rows)
            for number, facts in self.facts.items()
        )

    def ask(self) -> Job | None:
        """Returns what is to be trained next; None where nothing is, for now or ever.

        Jobs that were out when an earlier process ended come first.
        """
        if self._is_spent and not self.resumed:
            return None
        if self.resumed:
            left_over = self.resumed.pop(0)
            self._began[left_over.trial] = self._clock()
            return left_over
        left = math.inf
        if self.budget.epochs is not None:
            left = self.budget.epochs - self._promised
        job = self.search.ask()
        if job is None:
            return None
        stop = int(min(job.stop, job.start + left))
        trial = self.search.trials[job.trial]
        event = {
            "event": record.ASK,
            "trial": job.trial,
            "values": job.values,
            "units": trial.units,
            "start": job.start,
            "stop": stop,
            "cohort": trial.cohort,
            "seconds": round(self.seconds, 3),
        }
        self._record.append(event)
        return self._begin(Job(job.trial, job.values, job.start, stop))

    def report(self, number: int, rows: Sequence[Row]) -> bool:
        """Takes what a trial has reached; returns whether its training goes on.

        Args:
            number: of the trial.
            rows: of all its epochs so far, those of earlier jobs too; what is new is
                written down.
        """
        job, facts = self._jobs[number], self.facts[number]
        for row in rows[len(facts.rows) :]:
            kept = {name: row[name] for name in _COLUMNS if name in row}
            event = {
                "event": record.EPOCH,
                "trial": number,
                "epoch": len(facts.rows) + 1,
                "error": self._error(row),
                "seconds": round(self.seconds, 3),
                **kept,
            }
            self._record.append(event)
            self._note(event)
        return self._reason(number, job) is None

    def tell(
        self, number: int, *, failure: str = "", facts: Mapping[str, Any] | None = None
    ) -> None:
        """Ends a job, with the errors that have been reported.

        Args:
            number: of the trial.
            failure: what went wrong, if something did.
            facts: parameters and latency_ms, where known.
        """
        job = self._jobs[number]
        event = {
            "event": record.TELL,
            "trial": number,
            "reason": failure or self._reason(number, job) or "ended early",
            "failed": bool(failure),
            "cost": round(self._clock() - self._began[number], 3),
            "seconds": round(self.seconds, 3),
            **(facts or {}),
        }
        self._record.append(event)
        self._end(event)

    def hand_back(self, number: int) -> None:
        """Takes a job back whose worker has died."""
        event = {"event": record.BACK, "trial": number, "seconds": self.seconds}
        self._record.append(event)
        self._back(number)

    def errors(self, number: int) -> list[float]:
        """Returns the error of a trial after each epoch so far."""
        return [row["error"] for row in self.facts[number].rows]

    def best(self) -> Trial:
        """Returns the trial with the lowest error among those trained furthest.

        Raises:
            UsageError: no trial has a result.
        """
        return facts.best(self.trials)

    def _error(self, row: Row) -> float:
        """Returns the share of images that are wrong; the loss decides among equals."""
        loss = row["val_loss"]
        tie = loss / (1 + loss) if math.isfinite(loss) else 1.0
        return 1 - row["val_accuracy"] + tie / self.num_validation

    def _reason(self, number: int, job: Job) -> str | None:
        """Returns why a job is at its end; None = it is not."""
        done = len(self.facts[number].rows)
        if done >= job.stop:
            return DONE
        if self.budget.seconds is not None and self.seconds >= self.budget.seconds:
            return BUDGET
        others = [
            trial
            for trial in self.trials
            if trial.number != number and trial.state not in (RUNNING, FAILED)
        ]
        if self.stops_below_median and stop_rules.is_below_median(
            self.errors(number), others
        ):
            return MEDIAN
        return None

    def _begin(self, job: Job) -> Job:
        self._jobs[job.trial] = job
        self._began[job.trial] = self._clock()
        self.facts.setdefault(job.trial, facts.Facts())
        return job

    def _note(self, event: record.Event) -> None:
        row = {
            name: float(value)
            for name, value in event.items()
            if name not in ("event", "trial", "epoch")
        }
        self.facts[event["trial"]].rows.append(row)

    def _end(self, event: record.Event) -> None:
        number = event["trial"]
        job, facts = self._jobs.pop(number), self.facts[number]
        facts.seconds += event["cost"]
        facts.reason = event["reason"]
        facts.parameters = event.get("parameters", facts.parameters)
        facts.latency_ms = event.get("latency_ms", facts.latency_ms)
        errors = self.errors(number)[job.start : job.stop]
        if event["failed"]:
            errors = [*errors[: job.stop - job.start - 1], math.nan]
        self.search.tell(number, errors)

    def _back(self, number: int) -> None:
        job = self._jobs.pop(number)
        del self.facts[number].rows[job.start :]
        self.search.hand_back(number)

    def _play(self, event: record.Event) -> None:
        """Does again what the record says was done."""
        self._before = float(event["seconds"])
        self._start = self._clock()
        number = event["trial"]
        if event["event"] == record.ASK:
            if isinstance(self.search, RecordedSearch):
                self.search.expect(event)
            job = self.search.ask()
            if job is None or (job.trial, job.start) != (number, event["start"]):
                raise UsageError(
                    f"{self._record.path} is of another search or version: it gave out "
                    f"trial {number} from epoch {event['start']}, this one {job}"
                )
            # The last bits of a proposal may differ on another machine.
            trial = self.search.trials[number]
            trial.values, trial.units = event["values"], event["units"]
            self._begin(Job(number, trial.values, job.start, event["stop"]))
        elif event["event"] == record.EPOCH:
            self._note(event)
        elif event["event"] == record.TELL:
            self._end(event)
        elif event["event"] == record.BACK:
            self._back(number)
