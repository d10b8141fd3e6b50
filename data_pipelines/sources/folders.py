"""The folders of this machine where data sets lie and what was made of them is kept."""

import os
from pathlib import Path


def cache_dir() -> Path:
    """Returns where things made or fetched once are kept: $KERASTPU_CACHE or default.

    The default is $XDG_CACHE_HOME/kerastpu, or ~/.cache/kerastpu.
    """
    named = os.environ.get("KERASTPU_CACHE")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "kerastpu"


def data_dir() -> Path | None:
    """Returns $KERASTPU_DATA, the user's folder of data sets, or None if not set."""
    named = os.environ.get("KERASTPU_DATA")
    return Path(named).expanduser() if named else None


def system_data_dir() -> Path:
    """Returns where Debian's packages dataset-* put what they hold."""
    return Path("/usr/share/datasets")


def keras_dir() -> Path:
    """Returns where Keras keeps what it downloads: $KERAS_HOME, or ~/.keras."""
    return Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
