"""Several machines on one search: a chief that lends trials, workers that train them.

The folder of the search must be the same one for all of them; what passes between them
goes over KerasTuner's protocol, in the clear.
"""

import json
import logging
import os
import re
import socket
import time
from pathlib import Path
from typing import Any

from kerastpu import optional, stopping
from kerastpu.config import Config
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.tuning import plans, settings, tune
from kerastpu.tuning.trial_training import Row, TrialTrainer

LOG = logging.getLogger("kerastpu")

_ADDRESS = re.compile(r"[\w.-]+:\d{1,5}")
_IDLE_SECONDS = 0.5


def check_address(address: str) -> str:
    """Returns an address.

    Raises:
        UsageError: it is none.
    """
    if not _ADDRESS.fullmatch(address):
        raise UsageError(f"an address looks like 127.0.0.1:8765; got {address!r}")
    return address


def work(workdir: Path, address: str, name: str | None = None) -> int:
    """Trains what a chief lends until nothing is left.

    Args:
        workdir: of the search, the same for all.
        address: of the chief, which may not have begun yet.
        name: of this worker; None = host and process.

    Returns:
        How many jobs it has done.

    Raises:
        UsageError: no search is there, or the address is none.
        KerastpuError: the chief does not answer.
        SystemExit: with code 0, after SIGTERM.
    """
    optional.check("keras_tuner")
    check_address(address)
    config, _ = plans.read(workdir)
    host, _, port = address.partition(":")
    os.environ["KERASTUNER_ORACLE_IP"], os.environ["KERASTUNER_ORACLE_PORT"] = (
        host,
        port,
    )
    own = name or f"{socket.gethostname()}-{os.getpid()}"
    os.environ["KERASTUNER_TUNER_ID"] = own
    tasks = tune.make_tasks(config, None)
    tasks.make(config)

    import grpc
    from keras_tuner.src.distribute.oracle_client import OracleClient

    client, done = OracleClient(None), 0
    with stopping.watching() as stop:
        try:
            while (trial := client.create_trial(own)).status != "STOPPED":
                if trial.status == "IDLE":
                    time.sleep(_IDLE_SECONDS)
                    continue
                _train(client, trial, tasks, workdir, stop)
                done += 1
        except grpc.RpcError as error:
            raise KerastpuError(
                f"the chief at {address} does not answer as it should: {error.code()}"
            ) from None
    return done


def _train(
    client: Any, trial: Any, tasks: Any, workdir: Path, stop: stopping.Stopping
) -> None:
    job = json.loads(trial.hyperparameters.values["job"])
    config = Config.from_json(json.dumps(job["config"]))
    trainer = TrialTrainer(tasks, workdir / job["folder"] / settings.TRIALS, stop)
    told = 0

    def epoch_ended(rows: list[Row]) -> bool:
        nonlocal told
        goes_on = len(rows) < job["stop"]
        for epoch, row in enumerate(rows[told:], start=told + 1):
            metrics = {name: float(value) for name, value in row.items()}
            answer = client.update_trial(trial.trial_id, metrics, step=epoch)
            goes_on = answer.status != "STOPPED"
        told = len(rows)
        return goes_on

    try:
        facts = trainer.train(job["trial"], config, epoch_ended)
        client.update_trial(trial.trial_id, {k: float(v) for k, v in facts.items()})
        trial.status = "COMPLETED"
    except KerastpuError as error:
        LOG.warning("trial %d: %s", job["trial"], error)
        trial.status = "FAILED"
    client.end_trial(trial)
