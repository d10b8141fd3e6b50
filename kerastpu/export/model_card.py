"""model_card.md: what a model is, what it can do, and what is not known of it.

The headings follow Mitchell et al., 2019, "Model Cards for Model Reporting",
arXiv:1810.03993.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from kerastpu import evaluation, presets, run_records, runs
from kerastpu.config import Config
from kerastpu.data_text import printable
from kerastpu.export import licences, report
from kerastpu.export.licences import NOT_KNOWN
from kerastpu.export.report import cell
from kerastpu.export.result import ExportResult

_FEW = 30  # test images of a class


def write(result: ExportResult, run: runs.RunResult | None) -> str:
    """Returns the card in Markdown.

    Args:
        result: The exports.
        run: What trained the model; None for a .keras file alone, of which little is
            known.
    """
    parts = [_intended(result, run), _exports(result)]
    if run is None:
        parts[:0] = [_file(result)]
    else:
        parts[:0] = [_training(run), _data(run), _metrics(run)]
    parts.append(_licences(run))
    parts.append(_versions(result, run))
    name, preset = result.model["model"], result.model["preset"]
    title = f"{name} ({preset})" if preset else name
    lines = [f"# {cell(title)}", "", _what(result)]
    for part in parts:
        lines += ["", *part]
    return printable("\n".join(lines) + "\n")


def _what(result: ExportResult) -> str:
    names = result.model["class_names"]
    return (
        f"A classifier of images into {len(names)} classes: "
        f"{', '.join(map(cell, names))}. {result.source['parameters']:,} parameters. "
        f"Input: {result.model['preprocessing']}. Output: a probability of each class."
    )


def _file(result: ExportResult) -> Iterator[str]:
    yield "## Training"
    yield ""
    yield (
        f"{NOT_KNOWN.capitalize()}: all there was is the file "
        f"`{result.source['path']}`. Neither the data nor the recipe are on record."
    )


def _training(run: runs.RunResult) -> Iterator[str]:
    record, config = run_records.read(run.workdir), run.config
    changed = ", ".join(f"{k}={v}" for k, v in run_records.changes(record).items())
    finished = datetime.fromtimestamp((run.workdir / runs.RESULT).stat().st_mtime, UTC)
    yield "## Training"
    yield ""
    yield f"* Date: {finished:%Y-%m-%d}"
    yield f"* Preset: {_preset(config)}"
    yield f"* Settings other than the preset's: {cell(changed) or 'none'}"
    yield (
        f"* Network: {config.model.name}, {config.input.image_size} x "
        f"{config.input.image_size} pixels, {config.input.color}; first weights: "
        f"{cell(str(config.model.weights or 'random'))}"
    )
    yield (
        f"* {config.training.mode}: {record.num_epochs} epochs, of which the best, "
        f"{record.best_epoch}, was kept; batches of {config.training.batch_size}; seed "
        f"{config.seed}"
    )
    yield (
        f"* Optimizer: {config.optimizer.name}, learning rate "
        f"{config.optimizer.learning_rate:g}, schedule {config.schedule.name}; loss: "
        f"{config.loss.name}, label smoothing {config.loss.label_smoothing:g}"
    )
    result = run.result
    yield f"* Ran on: {cell(result['accelerator']['summary'])}"
    yield f"* Took: {result['seconds']['total']:.0f} s"
    yield f"* Command: `{' '.join(record.environment['command'])}`"


def _preset(config: Config) -> str:
    if config.preset not in presets.PRESETS:
        return cell(config.preset)
    return f"{config.preset}: {cell(presets.describe(config.preset)[0])}"


def _data(run: runs.RunResult) -> Iterator[str]:
    data, inputs = run.result["data"], run.config.input
    counts = ", ".join(f"{split} {n:,}" for split, n in data["counts"].items())
    origin = "drawn by code, not photos" if data["is_synthetic"] else "real images"
    yield "## Data"
    yield ""
    yield f"* {cell(data['name'])} ({origin}): {counts}"
    yield (
        "* Split: the source's own where it has one, else by the content of each file, "
        f"{inputs.test_fraction:.0%} test and {inputs.validation_fraction:.0%} "
        "validation; training never saw the test images"
    )
    yield f"* Content, SHA-256: `{data['content_sha256']}`"
    yield f"* Fingerprint of the source: `{data['fingerprint']}`"
    yield (
        f"* {data['duplicates']} images occur more than once, {len(data['skipped'])} "
        "files were left out"
    )
    yield from (f"* {cell(note)}" for note in (*data["notes"], *data["split_notes"]))
    yield ""
    yield "| class | training | validation | test |"
    yield "| --- | --- | --- | --- |"
    columns = zip(*data["class_counts"].values(), strict=True)
    for name, numbers in zip(data["class_names"], columns, strict=True):
        yield f"| {cell(name)} | {' | '.join(f'{n:,}' for n in numbers)} |"


def _metrics(run: runs.RunResult) -> Iterator[str]:
    test = run.result["test"]
    confusion = test["confusion"]
    low, high = test["interval"]
    yield "## Metrics"
    yield ""
    yield (
        f"On {test['count']:,} test images: {test['accuracy']:.1%} right, 95 % Wilson "
        f"interval {low:.1%} to {high:.1%}; macro F1 {test['macro_f1']:.3f}; loss "
        f"{test['loss']:.3f} nats. By class, with 95 % intervals:"
    )
    yield ""
    yield "| class | images | precision | recall | F1 |"
    yield "| --- | --- | --- | --- | --- |"
    for index, one in enumerate(test["classes"]):
        hits = confusion[index][index]
        called = sum(row[index] for row in confusion)
        f1 = "-" if one["f1"] is None else f"{one['f1']:.3f}"
        yield (
            f"| {cell(one['name'])} | {one['count']:,} | {_share(hits, called)} | "
            f"{_share(hits, one['count'])} | {f1} |"
        )


def _share(hits: int, count: int) -> str:
    if not count:
        return "-"
    low, high = evaluation.wilson_interval(hits, count)
    return f"{hits / count:.3f} ({low:.3f} to {high:.3f})"


def _intended(result: ExportResult, run: runs.RunResult | None) -> Iterator[str]:
    yield "## Intended use and limits"
    yield ""
    yield (
        "* For images like those that it was trained and tested on. How it does on "
        "others, from another camera or another place, was not measured."
    )
    yield (
        "* It always answers with one of its classes, also where an image shows none "
        "of them; a high probability is no proof that it shows one."
    )
    yield (
        "* It sees the centered crop of an image: what lies outside is not looked at."
    )
    yield from _limits(run) if run else ()
    yield "* Not for decisions about people's health, safety or rights."


def _limits(run: runs.RunResult) -> Iterator[str]:
    """Yields what follows from the run's data."""
    if run.result["data"]["is_synthetic"]:
        yield "* It was trained on drawings: nothing is known of photos."
    few = [
        cell(one["name"])
        for one in run.result["test"]["classes"]
        if one["count"] < _FEW
    ]
    if few:
        yield (
            f"* Fewer than {_FEW} test images, so that little is known of them: "
            f"{', '.join(few)}."
        )


def _exports(result: ExportResult) -> Iterator[str]:
    yield "## Exports"
    yield ""
    yield f"Each was run in its own runtime on {cell(result.images['description'])}."
    yield ""
    yield from report.table(result)
    yield ""
    yield from (f"* {line}" for line in report.explanations(result))


def _licences(run: runs.RunResult | None) -> Iterator[str]:
    yield "## Licences"
    yield ""
    yield f"* First weights: {cell(licences.of_weights(run))}"
    yield f"* Data: {cell(licences.of_data(run))}"
    yield "* This model: for whoever trained it to say, within these."


def _versions(result: ExportResult, run: runs.RunResult | None) -> Iterator[str]:
    yield "## Versions"
    yield ""
    if run is not None:
        yield f"* Trained with {_packages(run_records.read(run.workdir).environment)}"
    yield (f"* Exported on {result.created[:10]} with {_packages(result.environment)}")
    yield f"* Model file, SHA-256: `{result.source['sha256']}`"


def _packages(environment: dict[str, Any]) -> str:
    packages = {"kerastpu": environment["kerastpu"], "Python": environment["python"]}
    packages |= environment["packages"]
    return ", ".join(f"{k} {v}" for k, v in packages.items() if v is not None)
