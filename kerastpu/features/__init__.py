"""Runs a frozen network once over images and keeps what comes out.

Keras is imported when something runs, so that its backend can still be chosen.
"""

from kerastpu.features.extraction import BATCH_SIZE, Runner, extract
from kerastpu.features.keeping import Kept, View, keep, missing
from kerastpu.features.rows import StackedRows, stack
from kerastpu.features.store import FeatureStore, features_root

__all__ = [
    "BATCH_SIZE",
    "FeatureStore",
    "Kept",
    "Runner",
    "StackedRows",
    "View",
    "extract",
    "features_root",
    "keep",
    "missing",
    "stack",
]
