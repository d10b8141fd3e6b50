"""The chief of several workers, over KerasTuner's own protocol."""

import os
import time
from concurrent import futures

import grpc
from keras_tuner.src import protos
from keras_tuner.src.distribute import oracle_chief

from kerastpu.errors import KerastpuError
from kerastpu.tuning.kerastuner.leases import LeasingOracle

_POLL = 0.2  # seconds


def serve(oracle: LeasingOracle) -> None:
    """Lends trials to workers until the search is over and the workers have left.

    Unlike KerasTuner's own server it takes back what a dead worker holds, so that it
    ends although that one never says goodbye. It listens where KERASTUNER_ORACLE_IP
    and KERASTUNER_ORACLE_PORT say, in the clear: only on this machine, or in a network
    of which all members are trusted.

    Raises:
        KerastpuError: the port is taken, or too many trials failed.
    """
    address = (
        f"{os.environ['KERASTUNER_ORACLE_IP']}:{os.environ['KERASTUNER_ORACLE_PORT']}"
    )
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=1))
    servicer = oracle_chief.OracleServicer(oracle)
    protos.get_service_grpc().add_OracleServicer_to_server(servicer, server)
    try:
        server.add_insecure_port(address)
    except RuntimeError:
        raise KerastpuError(f"cannot listen at {address}: it is taken") from None
    server.start()
    try:
        while not (servicer.stop_triggered and oracle_chief.exit_chief(oracle)):
            time.sleep(_POLL)
            oracle.take_back()
            if oracle.failure:
                raise KerastpuError(oracle.failure)
    finally:
        server.stop(grace=2.0).wait()
