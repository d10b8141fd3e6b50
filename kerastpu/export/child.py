"""The export in a process of its own, where this one cannot do it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import kerastpu
from kerastpu.errors import KerastpuError, UsageError
from kerastpu.export.result import ExportError, ExportResult


def is_needed() -> bool:
    """Whether Keras runs on another backend than TensorFlow here, or on no CPU.

    tf2onnx, SavedModel and LiteRT read TensorFlow's graphs, and a GPU rounds otherwise
    than the CPU that the exports are compared on.
    """
    if not {"keras", "tensorflow"} & set(sys.modules):
        return False
    import keras

    if keras.backend.backend() != "tensorflow":
        return True
    import tensorflow as tf

    return any(tf.config.get_visible_devices(kind) for kind in ("GPU", "TPU"))


def export(
    source: Path,
    out_dir: Path,
    formats: Sequence[str],
    precisions: Sequence[str],
    data: str | None,
    keep_batch_norm: bool,
) -> ExportResult:
    """Does what `kerastpu.export.export` does, by the command.

    Args, returns, raises: see there.
    """
    command = [sys.executable, "-m", "kerastpu", "export", str(source), "--json"]
    command += ["--to", ",".join(formats), "--precision", ",".join(precisions)]
    command += ["--out", str(out_dir), *(["--data", data] if data else [])]
    command += ["--keep-batch-norm"] if keep_batch_norm else []
    root = str(Path(kerastpu.__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",
        "PYTHONPATH": os.pathsep.join(paths),
    }
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True
    )
    if done.stdout.strip():
        result = ExportResult.from_dict(json.loads(done.stdout))
        if result.problems:
            raise ExportError(result)
        return result
    words = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
    message = words.removeprefix("kerastpu: error: ")
    raise (UsageError if done.returncode == 2 else KerastpuError)(message)
