"""Image data from any source to checked shards and batches; see `prepare`.

Names are loaded when first used: importing the package loads neither TensorFlow nor
Pillow.
"""

import importlib
from typing import Any

# At once, and cheap: the first import of the module `verify` would otherwise put the
# module in the place of the function.
from data_pipelines.verify import verify

_MODULES = {
    "arrays": ("as_arrays", "center_images", "read_encoded", "read_images"),
    "augment": ("Augment",),
    "batches": ("TrainBatches", "ViewBatches"),
    "class_order": ("align_classes",),
    "cloud": ("fetch", "is_remote"),
    "csv_source": ("from_csv",),
    "errors": ("DataError",),
    "folders": ("cache_dir", "data_dir"),
    "inspection": ("Inspection", "inspect"),
    "manifest": ("Manifest", "load_manifest"),
    "named": ("list_named", "load", "names"),
    "npz": ("from_npz",),
    "pipeline": ("make_eval", "make_predict", "make_train", "make_view"),
    "registry": ("open_source", "probe"),
    "rendered": ("from_rendered",),
    "sources": (
        "ArrayData",
        "Example",
        "Source",
        "fingerprint",
        "from_arrays",
        "from_folder",
    ),
    "splits": ("Fractions",),
    "tfds_source": ("from_tfds",),
    "tfrec_files": ("holds_records",),
    "tfrec_source": ("from_tfrecords", "read_unlabeled"),
    "writer": ("prepare",),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = ["verify", *_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_HOMES[name]}")
    return getattr(module, name)


def __dir__() -> list[str]:
    return sorted(__all__)
