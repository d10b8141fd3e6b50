"""TensorFlow's way to a TPU: cheap signs first, then a connection in bounded time.

Nothing here imports TensorFlow before a connection is tried.
"""

import glob
import http.client
import importlib.metadata
import os
import queue
import socket
import textwrap
import threading
import urllib.request
from collections.abc import Callable
from typing import Any

from kerastpu import optional

DEVICE_FILES = ("/dev/accel[0-9]*", "/dev/vfio/[0-9]*")  # v2..v4; v5e and v6e
VARIABLES = ("TPU_NAME", "COLAB_TPU_ADDR", "TPU_WORKER_ID")
LOCAL = "local"  # TensorFlow's name for chips attached to this machine
GRPC = "grpc://"
GRPC_PORT = 8470
PROBE_SECONDS = 5.0
MESSAGE_LENGTH = 160  # TensorFlow's run to several hundred characters

# One strategy per TPU and process: initializing a TPU again wipes what is on it.
_connected: dict[str, Any] = {}


def hints() -> tuple[str, ...]:
    """Returns signs of a TPU: device files and variables, at no cost.

    A numbered /dev/vfio file may also belong to another passed-through device.
    """
    return _local_files() + tuple(
        f"{name}={os.environ[name]}" for name in VARIABLES if os.environ.get(name)
    )


def _local_files() -> tuple[str, ...]:
    files = (sorted(glob.glob(pattern)) for pattern in DEVICE_FILES)  # noqa: PTH207
    return tuple(name for group in files for name in group)


def has_tensorflow_tpu() -> bool:
    """Returns whether tensorflow-tpu, the build that drives local TPUs, is there."""
    try:
        importlib.metadata.version("tensorflow-tpu")
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def connect(*, is_required: bool) -> tuple[Any, tuple[str, ...]]:
    """Connects TensorFlow to a TPU if there is one.

    Named TPUs (TPU_NAME, COLAB_TPU_ADDR) come first, then the machine's own chips.
    With neither a sign of a TPU nor `is_required`, TensorFlow is not touched: after a
    failed attempt its devices can no longer be configured.

    Args:
        is_required: try the machine's own chips even without a sign of them.

    Returns:
        A `tf.distribute.TPUStrategy` or None, and what was tried, a line each.
    """
    targets, reasons = _targets(is_required)
    if not targets:
        return None, tuple(reasons)
    import tensorflow as tf

    # The errors seen or documented for an absent TPU; URLError is an OSError.
    expected = (
        ValueError,
        RuntimeError,
        ImportError,
        OSError,
        IndexError,
        http.client.HTTPException,
        tf.errors.OpError,
    )
    for target in targets:
        try:
            if target not in _connected:
                _connected[target] = _connect(tf, target)
        except expected as error:
            reasons.append(f"TPU {target!r}: {_first_line(error)}")
        else:
            return _connected[target], (*reasons, f"TPU {target!r} connected")
    return None, tuple(reasons)


def _connect(tf: Any, target: str) -> Any:
    if target != LOCAL:
        _check_reachable(target)
    resolver = tf.distribute.cluster_resolver.TPUClusterResolver.connect(target)
    return tf.distribute.TPUStrategy(resolver)


def _targets(is_required: bool) -> tuple[list[str], list[str]]:
    """Returns the names to try in order, and why some are not tried."""
    targets = []
    if name := os.environ.get("TPU_NAME"):
        targets.append(name)
    if address := os.environ.get("COLAB_TPU_ADDR"):
        targets.append(address if address.startswith(GRPC) else GRPC + address)
    signs = _local_files()
    if worker := os.environ.get("TPU_WORKER_ID"):
        signs += (f"TPU_WORKER_ID={worker}",)
    if LOCAL in targets:
        return targets, []
    # libtpu without tensorflow-tpu: a TPU VM image with a TensorFlow of its own.
    can_use = has_tensorflow_tpu() or optional.is_installed("libtpu")
    if is_required or (signs and can_use):
        return [*targets, LOCAL], []
    if signs:
        return targets, [
            f"signs of a TPU ({', '.join(signs)}), but this TensorFlow cannot use it; "
            'use KERAS_BACKEND=jax after: pip install "kerastpu[tpu]"'
        ]
    return targets, [] if targets else ["no sign of a TPU"]


def _check_reachable(target: str) -> None:
    """Asks for an answer within `PROBE_SECONDS`; TensorFlow itself may wait forever.

    A name is looked up through Google Cloud's metadata server, as TensorFlow does it;
    an address has to accept a TCP connection.

    Raises:
        OSError, ValueError, http.client.HTTPException: nothing there answers.
    """
    if target.startswith(GRPC):
        address = target.removeprefix(GRPC).split(",")[0]
        host, _, port = address.partition(":")
        _within(
            PROBE_SECONDS,
            lambda: socket.create_connection(
                (host, int(port or GRPC_PORT)), timeout=PROBE_SECONDS
            ).close(),
        )
        return
    variables = (os.environ.get(f"GCE_METADATA_{name}") for name in ("HOST", "IP"))
    server = next(filter(None, variables), "metadata.google.internal")
    request = urllib.request.Request(
        f"http://{server}/computeMetadata/v1/",
        headers={"Metadata-Flavor": "Google"},
    )
    _within(
        PROBE_SECONDS,
        lambda: urllib.request.urlopen(request, timeout=PROBE_SECONDS).close(),
    )


def _within(seconds: float, call: Callable[[], None]) -> None:
    """Runs `call` in a thread to leave behind: name look-ups have no time-out."""
    outcome: queue.SimpleQueue[Exception | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            call()
        except (OSError, ValueError, http.client.HTTPException) as error:
            outcome.put(error)
        else:
            outcome.put(None)

    threading.Thread(target=work, daemon=True).start()
    try:
        error = outcome.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"no answer within {seconds:.0f} s") from None
    if error is not None:
        raise error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or ["no message"]
    return f"{type(error).__name__}: {textwrap.shorten(lines[0], MESSAGE_LENGTH)}"
