"""The chief of several workers, over KerasTuner's own protocol."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import contextmanager

import grpc
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief

from kerastpu.errors import KerastpuError
from kerastpu.tuning.kerastuner.leases import LeasingOracle
from kerastpu.tuning.kerastuner.study_oracle import Led, StudyOracle

_POLL = 0.2  # seconds


def serve(oracle: LeasingOracle) -> None:
    """Lends trials to workers until the search is over and the workers have left.

    Unlike KerasTuner's own server it takes back what a dead worker holds, so that it
    ends although that one never says goodbye. It listens where KERASTUNER_ORACLE_IP
    and KERASTUNER_ORACLE_PORT say.

    Raises:
        KerastpuError: the port is taken, or too many trials failed.
    """
    ip, port = (os.environ[f"KERASTUNER_ORACLE_{part}"] for part in ("IP", "PORT"))
    with listening(oracle, f"{ip}:{port}") as has_stopped:
        while not (has_stopped() and oracle_chief.exit_chief(oracle)):
            _wait(oracle)


def lead(oracle: StudyOracle, led: Led, show: Callable[[], None]) -> None:
    """Lends the jobs of one study until it is over.

    Args:
        oracle: that is listening.
        led: the study.
        show: called now and then.
    """
    oracle.led = led
    while not (led.study.is_over and not oracle.ongoing_trials):
        _wait(oracle)
        show()
    oracle.led = None


def close(oracle: StudyOracle) -> None:
    """Sends the workers home, and waits until they have left or count as dead."""
    oracle.is_closed = True
    while oracle.tuner_ids:
        _wait(oracle)


def _wait(oracle: LeasingOracle) -> None:
    time.sleep(_POLL)
    oracle.take_back()
    if oracle.failure:
        raise KerastpuError(oracle.failure)


@contextmanager
def listening(oracle: LeasingOracle, address: str) -> Iterator[Callable[[], bool]]:
    """Answers workers, in the clear: only for this machine or a trusted network.

    Args:
        oracle: what they ask.
        address: such as 127.0.0.1:8765.

    Yields:
        Whether a worker has been told that nothing is left.

    Raises:
        KerastpuError: the port is taken.
    """
    # Without this option a second chief would share the port, and the workers.
    options = [("grpc.so_reuseport", 0)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1), options=options)
    servicer = oracle_chief.OracleServicer(oracle)
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    try:
        server.add_insecure_port(address)
    except RuntimeError:
        raise KerastpuError(f"cannot listen at {address}") from None
    server.start()
    try:
        yield lambda: servicer.stop_triggered
    finally:
        server.stop(grace=2.0).wait()
