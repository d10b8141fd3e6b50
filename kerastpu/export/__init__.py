"""Exports for other runtimes, each run by its own and compared with the model.

Keras and TensorFlow are imported when something is exported.
"""

from kerastpu.export.exporting import export
from kerastpu.export.parity import Check, Score
from kerastpu.export.result import ExportError, ExportResult, Reference
from kerastpu.export.targets import FORMATS, PRECISIONS

__all__ = [
    "FORMATS",
    "PRECISIONS",
    "Check",
    "ExportError",
    "ExportResult",
    "Reference",
    "Score",
    "export",
]
