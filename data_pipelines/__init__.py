"""Image data from any source to checked shards and batches; see `prepare`.

Names are loaded when first used: importing the package loads neither TensorFlow nor
Pillow.
"""

import importlib
from typing import Any

_MODULES = {
    "arrays": ("as_arrays", "center_images", "read_encoded", "read_images"),
    "augment": ("Augment",),
    "batches": ("TrainBatches", "ViewBatches"),
    "class_order": ("align_classes",),
    "errors": ("DataError",),
    "inspection.inspect": ("Inspection", "inspect"),
    "pipeline": ("make_eval", "make_predict", "make_train", "make_view"),
    "shards.manifest": ("Manifest", "load_manifest"),
    "shards.splits": ("Fractions",),
    "shards.verify": ("verify", "verify_shards"),
    "shards.writer": ("prepare",),
    "sources.cloud": ("fetch", "is_remote"),
    "sources.csv_source": ("from_csv",),
    "sources.folders": ("cache_dir", "data_dir"),
    "sources.named": ("list_named", "load", "names"),
    "sources.npz": ("from_npz",),
    "sources.registry": ("open_source", "probe"),
    "sources.rendered": ("from_rendered",),
    "sources.source": (
        "ArrayData",
        "Example",
        "Source",
        "fingerprint",
        "from_arrays",
        "from_folder",
    ),
    "sources.tfds_source": ("from_tfds",),
    "sources.tfrec_files": ("holds_records",),
    "sources.tfrec_source": ("from_tfrecords", "read_unlabeled"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
