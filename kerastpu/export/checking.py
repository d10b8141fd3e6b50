"""Makes each export, runs it where it is to run, and judges what comes out."""

from __future__ import annotations

import dataclasses
import hashlib
import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from kerastpu.errors import KerastpuError, UsageError
from kerastpu.export import parity, runtimes
from kerastpu.export.making import Maker
from kerastpu.export.parity import Check
from kerastpu.export.result import ExportResult, Reference
from kerastpu.export.subject import Subject
from kerastpu.export.targets import MIN_AGREEMENT, Target
from kerastpu.progress import progress

LOG = logging.getLogger("kerastpu")

_SUM_TOLERANCE = 1e-3  # of the probabilities of an image, around 1
# Share of the heavy operators that must take int8 data. Not all: those whose inputs are
# both computed, as in attention, may stay in float.
_LEAST_INT8 = 0.9


def make_and_check(
    maker: Maker, chosen: Iterable[Target], folder: Path
) -> ExportResult:
    """Makes and checks all exports.

    Args:
        maker: Has the model and the images.
        chosen: What to make.
        folder: Where the exports will be.

    Raises:
        UsageError: the model's outputs are no probabilities.
        DataError: the images cannot be read.
    """
    subject, images = maker.subject, maker.images
    wanted = _reference(maker)
    checks = []
    for target in chosen:
        check = _make_and_check_one(maker, target, wanted)
        LOG.info("%s: %s", check.file, check.problem or "agrees with the model")
        checks.append(check)
    model = subject.metadata(images.class_names, "float32").to_dict()
    del model["precision"]
    return ExportResult(
        folder=folder,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        source=_source(subject),
        model=model,
        images={
            "description": images.description,
            "count": len(wanted),
            "is_random": images.labels is None,
            "data": images.facts,
        },
        reference=Reference(
            runtimes.describe("keras"), parity.score(wanted, images.labels)
        ),
        checks=tuple(checks),
        environment=runtimes.environment(),
    )


def _source(subject: Subject) -> dict[str, Any]:
    with subject.path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "path": str(subject.path),
        "sha256": digest,
        "num_bytes": subject.path.stat().st_size,
        "parameters": subject.model.count_params(),
        "policy": subject.policy,
    }


def _reference(maker: Maker) -> np.ndarray:
    """Returns what the model itself says of all images, float32 (N, classes).

    Raises:
        UsageError: its outputs are no probabilities.
    """
    from kerastpu.features import keras_engine

    subject = maker.subject
    call = keras_engine.start(subject.model, "uint8").call
    batches = _shown(maker, "the model")
    wanted = parity.run(call, batches, subject.num_classes)
    sums = wanted.sum(axis=1)
    if not np.abs(sums - 1).max() <= _SUM_TOLERANCE or wanted.min() < 0:
        raise UsageError(
            f"{subject.path}: the outputs must be probabilities, which sum to 1; for "
            f"the first image they sum to {sums[0]:.3g}"
        )
    return wanted


def _make_and_check_one(maker: Maker, target: Target, wanted: np.ndarray) -> Check:
    check = Check(
        format=target.format,
        precision=target.precision,
        file=target.file,
        runtime=runtimes.describe(target.format),
        needed=MIN_AGREEMENT[target.precision],
    )
    try:
        path = maker.make(target)
        int8 = maker.count_int8(target)
        with runtimes.opened(target.format, path) as call:
            batches = _shown(maker, target.file)
            found = parity.run(call, batches, wanted.shape[1])
            times = parity.latencies(call, next(iter(maker.images.batches())))
    except KerastpuError as error:
        return dataclasses.replace(check, problem=str(error))
    values = parity.compare(target, found, wanted)
    if int8 is not None and int8[0] < _LEAST_INT8 * int8[1]:
        values["problem"] = (
            f"{int8[0]} of its {int8[1]} convolutions and dense layers are int8; "
            f"{_LEAST_INT8:.0%} are needed"
        )
    return dataclasses.replace(
        check,
        num_bytes=_size(path),
        score=parity.score(found, maker.images.labels),
        latency_ms=times,
        int8=int8,
        **values,
    )


def _shown(maker: Maker, name: str) -> Iterator[np.ndarray]:
    """Yields all images, telling how far it has come."""
    images = maker.images
    with progress(f"run {name}", "images") as update:
        done = 0
        for batch in images.batches():
            yield batch
            done += len(batch)
            update(done, images.count)


def _size(path: Path) -> int:
    """Returns the bytes of a file, or of all files of a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
