"""`kerastpu data verify FOLDER`: are shards whole, and what their manifest says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from kerastpu.cli import parsing
from kerastpu.errors import UsageError


@dataclass(frozen=True)
class VerifyArguments:
    """Checks shards: framing, checksums, schema, labels, image sizes, counts, hashes.

    Files of TFRecords without a manifest are checked for framing and checksums only.
    """

    folder: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """A folder of shards; or a .tfrec file, a folder or a quoted pattern of them, also
    at gs://..."""
    decode: bool = False
    """Decode every image too, which takes as long as an epoch of reading."""
    json: bool = False
    """Print one JSON object."""


def run(arguments: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    parsed = parsing.parse(VerifyArguments, arguments, "data verify")
    from data_pipelines.shards.manifest import MANIFEST_FILE

    folder = _fetch(parsed.folder)
    if (Path(folder) / MANIFEST_FILE).is_file():
        facts, text = _verify_ours(folder, parsed.decode)
    elif parsed.decode:
        raise UsageError(
            f"{folder}: has no {MANIFEST_FILE}; --decode is for our own shards"
        )
    else:
        facts, text = _verify_foreign(folder)
    print(json.dumps({**facts, "ok": True}, indent=2) if parsed.json else f"{text}\nok")
    return 0


def _fetch(folder: str) -> str | Path:
    """Returns where the files are on this machine, once they are."""
    from data_pipelines.sources import cloud
    from data_pipelines.sources.folders import cache_dir
    from kerastpu.progress import progress

    if not cloud.is_remote(folder):
        return folder
    with progress("fetch files") as update:
        return cloud.fetch(folder, cache_dir(), progress=update)


def _verify_ours(folder: str | Path, decode: bool) -> tuple[dict[str, Any], str]:
    from data_pipelines.shards.verify import verify
    from kerastpu import data_text

    manifest = verify(folder, decode=decode)
    return data_text.manifest_facts(manifest), data_text.of_splits(manifest)


def _verify_foreign(pattern: str | Path) -> tuple[dict[str, Any], str]:
    from data_pipelines.shards.verify import verify_shards
    from data_pipelines.sources.tfrec_files import find_record_files

    counts = verify_shards(file.path for file in find_record_files(pattern))
    facts = {"manifest": None, "counts": {str(p): n for p, n in counts.items()}}
    lines = [f"{path}: {count:,} records" for path, count in counts.items()]
    return facts, "\n".join([*lines, "no manifest: framing and checksums only"])
