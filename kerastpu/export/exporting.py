"""`export`: from a trained model to checked files for other runtimes."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from kerastpu import backend, runs
from kerastpu.errors import UsageError
from kerastpu.export import (
    checking,
    child,
    images,
    model_card,
    report,
    staging,
    subject,
    targets,
)
from kerastpu.export.making import Maker
from kerastpu.export.result import ExportError, ExportResult

LOG = logging.getLogger("kerastpu")


def export(
    source: str | Path | runs.RunResult,
    out_dir: str | Path | None = None,
    *,
    formats: Sequence[str] = targets.FORMATS,
    precisions: Sequence[str] = ("float32",),
    data: str | None = None,
    keep_batch_norm: bool = False,
) -> ExportResult:
    """Exports a classifier, runs each file in its own runtime, compares the answers.

    The work is done by TensorFlow on the CPU: in this process, or, where Keras has been
    loaded on JAX or TensorFlow sees a GPU, in one of its own.

    Args:
        source: A finished run, its folder, or a .keras file.
        out_dir: Where to write; the files of an earlier export there are replaced.
            None = RUN/export, or MODEL_export beside MODEL.keras.
        formats: Out of `targets.FORMATS`.
        precisions: Out of `targets.PRECISIONS`; keras and savedmodel have float32
            alone, litert no float16_compute.
        data: Images to check on and to calibrate int8 with, as `kerastpu train --data`
            takes them. None = what the run was trained on; for a file alone random
            pixels, which give no accuracy and cannot calibrate.
        keep_batch_norm: In ONNX files, leave BatchNorm of maps an operator of its own,
            so that a network which is imported from them trains as the model does. Else
            it is folded into the convolution before, which is faster.

    Returns:
        What was written, and how each export did.

    Raises:
        UsageError: an argument that is not allowed, or no finished run.
        MissingExtraError: a format's package is not installed.
        ExportError: an export could not be made, or does not agree with the model. It
            is not left there; good ones are.
        KerastpuError: the model is missing or damaged, or the folder cannot be made.
        DataError: the images cannot be read.
        OSError: a file cannot be written.
    """
    chosen = targets.choose(formats, precisions)
    if keep_batch_norm and "onnx" not in formats:
        raise UsageError(f"--keep-batch-norm is for onnx; got --to {','.join(formats)}")
    path, run = subject.find(source)
    if "int8" in precisions and run is None and data is None:
        raise UsageError(
            "--precision int8 needs images to calibrate on, and a file alone has none; "
            "name them with --data"
        )
    folder = _default_folder(path, run) if out_dir is None else Path(out_dir)
    if child.is_needed():
        place = run.workdir if run else path
        return child.export(place, folder, formats, precisions, data, keep_batch_norm)
    backend.start("tensorflow")
    backend.hide_accelerators_from_tensorflow()
    model = subject.load(path, run)
    shown = images.find(model, data)
    LOG.info("model: %s, checked on %s", path, shown.description)
    with staging.stage(folder) as place:
        maker = Maker(model, shown, place, keep_batch_norm)
        result = checking.make_and_check(maker, chosen, folder)
        names = _write_papers(result, run, place)
        staging.publish(place, folder, names)
    if result.problems:
        raise ExportError(result)
    return result


def _default_folder(path: Path, run: runs.RunResult | None) -> Path:
    return run.workdir / "export" if run else path.with_name(f"{path.stem}_export")


def _write_papers(
    result: ExportResult, run: runs.RunResult | None, place: Path
) -> list[str]:
    """Writes what goes with the good exports; returns the names of all of them."""
    good = [check.file for check in result.checks if not check.problem]
    runs.write_json(place / staging.REPORT, result.to_dict())
    table, card = report.of_markdown(result), model_card.write(result, run)
    (place / staging.TABLE).write_text(table, encoding="utf-8")
    (place / staging.CARD).write_text(card, encoding="utf-8")
    scripts = []
    if any(file.endswith(".onnx") for file in good):
        script = Path(__file__).with_name(staging.SCRIPT)
        shutil.copyfile(script, place / staging.SCRIPT)
        scripts.append(staging.SCRIPT)
    return [*good, staging.TABLE, staging.CARD, *scripts]
