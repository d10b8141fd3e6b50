"""How long a run will take on this machine, from a few seconds of its real work."""

import logging

from data_pipelines import Manifest
from kerastpu import backend, datasets, seeds, strategy
from kerastpu.calibration.estimate import Estimate, rough_seconds
from kerastpu.config import Config
from kerastpu.strategy import Accelerator

__all__ = ["Estimate", "announce", "estimate"]

LOG = logging.getLogger("kerastpu")

MOST_SECONDS = 5.0  # of measuring; building and compiling the network take as long
# A shorter run is not measured before it begins: that would cost a tenth of its time.
SHORT_SECONDS = 10 * 2 * MOST_SECONDS


def estimate(config: Config, seconds: float = MOST_SECONDS) -> Estimate:
    """Measures a few real batches and counts how many there will be.

    The shards are prepared as the run would do it, and kept for the run.

    Args:
        config: the run.
        seconds: how long to measure, above 0; building the network comes on top.

    Raises:
        What `kerastpu.train` raises before its long work.
    """
    config.validate()
    backend.start(config.backend)
    from kerastpu import training

    needs = training.needs(config)
    accelerator = strategy.resolve(config.accelerator, config.precision, needs)
    manifest = datasets.prepare(config)
    training.check_classes(config, manifest)
    return _measure(config, manifest, accelerator, seconds)


def announce(config: Config, manifest: Manifest, accelerator: Accelerator) -> None:
    """Logs how long a run will take, unless it is too short to be worth measuring.

    Nothing of it is left in the process: the run gives the same bits without it.

    Args:
        config: the run.
        manifest: its shards.
        accelerator: where it runs.
    """
    if rough_seconds(config, manifest) >= SHORT_SECONDS:
        measured = _measure(config, manifest, accelerator, MOST_SECONDS)
        LOG.info("%s", measured.line())


def _measure(
    config: Config, manifest: Manifest, accelerator: Accelerator, seconds: float
) -> Estimate:
    from kerastpu.calibration import measuring  # once Keras's backend is chosen

    seeds.set_seed(config.seed, config.training.deterministic)  # as fast as in the run
    return measuring.measure(config, manifest, accelerator, seconds)
