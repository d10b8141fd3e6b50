"""Who trains the trials of a study: this process, or workers they are lent to."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from kerastpu import optional
from kerastpu.tuning.settings import Settings
from kerastpu.tuning.study import Study

if TYPE_CHECKING:
    from kerastpu.tuning.trial_training import TrialTrainer

LOG = logging.getLogger("kerastpu")

LEASE_SECONDS = 600.0
Work = Callable[[Study, Settings, "TrialTrainer", Callable[[], None]], None]


@contextmanager
def workers(address: str | None, lease_seconds: float) -> Iterator[Work]:
    """Yields what has the trials of a study trained.

    Args:
        address: where workers ask, such as 127.0.0.1:8765; None = trained here.
        lease_seconds: silence after which a worker counts as dead.

    Raises:
        MissingExtraError: KerasTuner, whose protocol it is, is not installed.
        KerastpuError: the port is taken.
    """
    if address is None:
        from kerastpu.tuning import working

        yield working.work
        return
    optional.check("keras_tuner")
    from kerastpu.tuning.kerastuner import serving
    from kerastpu.tuning.kerastuner.study_oracle import Led, StudyOracle

    oracle = StudyOracle(lease_seconds)

    def lend(
        study: Study, made: Settings, trainer: "TrialTrainer", show: Callable[[], None]
    ) -> None:
        serving.lead(oracle, Led(study, made, trainer.folder.parent.name), show)

    with serving.listening(oracle, address):
        LOG.info("lends trials at %s: kerastpu tune work FOLDER %s", address, address)
        yield lend
        serving.close(oracle)
